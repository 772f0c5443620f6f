"""Figures over time as characters. plotext draws the lines, without colours, axes or words: those are ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import plotext

from capsul_tui.widgets.spark import BREAK, step_of

# Otherwise nothing may be larger than the terminal that the server was started in, if any.
plotext.terminal.limit(False, False)

_FIRST_BRAILLE = 0x2800
_LEFT_DOTS, _RIGHT_DOTS = (0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)
"""The dots of a braille cell from above, as bits of its place in Unicode."""


@dataclass(frozen=True)
class Frame:
    """What is in view: from `start` to `end` (unix seconds) and from nothing to `top`, in so many cells."""

    start: int
    end: int
    top: float
    columns: int
    rows: int


def line(points: Sequence[tuple[int, float]], frame: Frame, marker: str) -> list[str]:
    """A line through the points, broken where nothing was measured. One string for each row, from above.

    The points must lie in the frame. The marker is "braille" or a letter. plotext has one figure for the whole
    process: nothing may be awaited here.
    """
    if not points:
        return [" " * frame.columns] * frame.rows
    picture = plotext.figure
    picture.clear.data()
    picture.clear.settings()
    picture.plot_size(frame.columns, frame.rows)
    picture.axes(False)
    picture.legend(False)
    # Limits that are given keep plotext from warning on stdout where all values are alike.
    picture.ruler("x").lim(frame.start, max(frame.end, frame.start + 1)).frequency(0).alignment(lim="edge")
    picture.ruler("y").lim(0, frame.top).frequency(0).alignment(lim="edge")
    times, values = [at for at, _ in points], [min(value, frame.top) for _, value in points]
    signal = picture.signal(times, values, marker=marker).lines(True)
    reach = BREAK * step_of(points, frame.start, frame.end)
    for number, ((before, _), (after, _)) in enumerate(pairwise(points), start=1):
        if after - before > reach:
            signal.line(number, False)
    picture.draw(signal)
    drawn = picture.build().string(colorless=True).splitlines()
    picture.clear.data()
    return [row.ljust(frame.columns)[: frame.columns] for row in drawn[: frame.rows]]


def area(rows: Sequence[str], *, braille: bool) -> list[str]:
    """The same with everything under the line filled: the figures that are drawn so are told from a mere line."""
    return _area_of_dots(rows) if braille else _area_of_letters(rows)


def _area_of_letters(rows: Sequence[str]) -> list[str]:
    filled = []
    above = " " * len(rows[0]) if rows else ""
    for row in rows:
        above = "".join(":" if here == " " and over != " " else here for here, over in zip(row, above, strict=True))
        filled.append(above)
    return filled


def _area_of_dots(rows: Sequence[str]) -> list[str]:
    filled = []
    open_columns = [(False, False)] * (len(rows[0]) if rows else 0)
    for row in rows:
        cells = [_fill(_dots(cell), *is_open) for cell, is_open in zip(row, open_columns, strict=True)]
        open_columns = [(left, right) for _, left, right in cells]
        filled.append("".join(cell for cell, _, _ in cells))
    return filled


def _dots(cell: str) -> int:
    return 0 if cell == " " else ord(cell) - _FIRST_BRAILLE


@lru_cache(1024)
def _fill(dots: int, left: bool, right: bool) -> tuple[str, bool, bool]:
    """A cell filled downwards from its highest dot, or from above; and which of its halves go on being filled."""
    for left_dot, right_dot in zip(_LEFT_DOTS, _RIGHT_DOTS, strict=True):
        left, right = left or bool(dots & left_dot), right or bool(dots & right_dot)
        dots |= left_dot * left | right_dot * right
    return chr(_FIRST_BRAILLE + dots) if dots else " ", left, right
