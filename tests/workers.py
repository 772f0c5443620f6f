"""Somebody who does what is asked for, for tests of the doors: in the database alone, without a host."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from capsul.config import Settings
from capsul.models import CapsulState, OperationKind
from db import capsuls, operations
from db.database import Database
from services import Services
from services.work.operations import STEPS


class QuickWorker:
    """Carries operations out in the database alone, so that there is something to wait for."""

    def __init__(self, services: Services, database: Database) -> None:
        self.trouble = ""
        """Why operations fail; they are done when it is empty."""
        self.goes_on = asyncio.Event()
        """Cleared, it stops in the middle of the next step until it is set again."""
        self.goes_on.set()
        self._services = services
        self._database = database

    async def run(self) -> None:
        """Until it is cancelled."""
        with self._services.changes.watch(frozenset({"operation"})) as changes:
            while True:
                await self._carry_out((await changes.get()).id)

    async def _carry_out(self, operation_id: str) -> None:
        async with self._database.worker() as connection:
            claim = await operations.claim(connection, operation_id) if operation_id else None
        if claim is None:
            return
        for name, _ in STEPS[claim.kind]:
            async with self._database.worker() as connection:
                await operations.begin_step(connection, claim, name)
            await self.goes_on.wait()
            async with self._database.worker() as connection:
                await operations.end_step(connection, claim.id, name, "done")
        async with self._database.worker() as connection:
            await operations.finish(connection, claim, "failed" if self.trouble else "done", self.trouble)
            state = AFTERWARDS[claim.kind] if not self.trouble else "failed"
            await capsuls.change_state(connection, claim.capsul_id, state, self.trouble)


AFTERWARDS: dict[OperationKind, CapsulState] = {
    "create": "running",
    "start": "running",
    "stop": "stopped",
    "restart": "running",
    "kill": "stopped",
    "destroy": "destroyed",
}


@pytest.fixture
async def worker(services: Services, settings: Settings) -> AsyncIterator[QuickWorker]:
    """Somebody who does what is asked for, at once."""
    async with Database.connect(settings.database, "capsul_work") as database:
        quick = QuickWorker(services, database)
        running = asyncio.create_task(quick.run())
        yield quick
        running.cancel()
        await asyncio.wait([running])
