"""A whole graph as characters: headline, axes, one or two figures. What each character is decides its colour."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from capsul.machines import Series
from capsul_tui.widgets.axes import Tick, time_ticks, top_of, value_ticks
from capsul_tui.widgets.headline import Run, headline
from capsul_tui.widgets.plot import Frame, area, line
from capsul_tui.widgets.spark import MOST, visible

LEAST_COLUMNS, LEAST_ROWS = 20, 5
"""In anything smaller there is only the headline."""
_ROWS_FOR_A_LINE = 9
"""From so many rows there is one to spare for a line under the graph."""


Picture = tuple[tuple[Run, ...], ...]
"""For each row what stands in it, from the left."""


@dataclass(frozen=True)
class View:
    """What a graph shows: one or two figures of the same unit from `start` to `end`, in unix seconds."""

    title: str
    labels: tuple[str, ...]
    words: str
    """What stands there while there is nothing to show."""
    series: tuple[Series, ...] = ()
    start: int = 0
    end: int = 0
    top: float | None = None
    """Where the axis ends; None leaves that to the figures."""


@dataclass(frozen=True)
class _Signs:
    """The characters of a picture."""

    markers: tuple[str, str]
    samples: tuple[str, str]
    """What the two figures look like, for the headline."""
    upright: str
    tick: str
    level: str
    mark: str
    corner: str


_BRAILLE = _Signs(("braille", "braille"), ("⣿", "⠒"), upright="│", tick="┤", level="─", mark="┬", corner="└")
_ASCII = _Signs(("*", "o"), (":", "o"), upright="|", tick="+", level="-", mark="+", corner="+")


def draw(view: View, columns: int, rows: int, *, braille: bool = True) -> Picture:
    """The view in so many cells. Pictures and their rows may be shorter than the room; a headline may be longer."""
    if columns <= 0 or rows <= 0:
        return ()
    signs = _BRAILLE if braille else _ASCII
    shown = [Series(series.unit, tuple(visible(series.points, view.start, view.end))) for series in view.series[:2]]
    is_empty = not any(series.points for series in shown)
    samples = signs.samples if len(shown) == 2 else ()
    picture = [headline(view.title, view.labels, samples, [] if is_empty else shown, view.start, view.end, columns)]
    if columns >= LEAST_COLUMNS and rows >= LEAST_ROWS:
        body = _words(view.words, columns, rows - 1) if is_empty else _graph(view, shown, signs, columns, rows - 1)
        picture += [tuple(row) for row in body]
    return tuple(picture)


def _words(words: str, columns: int, rows: int) -> list[list[Run]]:
    """The sentence in the middle."""
    lines = textwrap.wrap(words, columns - 2)[:rows]
    above: list[list[Run]] = [[] for _ in range((rows - len(lines)) // 2)]
    return above + [[(line.center(columns).rstrip(), "text")] for line in lines]


def _graph(view: View, shown: Sequence[Series], signs: _Signs, columns: int, rows: int) -> list[list[Run]]:
    """The figures between their axes."""
    height = rows - (2 if rows >= _ROWS_FOR_A_LINE else 1)
    unit = shown[0].unit
    top = _top(view, max(value for series in shown for _, value in series.points), unit)
    values = value_ticks(top, unit, height)
    margin = max(len(label) for _, label in (*values, (0, "UTC")))
    frame = Frame(view.start, view.end, top, columns - margin - 1, height)
    times = time_ticks(view.start, view.end, frame.columns)
    upright = zip(_upright(values, signs, margin, height), _figures(shown, frame, signs), strict=True)
    picture = [[beside, *row] for beside, row in upright]
    if rows >= _ROWS_FOR_A_LINE:
        picture.append([(" " * margin + signs.corner + _level(times, signs, frame.columns), "axis")])
    return [*picture, [("UTC".rjust(margin) + " " + _below(times, frame.columns), "axis")]]


def _top(view: View, highest: float, unit: str) -> float:
    return view.top if view.top and highest <= view.top <= MOST else top_of(highest, unit)


def _figures(shown: Sequence[Series], frame: Frame, signs: _Signs) -> list[list[Run]]:
    """The first figure as an area, and the second as a line over it: without colours, too, they are two."""
    first, *second = [line(series.points, frame, marker) for series, marker in zip(shown, signs.markers, strict=False)]
    below = area(first, braille=signs is _BRAILLE)
    if not second:
        return [[(row, "first")] for row in below]
    return [_overlaid(under, over) for under, over in zip(below, second[0], strict=True)]


def _overlaid(under: str, over: str) -> list[Run]:
    cells: list[Run] = [
        (above, "second") if above != " " else (below, "first") for below, above in zip(under, over, strict=True)
    ]
    return [("".join(text for text, _ in run), part) for part, run in groupby(cells, key=lambda cell: cell[1])]


def _upright(ticks: Sequence[Tick], signs: _Signs, margin: int, rows: int) -> list[Run]:
    """The axis on the left, with its figures."""
    labels = {_cell(1 - share, rows): label for share, label in ticks}
    return [
        (labels.get(row, "").rjust(margin) + (signs.tick if row in labels else signs.upright), "axis")
        for row in range(rows)
    ]


def _level(ticks: Sequence[Tick], signs: _Signs, columns: int) -> str:
    """The axis below."""
    marked = {_cell(share, columns) for share, _ in ticks}
    return "".join(signs.mark if column in marked else signs.level for column in range(columns))


def _below(ticks: Sequence[Tick], columns: int) -> str:
    """The times under their marks, those at the ends moved inwards."""
    text = ""
    for share, label in ticks:
        place = min(_cell(share, columns) - len(label) // 2, columns - len(label))
        if place > len(text) or not text:
            text = text.ljust(max(place, 0)) + label
    return text[:columns]


def _cell(share: float, cells: int) -> int:
    """Where plotext draws it."""
    return min(int(share * cells), cells - 1)
