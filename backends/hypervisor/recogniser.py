"""From libvirt's events to ours: whose domain is it, and what does the event mean."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

import libvirt

from backends.hypervisor.calls import Lease
from backends.hypervisor.connection import HostConnection
from backends.hypervisor.errors import CapsulAbsent, HostUnavailable, HypervisorFailed
from backends.hypervisor.feed import Feed
from backends.hypervisor.identity import Identity, read_identity
from backends.hypervisor.session import METADATA_CHANGED, RawEvent, Session
from backends.hypervisor.settings import HostSettings
from backends.hypervisor.words import lifecycle
from capsul.machines import LifecycleEvent, Resync

BACKLOG = 10_000
"""Events that may wait to be recognised. Beyond it they are exchanged for one Resync."""

log = logging.getLogger(__name__)


class Recogniser:
    """Publishes the events of our capsuls, in order, and keeps what the session knows of domains true.

    It is the only one that brings known identities up to date, one event after the other, so the last event of
    a domain decides. An event of a domain that nobody of ours is passes without a word.
    """

    def __init__(self, settings: HostSettings, feed: Feed) -> None:
        self._settings = settings
        self._feed = feed
        self._waiting: asyncio.Queue[RawEvent] = asyncio.Queue(BACKLOG)

    def hear(self, event: RawEvent) -> None:
        """Takes an event in. Never blocks."""
        if self._waiting.full():
            self.forget()
            self._resync("more events than could be read")
        self._waiting.put_nowait(event)

    def forget(self) -> None:
        """Drops what waits: the connection it came over is gone, and all will be read anew."""
        while not self._waiting.empty():
            self._waiting.get_nowait()

    async def run(self, connection: HostConnection) -> None:
        """Works for ever."""
        while True:
            event = await self._waiting.get()
            try:
                identity = await connection.call(_identify(event), self._settings.patience.look)
            except CapsulAbsent:
                continue  # gone already; the event that says so follows
            except (HostUnavailable, HypervisorFailed) as error:
                if connection.is_up:  # else all is read anew when it is up again
                    log.warning("an event could not be recognised: %s", error)
                    self._resync("an event could not be read")
                continue
            if identity is not None:
                self._publish(event, identity)

    def _publish(self, event: RawEvent, identity: Identity) -> None:
        meaning = lifecycle(event.event, event.detail)
        if meaning is None:
            return
        kind, reason = meaning
        self._feed.publish(LifecycleEvent(self._settings.name, event.uuid, identity.capsul_id, kind, reason, event.at))

    def _resync(self, reason: str) -> None:
        self._feed.publish(Resync(self._settings.name, reason, datetime.now(UTC)))


def _identify(event: RawEvent) -> Callable[[Session, Lease], Identity | None]:
    """Whose domain it is about, if one of ours; the session's knowledge of it is brought up to date."""

    def work(session: Session, _lease: Lease) -> Identity | None:
        if event.event == libvirt.VIR_DOMAIN_EVENT_UNDEFINED:
            return session.ours(session.identities.pop(event.uuid, None))
        if event.uuid not in session.identities or event.event in _MAY_CHANGE_HANDS:
            domain = session.connection.lookupByUUID(event.uuid.bytes)
            session.identities[event.uuid] = read_identity(domain)
        return session.ours(session.identities[event.uuid])

    return work


_MAY_CHANGE_HANDS = frozenset({libvirt.VIR_DOMAIN_EVENT_DEFINED, METADATA_CHANGED})
