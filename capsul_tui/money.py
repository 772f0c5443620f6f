"""Money as it stands on the screens: what there is, what burns, until when it lasts."""

from datetime import UTC, datetime, timedelta

from capsul.models import Balance
from capsul.text import Tone, amount, hourly, moment, span
from capsul_tui.widgets.facts import Fact
from capsul_tui.widgets.table import Cell

_TEN_YEARS = 87_600
"""Hours: nobody plans further."""


def balance_facts(it: Balance) -> list[Fact]:
    """What there is now, what takes it away, and how long that goes on."""
    part = "all" if it.gift == it.balance else amount(it.gift, it.currency)
    gift = f", {part} of it a gift" if it.gift > 0 else ""
    balance, available = amount(it.balance, it.currency), amount(it.available, it.currency)
    tone: Tone | None = None if it.available > 0 else "bad"
    return [
        ("Balance", Cell(f"{balance}{gift}", tone)),
        # What was used since the last posting is soon taken off the balance too.
        ("Available", Cell(available, tone) if available != balance else None),
        ("Burns", burns(it)),
        ("Lasts", lasts(it.hours_left)),
    ]


def burns(it: Balance) -> str:
    """What all capsuls cost together."""
    return f"{hourly(it.burn_per_hour)} {it.currency} an hour" if it.burn_per_hour else "nothing"


def lasts(hours: float | None) -> Cell:
    """Until when money lasts; urgent when that is soon."""
    if hours is None:
        return Cell("for ever, while nothing burns")
    if hours <= 0:
        return Cell("not at all: there is no credit", "bad")
    until = moment(datetime.now(UTC) + timedelta(hours=hours)) if hours < 48 else _day(hours)
    return Cell(f"until {until} ({span(hours)})", "bad" if hours < 24 else "busy" if hours < 168 else None)


def _day(hours: float) -> str:
    return f"{datetime.now(UTC) + timedelta(hours=min(hours, _TEN_YEARS)):%Y-%m-%d}"


def method(provider: str) -> str:
    """How a topup is paid, in the words of `topup --method`."""
    return {"stripe": "card", "btcpay": "crypto"}.get(provider, provider)
