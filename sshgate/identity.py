"""Who is at the other end of a connection, once it is known."""

from dataclasses import dataclass

from capsul.errors import CapsulError
from capsul.models import Guest, Key


@dataclass(frozen=True)
class Member:
    """Somebody who has proved a key of an account."""

    key: Key


@dataclass(frozen=True)
class TurnedAway:
    """Somebody who was let in only to be told why nothing can be done for them now."""

    error: CapsulError


@dataclass(frozen=True)
class HealthCheck:
    """Nobody: a program that asks whether the gate answers."""


Identity = Member | Guest | TurnedAway | HealthCheck


@dataclass(frozen=True)
class Connection:
    """What is known of a connection, whoever it is."""

    session_id: str
    source: str
    user: str
    client: str
    cipher: str
    compression: str
