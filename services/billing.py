"""What a member has, what burns, and the lines of the ledger."""

from datetime import datetime
from uuid import UUID

from capsul.models import Balance, Burning, Caller, LedgerEntry
from capsul.rules import hours_left, price_per_hour
from db import accounts, billing
from db.database import Connection, Database
from services.access import as_member


class Billing:
    """A member's money."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def balance(self, caller: Caller) -> Balance:
        """As of now: what has accrued since the last posting is taken off `available`."""
        async with as_member(self._database, caller, "look") as connection:
            return await balance_of(connection, caller.account_id)

    async def burning(self, caller: Caller) -> Burning:
        """What costs something now."""
        async with as_member(self._database, caller, "look") as connection:
            segments = await billing.open_segments(connection, caller.account_id)
            return Burning(tuple(segments), await accounts.now(connection))

    async def ledger(
        self, caller: Caller, since: datetime | None = None, limit: int = 100, before: int | None = None
    ) -> list[LedgerEntry]:
        """Newest first; those that come after the entry whose id is `before`, when it is given."""
        async with as_member(self._database, caller, "look") as connection:
            return await billing.entries(connection, caller.account_id, since, limit, before)


async def balance_of(connection: Connection, account_id: UUID) -> Balance:
    """What an account has and how long it lasts, as of now."""
    funds = await billing.funds(connection, account_id)
    segments = await billing.open_segments(connection, account_id)
    available = funds.balance - funds.accrued
    return Balance(
        balance=funds.balance,
        available=available,
        gift=funds.gift,
        currency=funds.currency,
        burn_per_hour=sum(price_per_hour(segment.price_month) for segment in segments),
        hours_left=hours_left(available, segments, funds.now),
    )
