"""One host: what can be asked of it, and what happens on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import libvirt

from backends.hypervisor import claim, look, power, storage
from backends.hypervisor.connection import HostConnection, Result, Work
from backends.hypervisor.errors import HostUnavailable
from backends.hypervisor.event_thread import LibvirtEvents
from backends.hypervisor.feed import Feed
from backends.hypervisor.recogniser import Recogniser
from backends.hypervisor.settings import HostSettings
from capsul.machines import (
    CapsulSpec,
    CapsulStats,
    HostEvent,
    HostFacts,
    HostLost,
    LifecycleEvent,
    Observed,
    PowerState,
    Resync,
)


class Hypervisor:
    """A host, asked through libvirt.

    Every verb may be said in any state and repeated at will: a caller may die at any instruction and say it
    again. Verbs return whether they changed anything. Before any change the domain is asked whose it is; what
    lacks our installation id, or bears a later epoch, is never touched.

    All methods raise:
        HostUnreachable: the host does not answer (no connection, it broke, or the deadline passed). What it did
            of the request is not known; look, or say it again.
        HostBusy: another job holds the capsul; say it again later.
        HypervisorFailed: the host said no; see backends.hypervisor.errors for the kinds.
    """

    def __init__(
        self,
        settings: HostSettings,
        events: LibvirtEvents,
        *,
        open_connection: Callable[[str], Any] = libvirt.open,
    ) -> None:
        self._settings = settings
        self._patience = settings.patience
        self._events = events
        self._feed = Feed(settings.name)
        self._recogniser = Recogniser(settings, self._feed)
        self._connection = HostConnection(
            settings,
            open_connection=open_connection,
            on_up=self._went_up,
            on_down=self._went_down,
            on_event=self._recogniser.hear,
        )
        self._recognising: asyncio.Task[None] | None = None
        self._lost: HostLost | None = None

    @property
    def name(self) -> str:
        return self._settings.name

    async def __aenter__(self) -> Self:
        """Begins to connect and returns at once; a host that is away is tried again until closed.

        Raises:
            RuntimeError: libvirt's event loop is not running.
        """
        self._events.require_running()
        self._connection.start()
        self._recognising = asyncio.create_task(self._recogniser.run(self._connection), name=f"{self.name}-events")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recognising:
            self._recognising.cancel()
            await asyncio.wait([self._recognising])
        await self._connection.close()

    # ------------------------------------------------------------------------------------------- verbs

    async def claim(self) -> bool:
        """Puts our installation's name on the host, to be done before anything else. False when it is there.

        Raises:
            HostClaimed: another installation's is.
        """
        return await self._change(lambda session, lease: claim.claim(session, lease))

    async def prepare_disk(self, spec: CapsulSpec) -> bool:
        """Makes the disk as an overlay on the image, unless it is there. The pool is made if need be.

        Raises:
            DiskMismatch: a disk of that name is there and is not this one.
        """
        return await self._change(lambda session, lease: storage.prepare_disk(session, lease, spec))

    async def define(self, spec: CapsulSpec) -> bool:
        """Makes the capsul known to the host, or brings its description up to date for its next start.

        Raises:
            NotOurs: the spec, or what bears its id on the host, is of another installation.
        """
        return await self._change(lambda session, lease: power.define(session, lease, spec))

    async def start(self, capsul: UUID) -> bool:
        """Starts it, or lets it go on when it is paused.

        Raises:
            CapsulAbsent: it was never defined here.
        """
        return await self._change(lambda session, lease: power.start(session, lease, capsul))

    async def shutdown(self, capsul: UUID) -> bool:
        """Presses the power button and returns. Whether the guest obeys is for wait_for to find out."""
        return await self._change(lambda session, lease: power.shutdown(session, lease, capsul))

    async def kill(self, capsul: UUID) -> bool:
        """Takes the power away."""
        return await self._change(lambda session, lease: power.kill(session, lease, capsul))

    async def reset(self, capsul: UUID) -> bool:
        """Presses the reset button of a running capsul, each time it is said."""
        return await self._change(lambda session, lease: power.reset(session, lease, capsul))

    async def undefine(self, capsul: UUID) -> bool:
        """Makes the host forget it. Its disk stays.

        Raises:
            StillRunning: it is not off.
        """
        return await self._change(lambda session, lease: power.undefine(session, lease, capsul))

    async def delete_disk(self, capsul: UUID) -> bool:
        """Deletes its disk and console log.

        Raises:
            StillRunning: it is not off.
        """
        return await self._change(lambda session, lease: storage.delete_disk(session, lease, capsul))

    # ----------------------------------------------------------------------------------------- looking

    async def state_of(self, capsul: UUID) -> PowerState:
        """What it does now. ABSENT is proven: the host said that there is no such domain."""
        return await self._look(lambda session, lease: look.state_of(session, lease, capsul))

    async def observe_all(self) -> list[Observed]:
        """Every capsul of ours on the host, by one call (the first look over a connection costs more; see look)."""
        return await self._look(look.observe_all)

    async def stats_all(self) -> list[CapsulStats]:
        """The counters of every running capsul of ours, by one call."""
        return await self._look(look.stats_all)

    async def facts(self) -> HostFacts:
        return await self._look(look.facts)

    async def read_log(self, capsul: UUID, limit: int = 65_536) -> bytes:
        """The last `limit` bytes of its serial console, as written by the guest: anything may be in it.

        Raises:
            NotSupported: the driver keeps none.
        """
        return await self._look(lambda session, lease: storage.read_log(session, lease, capsul, limit))

    async def wait_for(self, capsul: UUID, states: Collection[PowerState], deadline: float) -> bool:
        """Whether the capsul came into one of the states within `deadline` seconds.

        Raises:
            HostUnreachable: the host was away when the time was up.
        """
        ends = time.monotonic() + deadline
        with self._feed.listen() as news:
            while True:
                trouble: HostUnavailable | None = None
                try:
                    if await self.state_of(capsul) in states:
                        return True
                except HostUnavailable as error:
                    trouble = error
                left = ends - time.monotonic()
                if left <= 0 and trouble:
                    raise trouble
                if left <= 0:
                    return False
                await _wait_for_news(news, capsul, min(left, self._patience.poll))

    async def events(self) -> AsyncIterator[HostEvent]:
        """What happens on the host, for ever. Begins with how it stands: Resync, or HostLost.

        After a Resync everything must be read anew; nothing between it and the HostLost before it was heard.
        """
        with self._feed.listen() as news:
            if self._connection.is_up:
                yield Resync(self.name, "listening begins", datetime.now(UTC))
            elif self._lost:
                yield self._lost
            while True:
                yield await news.get()

    # ---------------------------------------------------------------------------------------- plumbing

    async def _change(self, work: Work[Result]) -> Result:
        return await self._connection.call(work, self._patience.change)

    async def _look(self, work: Work[Result]) -> Result:
        return await self._connection.call(work, self._patience.look)

    def _went_up(self) -> None:
        self._lost = None
        self._feed.publish(Resync(self.name, "connected", datetime.now(UTC)))

    def _went_down(self, reason: str) -> None:
        self._recogniser.forget()
        self._lost = HostLost(self.name, reason, datetime.now(UTC))
        self._feed.publish(self._lost)


async def _wait_for_news(news: asyncio.Queue[HostEvent], capsul: UUID, seconds: float) -> None:
    """Returns when something is heard that may concern the capsul, or when the time is up."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                event = await news.get()
                if not isinstance(event, LifecycleEvent) or event.uuid == capsul:
                    return
    except TimeoutError:
        return
