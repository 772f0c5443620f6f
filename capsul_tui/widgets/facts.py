"""Facts about one thing, a line each: a quiet name, and what is so."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Region, Size
from textual.widget import Widget

from capsul.rules import plain_text
from capsul_tui.widgets.ink import ink
from capsul_tui.widgets.table import Cell

Fact = tuple[str, Cell | str | None]


class Facts(Widget):
    """Those that are None are left out."""

    def __init__(self, *facts: Fact, id: str | None = None, wraps: bool = False) -> None:  # noqa: A002 - Textual's name
        """What is longer than a line is cut, or goes on under itself if the facts wrap."""
        super().__init__(id=id)
        self._facts: tuple[Fact, ...] = facts
        self._wraps = wraps

    def show(self, facts: Sequence[Fact]) -> None:
        """These are the facts. Only lines that differ are drawn anew."""
        before, after = _known(self._facts), _known(facts)
        self._facts = tuple(facts)
        if len(before) != len(after) or (self._wraps and before != after):
            self.refresh(layout=True)
        elif _longest(before) != _longest(after):
            self.refresh()
        else:
            for at, (old, new) in enumerate(zip(before, after, strict=True)):
                if old != new:
                    self.refresh(Region(0, at, self.content_size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are facts, or as they take where they wrap."""
        return len(self._lines(width)) if self._wraps else super().get_content_height(container, viewport, width)

    def render(self) -> RenderResult:
        return Text("\n", no_wrap=True, overflow="ellipsis").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Text]:
        known = _known(self._facts)
        longest = _longest(known)
        quiet = ink(self, "quiet")
        lines = []
        for name, value in known:
            tone = value.tone if isinstance(value, Cell) else None
            style = ink(self, tone) if tone else self.rich_style
            said = Text(plain_text(value.text if isinstance(value, Cell) else value), style)
            room = max(10, width - longest - 2)
            for number, part in enumerate(said.wrap(self.app.console, room) if self._wraps else [said]):
                line = Text("" if number else plain_text(name), quiet, no_wrap=True, overflow="ellipsis")
                line.pad_right(longest + 2 - line.cell_len)
                lines.append(line.append_text(part))
        return lines


def _known(facts: Sequence[Fact]) -> list[tuple[str, Cell | str]]:
    return [(name, value) for name, value in facts if value is not None]


def _longest(known: Sequence[tuple[str, Cell | str]]) -> int:
    return max((cell_len(name) for name, _ in known), default=0)
