"""One LISTEN a process, fanned out to whoever watches."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg
import structlog

from capsul.models import Change
from db.database import NOTICE_DEATH, Login

_CHANNEL = "capsul_changes"
_RECONNECT_SECONDS = 1.0
_MOST_WAITING = 1000

_log = structlog.get_logger()

MISSED = Change("", "", "")
"""Changes may have been missed: read again whatever you show."""


@dataclass(frozen=True)
class _Wanted:
    """What a watcher wants to hear of."""

    tables: frozenset[str]
    concerns: Callable[[Change], bool]


class Changes:
    """Tells watchers what changed, by table and id."""

    def __init__(self) -> None:
        self._watchers: dict[asyncio.Queue[Change], _Wanted] = {}
        self.connected = False
        """Whether changes are heard of as they happen. Both losing and finding the connection tells MISSED."""

    @classmethod
    @asynccontextmanager
    async def listen(cls, url: str, login: Login, password: str | None = None) -> AsyncIterator["Changes"]:
        """Listens, and listens again after each loss, until the block ends."""
        changes = cls()
        task = asyncio.create_task(changes._keep_listening(url, login, password))
        try:
            yield changes
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @contextmanager
    def watch(
        self, tables: frozenset[str], concerns: Callable[[Change], bool] = lambda change: True
    ) -> Iterator[asyncio.Queue[Change]]:
        """A queue of what changes in these tables, and concerns, while the block lasts. MISSED stands for any change.

        A watcher that falls far behind loses what it has not read and finds MISSED instead.
        """
        queue: asyncio.Queue[Change] = asyncio.Queue(_MOST_WAITING)
        self._watchers[queue] = _Wanted(tables, concerns)
        try:
            yield queue
        finally:
            del self._watchers[queue]

    def tell(self, change: Change) -> None:
        """Hands a change to whoever watches its table."""
        for queue, wanted in self._watchers.items():
            if change is MISSED or (change.table in wanted.tables and wanted.concerns(change)):
                _put(queue, change)

    async def _keep_listening(self, url: str, login: Login, password: str | None) -> None:
        while True:
            try:
                await self._listen_once(url, login, password)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                _log.warning("not told of changes", error=str(error))
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self, url: str, login: Login, password: str | None) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(
            url,
            user=login,
            password=password,
            timeout=5,
            server_settings={"application_name": f"{login} listens", **NOTICE_DEATH},
        )
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(_CHANNEL, lambda *told: self.tell(parse(str(told[3]))))
            self.connected = True
            self.tell(MISSED)
            await lost.wait()
        finally:
            connection.terminate()
            if self.connected:
                self.connected = False
                self.tell(MISSED)


def parse(payload: str) -> Change:
    """`table account id`; a hyphen stands for no account."""
    table, account_id, subject = payload.split(" ", 2)
    return Change(table, "" if account_id == "-" else account_id, subject)


def _put(queue: asyncio.Queue[Change], change: Change) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        change = MISSED
    queue.put_nowait(change)
