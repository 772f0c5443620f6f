"""Topups: money on its way in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from capsul.models import PaymentPage, Topup, TopupState
from db.database import Connection
from db.rows import many, one
from db.sql import read_queries

_SQL = read_queries("topups")


@dataclass(frozen=True)
class Claim:
    """The right to converge a topup, until somebody else claims it."""

    id: str
    account_id: UUID
    provider: str
    amount: int
    credited: int
    postings: int
    sync_wanted: int
    state: TopupState
    fence: int


Trouble = Literal["credited for nothing", "owed", "news", "unconfirmed"]


@dataclass(frozen=True)
class InTrouble:
    """A topup that does not come right by itself."""

    topup: Topup
    email: str
    what: Trouble
    since: datetime


def _in_trouble(*, email: str, what: Trouble, since: datetime, **topup: Any) -> InTrouble:
    return InTrouble(Topup(**topup), email, what, since)


async def by_id(connection: Connection, topup_id: str) -> Topup | None:
    return await one(connection, Topup, _SQL["by_id"], topup_id)


async def of_account(connection: Connection, account_id: UUID, since: datetime | None, limit: int) -> list[Topup]:
    """Newest first."""
    return await many(connection, Topup, _SQL["of_account"], account_id, since, limit)


async def in_trouble(connection: Connection, limit: int) -> list[InTrouble]:
    """Everybody's, what has waited longest first; twice where two things are wrong with one."""
    return await many(connection, _in_trouble, _SQL["in_trouble"], limit)


async def by_idempotency_key(connection: Connection, account_id: UUID, key: str) -> tuple[str, bytes] | None:
    """The id and the request hash of the topup that used the key."""
    row = await connection.fetchrow(_SQL["by_idempotency_key"], account_id, key)
    return None if row is None else (row["id"], row["request_hash"])


async def insert(
    connection: Connection,
    account_id: UUID,
    provider: str,
    amount: int,
    idempotency_key: str | None,
    request_hash: bytes,
) -> Topup:
    """Raises Conflict when the idempotency key is used at this moment by somebody else."""
    topup = await one(connection, Topup, _SQL["insert"], account_id, provider, amount, idempotency_key, request_hash)
    assert topup is not None  # noqa: S101 - INSERT … RETURNING returns its row
    return topup


async def by_link(connection: Connection, link: str) -> PaymentPage | None:
    return await one(connection, PaymentPage, _SQL["by_link"], link)


async def press_sandbox(connection: Connection, link: str, state: str) -> bool:
    """Changes the sandbox provider's side and says that there is news. False when no sandbox topup has the link."""
    return bool(await connection.fetchval(_SQL["press_sandbox"], link, state))


async def claim(connection: Connection, topup_id: str) -> Claim | None:
    """Outdates every earlier claim."""
    return await one(connection, Claim, _SQL["claim"], topup_id)


async def sandbox_state(connection: Connection, topup_id: str) -> str:
    state: str = await connection.fetchval(_SQL["sandbox_state"], topup_id)
    return state


async def unconfirmed_elsewhere(connection: Connection, claim: Claim) -> int:
    """Micro-units that stand on the wallet for other topups that are not confirmed."""
    total: int = await connection.fetchval(_SQL["unconfirmed_elsewhere"], claim.account_id, claim.id)
    return total


async def inflight(connection: Connection, claim: Claim) -> int:
    """Micro-units of this topup that stand against the provider's inflight account, by the books."""
    held: int = await connection.fetchval(_SQL["inflight"], claim.id, f"{claim.provider}:inflight")
    return held


async def ever_settled(connection: Connection, account_id: UUID) -> int:
    """Micro-units."""
    total: int = await connection.fetchval(_SQL["ever_settled"], account_id)
    return total


async def was_rewound(connection: Connection, account_id: UUID) -> bool:
    """Whether unconfirmed money of this account ever turned out to be none."""
    return bool(await connection.fetchval(_SQL["rewound"], account_id))


async def converged(
    connection: Connection, claim: Claim, state: TopupState, credited: int, postings: int
) -> bool | None:
    """Whether there is news again; None when the claim is outdated, and everything with it must be rolled back."""
    more: bool | None = await connection.fetchval(
        _SQL["converged"], claim.id, claim.fence, state, credited, postings, claim.sync_wanted
    )
    return more


async def with_news(connection: Connection) -> list[str]:
    """Topups that somebody has news of, and that nobody has looked at since."""
    return [row["id"] for row in await connection.fetch(_SQL["with_news"])]


async def enqueue(connection: Connection, topup_id: str) -> None:
    """One job at a time for each: more are ignored."""
    await connection.execute(_SQL["enqueue"], topup_id)
