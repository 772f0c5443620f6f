"""What operators do: look everywhere, give credit, lock, retry, announce, and check the books."""

import uuid
from datetime import datetime, timedelta
from uuid import UUID

from capsul.config import Settings
from capsul.errors import BadState, NotFound, RuleBroken
from capsul.models import (
    AccountDetails,
    AccountSummary,
    Announcement,
    AuditEntry,
    Board,
    Caller,
    Capsul,
    Host,
    LedgerEntry,
    Operation,
    OperationState,
    TopupTrouble,
)
from db import accounts, billing, capsuls, keys, operations, overview, topups
from db.billing import Posting
from db.database import Connection, Database
from db.topups import InTrouble, Trouble
from services.access import as_operator
from services.audit import note_operator
from services.billing import balance_of
from services.capsuls import UNDER_WAY, is_wanted_work

_NEWEST = 20
"""How much of an account's past its details begin with."""
_FEW = 5
"""Of what failed of late, on the board."""
_MOST_TROUBLE = 100

_TROUBLES: dict[Trouble, tuple[str, str]] = {
    "news": (
        "There is news of it, and for over 5 minutes the provider could not be asked.",
        "Look whether the worker runs and the provider answers: it is asked again by itself.",
    ),
    "unconfirmed": (
        "It has been unconfirmed for over 2 hours.",
        "Look it up at the provider. What was credited for it is taken back by itself once it is given up there.",
    ),
    "owed": (
        "It was taken back after its credit had been spent: the account owes.",
        "Write to the member: the next topup is what settles it.",
    ),
    "credited for nothing": (
        "Nothing came of it, and yet credit stands on the account for it.",
        "Check the books (admin ledger verify), and tell whoever looks after this program.",
    ),
}
"""What is wrong with a topup, and what a person can do about it."""


