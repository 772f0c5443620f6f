"""What operators are shown."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from capsul.models.capsuls import Capsul, Operation
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
