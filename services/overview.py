"""Everything that the first screen shows, read in one go."""

from capsul.errors import NotFound
from capsul.models import Caller, Overview
from db import accounts, capsuls, keys, operations, sessions
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
            account = await accounts.with_address(connection, caller.account_id)
            key = await keys.by_id(connection, caller.key_id)
            if account is None or key is None:
                raise NotFound
            return Overview(
                account=account,
                key=key,
                balance=await balance_of(connection, caller.account_id),
                capsuls=tuple(await capsuls.of_account(connection, caller.account_id)),
                operations=tuple(await operations.of_note(connection, caller.account_id)),
                announcements=tuple(await accounts.announcements(connection)),
                sessions=await sessions.count_open(connection, caller.account_id),
            )