class Operators:
    """Every method needs an operator's key, and raises NotPermitted without."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._lasts = timedelta(seconds=settings.operation_seconds)

    async def board(self, caller: Caller) -> Board:
        """The installation at a glance, all of one moment."""
        async with as_operator(self._database, caller) as connection:
            yesterday = await accounts.now(connection) - timedelta(hours=24)
            return Board(
                numbers=await overview.numbers(connection),
                hosts=tuple(await capsuls.hosts(connection)),
                failures=tuple(await operations.recent(connection, None, yesterday, "failed", _FEW)),
                topups=tuple(_explain(found) for found in await topups.in_trouble(connection, _MOST_TROUBLE)),
                announcements=tuple(await accounts.announcements(connection)),
            )

    async def hosts(self, caller: Caller) -> list[Host]:
        """With what they have and what of it is promised."""
        async with as_operator(self._database, caller) as connection:
            return await capsuls.hosts(connection)

    async def accounts(self, caller: Caller, search: str = "", limit: int = 100) -> list[AccountSummary]:
        """Newest first; `search` is a part of an address or of an id."""
        async with as_operator(self._database, caller) as connection:
            return await accounts.search(connection, search, limit)

    async def account(self, caller: Caller, reference: str) -> AccountDetails:
        """All about one, named by an address or an id. Raises NotFound."""
        async with as_operator(self._database, caller) as connection:
            account_id = await _find(connection, reference)
            return AccountDetails(
                summary=await accounts.summary(connection, account_id),
                keys=tuple(await keys.of_account(connection, account_id)),
                capsuls=tuple(await capsuls.of_account(connection, account_id)),
                balance=await balance_of(connection, account_id),
                entries=tuple(await billing.entries(connection, account_id, None, _NEWEST)),
                operations=tuple(await operations.recent(connection, account_id, limit=_NEWEST)),
                audit=tuple(await accounts.audit_of(connection, account_id, None, _NEWEST)),
            )

    async def capsuls(self, caller: Caller, since: datetime | None = None, limit: int = 100) -> list[Capsul]:
        """Everybody's that have not ended, oldest first."""
        async with as_operator(self._database, caller) as connection:
            return await capsuls.of_account(connection, None, since=since, limit=limit)

    async def operations(
        self, caller: Caller, state: OperationState | None = None, since: datetime | None = None, limit: int = 100
    ) -> list[Operation]:
        """Everybody's, newest first."""
        async with as_operator(self._database, caller) as connection:
            return await operations.recent(connection, None, since, state, limit)

    async def operation(self, caller: Caller, operation_id: str) -> Operation:
        """Anybody's, with its steps. Raises NotFound."""
        async with as_operator(self._database, caller) as connection:
            return await _operation(connection, operation_id)

    async def retry(self, caller: Caller, operation_id: str) -> Operation:
        """Asks for the same once more, of the capsul as it is now; returns the new operation.

        Raises:
            NotFound: no such operation.
            BadState: it has not failed, it makes no sense any more, or it is a create, whose room was given back.
            Busy: another operation on the capsul is under way.
        """
        async with as_operator(self._database, caller) as connection:
            failed = await _operation(connection, operation_id)
            if failed.kind == "create":
                raise BadState("A failed create is not tried again: its room was given back. Create anew.")
            if failed.state != "failed":
                raise BadState(f"The operation is {failed.state}: only a failed one can be tried again.")
            again = await self._ask_again(connection, caller, failed)
            await note_operator(connection, caller, "operation retried", operation_id, account_id=failed.account_id)
            return again

    async def _ask_again(self, connection: Connection, caller: Caller, failed: Operation) -> Operation:
        await capsuls.lock(connection, failed.capsul_id)
        capsul = await capsuls.by_reference(connection, failed.account_id, failed.capsul_id)
        if capsul is None or not is_wanted_work(capsul, failed.kind):
            raise BadState("What was asked for is so already.")
        await capsuls.change_state(connection, capsul.id, *UNDER_WAY[failed.kind])
        operation_id = await operations.insert(
            connection,
            failed.account_id,
            capsul.id,
            failed.kind,
            None,
            b"",
            caller.fingerprint,
            caller.session_id,
            self._lasts,
        )
        again = await operations.by_id(connection, operation_id)
        assert again is not None  # noqa: S101 - written in the same transaction
        return again

    async def credit(
        self, caller: Caller, account: str, amount: int, reason: str, idempotency_key: str | None = None
    ) -> LedgerEntry:
        """Gives `amount` micro-units to an account's gift wallet. The account is named by an address or an id.

        Raises:
            NotFound: no such account.
            RuleBroken: no reason is given.
            Conflict: the idempotency key was used for another request.
        """
        if not reason.strip():
            raise RuleBroken("Say why: the member sees the reason in the ledger.")
        async with as_operator(self._database, caller) as connection:
            account_id = await _find(connection, account)
            posting = Posting(
                key=f"grant:{idempotency_key or uuid.uuid4()}",
                debit="promo",
                credit=billing.wallet(account_id, "gift"),
                amount=amount,
                kind="gift",
                note=reason,
            )
            now = await accounts.now(connection)
            entry = await billing.entry(connection, account_id, await billing.post(connection, posting, now))
            if entry.at == now:
                # Not when the key was used before: then it was written down then.
                await note_operator(connection, caller, "credit given", str(entry.id), reason, account_id)
        return entry

    async def lock(self, caller: Caller, account: str, reason: str) -> None:
        """Nothing but looking is possible with the account until it is unlocked. Raises NotFound."""
        await self._set_state(caller, account, "locked", reason)

    async def unlock(self, caller: Caller, account: str, reason: str) -> None:
        """Raises NotFound."""
        await self._set_state(caller, account, "active", reason)

    async def announce(self, caller: Caller, text: str) -> Announcement:
        """To everybody. Raises RuleBroken for a text of none or over 1000 characters."""
        async with as_operator(self._database, caller) as connection:
            announcement = await accounts.announce(connection, text.strip())
            await note_operator(connection, caller, "announced", str(announcement.id))
            return announcement

    async def announcements(self, caller: Caller, limit: int = 100) -> list[Announcement]:
        """Newest first, with those that have ended."""
        async with as_operator(self._database, caller) as connection:
            return await accounts.all_announcements(connection, limit)

    async def end_announcement(self, caller: Caller, announcement_id: int) -> Announcement:
        """Nobody is shown it any more. Raises NotFound when there is none, or it has ended."""
        async with as_operator(self._database, caller) as connection:
            ended = await accounts.end_announcement(connection, announcement_id)
            if ended is None:
                raise NotFound("There is no such announcement that has not ended (see: admin announcements).")
            await note_operator(connection, caller, "announcement ended", str(ended.id))
            return ended

    async def topups_that_need_a_person(self, caller: Caller, limit: int = 100) -> list[TopupTrouble]:
        """What does not come right by itself, the longest first. One in which two things are wrong is there twice."""
        async with as_operator(self._database, caller) as connection:
            return [_explain(found) for found in await topups.in_trouble(connection, limit)]

    async def audit(
        self, caller: Caller, account: str | None = None, since: datetime | None = None, limit: int = 100
    ) -> list[AuditEntry]:
        """Newest first. Raises NotFound."""
        async with as_operator(self._database, caller) as connection:
            account_id = await _find(connection, account) if account else None
            return await accounts.audit_of(connection, account_id, since, limit)

    async def verify_ledger(self, caller: Caller) -> list[str]:
        """One sentence for each invariant that does not hold; none when the books are sound."""
        async with as_operator(self._database, caller) as connection:
            return await billing.broken_invariants(connection)

    async def _set_state(self, caller: Caller, account: str, state: str, reason: str) -> None:
        async with as_operator(self._database, caller) as connection:
            account_id = await _find(connection, account)
            if not await accounts.set_state(connection, account_id, state):
                raise RuleBroken("The account is closed.")
            await note_operator(connection, caller, f"account {state}", str(account_id), reason, account_id)


async def _operation(connection: Connection, operation_id: str) -> Operation:
    operation = await operations.by_id(connection, operation_id)
    if operation is None:
        raise NotFound("There is no such operation (see: admin operations).")
    return operation


async def _find(connection: Connection, account: str) -> UUID:
    account_id = await accounts.by_address_or_id(connection, account)
    if account_id is None:
        raise NotFound("There is no such account (see: admin accounts).")
    return account_id


def _explain(found: InTrouble) -> TopupTrouble:
    why, advice = _TROUBLES[found.what]
    return TopupTrouble(found.topup, found.email, found.since, why, advice)
