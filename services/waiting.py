"""Waits for something in the database to become so: told by NOTIFY, but never trusting it alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from capsul.models import Change
from db.changes import Changes

Thing = TypeVar("Thing")

_LOOK_ANYWAY = 5.0
"""Seconds: a notification can be lost with its connection."""


async def wait_until(
    changes: Changes,
    tables: frozenset[str],
    subject: str,
    read: Callable[[], Awaitable[Thing]],
    is_so: Callable[[Thing], bool],
    patience: float,
    progress: Callable[[Thing], Awaitable[None]] | None = None,
) -> Thing:
    """Reads anew at each change of `subject` in `tables`; gives what it read last, `patience` seconds on at most."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    with changes.watch(tables) as queue:
        while True:
            thing = await read()
            if progress is not None:
                await progress(thing)
            left = deadline - loop.time()
            if is_so(thing) or left <= 0:
                return thing
            await _told_of(queue, subject, min(left, _LOOK_ANYWAY))


async def _told_of(queue: asyncio.Queue[Change], subject: str, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while (await queue.get()).id not in (subject, ""):
                pass
    except TimeoutError:
        return
