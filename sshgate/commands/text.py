"""How facts, figures and times look to a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from capsul.models import Key
from capsul.money import decimal_text
from capsul.rules import plain_text
from sshgate.commands.style import Colour, Style, width, wrap

_STATES: dict[str, Colour] = {
    "running": "green",
    "done": "green",
    "paid": "green",
    "live": "green",
    "active": "green",
    "failed": "red",
    "expired": "red",
    "reversed": "red",
    "unreachable": "red",
    "held": "red",
    "locked": "red",
    "destroyed": "grey",
    "deleted": "grey",
    "stopped": "grey",
}
_KIB, _MIB, _GIB = 2.0**10, 2.0**20, 2.0**30


@dataclass(frozen=True)
class Paint:
    """A text in a colour. Nothing is ever said by colour alone."""

    text: str
    colour: Colour


@dataclass(frozen=True)
class Fingerprint:
    """A key's. Where there is no room in a table, its beginning has to do: the whole is in the JSON."""

    text: str

    @property
    def short(self) -> str:
        """Enough of it to tell it from others."""
        return f"{self.text[:15]}…" if len(self.text) > 16 else self.text


Cell = str | int | Paint | Fingerprint | None


def state(word: str) -> Paint:
    """A state, in the colour that states of its kind have everywhere."""
    return Paint(word, _STATES.get(word, "yellow"))


def plain(cell: Cell) -> str:
    """What stands in a cell, as data: no control character gets through."""
    if isinstance(cell, Paint | Fingerprint):
        return plain_text(cell.text)
    return plain_text(str(cell)) if cell is not None else "-"


def painted(cell: Cell, text: str, style: Style) -> str:
    """The text in the colour of the cell."""
    return style.paint(text, cell.colour) if isinstance(cell, Paint) else text


def key_cell(text: str | None) -> Cell:
    """What may be a fingerprint, or nothing."""
    return Fingerprint(text) if text and text.startswith("SHA256:") else text or None


def fields(pairs: Iterable[tuple[str, Cell]], style: Style) -> str:
    """One thing, a fact a line. Facts that are not known are left out; long ones go on under their beginning."""
    known = [(name, value) for name, value in pairs if value is not None]
    longest = max(width(name) for name, _ in known)
    indent = " " * (longest + 2)
    return "".join(
        f"{style.paint(name.ljust(longest), 'grey')}  {painted(value, _beside(value, indent, style), style)}\n"
        for name, value in known
    )


def _beside(value: Cell, indent: str, style: Style) -> str:
    if isinstance(value, Paint) or plain(value).startswith("ssh "):
        # A command line stays in one piece: it is there to be copied.
        return plain(value)
    return wrap(plain(value), style.columns, indent, indent).removeprefix(indent)


def key_in_words(key: Key) -> str:
    """Which key it is, to its owner."""
    return f'"{key.name}"{", an operator" * key.operator}'


def more_than(shown: Sequence[object], limit: int) -> str:
    """A hint that a list was cut, if it may have been."""
    return f"The list ends after {limit}; there may be more: see --limit." if len(shown) == limit else ""


def amount(micro: int, currency: str) -> str:
    """Money with two places."""
    return f"{decimal_text(micro)} {currency}"


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
