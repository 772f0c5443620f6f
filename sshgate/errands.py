"""Small tasks that nobody waits for, with an owner: none is lost, none fails unseen, none outlives the gate."""

import asyncio
from collections.abc import Coroutine

import structlog

_log = structlog.get_logger()


class Errands:
    """Tasks until `close`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, errand: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        """Runs it beside everything else. An error is logged."""
        task = asyncio.get_running_loop().create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def finish(self, seconds: float) -> None:
        """Waits until all have ended by themselves, so long at most, then ends the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        await self.close()

    async def close(self) -> None:
        """Ends all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("errand failed", exc_info=error)
