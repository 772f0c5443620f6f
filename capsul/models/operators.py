"""What operators are shown."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


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
