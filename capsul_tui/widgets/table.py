"""A list of things, a line each: it keeps cursor, scroll and filter whatever the news, and drops what does not fit.

Textual's DataTable holds cells that are changed one by one, and has neither a filter nor columns that give way; this
one is told what there is, as often as wanted, and draws only the lines that differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.color import Color as Colour
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from capsul.rules import plain_text
from capsul.text import Tone
from capsul_tui.widgets.ink import ink

_GAP = "  "
_CUT = "…"


@dataclass(frozen=True)
class Column:
    """One fact about each thing."""

    title: str
    right: bool = False
    yields: int = 0
    """Columns that yield more are left out first where there is no room; 0 is never left out."""
    least: int = 4
    """Cells that it can be squeezed to before anything else is left out, if it is squeezed at all."""
    squeezes: bool = False
    """Whether a long text may be cut to make everything fit."""


@dataclass(frozen=True)
class Cell:
    """A text, and what kind of thing it says."""

    text: str
    tone: Tone | Literal["figure", "quiet"] | None = None


@dataclass(frozen=True)
class Row:
    """One thing."""

    key: str
    cells: tuple[Cell | str | None, ...]
    hidden: str = ""
    """More words by which it is found, such as an id that has no column."""

    def has(self, wanted: Sequence[str]) -> bool:
        """Whether all these words, in small letters, are somewhere in it. `!word` must not be."""
        text = " ".join([*(_text(cell) for cell in self.cells), self.hidden]).casefold()
        return all((word[1:] not in text) if word[:1] == "!" and word[1:] else word in text for word in wanted)


class Table(ScrollView, can_focus=True):
    """Rows under a line of titles."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
    ]

    @dataclass
    class Opened(Message):
        """Somebody wants to see the thing."""

        table: "Table"
        key: str

    @dataclass
    class Moved(Message):
        """The cursor is on another thing; None where there is none."""

        table: "Table"
        key: str | None

    def __init__(self, *columns: Column | str, empty: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._columns = tuple(Column(it) if isinstance(it, str) else it for it in columns)
        self._empty = empty
        self._all: tuple[Row, ...] = ()
        self._rows: tuple[Row, ...] = ()
        self._words = ""
        self._cursor = 0
        self._widths = _fit(self._columns, (), 0)
        """Of each column in cells; None where it is left out."""

    # What screens call

    def show(self, rows: Sequence[Row]) -> None:
        """This is what there is. The cursor stays on its thing, or where that stood."""
        self._all = tuple(rows)
        self._arrange()

    def say_when_empty(self, sentence: str) -> None:
        """What stands there when there is nothing."""
        if sentence != self._empty:
            self._empty = sentence
            self.refresh()

    @property
    def words(self) -> str:
        """The words that rows must have to be shown."""
        return self._words

    @words.setter
    def words(self, words: str) -> None:
        self._words = words
        self._arrange()

    @property
    def current(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def count(self) -> tuple[int, int]:
        """Rows shown, and rows there are."""
        return len(self._rows), len(self._all)

    def go_to(self, key: str) -> None:
        """Puts the cursor on a thing, if it is shown."""
        for at, row in enumerate(self._rows):
            if row.key == key:
                self._move_to(at)

    # Keys and mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action != "open" or self.current is not None

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self, self.current))

    def action_move(self, by: int) -> None:
        self._move_to(self._cursor + by)

    def action_first(self) -> None:
        self._move_to(0)

    def action_last(self) -> None:
        self._move_to(len(self._rows) - 1)

    def action_page(self, pages: int) -> None:
        self._move_to(self._cursor + pages * max(1, self._lines() - 1))

    def on_click(self, event: events.Click) -> None:
        at = event.y - 1 + self.scroll_offset.y
        if event.y >= 1 and at < len(self._rows):
            event.stop()
            if at == self._cursor or event.chain > 1:
                self.action_open()
            else:
                self._move_to(at)

    def on_resize(self) -> None:
        self._measure()
        self._keep_cursor_in_view()

    def watch_show_vertical_scrollbar(self) -> None:
        """The bar beside a long list takes a column from it."""
        self._measure()

    # How it is kept

    def _arrange(self) -> None:
        before, here = self._rows, self.current
        wanted = self._words.casefold().split()
        self._rows = tuple(row for row in self._all if row.has(wanted)) if wanted else self._all
        keys = [row.key for row in self._rows]
        self._cursor = keys.index(here) if here in keys else max(0, min(self._cursor, len(keys) - 1))
        self.virtual_size = Size(0, len(self._rows) + 1)
        if not self._measure():
            self._refresh_what_differs(before)
        self._keep_cursor_in_view()
        if self.current != here:
            self.post_message(self.Moved(self, self.current))
        if (self.current is None) != (here is None):
            self.refresh_bindings()

    def _refresh_what_differs(self, before: tuple[Row, ...]) -> None:
        if len(before) != len(self._rows):
            self.refresh()
            return
        for at, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            if old != new:
                self._refresh_row(at)

    def _move_to(self, at: int) -> None:
        at = max(0, min(at, len(self._rows) - 1))
        if at != self._cursor and self._rows:
            self._refresh_row(self._cursor)
            self._cursor = at
            self._refresh_row(at)
            self.post_message(self.Moved(self, self.current))
        self._keep_cursor_in_view()

    def _refresh_row(self, at: int) -> None:
        self.refresh(Region(0, at + 1 - self.scroll_offset.y, self.size.width, 1))

    def _keep_cursor_in_view(self) -> None:
        lines = self._lines()
        if lines > 0:
            top = self.scroll_offset.y
            wanted = min(max(top, self._cursor - lines + 1), self._cursor)
            if wanted != top:
                self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def _lines(self) -> int:
        return self.scrollable_content_region.height - 1

    # How it is drawn

    def _measure(self) -> bool:
        """Chooses the columns and their widths; whether they are others than before."""
        widths = _fit(self._columns, self._rows, self.scrollable_content_region.width)
        differs = widths != self._widths
        if differs:
            self._widths = widths
            self.refresh()
        return differs

    def render_line(self, y: int) -> Strip:
        """Line `y` of what is seen."""
        width = self.scrollable_content_region.width
        at = y - 1 + self.scroll_offset.y
        if y == 0 and self._all:
            title = self.rich_style + ink(self, "title")
            return self._strip([Cell(column.title) for column in self._columns], title, width)
        if y > 0 and at < len(self._rows):
            return self._strip(self._rows[at].cells, self._style_of(at), width, cursor=at == self._cursor)
        at = y - bool(self._all)
        lines = wrap(self._why_empty(), max(1, width - 2)) if not self._rows else []
        return self._line(lines[at] if 0 <= at < len(lines) else "", self.rich_style, width)

    def _why_empty(self) -> str:
        if not self._all:
            return self._empty
        return "" if self._rows else f"Nothing has “{plain_text(self._words)}”. Esc shows all again."

    def _style_of(self, at: int) -> Style:
        if at != self._cursor:
            return self.rich_style
        return self.rich_style + ink(self, "cursor" if self.has_focus else "cursor-blurred")

    def _strip(self, cells: Sequence[Cell | str | None], style: Style, width: int, *, cursor: bool = False) -> Strip:
        segments = [Segment("▌" if cursor else " ", style)]
        for column, room, cell in zip(self._columns, self._widths, cells, strict=True):
            if room is None:
                continue
            colour = self._colour(cell, cursor)
            # On the cursor too a state keeps its colour, but not its background.
            segments.append(Segment(_fitted(_text(cell), room, column.right), style + Style(color=colour)))
            segments.append(Segment(_GAP, style))
        return Strip(segments).adjust_cell_length(width, style)

    def _colour(self, cell: Cell | str | None, cursor: bool) -> Colour | None:
        tone = cell.tone if isinstance(cell, Cell) else None
        # Among sixteen, the cursor's background is the colour of some state.
        if tone is None or (cursor and self.app.native_ansi_color):
            return None
        return ink(self, tone).color

    @staticmethod
    def _line(text: str, style: Style, width: int) -> Strip:
        return Strip([Segment(f" {text}", style)]).adjust_cell_length(width, style)


