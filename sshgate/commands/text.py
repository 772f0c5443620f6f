"""How figures, times and tables look to a person."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from capsul.money import decimal_text
from capsul.rules import plain_text

Colour = Literal["green", "yellow", "red", "grey", "bold"]

_CODES: dict[Colour, str] = {"green": "32", "yellow": "33", "red": "31", "grey": "90", "bold": "1"}
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


@dataclass(frozen=True)
class Paint:
    """A text in a colour. Nothing is ever said by colour alone."""

    text: str
    colour: Colour


Cell = str | int | Paint | None


def state(word: str) -> Paint:
    """A state, in the colour that states of its kind have everywhere."""
    return Paint(word, _STATES.get(word, "yellow"))


def paint(text: str, colour: Colour, colours: bool) -> str:
    """The text, coloured if colours are wanted. The text is taken as data: no control character gets through."""
    text = plain_text(text)
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colours else text


def table(titles: Sequence[str], rows: Iterable[Sequence[Cell]], colours: bool) -> str:
    """Aligned columns under their titles. A title that begins with > has its column on the right."""
    kept = list(rows)
    columns = [_Column(title, [row[at] for row in kept]) for at, title in enumerate(titles)]
    heads = [paint(column.pad(column.title), "bold", colours) for column in columns]
    lines = [[column.cell(at, colours) for column in columns] for at in range(len(kept))]
    return "".join(f"{'  '.join(line).rstrip()}\n" for line in [heads, *lines])


class _Column:
    def __init__(self, title: str, cells: Sequence[Cell]) -> None:
        self.title = title.lstrip(">")
        self._is_right = title.startswith(">")
        self._cells = cells
        self._width = max(width(text) for text in [self.title, *map(_plain, cells)])

    def pad(self, text: str) -> str:
        padding = " " * (self._width - width(text))
        return f"{padding}{text}" if self._is_right else f"{text}{padding}"

    def cell(self, at: int, colours: bool) -> str:
        return _colour(self._cells[at], self.pad(_plain(self._cells[at])), colours)


def fields(pairs: Iterable[tuple[str, Cell]], colours: bool) -> str:
    """One thing, a fact a line. Facts that are not known are left out."""
    known = [(name, value) for name, value in pairs if value is not None]
    longest = max(len(name) for name, _ in known)
    return "".join(
        f"{paint(name.ljust(longest), 'grey', colours)}  {_colour(value, _plain(value), colours)}\n"
        for name, value in known
    )


def width(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def amount(micro: int, currency: str) -> str:
    """Money with two places."""
    return f"{decimal_text(micro)} {currency}"


def when(at: datetime | None) -> str | None:
    """To the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else None


def span(hours: float | None) -> str:
    """How long something lasts."""
    if hours is None:
        return "for ever: nothing burns"
    if hours >= 48:
        return f"{int(hours // 24)} days"
    if hours >= 1:
        return f"{int(hours)} hours"
    return f"{int(hours * 60)} minutes"


def memory(mib: int) -> str:
    """MiB, or GiB when it is whole."""
    return f"{mib // 1024} GiB" if mib % 1024 == 0 else f"{mib} MiB"


def _plain(cell: Cell) -> str:
    if isinstance(cell, Paint):
        return plain_text(cell.text)
    return plain_text(str(cell)) if cell is not None else "-"


def _colour(cell: Cell, text: str, colours: bool) -> str:
    return paint(text, cell.colour, colours) if isinstance(cell, Paint) else text
