"""Everything that a screen shows, read in one go."""

from capsul.errors import NotFound
from capsul.models import Caller, CapsulDetails, Offer, OfferedSize, Overview, Segment
from capsul.rules import credit_needed, hours_left
from db import accounts, billing, capsuls, keys, operations, overview
from db.database import Database
from services.access import as_member, refusal
from services.billing import balance_of
from services.capsuls import find

_MOST_OPERATIONS = 100
"""More than anybody looks through: what is older is listed by the command `operations`."""


class Overviews:
    """What a member finds on coming in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, caller: Caller) -> Overview:
        """The account as it stands, all of one moment. Raises NotFound when the key has been removed meanwhile."""
        async with as_member(self._database, caller, "look") as connection:
            who = await overview.coming_in(connection, caller.account_id, caller.key_id)
            if who is None:
                raise NotFound
            return Overview(
                account=who.account,
                key=who.key,
                balance=await balance_of(connection, caller.account_id),
                capsuls=tuple(await capsuls.of_account(connection, caller.account_id)),
                operations=tuple(await operations.of_note(connection, caller.account_id)),
                announcements=tuple(await accounts.announcements(connection)),
                sessions=who.sessions,
            )

    async def of_capsul(self, caller: Caller, reference: str) -> CapsulDetails:
        """All about one capsul, by name or id; by id also when it has ended. Raises NotFound."""
        async with as_member(self._database, caller, "look") as connection:
            capsul = await find(connection, caller, reference)
            promise = await capsuls.promise(connection, capsul.id)
            if promise is None:
                raise NotFound
            done = await operations.of_capsul(connection, caller.account_id, capsul.id, _MOST_OPERATIONS)
            # After them: of what is seen to be done, what came of it is seen too.
            return CapsulDetails(await find(connection, caller, capsul.id), promise, tuple(done))

    async def offer(self, caller: Caller) -> Offer:
        """What can be made now, what each size would mean for the money, and what may be chosen for it."""
        async with as_member(self._database, caller, "look") as connection:
            funds = await billing.funds(connection, caller.account_id)
            segments = await billing.open_segments(connection, caller.account_id)
            burn = await billing.committed_burn(connection, caller.account_id)
            available = funds.balance - funds.accrued
            return Offer(
                refusal=await refusal(connection, caller, "run"),
                images=tuple(await capsuls.images(connection)),
                sizes=tuple(
                    OfferedSize(
                        size,
                        credit_needed(burn + size.price_month),
                        hours_left(available, [*segments, Segment("", size.price_month, 0)], funds.now),
                    )
                    for size in await capsuls.sizes(connection)
                ),
                keys=tuple(it for it in await keys.of_account(connection, caller.account_id) if it.state == "live"),
                names=frozenset(it.name for it in await capsuls.of_account(connection, caller.account_id)),
                available=available,
                currency=funds.currency,
                hours_left=hours_left(available, segments, funds.now),
            )