def _text(cell: Cell | str | None) -> str:
    """What stands in a cell: data, of which no control character gets through."""
    text = cell.text if isinstance(cell, Cell) else cell
    return plain_text(text) if text else "-" if text is None else ""


def _fitted(text: str, width: int, right: bool) -> str:
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + _CUT
    return " " * (width - length) + text if right else text + " " * (width - length)


def _fit(columns: Sequence[Column], rows: Sequence[Row], width: int) -> tuple[int | None, ...]:
    """Widths of the columns: those that yield most are left out until the rest fits, squeezed if it can be."""
    natural = [
        max([cell_len(column.title), *(cell_len(_text(row.cells[at])) for row in rows)])
        for at, column in enumerate(columns)
    ]
    # What is said of nothing needs no column.
    shown = {at for at, it in enumerate(columns) if not (rows and it.yields and all(not row.cells[at] for row in rows))}
    while True:
        wide = sum(natural[at] + len(_GAP) for at in shown) + 1 - len(_GAP)
        over = wide - width
        slack = {at: max(0, natural[at] - columns[at].least) for at in shown if columns[at].squeezes}
        leaves = max((at for at in shown if columns[at].yields), key=lambda at: columns[at].yields, default=None)
        if over <= sum(slack.values()) or leaves is None:
            break
        shown.discard(leaves)
    for at in sorted(slack, key=lambda at: -slack[at]):
        less = min(slack[at], max(0, over))
        natural[at] -= less
        over -= less
    return tuple(natural[at] if at in shown else None for at in range(len(columns)))
