"""What the first screen shows."""

from dataclasses import dataclass

from capsul.models.capsuls import Capsul, Operation
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
