"""Pure decisions: legal names, prices, who may do what, how long the money lasts."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from capsul.errors import BadName, BadState, NotPermitted
from capsul.models import Caller, CapsulState, OperationKind, Segment

HOURS_A_MONTH = 672
"""What a calendar month costs at most, in hours (28 days)."""

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
CAPSUL_ID = re.compile(r"c-[a-z2-7]{10}")

Permission = Literal["look", "stop", "run", "pay", "keys", "operate"]

_BY_SCOPE: dict[str, frozenset[Permission]] = {
    "full": frozenset({"look", "stop", "run", "pay", "keys"}),
    "machines": frozenset({"look", "stop", "run"}),
    "read": frozenset({"look"}),
}
_WHILE_WAITING: frozenset[Permission] = frozenset({"look", "stop", "pay"})

# From which states a request makes sense, and the states in which there is nothing left to do.
_ALLOWED: dict[OperationKind, tuple[frozenset[CapsulState], frozenset[CapsulState]]] = {
    "create": (frozenset(), frozenset()),
    "start": (frozenset({"stopped"}), frozenset({"running", "starting"})),
    "stop": (frozenset({"running"}), frozenset({"stopped", "stopping"})),
    "restart": (frozenset({"running"}), frozenset()),
    "kill": (frozenset({"running", "stopping", "starting", "unreachable"}), frozenset({"stopped"})),
    "destroy": (
        frozenset({"running", "stopping", "stopped", "starting", "held", "unreachable", "deleted", "creating"}),
        frozenset({"destroyed", "failed"}),
    ),
}


def check_name(name: str) -> str:
    """The name, if it is a DNS label of 1 to 40 characters that is not of the form of an id.

    Raises:
        BadName: it is not.
    """
    if not NAME.fullmatch(name) or CAPSUL_ID.fullmatch(name):
        raise BadName
    return name


def check_permission(caller: Caller, wanted: Permission, now: datetime) -> None:
    """Raises NotPermitted unless the caller's key may do this kind of thing now."""
    if wanted == "operate":
        if not caller.operator:
            raise NotPermitted("This needs an operator's key.")
        return
    if wanted not in _BY_SCOPE[caller.scope]:
        raise NotPermitted(f"This key's scope is {caller.scope}: it may not do that. Use another key.")
    if caller.waits_until and now < caller.waits_until and wanted not in _WHILE_WAITING:
        raise NotPermitted(
            f"This key is new to the account and may only look, top up and stop until "
            f"{when(caller.waits_until)}. Any older key can approve it at once: keys approve "
            f"{caller.fingerprint}"
        )


def is_work(kind: OperationKind, state: CapsulState) -> bool:
    """Whether the request needs work in this state: False when it is already so.

    Raises:
        BadState: the request makes no sense in this state.
    """
    work_from, already = _ALLOWED[kind]
    if state in already:
        return False
    if state not in work_from:
        raise BadState(f"The capsul is {state}: it cannot be asked to {kind} now.")
    return True


def price_per_hour(price_month: int) -> int:
    """Micro-units an hour, from micro-units a month; 672 hours make the dearest month. Rounded to nearest."""
    return (price_month + HOURS_A_MONTH // 2) // HOURS_A_MONTH


def credit_needed(burn_month: int) -> int:
    """Micro-units that must be available before a capsul is made: a day of the new total burn, at least one unit."""
    return max(price_per_hour(burn_month) * 24, 1_000_000)


def hours_left(available: int, segments: Sequence[Segment], now: datetime) -> float | None:
    """Wall-clock hours until `available` micro-units are used up; None when nothing burns.

    A capsul costs nothing more in a calendar month (UTC) once 672 hours of it are billed, so time passes for free
    at the end of long months.
    """
    cap = HOURS_A_MONTH * 3600
    burning = [segment for segment in segments if segment.price_month > 0]
    if not burning:
        return None
    if available <= 0:
        return 0.0
    allowances = [(s.price_month / cap, max(0, cap - s.billed_seconds)) for s in burning]
    left, month_start = float(available), now
    # Ten years is for ever: nobody plans further, and the loop must end.
    while month_start < now + timedelta(days=3653):
        month_end = _next_month(month_start)
        seconds, left = _burn_month(allowances, left, (month_end - month_start).total_seconds())
        if left <= 0:
            return ((month_start - now).total_seconds() + seconds) / 3600
        month_start, allowances = month_end, [(rate, cap) for rate, _ in allowances]
    return (month_start - now).total_seconds() / 3600


def _burn_month(allowances: Sequence[tuple[float, float]], left: float, span: float) -> tuple[float, float]:
    """Burns for `span` seconds: (rate, allowance in seconds) each. Returns the seconds it lasted, and what is left."""
    position = 0.0
    for stop in sorted({min(allowance, span) for _, allowance in allowances} | {span}):
        rate = sum(rate for rate, allowance in allowances if allowance >= stop)
        cost = rate * (stop - position)
        if cost >= left:
            return position + left / rate, 0.0
        left, position = left - cost, stop
    return span, left


def _next_month(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)


def plain_text(text: str) -> str:
    """The text without control, format and private characters: safe to draw or to log."""
    if text.isprintable():
        # Nearly all texts are, and lists have thousands of them. What else is not printable is white space.
        return text
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def when(at: datetime) -> str:
    """A time as people read it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
