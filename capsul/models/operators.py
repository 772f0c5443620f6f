"""What operators are shown."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from capsul.models.capsuls import Capsul, Host, Operation
from capsul.models.messages import Announcement
from capsul.models.money import Balance, LedgerEntry, Topup
from capsul.models.people import AuditEntry, Key


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
class AccountDetails:
    """All about one account."""

    summary: AccountSummary
    keys: tuple[Key, ...]
    """Live and pending ones, oldest first."""
    capsuls: tuple[Capsul, ...]
    """Those that have not ended, oldest first."""
    balance: Balance
    entries: tuple[LedgerEntry, ...]
    """The newest of the ledger; newest first, as in what follows."""
    operations: tuple[Operation, ...]
    audit: tuple[AuditEntry, ...]


@dataclass(frozen=True)
class TopupTrouble:
    """A topup that does not come right by itself."""

    topup: Topup
    email: str
    """Of whose it is."""
    since: datetime
    why: str
    """What is wrong, in a sentence."""
    advice: str
    """What to do about it."""


@dataclass(frozen=True)
class Numbers:
    """How much there is of everything."""

    accounts: int
    """Those that are not closed."""
    locked: int
    capsuls: int
    """Those that have not ended."""
    queued: int
    running: int
    failed: int
    """Operations that were asked for in the last 24 hours."""


@dataclass(frozen=True)
class Board:
    """The installation at a glance."""

    numbers: Numbers
    hosts: tuple[Host, ...]
    failures: tuple[Operation, ...]
    """The newest operations that failed in the last 24 hours, newest first."""
    topups: tuple[TopupTrouble, ...]
    """Those that need a person, the longest first."""
    announcements: tuple[Announcement, ...]
    """What is said to everybody now, newest first."""
