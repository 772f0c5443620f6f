"""The books: wallets, transfers, price segments. Amounts are micro-units."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from capsul.models import LedgerEntry, Segment
from db.database import Connection
from db.rows import many, one
from db.sql import read_queries

_SQL = read_queries("billing")


@dataclass(frozen=True)
class Funds:
    """What an account has, and what of it is used up already."""

    balance: int
    gift: int
    currency: str
    accrued: int
    now: datetime


@dataclass(frozen=True)
class Posting:
    """One transfer to be made.

    `least_after` is what the debited wallet must hold afterwards; None lets it go below zero.
    """

    key: str
    debit: str
    credit: str
    amount: int
    kind: str
    reference: str = ""
    note: str = ""
    least_after: int | None = None
    reverses: int | None = None


async def funds(connection: Connection, account_id: UUID) -> Funds:
    found = await one(connection, Funds, _SQL["balance"], account_id)
    assert found is not None  # noqa: S101 - an aggregate without GROUP BY returns a row
    return found


async def open_segments(connection: Connection, account_id: UUID) -> list[Segment]:
    return await many(connection, Segment, _SQL["open_segments"], account_id)


async def committed_burn(connection: Connection, account_id: UUID) -> int:
    """Micro-units a month."""
    burn: int = await connection.fetchval(_SQL["committed_burn"], account_id)
    return burn


async def take_turns(connection: Connection, account_id: UUID) -> None:
    """Requests that spend of one account wait here for each other, until the transaction ends."""
    await connection.execute(_SQL["take_turns"], account_id)


async def entries(
    connection: Connection, account_id: UUID, since: datetime | None, limit: int, before: int | None = None
) -> list[LedgerEntry]:
    """Newest first; only those with an id below `before`, when it is given."""
    return await many(connection, LedgerEntry, _SQL["entries"], account_id, since, limit, before)


async def entry(connection: Connection, account_id: UUID, transfer_id: int) -> LedgerEntry:
    """One transfer of the account, which must exist."""
    [found] = await entries(connection, account_id, None, 1, transfer_id + 1)
    return found


async def post(connection: Connection, posting: Posting, event_at: datetime) -> int:
    """The transfer's id; the first one's if the key was used before for the same.

    Raises:
        Conflict: the key was used for another request.
        NotEnoughCredit: the wallet would hold less than least_after.
    """
    transfer_id: int = await connection.fetchval(
        _SQL["post"],
        posting.key,
        posting.debit,
        posting.credit,
        posting.amount,
        posting.kind,
        posting.reference,
        posting.note,
        event_at,
        posting.least_after,
        posting.reverses,
    )
    return transfer_id


async def broken_invariants(connection: Connection) -> list[str]:
    """One sentence for each thing that must hold and does not."""
    return [row["broken"] for row in await connection.fetch(_SQL["broken_invariants"])]


def wallet(account_id: UUID, kind: str) -> str:
    """The ledger code of a wallet: kind is paid or gift."""
    return f"wallet:{account_id}:{kind}"
