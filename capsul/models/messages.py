"""What is said: to everybody, by mail, and from the database to whoever watches."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Announcement:
    id: int
    text: str
    created_at: datetime
    ends_at: datetime | None
    """From when on nobody is shown it any more; None when that was not decided."""


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
