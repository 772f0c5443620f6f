"""Makes the books agree with what a provider says of a topup, whatever happened in between."""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from capsul.config import Settings
from capsul.models import TopupState
from capsul.money import MICRO
from db import accounts, billing, topups
from db.billing import Posting
from db.database import Connection, Database
from db.topups import Claim

ReadProvider = Callable[[Database, Claim], Awaitable[str]]
"""What the provider says of a topup now: open, unconfirmed, paid, double-spent or failed."""

_MOST_UNCONFIRMED = 20 * MICRO

_log = structlog.get_logger()


class OutdatedClaim(Exception):
    """Somebody has claimed the topup since: what this attempt learnt may be stale, and is thrown away."""


class TopupWork:
    """The work function for jobs that point to topups."""

    def __init__(self, database: Database, providers: Mapping[str, ReadProvider], settings: Settings) -> None:
        self._database = database
        self._providers = providers
        self._settings = settings

    async def converge(self, topup_id: str) -> None:
        """Reads the provider's state and posts the difference to what was posted; again while there is news.

        Raises:
            Unavailable: the provider or the database is away.
        """
        news = True
        while news:
            async with self._database.worker() as connection:
                claim = await topups.claim(connection, topup_id)
            if claim is None:
                return
            # Asked after the claim and outside any transaction: what a newer claim learns is never overwritten.
            said = await self._providers[claim.provider](self._database, claim)
            try:
                news = await self._settle(claim, said)
            except OutdatedClaim:
                return

    async def _settle(self, claim: Claim, said: str) -> bool:
        async with self._database.worker() as connection:
            target, state = await self._target(connection, claim, said)
            postings = await _post(connection, claim, target, state)
            more = await topups.converged(connection, claim, state, target, postings)
            if more is None:
                raise OutdatedClaim
            if state != claim.state:
                await accounts.write_audit(
                    connection, claim.account_id, "provider", f"topup {state}", target=claim.id, reason=claim.provider
                )
                _log.info("topup converged", topup=claim.id, state=state, credited=target)
            return more

    async def _target(self, connection: Connection, claim: Claim, said: str) -> tuple[int, TopupState]:
        """What should be credited in all, in micro-units, and what the topup is called then."""
        if said == "paid":
            return claim.amount, "paid"
        if said == "unconfirmed":
            return min(claim.amount, await self._unconfirmed_limit(connection, claim)), "unconfirmed"
        if said in ("double-spent", "failed"):
            return 0, "reversed" if claim.credited or claim.state == "reversed" else "failed"
        return 0, "waiting"

    async def _unconfirmed_limit(self, connection: Connection, claim: Claim) -> int:
        """Micro-units credited before the payment is confirmed; nothing more for who was rewound once."""
        if claim.provider == "sandbox" and self._settings.sandbox_unconfirmed is not None:
            return self._settings.sandbox_unconfirmed * MICRO
        if await topups.was_rewound(connection, claim.account_id):
            return 0
        return min(_MOST_UNCONFIRMED, await topups.ever_settled(connection, claim.account_id) // 2)


async def _post(connection: Connection, claim: Claim, target: int, state: TopupState) -> int:
    """Posts what is missing or too much; returns the number of postings so far.

    Unconfirmed money stands against the provider's `inflight`, which must return to nothing for each topup.
    """
    wallet = billing.wallet(claim.account_id, "paid")
    inflight, settled = f"{claim.provider}:inflight", f"{claim.provider}:settled"
    was_inflight = claim.state == "unconfirmed"
    legs: list[tuple[str, str, int, str]] = []
    if was_inflight and state == "paid" and claim.credited:
        legs.append((settled, inflight, claim.credited, "topup confirmed"))
        was_inflight = False
    difference = target - claim.credited
    if difference > 0:
        legs.append((inflight if state == "unconfirmed" else settled, wallet, difference, "topup"))
    elif difference < 0:
        legs.append((wallet, inflight if was_inflight else settled, -difference, "topup reversed"))
    at = await accounts.now(connection)
    for number, (debit, credit, amount, kind) in enumerate(legs, claim.postings):
        key = f"topup:{claim.id}:{number}"
        await billing.post(connection, Posting(key, debit, credit, amount, kind, reference=claim.id), at)
    return claim.postings + len(legs)


async def read_sandbox(database: Database, claim: Claim) -> str:
    """What the sandbox provider knows: the buttons of its page write it."""
    async with database.worker() as connection:
        return await topups.sandbox_state(connection, claim.id)
