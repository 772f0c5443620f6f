"""The long-lived connection to a host: opened, watched, opened again; and the road every call takes."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import libvirt

from backends.hypervisor.calls import Abandoned, Calls, Lease, call_in
from backends.hypervisor.errors import HostUnreachable
from backends.hypervisor.session import RawEvent, Session, supported
from backends.hypervisor.settings import HostSettings
from backends.hypervisor.translate import is_lost, translated

Result = TypeVar("Result")
Work = Callable[[Session, Lease], Result]

log = logging.getLogger(__name__)


class HostConnection:
    """Keeps one connection to a host, and says when it comes and goes.

    `on_up()` and `on_down(reason)` are called in turn, beginning with whichever is so first; `on_event` with
    each event of the session that is up. All on the asyncio loop, where they must not block.
    """

    def __init__(
        self,
        settings: HostSettings,
        *,
        open_connection: Callable[[str], Any],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_event: Callable[[RawEvent], None],
    ) -> None:
        self._settings = settings
        self._patience = settings.patience
        self._open_connection = open_connection
        self._on_up, self._on_down, self._on_event = on_up, on_down, on_event
        self._calls = Calls(settings.name, self._patience.calls_at_once)
        self._opens = Calls(f"{settings.name}-open", self._patience.opens_at_once)
        self._session: Session | None = None
        self._trouble = "not connected yet"
        self._tried = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        return self._session is not None and not self._session.lost.done()

    def start(self) -> None:
        """Begins to connect. Returns at once: the host may be away."""
        self._keeper = asyncio.create_task(self._keep(), name=f"{self._settings.name}-connection")
        self._keeper.add_done_callback(lambda _: self._tried.set())

    async def close(self) -> None:
        """Closes for good. A host that hangs delays it by `look` seconds at most."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        session, self._session, self._trouble = self._session, None, "closed"
        if session:
            await self._drop(session)

    async def call(self, work: Work[Result], deadline: float) -> Result:
        """Does the work on a thread, over the open connection.

        Raises:
            HostUnreachable: there is no connection, it broke, or the deadline passed. What the host did
                of it is not known.
            HostBusy, HypervisorFailed: the host said no.
        """
        started = time.monotonic()
        session = await self._current(deadline)
        left = deadline - (time.monotonic() - started)
        try:
            return await self._calls.run(lambda lease: self._attempt(work, session, lease), left)
        except TimeoutError as error:
            raise self._unreachable(f"no answer within {deadline:.1f} seconds") from error

    async def _current(self, deadline: float) -> Session:
        try:
            async with asyncio.timeout(deadline):
                await self._tried.wait()
        except TimeoutError as error:
            raise self._unreachable("still connecting") from error
        if self._keeper and self._keeper.done() and not self._keeper.cancelled():
            self._keeper.result()  # raises what ended it: a bug of ours must not look like a host that is away
        if self._session is None:
            raise self._unreachable(self._trouble)
        return self._session

    def _attempt(self, work: Work[Result], session: Session, lease: Lease) -> Result:
        """On a thread of its own."""
        try:
            return work(session, lease)
        except Abandoned as error:
            raise self._unreachable("given up") from error
        except libvirt.libvirtError as error:
            lost = session.lost.done() or is_lost(error, session.connection)
            if lost:
                call_in(session.lost.get_loop(), session.set_lost, str(error))
            raise translated(error, self._settings.name, lost=lost) from error

    async def _keep(self) -> None:
        """Opens, waits for the end, opens again; pauses grow while the host is away or leaves at once."""
        pause = self._patience.first_pause
        while True:
            try:
                session = await self._open()
            except HostUnreachable as error:
                self._went_down(error.detail)
            else:
                up_since = time.monotonic()
                self._came_up(session)
                self._went_down(await session.lost)
                await self._drop(session)
                if time.monotonic() - up_since > self._patience.longest_pause:
                    pause = self._patience.first_pause
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  spreads load, hides nothing
            pause = min(pause * 2, self._patience.longest_pause)

    def _came_up(self, session: Session) -> None:
        log.info("host %s is connected", self._settings.name)
        self._session = session
        self._tried.set()
        self._on_up()

    def _went_down(self, reason: str) -> None:
        is_news = self._session is not None or not self._tried.is_set()
        self._session, self._trouble = None, reason
        self._tried.set()
        if is_news:
            log.warning("host %s is away: %s", self._settings.name, reason)
            self._on_down(reason)

    async def _open(self) -> Session:
        loop = asyncio.get_running_loop()
        try:
            connection = await self._opens.run(self._open_now, self._patience.open)
        except TimeoutError as error:
            raise self._unreachable(f"does not open within {self._patience.open:.1f} seconds") from error
        except libvirt.libvirtError as error:
            raise self._unreachable(str(error)) from error
        session = Session(self._settings, connection, loop.create_future())
        try:
            await self._calls.run(lambda _: session.listen(loop, self._on_event), self._patience.look)
        except (TimeoutError, libvirt.libvirtError) as error:
            await self._drop(session)
            raise self._unreachable(f"does not let us listen: {error}") from error
        return session

    def _open_now(self, _lease: Lease) -> Any:
        connection = self._open_connection(self._settings.uri)
        interval, count = self._patience.keepalive_interval, self._patience.keepalive_count
        supported(lambda: connection.setKeepAlive(interval, count))
        return connection

    async def _drop(self, session: Session) -> None:
        try:
            await self._calls.run(lambda _: session.close(), self._patience.look)
        except TimeoutError:
            log.warning("host %s: the old connection does not close", self._settings.name)

    def _unreachable(self, detail: str) -> HostUnreachable:
        return HostUnreachable(self._settings.name, detail)
