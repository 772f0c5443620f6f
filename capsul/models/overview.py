"""Several things that are shown together, and so are read together."""

from dataclasses import dataclass

from capsul.models.capsuls import Capsul, Image, Operation, Promise, Size
from capsul.models.messages import Announcement
from capsul.models.money import Balance
from capsul.models.people import Account, Key


@dataclass(frozen=True)
class Overview:
    """An account at a glance."""

    account: Account
    key: Key
    """The one the caller came in by."""
    balance: Balance
    capsuls: tuple[Capsul, ...]
    """Those that have not ended, oldest first."""
    operations: tuple[Operation, ...]
    """Those that have not ended, and what failed in the last hour, newest first."""
    announcements: tuple[Announcement, ...]
    """What the operators say to everybody now, newest first."""
    sessions: int
    """How many screens are open, this one included."""


@dataclass(frozen=True)
class CapsulDetails:
    """All about one capsul."""

    capsul: Capsul
    promise: Promise
    operations: tuple[Operation, ...]
    """The newest on it, newest first."""


@dataclass(frozen=True)
class OfferedSize:
    """A size, and what one more of it would mean."""

    size: Size
    needed: int
    """What must be available before one is made."""
    hours_left: float | None
    """How long the money would last with it."""


@dataclass(frozen=True)
class Offer:
    """What somebody can make now."""

    refusal: str
    """Why their key may make nothing, in a sentence; empty when it may."""
    images: tuple[Image, ...]
    sizes: tuple[OfferedSize, ...]
    """Cheapest first."""
    keys: tuple[Key, ...]
    """Those that a capsul can be told to let in."""
    names: frozenset[str]
    """Those that are taken."""
    available: int
    currency: str
    hours_left: float | None
    """How long the money lasts as it is."""
