"""What is said to a hypervisor and what it says back: frozen, plain, without a word of libvirt.

Sizes are MiB and GiB where we order them (as sizes are sold) and bytes where we measure them. Times are aware
datetimes in UTC, by the clock of the process that looked.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from capsul.rules import CAPSUL_ID

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
"""What an image's volume may be called: one path component that is never hidden and never leads elsewhere."""

MAC_ADDRESS = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")
"""A unicast MAC address in lower case."""


@dataclass(frozen=True)
class CapsulSpec:
    """One capsul as it shall be made. It cannot be built from values that do not fit.

    Raises:
        ValueError: a field is out of its range or not of its form; says which.
    """

    uuid: UUID
    capsul_id: str
    account_id: UUID
    installation_id: UUID
    epoch: int
    size_id: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    image: str
    """Name of the image's volume on the host."""
    mac: str
    addresses: tuple[str, ...] = ()
    """IPv4 and IPv6 addresses that are ours to give; may be empty."""

    def __post_init__(self) -> None:
        _require(CAPSUL_ID.fullmatch(self.capsul_id) is not None, "capsul_id", self.capsul_id)
        _require(self.epoch >= 0, "epoch", self.epoch)
        _require(self.size_id != "" and _is_printable(self.size_id), "size_id", self.size_id)
        _require(self.vcpus > 0, "vcpus", self.vcpus)
        _require(self.memory_mib > 0, "memory_mib", self.memory_mib)
        _require(self.disk_gib > 0, "disk_gib", self.disk_gib)
        _require(FILE_NAME.fullmatch(self.image) is not None, "image", self.image)
        _require(MAC_ADDRESS.fullmatch(self.mac) is not None, "mac", self.mac)
        for address in self.addresses:
            _require(_is_address(address), "addresses", address)


def _is_address(text: str) -> bool:
    """An IP address in canonical form. A scope (`%eth0`) is no part of it and could hold any character."""
    try:
        return str(ipaddress.ip_address(text)) == text and "%" not in text
    except ValueError:
        return False


def _require(fits: bool, field: str, value: object) -> None:
    if not fits:
        raise ValueError(f"{field} does not fit: {value!r}")


def _is_printable(text: str) -> bool:
    """Without control, format, private or unassigned characters: XML and a terminal can both carry it."""
    return all(unicodedata.category(character)[0] != "C" for character in text)


class PowerState(StrEnum):
    """What a capsul is seen to be."""

    RUNNING = "running"
    STOPPED = "stopped"
    STOPPING = "stopping"
    """Going down by itself."""
    PAUSED = "paused"
    CRASHED = "crashed"
    ABSENT = "absent"
    """The host was asked and has no such capsul: proven, not merely unseen."""
    UNKNOWN = "unknown"
    """The host answered something that none of the other words covers."""


OFF = frozenset({PowerState.STOPPED, PowerState.CRASHED, PowerState.ABSENT})
"""States in which a capsul certainly does nothing."""


@dataclass(frozen=True)
class Observed:
    """One capsul of ours as a host reports it."""

    uuid: UUID
    capsul_id: str
    installation_id: UUID
    epoch: int
    state: PowerState
    reason: str
    """Why it is in this state, in a few words for people; empty when the hypervisor gives none."""
    at: datetime
    """Just before the host was asked: what happened after it may or may not be in here."""


class LifecycleKind(StrEnum):
    """What happened to a capsul."""

    DEFINED = "defined"
    UNDEFINED = "undefined"
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPING = "stopping"
    """It has begun to go down."""
    STOPPED = "stopped"
    CRASHED = "crashed"


@dataclass(frozen=True)
class LifecycleEvent:
    """Something happened to a capsul of ours."""

    host: str
    uuid: UUID
    capsul_id: str
    kind: LifecycleKind
    reason: str
    """In a few words for people; may be empty."""
    at: datetime
    """When the host's word of it reached us."""


@dataclass(frozen=True)
class HostLost:
    """A host does not answer any more. What its capsuls do is not known until a Resync."""

    host: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Resync:
    """A host answers (again), or events were lost: whatever is known of its capsuls must be read anew."""

    host: str
    reason: str
    at: datetime


HostEvent = LifecycleEvent | HostLost | Resync


@dataclass(frozen=True)
class CapsulStats:
    """Counters of one running capsul since its start. None is what the hypervisor did not tell."""

    uuid: UUID
    capsul_id: str
    vcpus: int
    cpu_seconds: float | None
    """Processor time used, summed over its processors."""
    memory_used_bytes: int | None
    """What the guest could not give back: its total less what it calls available."""
    memory_limit_bytes: int | None
    """What the guest may use now."""
    disk_read_bytes: int | None
    disk_written_bytes: int | None
    network_received_bytes: int | None
    network_sent_bytes: int | None


@dataclass(frozen=True)
class HostFacts:
    """What a host is."""

    name: str
    """What the host calls itself."""
    vcpus: int
    memory_bytes: int
    hypervisor: str
    """Name and version, for people."""
    virt_type: str
    """The type capsuls are made with: configuration, never a guess."""
    offered_virt_types: tuple[str, ...]
    """The types the host says it can do. Being listed does not prove that one works."""


@dataclass(frozen=True)
class Series:
    """One figure of a capsul over time."""

    unit: str
    points: tuple[tuple[int, float], ...]
    """(unix seconds, value), oldest first. Where nothing was measured there is no point."""
