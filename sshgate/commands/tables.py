"""Tables that fit the terminal they are shown on, and stay one line a row where there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sshgate.commands.style import Style, width, wrap
from sshgate.commands.text import Cell, Fingerprint, painted, plain

_GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column of a table, and what becomes of it where there is no room for all."""

    title: str
    right: bool = False
    """Figures stand on the right."""
    yields: int = 0
    """The highest gives way first; of equals, the one that stands further right. The first column never does."""
    spare: bool = False
    """It can be had elsewhere, and is left out; anything else is put beneath its row."""


class _Filled:
    """A column with what is in it."""

    def __init__(self, column: Column, at: int, cells: Sequence[Cell]) -> None:
        self.column = column
        self.at = at
        self.cells = cells
        self.texts = [plain(cell) for cell in cells]

    def shorten(self) -> None:
        self.texts = [cell.short if isinstance(cell, Fingerprint) else plain(cell) for cell in self.cells]

    @property
    def width(self) -> int:
        return max(width(text) for text in [self.column.title, *self.texts])

    @property
    def title(self) -> str:
        return self.column.title

    @property
    def yielding(self) -> tuple[bool, int, int]:
        """Who gives way first has the most: what says nothing at all, then as was asked for."""
        return all(cell is None for cell in self.cells), self.column.yields, self.at

    def pad(self, text: str, is_last: bool) -> str:
        padding = " " * (self.width - width(text))
        if self.column.right:
            return f"{padding}{text}"
        return text if is_last else f"{text}{padding}"


def table(columns: Sequence[str | Column], rows: Iterable[Sequence[Cell]], style: Style) -> str:
    """Aligned columns under their titles. A title that begins with > has its column on the right."""
    kept = list(rows)
    if not kept and style.columns is not None:
        return style.say("Nothing to list.")
    filled = [_Filled(_column(column), at, [row[at] for row in kept]) for at, column in enumerate(columns)]
    shown = _fitting(filled, style.columns)
    beneath = [it for it in filled if it not in shown and not it.column.spare]
    lines = [_GAP.join(style.paint(it.pad(it.title, it is shown[-1]), "bold") for it in shown)]
    for at in range(len(kept)):
        lines.append(_GAP.join(painted(it.cells[at], it.pad(it.texts[at], it is shown[-1]), style) for it in shown))
        lines.extend(_facts([(it.title, it.cells[at]) for it in beneath], style))
    return "".join(f"{line}\n" for line in lines)


def _column(column: str | Column) -> Column:
    return column if isinstance(column, Column) else Column(column.lstrip(">"), right=column.startswith(">"))


def _fitting(columns: list[_Filled], room: int | None) -> list[_Filled]:
    """Those there is room for, in their order."""
    if room is None:
        return columns
    if _total(columns) > room:
        for column in columns:
            column.shorten()
    shown, gone = list(columns), []
    for column in sorted(columns[1:], key=lambda it: it.yielding, reverse=True):
        if _total(shown) > room:
            shown.remove(column)
            gone.append(column)
    for column in reversed(gone):
        # A narrow one may have given way in vain.
        if _total([*shown, column]) <= room:
            shown.append(column)
    return sorted(shown, key=lambda it: it.at)


def _total(columns: Sequence[_Filled]) -> int:
    return sum(it.width for it in columns) + len(_GAP) * (len(columns) - 1)


def _facts(facts: Sequence[tuple[str, Cell]], style: Style) -> list[str]:
    """What there was no room for in a row, beneath it: as many facts in a line as fit. Unknown ones are left out."""
    lines: list[tuple[str, str]] = []
    for title, cell in ((_in_words(title), cell) for title, cell in facts if cell is not None):
        bare = f"{title}: {plain(cell)}"
        shown = f"{style.paint(f'{title}:', 'grey')} {painted(cell, plain(cell), style)}"
        if lines and width(f"{lines[-1][0]}{_GAP} {bare}") <= (style.columns or 0):
            bare, shown = (f"{before}{_GAP} {fact}" for before, fact in zip(lines.pop(), (bare, shown), strict=True))
        elif width(f"{_GAP}{bare}") > (style.columns or 0):
            bare = shown = wrap(bare, style.columns, _GAP, _GAP * 2)
        else:
            bare, shown = f"{_GAP}{bare}", f"{_GAP}{shown}"
        lines.append((bare, shown))
    return [shown for _, shown in lines]


def _in_words(title: str) -> str:
    return title.lower().replace("utc", "UTC")
