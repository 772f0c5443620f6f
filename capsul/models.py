"""What crosses from one package to another: frozen, plain, named as in the database and on the screen.

Amounts are integer micro-units of the one configured currency (1 USD = 1,000,000). Times are aware datetimes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Literal
from uuid import UUID

Scope = Literal["full", "machines", "read"]
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
TopupState = Literal["waiting", "unconfirmed", "paid", "failed", "expired", "reversed"]


@dataclass(frozen=True)
class Guest:
    """Somebody who has proved a key that belongs to no account."""

    fingerprint: str
    public_key: str
    source: str
    session_id: str


@dataclass(frozen=True)
class PublicKey:
    """A public key as somebody wrote it down: parsed, not proved."""

    fingerprint: str
    line: str
    """Type and base64, without the comment."""
    comment: str


@dataclass(frozen=True)
class KeyLimits:
    """How far a key reaches."""

    scope: Scope = "full"
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where it may come from; none means anywhere."""
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Caller:
    """Who is asking: an account, by one of its keys, in one session. Never taken from the surroundings."""

    account_id: UUID
    key_id: UUID
    fingerprint: str
    scope: Scope
    operator: bool
    waits_until: datetime | None
    """Until then a recovered account's new key may only look, top up and stop."""
    session_id: str
    source: str


@dataclass(frozen=True)
class Account:
    id: UUID
    state: str
    email: str
    created_at: datetime


@dataclass(frozen=True)
class Key:
    id: UUID
    account_id: UUID
    fingerprint: str
    public_key: str
    name: str
    scope: Scope
    operator: bool
    state: Literal["pending", "live", "removed"]
    confirm_code: str | None
    waits_until: datetime | None
    networks: tuple[str, ...]
    """Networks it may come from, as CIDR; empty means any."""
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class Enrolment:
    id: UUID
    fingerprint: str
    public_key: str
    address: str
    source: str
    code: str
    state: Literal["waiting", "enrolled", "spent", "replaced"]
    tries_left: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Enrolled:
    """What came of a completed enrolment."""

    account_id: UUID
    key_id: UUID
    is_new: bool
    """The account was made by it."""
    waits: bool
    """The account has something to lose: its new key waits before it may do everything."""


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
class Segment:
    """A capsul that costs something now."""

    capsul_id: str
    price_month: int
    billed_seconds: int
    """Seconds already billed in this calendar month (UTC)."""


@dataclass(frozen=True)
class Balance:
    balance: int
    available: int
    """The balance less what has accrued and is not posted yet."""
    gift: int
    """The part of the balance that was given, not paid."""
    currency: str
    burn_per_hour: int
    hours_left: float | None
    """Wall-clock hours until nothing is left, monthly caps counted in; None when nothing burns."""


@dataclass(frozen=True)
class LedgerEntry:
    """One transfer as the owner of a wallet sees it."""

    id: int
    at: datetime
    kind: str
    amount: int
    """Signed: what it added to the wallet."""
    wallet: Literal["paid", "gift"]
    balance: int
    """Of that wallet, after it."""
    currency: str
    reference: str
    note: str


@dataclass(frozen=True)
class Topup:
    id: str
    account_id: UUID
    link: str
    provider: str
    state: TopupState
    amount: int
    credited: int
    currency: str
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class PaymentPage:
    """What whoever has the short link may see of a topup: nothing about whose it is."""

    link: str
    provider: str
    state: TopupState
    amount: int
    credited: int
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class AuditEntry:
    id: int
    at: datetime
    account_id: UUID | None
    actor: str
    fingerprint: str | None
    session_id: str | None
    source: str | None
    action: str
    target: str
    reason: str


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


@dataclass(frozen=True)
class AccountSummary:
    """An account as operators list it."""

    id: UUID
    state: str
    email: str
    capsuls: int
    balance: int
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class Announcement:
    id: int
    text: str
    created_at: datetime


@dataclass(frozen=True)
class Change:
    """Something changed in a table. Ids only: whoever wants to know more reads it as themselves."""

    table: str
    account_id: str
    """Empty where it belongs to no account."""
    id: str


@dataclass(frozen=True)
class Letter:
    """A mail to be written and sent."""

    id: int
    account_id: UUID | None
    kind: str
    recipient: str
    facts: dict[str, str]
    attempts: int
