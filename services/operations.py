"""Looking at operations and waiting for them."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from capsul.errors import NotFound
from capsul.models import Caller, Operation
from db import operations
from db.changes import Changes
from db.database import Database
from services.access import as_member
from services.waiting import wait_until


class Operations:
    """What is being done, and what was."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def show(self, caller: Caller, operation_id: str) -> Operation:
        """With its steps. Raises NotFound."""
        async with as_member(self._database, caller, "look") as connection:
            operation = await operations.by_id(connection, operation_id)
        if operation is None:
            raise NotFound("You have no such operation (see: operations).")
        return operation

    async def list(self, caller: Caller, since: datetime | None = None, limit: int = 100) -> list[Operation]:
        """Newest first."""
        async with as_member(self._database, caller, "look") as connection:
            return await operations.recent(connection, caller.account_id, since, None, limit)

    async def wait(
        self,
        caller: Caller,
        operation_id: str,
        patience: float,
        progress: Callable[[Operation], Awaitable[None]] | None = None,
    ) -> Operation:
        """The operation once it has ended, or as it stands after `patience` seconds: see `ended`.

        `progress` is told each time something about it changed. Raises NotFound.
        """
        return await wait_until(
            self._changes,
            frozenset({"operation", "operation_step"}),
            operation_id,
            lambda: self.show(caller, operation_id),
            lambda operation: operation.ended,
            patience,
            progress,
        )
