"""A figure over time in one line of text, for a cell of a table."""

import math
from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN = "_.-:=+*#"
"""Eight steps for terminals that only have ASCII: the more ink, the more."""

MOST = 2.0**63
"""Nothing that is measured is more: what an exporter says beyond it is taken for this."""

BREAK = 2.5
"""Points that are more than so many steps apart have a gap between them: nothing was measured there."""


def spark(
    points: Sequence[tuple[int, float]], start: int, end: int, cells: int, top: float, *, unicode: bool = True
) -> str:
    """Exactly so many cells from `start` to `end` (unix seconds), each as high as the largest value in its time.

    Nothing is the lowest step, `top` and more the highest; a time without a measurement is a space.
    """
    seen = visible(points, start, end)
    reach = BREAK * step_of(seen, start, end)
    steps = _BLOCKS if unicode else _PLAIN
    highest: dict[int, float] = {}
    for at, value in seen:
        cell = _cell(at, start, end, cells)
        highest[cell] = max(value, highest.get(cell, 0.0))
    for (before, value), (after, _) in pairwise(seen):
        # Points may be farther apart than cells are wide: what lies between two neighbours is no gap.
        if after - before <= reach:
            for cell in range(_cell(before, start, end, cells), _cell(after, start, end, cells)):
                highest.setdefault(cell, value)
    return "".join(steps[_step(highest[cell], top)] if cell in highest else " " for cell in range(cells))


def visible(points: Sequence[tuple[int, float]], start: int, end: int) -> list[tuple[int, float]]:
    """What can be drawn of the points: none is below nothing, or larger than a counter can be."""
    return [(at, min(max(value, 0.0), MOST)) for at, value in points if start <= at <= end and math.isfinite(value)]


def step_of(points: Sequence[tuple[int, float]], start: int, end: int) -> float:
    """How far apart neighbours mostly are. Two or three points alone say little about it, and may be far apart."""
    distances = sorted(after - before for (before, _), (after, _) in pairwise(points))
    return distances[len(distances) // 2] if len(distances) > 2 else min([(end - start) / 20, *distances])


def _cell(at: int, start: int, end: int, cells: int) -> int:
    return min((at - start) * cells // max(end - start, 1), cells - 1)


def _step(value: float, top: float) -> int:
    return min(max(math.ceil(value / top * 8) - 1, 0), 7) if 0 < value < top else 7 * (value >= top > 0)
