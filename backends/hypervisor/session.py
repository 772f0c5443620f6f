"""One open connection to a host, and what was learnt over it. It is never mended: a new one takes its place."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import libvirt

from backends.hypervisor.calls import call_in
from backends.hypervisor.identity import Identity, read_identity
from backends.hypervisor.settings import HostSettings

log = logging.getLogger(__name__)

METADATA_CHANGED = -1
"""Stands for an event that is no lifecycle event."""


@dataclass(frozen=True)
class RawEvent:
    """A domain event as it came in, of whoever's domain."""

    uuid: UUID
    event: int
    detail: int
    at: datetime


@dataclass
class Session:
    """Works on threads; only `lost` belongs to the asyncio loop."""

    settings: HostSettings
    connection: Any
    lost: asyncio.Future[str]
    """Set to the reason when the connection ends."""
    identities: dict[UUID, Identity | None] = field(default_factory=dict)
    """Whose the domains seen so far are. None: nobody of ours. Kept true by events, gone with the connection."""
    registered: list[int] = field(default_factory=list)
    watches_close: bool = False

    def identity(self, domain: Any) -> Identity | None:
        """Whose the domain is, if it is ours; asks the host only about a domain seen for the first time."""
        uuid = UUID(bytes=domain.UUID())
        if uuid not in self.identities:
            self.identities[uuid] = read_identity(domain)
        return self.ours(self.identities.get(uuid))

    def ours(self, identity: Identity | None) -> Identity | None:
        """The identity if it is of this installation."""
        if identity and identity.installation_id == self.settings.installation_id:
            return identity
        return None

    def listen(self, loop: asyncio.AbstractEventLoop, hear: Callable[[RawEvent], None]) -> None:
        """Asks for events, which arrive on libvirt's thread and are passed to `hear` on the loop's."""

        def on_lifecycle(_connection: Any, domain: Any, event: int, detail: int, _opaque: Any) -> None:
            raw = RawEvent(UUID(bytes=domain.UUID()), event, detail, datetime.now(UTC))
            call_in(loop, hear, raw)

        def on_metadata(_connection: Any, domain: Any, _kind: int, _uri: str | None, _opaque: Any) -> None:
            on_lifecycle(_connection, domain, METADATA_CHANGED, 0, None)

        def on_close(_connection: Any, reason: int, _opaque: Any) -> None:
            call_in(loop, self.set_lost, _CLOSE_REASONS.get(reason, f"closed for reason {reason}"))

        self.watches_close = supported(lambda: self.connection.registerCloseCallback(on_close, None))
        register = self.connection.domainEventRegisterAny
        self.registered.append(register(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle, None))
        supported(
            lambda: self.registered.append(
                register(None, libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, on_metadata, None)
            )
        )

    def set_lost(self, reason: str) -> None:
        """On the loop's thread."""
        if not self.lost.done():
            self.lost.set_result(reason)

    def close(self) -> None:
        """Lets go of everything. Callbacks left registered would keep the connection open after its end."""
        for number in self.registered:
            _let_go(self.connection.domainEventDeregisterAny, number)
        if self.watches_close:
            _let_go(self.connection.unregisterCloseCallback)
        _let_go(self.connection.close)


_CLOSE_REASONS = {
    libvirt.VIR_CONNECT_CLOSE_REASON_ERROR: "the connection failed",
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "the host closed the connection",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "the host fell silent",
    libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT: "closed by us",
}


def supported(call: Callable[[], object]) -> bool:
    """Whether the driver behind the connection can do it; done if so.

    Raises:
        libvirt.libvirtError: it can, and it failed.
    """
    try:
        call()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return False
        raise
    return True


def _let_go(call: Callable[..., object], *arguments: object) -> None:
    try:
        call(*arguments)
    except libvirt.libvirtError as error:
        # A dead connection cannot be told goodbye; what matters is let go of on our side before it says so.
        log.debug("while closing: %s", error)
