"""Makes the books agree with what a provider says of a topup, whatever happened in between."""

from collections.abc import Awaitable, Callable, Iterator, Mapping

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
            await billing.take_turns(connection, claim.account_id)
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
        """Micro-units that may still be credited for this topup before it is confirmed.

        All unconfirmed topups of an account share one limit; who was rewound once has none.
        """
        if claim.provider == "sandbox" and self._settings.sandbox_unconfirmed is not None:
            limit = self._settings.sandbox_unconfirmed * MICRO
        elif await topups.was_rewound(connection, claim.account_id):
            limit = 0
        else:
            limit = min(_MOST_UNCONFIRMED, await topups.ever_settled(connection, claim.account_id) // 2)
        return max(0, limit - await topups.unconfirmed_elsewhere(connection, claim))


async def _post(connection: Connection, claim: Claim, target: int, state: TopupState) -> int:
    """Posts what is missing or too much; returns the number of postings so far.

    Unconfirmed money stands against the provider's `inflight`, which returns to nothing for each topup.
    """
    at = await accounts.now(connection)
    held = await topups.inflight(connection, claim)
    legs = list(_legs(claim, target - claim.credited, held, target if state == "unconfirmed" else 0))
    for number, (debit, credit, amount, kind) in enumerate(legs, claim.postings):
        key = f"topup:{claim.id}:{number}"
        await billing.post(connection, Posting(key, debit, credit, amount, kind, reference=claim.id), at)
    return claim.postings + len(legs)


def _legs(claim: Claim, difference: int, held: int, hold: int) -> Iterator[tuple[str, str, int, str]]:
    """Debit, credit, micro-units and kind of what changes the wallet by `difference` and inflight from held to hold."""
    wallet = billing.wallet(claim.account_id, "paid")
    inflight, settled = f"{claim.provider}:inflight", f"{claim.provider}:settled"
    side = inflight if hold or (difference < 0 and held) else settled
    if difference > 0:
        yield side, wallet, difference, "topup"
    elif difference < 0:
        yield wallet, side, -difference, "topup reversed"
    rest = held + (difference if side == inflight else 0) - hold
    if rest > 0:
        yield settled, inflight, rest, "topup confirmed"
    elif rest < 0:
        yield inflight, settled, -rest, "topup unconfirmed"


async def read_sandbox(database: Database, claim: Claim) -> str:
    """What the sandbox provider knows: the buttons of its page write it."""
    async with database.worker() as connection:
        return await topups.sandbox_state(connection, claim.id)
