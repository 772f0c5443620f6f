"""How figures, times and states look to a person, at every door. Pure; all of it is data, never markup."""

from datetime import UTC, datetime
from typing import Literal

from capsul.money import decimal_text

Tone = Literal["good", "busy", "bad", "off"]
"""What kind of state it is; each door has its colour for each. Nothing is ever said by colour alone."""

_TONES: dict[str, Tone] = {
    "running": "good",
    "done": "good",
    "paid": "good",
    "live": "good",
    "active": "good",
    "failed": "bad",
    "expired": "bad",
    "reversed": "bad",
    "unreachable": "bad",
    "held": "bad",
    "locked": "bad",
    "destroyed": "off",
    "deleted": "off",
    "stopped": "off",
    "closed": "off",
}
_KIB, _MIB, _GIB = 2.0**10, 2.0**20, 2.0**30


def tone(state: str) -> Tone:
    """Of a state of anything. What is under way is busy."""
    return _TONES.get(state, "busy")


def amount(micro: int, currency: str) -> str:
    """Money with two places."""
    return f"{decimal_text(micro)} {currency}"


def hourly(micro: int) -> str:
    """A price or a burn an hour, to the nearest of four places: rounded down it would promise too much."""
    return decimal_text(micro + 50, 4)


def when(at: datetime | None) -> str | None:
    """To the minute, in UTC: in a table, whose title says so."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else None


def moment(at: datetime | None) -> str | None:
    """To the minute, where nothing else says that it is UTC."""
    return f"{when(at)} UTC" if at else None


def span(hours: float) -> str:
    """How long something lasts, rounded down."""
    if hours >= 48:
        return f"{int(hours // 24)} days"
    if hours >= 2:
        return f"{int(hours)} hours"
    minutes = int(hours * 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def scope_in_words(scope: str) -> str:
    """What a key of this scope may do."""
    return {
        "full": "everything",
        "machines": "all to capsuls that it created; nothing to money and keys",
        "read": "look only",
    }[scope]


def short_fingerprint(fingerprint: str) -> str:
    """Enough of it to tell it from others."""
    return f"{fingerprint[:15]}…" if len(fingerprint) > 16 else fingerprint


def lasting(hours: float | None) -> str:
    """How long money lasts."""
    return "for ever: nothing burns" if hours is None else span(hours)


def storage(size: float) -> str:
    """Bytes, in the unit that keeps them short, with a decimal place only where it says something."""
    for unit, name in ((_GIB, "GiB"), (_MIB, "MiB"), (_KIB, "KiB")):
        # What would be written as 1024 of a unit is 1 of the next.
        if size >= unit or _short(size / unit * 1024) == "1024":
            return f"{_short(size / unit)} {name}"
    return f"{_short(size)} B"


def memory(mib: int) -> str:
    """Memory as sizes and hosts have it."""
    return storage(mib * _MIB)


def disk(gib: int) -> str:
    """Disk as sizes and hosts have it."""
    return storage(gib * _GIB)


def share(part: str, whole: str) -> str:
    """A part of a whole, both as `storage` writes them. The unit of nothing, or one that both have, is said once."""
    number, _, unit = part.partition(" ")
    return f"{number if number == '0' or whole.endswith(f' {unit}') else part} of {whole}"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
