"""A graph of one or two figures of a capsul over time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from capsul.machines import Series
from capsul.rules import plain_text
from capsul_tui.widgets.headline import Part
from capsul_tui.widgets.ink import Meaning, ink
from capsul_tui.widgets.picture import Picture, View, draw

_MEANINGS: dict[Part, Meaning] = {"title": "strong", "axis": "quiet", "first": "figure", "second": "second"}


class Graph(Widget):
    """Draws from 20 by 5 cells upwards; in less room there is only the latest figure.

    All that it is given is data: no markup, no control characters. Without `braille` it draws in ASCII.
    """

    DEFAULT_CSS = "Graph { width: 1fr; height: 1fr; }"

    def __init__(self, title: str, labels: tuple[str, ...] = (), *, braille: bool = True, **widget: Any) -> None:
        super().__init__(**widget)
        self._view = View(plain_text(title), tuple(map(plain_text, labels)), "No figures yet.")
        self._braille = braille
        self._drawn_for: Size | None = None
        self._picture: Picture = ()

    def show(self, series: Sequence[Series], start: int, end: int, top: float | None = None) -> None:
        """Shows one or two series of one unit from `start` to `end` (unix seconds).

        The axis ends at `top` if nothing is larger, say all of a capsul's memory; otherwise the figures decide.
        """
        self._change(replace(self._view, series=tuple(series), start=start, end=end, top=top))

    def name_it(self, title: str) -> None:
        """What it is a graph of."""
        self._change(replace(self._view, title=plain_text(title)))

    def say(self, text: str) -> None:
        """What stands in the middle while there is no point to show."""
        self._change(replace(self._view, words=plain_text(text)))

    def _change(self, view: View) -> None:
        if view != self._view:
            self._view = view
            self._drawn_for = None
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row. The picture is drawn once for all rows, and again only if the view or the size changed."""
        if self._drawn_for != self.size:
            self._drawn_for = self.size
            self._picture = draw(self._view, *self.size, braille=self._braille)
        runs = self._picture[y] if y < len(self._picture) else ()
        strip = Strip([Segment(text, self._style(part)) for text, part in runs])
        return strip.adjust_cell_length(self.size.width, self.rich_style)

    def _style(self, part: Part) -> Style:
        return self.rich_style + ink(self, _MEANINGS[part]) if part in _MEANINGS else self.rich_style
