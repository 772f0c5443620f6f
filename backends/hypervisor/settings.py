"""What a host is told about once: where it is, whose we are, where files go, and how patient we are."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class Patience:
    """How long to wait for a host. Seconds."""

    open: float = 10.0
    """For a connection to open; libvirt itself would wait for ever."""
    look: float = 10.0
    """For calls that only read."""
    change: float = 60.0
    """For calls that make, start, end or delete something."""
    keepalive_interval: int = 5
    keepalive_count: int = 3
    """A host that misses this many probes is lost: interval x (count + 1) after it fell silent."""
    first_pause: float = 0.25
    """Before the second attempt to connect; doubles with each."""
    longest_pause: float = 30.0
    poll: float = 2.0
    """How often to look while waiting for a state, beside listening for events."""
    calls_at_once: int = 8
    opens_at_once: int = 4
    """Attempts to connect that may be stuck before no further one is made."""


@dataclass(frozen=True)
class HostSettings:
    """One host, as the configuration has it."""

    name: str
    """Our name for it: the host's id in the database and in metrics."""
    uri: str
    installation_id: UUID
    epoch: int
    """Domains of a later epoch belong to whoever took over from us and are left alone."""
    disk_path: str
    """Folder on the host for disks and console logs; the last component is made if it is missing."""
    image_path: str
    """Folder on the host that holds the base images."""
    virt_type: str = "qemu"
    """Domain type. Never guessed: a host can offer `kvm` that does not work."""
    arch: str = "x86_64"
    machine: str = "q35"
    pool: str = "capsul"
    """Name of the storage pool over `disk_path`; made if it is missing."""
    patience: Patience = field(default_factory=Patience)
