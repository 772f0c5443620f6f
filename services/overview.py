"""Everything that the first screen shows, read in one go."""

from capsul.errors import NotFound
from capsul.models import Caller, Overview
from db import accounts, capsuls, operations, overview
from db.database import Database
from services.access import as_member
from services.billing import balance_of


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
