"""What members have: capsuls, what they are made from, where they run, and the work on them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

CapsulState = Literal[
    "creating",
    "running",
    "stopping",
    "stopped",
    "starting",
    "moving",
    "held",
    "unreachable",
    "deleted",
    "destroyed",
    "failed",
]
OperationKind = Literal["create", "start", "stop", "restart", "kill", "destroy"]
OperationState = Literal["queued", "running", "done", "failed"]


@dataclass(frozen=True)
class Size:
    id: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    price_month: int
    currency: str
    fits: int
    """How many more of them there is room for now."""


@dataclass(frozen=True)
class Image:
    id: str
    name: str
    version: str
    volume: str
    login_user: str
    deprecated: bool


@dataclass(frozen=True)
class Capsul:
    id: str
    uuid: UUID
    account_id: UUID
    name: str
    state: CapsulState
    reason: str
    state_since: datetime
    desired: Literal["running", "stopped", "destroyed"]
    image_id: str
    size_id: str
    login_user: str
    host_id: str | None
    price_month: int
    currency: str
    created_by: UUID
    ipv4: str | None
    ipv6: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Promise:
    """What was promised when a capsul was made, whatever is on offer now, and by which key that was."""

    image_name: str
    image_version: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    key_name: str
    key_fingerprint: str
    key_state: Literal["pending", "live", "removed"]


@dataclass(frozen=True)
class Step:
    operation_id: str
    name: str
    state: Literal["running", "done", "failed"]
    started_at: datetime
    finished_at: datetime | None
    seconds: float
    """How long it took, or has taken so far."""


@dataclass(frozen=True)
class Operation:
    id: str
    account_id: UUID
    capsul_id: str
    capsul_name: str
    kind: OperationKind
    state: OperationState
    reason: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime
    steps: tuple[Step, ...] = field(default=())

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")


@dataclass(frozen=True)
class Accepted:
    """Answer to a request that may need work."""

    capsul: Capsul
    operation: Operation | None
    """What to wait for: the one that was started, or the one that was under way already."""
    changed: bool
    """False when it was so already, or was asked for before."""


@dataclass(frozen=True)
class Quote:
    """What a capsul would cost, before anything is made."""

    size: Size
    image: Image
    name: str | None
    available: int
    hours_left_before: float | None
    hours_left_after: float | None


@dataclass(frozen=True)
class Host:
    id: str
    uri: str
    accepts_new: bool
    reachable: bool
    trouble: str
    seen_at: datetime | None
    memory_mib: int
    disk_gib: int
    committed_memory_mib: int
    committed_disk_gib: int
    capsuls: int
