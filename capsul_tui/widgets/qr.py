"""A QR code for a phone's camera, as small as it can be: a link to pay has to fit beside a screen's other lines."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby, zip_longest
from typing import Any

import segno
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

Modules = Sequence[Sequence[bool]]
"""Rows of a code; True is dark."""
Cell = tuple[str, Style]

_LEAST_QUIET, _QUIET = 2, 4
"""Light modules around a code: the standard asks for four, readers are content with two."""

_DARK, _LIGHT = Style.parse("#ffffff on #000000"), Style.parse("#000000 on #ffffff")
"""No theme's colours: readers want dark on light. A palette of 256 has these two exactly, one of 16 nearly so."""

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
"""Upper and lower module in one cell; True is drawn."""


class QrCode(Widget):
    """A text as a QR code, in the middle of its room, with a quiet zone of four modules where they fit, else of two.

    With colours it is black on white, whatever the theme. Without them nobody knows whether the terminal is dark:
    the light modules are drawn, which is right on a dark terminal, as most are, and inverted on a light one, which
    most readers take too. Without Unicode each module is two cells wide and one high: twice as many rows.

    A code that is cut off is worth nothing: where it does not fit, a sentence says so and the text itself has to do,
    which the screen shows anyway.
    """

    DEFAULT_CSS = "QrCode { width: auto; height: auto; }"

    def __init__(self, text: str, *, unicode: bool = True, colours: bool = True, **widget: Any) -> None:
        super().__init__(**widget)
        self._text = text
        self._unicode = unicode
        self._colours = colours

    @classmethod
    def size_of(cls, text: str, *, unicode: bool = True) -> tuple[int, int]:
        """The columns and rows that a text's code needs at least."""
        return _size(text, _LEAST_QUIET, unicode)

    @property
    def columns(self) -> int:
        """How many it needs at least."""
        return self.size_of(self._text, unicode=self._unicode)[0]

    @property
    def rows(self) -> int:
        """How many it needs at least."""
        return self.size_of(self._text, unicode=self._unicode)[1]

    def show(self, text: str) -> None:
        """Another text's code."""
        if text != self._text:
            self._text = text
            self.refresh(layout=True)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As Textual asks for it, where its width is `auto`."""
        del container, viewport
        return self.columns

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As Textual asks for it, where its height is `auto`."""
        del container, viewport, width
        return self.rows

    def render_line(self, y: int) -> Strip:
        """One row."""
        width, height = self.size
        lines = self._lines(width, height)
        above = (height - len(lines)) // 2
        code = lines[y - above] if 0 <= y - above < len(lines) else []
        left = (width - sum(len(text) for text, _ in code)) // 2
        strip = Strip([Segment(text, style) for text, style in [(" " * left, self.rich_style), *code] if text])
        return strip.adjust_cell_length(width, self.rich_style)

    def _lines(self, width: int, height: int) -> list[list[Cell]]:
        """The code, with as much of a quiet zone as there is room for."""
        for quiet in (_QUIET, _LEAST_QUIET):
            columns, rows = _size(self._text, quiet, self._unicode)
            if columns <= width and rows <= height:
                modules = _surrounded(modules_of(self._text), quiet)
                draw = _in_halves if self._unicode else _in_pairs
                return [_joined(line) for line in draw(modules, None if self._colours else self.rich_style)]
        return [[("No room for the QR code."[:width], self.rich_style)]]


@lru_cache(64)
def modules_of(text: str) -> Modules:
    """The smallest code of a text, with as much error correction as there is room for in it."""
    return tuple(tuple(map(bool, row)) for row in segno.make_qr(text, error="l").matrix)


def _size(text: str, quiet: int, unicode: bool) -> tuple[int, int]:
    side = len(modules_of(text)) + 2 * quiet
    return (side, (side + 1) // 2) if unicode else (2 * side, side)


def _surrounded(modules: Modules, quiet: int) -> Modules:
    side = len(modules) + 2 * quiet
    blank, beside = [[False] * side] * quiet, [False] * quiet
    return [*blank, *([*beside, *row, *beside] for row in modules), *blank]


def _in_halves(modules: Modules, plain: Style | None) -> list[list[Cell]]:
    """Two modules in a cell. What is light below the last row only adds to the quiet zone."""
    pairs = zip_longest(modules[::2], modules[1::2], fillvalue=[False] * len(modules))
    return [[_half(up, down, plain) for up, down in zip(upper, lower, strict=True)] for upper, lower in pairs]


def _half(up: bool, down: bool, plain: Style | None) -> Cell:
    if plain is not None:
        return _HALVES[not up, not down], plain
    # A background fills its cell in every font; a full block may leave white lines between the rows.
    return (" ", _DARK) if up and down else (_HALVES[up, down], _LIGHT)


def _in_pairs(modules: Modules, plain: Style | None) -> list[list[Cell]]:
    """A module in two cells."""
    return [[_pair(dark, plain) for dark in row] for row in modules]


def _pair(dark: bool, plain: Style | None) -> Cell:
    if plain is not None:
        return "  " if dark else "##", plain
    return "  ", _DARK if dark else _LIGHT


def _joined(cells: list[Cell]) -> list[Cell]:
    """With one run for all neighbours of one style."""
    return [("".join(text for text, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1])]
