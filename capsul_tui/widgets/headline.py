"""The line over a graph: what it is, how much it is now, and how much at most."""

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len

from capsul.machines import Series
from capsul_tui.widgets.axes import figure
from capsul_tui.widgets.spark import BREAK, step_of

Part = Literal["title", "text", "axis", "first", "second"]
"""What a piece of a graph is: it decides the colour."""
Run = tuple[str, Part]

_FRESH = 60
"""Seconds for which a figure is the latest, however close together they are: the answer takes a while to come here."""


def headline(
    title: str,
    labels: Sequence[str],
    samples: Sequence[str],
    shown: Sequence[Series],
    start: int,
    end: int,
    columns: int,
) -> tuple[Run, ...]:
    """As much as there is room for: the largest figures are left out first, then the title."""
    row: list[Run] = []
    for with_most, with_title in ((True, True), (False, True), (False, False)):
        row = [(title, "title")] if with_title or not shown else []
        for number, series in enumerate(shown):
            row += [("  " if row else "", "text")]
            if samples:
                row += [(samples[number], "second" if number else "first"), (_label(labels, number), "text")]
            row += [(_now(series, start, end), "text"), (_most(series) if with_most else "", "text")]
        if sum(cell_len(text) for text, _ in row) <= columns:
            break
    return tuple(run for run in row if run[0])


def _label(labels: Sequence[str], number: int) -> str:
    return f" {labels[number]} " if number < len(labels) else " "


def _now(series: Series, start: int, end: int) -> str:
    """The latest figure, or a dash: what was measured long ago is not how it is."""
    if not series.points:
        return "-"
    at, value = series.points[-1]
    is_fresh = end - at <= max(BREAK * step_of(series.points, start, end), _FRESH)
    return figure(value, series.unit) if is_fresh else "-"


def _most(series: Series) -> str:
    return f" (max {figure(max(value for _, value in series.points), series.unit)})" if series.points else ""
