"""What members have paid, what they are charged, and what is left. Micro-units of one currency."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

TopupState = Literal["waiting", "unconfirmed", "paid", "failed", "expired", "reversed"]


@dataclass(frozen=True)
class Segment:
    """A capsul that costs something now."""

    capsul_id: str
    price_month: int
    billed_seconds: int
    """Seconds already billed in this calendar month (UTC)."""


@dataclass(frozen=True)
class Burning:
    """All that costs something at a moment: with it `capsul.rules.hours_left` tells how long any balance would last."""

    segments: tuple[Segment, ...]
    at: datetime
    """By the database's clock, which is the only one that counts."""


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
    total: int
    """Of all wallets, after it."""
    currency: str
    reference: str
    note: str
    about: str
    """What it was for, in words: the name of a capsul, how a topup was paid; else empty."""


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
