"""Who there is: guests, accounts, their keys, and what was done with them."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Literal
from uuid import UUID

Scope = Literal["full", "machines", "read"]


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
class OpenSession:
    """Somebody who has the screens open."""

    id: str
    key_name: str
    fingerprint: str
    source: str
    client: str
    """What the client calls itself, and its version."""
    terminal: str
    """Its type and size."""
    started_at: datetime


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
