"""Blocking calls on a bounded number of daemon threads, each with a deadline after which nobody waits."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class Abandoned(Exception):
    """Nobody waits for this work any more, so it stops before it changes anything else."""


class Lease:
    """Leave to change things, for as long as the caller waits."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def end(self) -> None:
        self._ended.set()

    def act(self, change: Callable[..., Result], *arguments: Any) -> Result:
        """Makes the change if the caller still waits.

        Work that was stuck for minutes in a look-up must not go on to start what was meanwhile stopped.

        Raises:
            Abandoned: the caller has given up.
        """
        if self._ended.is_set():
            raise Abandoned
        return change(*arguments)


class Calls:
    """At most `limit` calls at once, each on a daemon thread of its own.

    A call that outlives its deadline keeps its thread and its place until it returns: were its place given
    to somebody else, threads would grow without bound while a host hangs. When all places are held by such
    calls, later ones wait for a place until their own deadline. The threads are daemons because a pool's are
    joined when the program ends, and one that never returns would keep it from ending.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._free = asyncio.Semaphore(limit)
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Calls that have not returned, abandoned ones included."""
        return self._under_way

    async def run(self, work: Callable[[Lease], Result], deadline: float) -> Result:
        """What `work` returns, or raises.

        Raises:
            TimeoutError: it did not return within `deadline` seconds, the wait for a place included.
        """
        lease = Lease()
        try:
            async with asyncio.timeout(deadline):
                await self._free.acquire()
                return await self._begin(work, lease)
        finally:
            lease.end()

    def _begin(self, work: Callable[[Lease], Result], lease: Lease) -> asyncio.Future[Result]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()

        def work_and_report() -> None:
            result, error = None, None
            try:
                result = work(lease)
            except BaseException as raised:  # noqa: BLE001  handed to whoever waits
                error = raised
            call_in(loop, self._end, answer, result, error)

        thread = threading.Thread(target=work_and_report, name=f"{self._name}-call", daemon=True)
        self._under_way += 1
        try:
            thread.start()
        except RuntimeError:
            self._leave()
            raise
        return answer

    def _end(self, answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        self._leave()
        if answer.done():
            return  # abandoned
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    def _leave(self) -> None:
        self._under_way -= 1
        self._free.release()


def call_in(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    """Calls back on the loop's thread, from any other. Nothing happens once the loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
