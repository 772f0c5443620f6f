"""The hosts that capsuls run on. The only package that knows libvirt, and the only place with its words."""

from backends.hypervisor.errors import (
    CapsulAbsent,
    DiskMismatch,
    HostBusy,
    HostClaimed,
    HostUnavailable,
    HostUnreachable,
    HypervisorFailed,
    NotOurs,
    NotSupported,
    StillRunning,
)
from backends.hypervisor.event_thread import LibvirtEvents
from backends.hypervisor.hypervisor import Hypervisor
from backends.hypervisor.settings import HostSettings, Patience

__all__ = [
    "CapsulAbsent",
    "DiskMismatch",
    "HostBusy",
    "HostClaimed",
    "HostSettings",
    "HostUnavailable",
    "HostUnreachable",
    "Hypervisor",
    "HypervisorFailed",
    "LibvirtEvents",
    "NotOurs",
    "NotSupported",
    "Patience",
    "StillRunning",
]
