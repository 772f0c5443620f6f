"""What can go wrong with a host, told apart by what helps: wait, look closer, or nothing.

HostUnavailable (Unavailable)   try again later
├── HostUnreachable             the host does not answer; nothing is known of what it did
└── HostBusy                    the host answers, and another job holds the capsul or its disk
HypervisorFailed                the host answered no
├── CapsulAbsent                there is no such capsul on the host
├── StillRunning                this cannot be done to a capsul that runs
├── NotOurs                     what bears this id on the host belongs to somebody else
├── HostClaimed                 the whole host does
├── DiskMismatch                a disk of this name is there, and it is not the one wanted
└── NotSupported                hosts of this kind cannot do it
"""

from capsul.errors import CapsulError, Unavailable


class HostUnavailable(Unavailable):
    """The host of this capsul cannot do this at the moment. Please try again in a minute."""

    code = "host_unavailable"

    def __init__(self, host: str, detail: str, *, retry_after: int = 60) -> None:
        super().__init__(retry_after=retry_after)
        self.host = host
        self.detail = detail
        """For logs and operators, never for customers: may hold paths and addresses."""

    def __str__(self) -> str:
        return f"{self.message} ({self.host}: {self.detail})"


class HostUnreachable(HostUnavailable):
    """The host of this capsul does not answer at the moment. Please try again in a minute."""

    code = "host_unreachable"


class HostBusy(HostUnavailable):
    """Another job on this capsul's host is in the way. Please try again in a minute."""

    code = "host_busy"


class HypervisorFailed(CapsulError):
    """The host of this capsul could not do this."""

    code = "hypervisor_failed"

    def __init__(self, host: str, detail: str) -> None:
        super().__init__()
        self.host = host
        self.detail = detail
        """For logs and operators, never for customers: may hold paths and addresses."""

    def __str__(self) -> str:
        return f"{self.message} ({self.host}: {self.detail})"


class CapsulAbsent(HypervisorFailed):
    """There is no such capsul on its host."""

    code = "capsul_absent"


class StillRunning(HypervisorFailed):
    """This cannot be done while the capsul runs."""

    code = "still_running"


class NotOurs(HypervisorFailed):
    """What bears this id on the host belongs to another installation. It was left alone."""

    code = "not_ours"


class HostClaimed(HypervisorFailed):
    """The host of this capsul belongs to another installation. It was left alone."""

    code = "host_claimed"


class DiskMismatch(HypervisorFailed):
    """A disk of this name is on the host already, and it is not the one wanted. It was left alone."""

    code = "disk_mismatch"


class NotSupported(HypervisorFailed):
    """The host of this capsul is of a kind that cannot do this."""

    code = "not_supported"
