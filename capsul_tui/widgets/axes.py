"""What stands beside a graph: figures with their units, and times in UTC."""

import math
from datetime import UTC, datetime

from capsul.text import storage

_MANTISSAS = (1, 2, 4, 8, 10, 16, 20, 32, 40, 64, 80, 100, 128, 200, 256, 400, 512, 800)
"""Of an axis in bytes: a half and a quarter of each are short to write."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = tuple(
    [minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 20, 30)]
    + [hours * _HOUR for hours in (1, 2, 3, 4, 6, 8, 12)]
    + [days * _DAY for days in (1, 2, 5, 7, 10, 14, 30, 60, 180, 365)]
)

Tick = tuple[float, str]
"""Where on the axis, from 0 to 1, and what stands there."""


def figure(value: float, unit: str) -> str:
    """A measurement as people read it, in one of the units that `capsul.machines.Series` comes in."""
    if unit == "percent":
        # No processor is a million percent busy, but an exporter may say so, and an axis has to hold it.
        return f"{value:.0e} %" if value >= 1e6 else f"{value:.1f}".removesuffix(".0") + " %"
    return f"{storage(value)}/s" if unit == "bytes_per_second" else storage(value)


def top_of(highest: float, unit: str) -> float:
    """Where an axis ends that must hold a figure. Percent end at 100, though they may pass it a little."""
    if unit == "percent":
        return 100.0 if highest < 125 else 100.0 * math.ceil(highest / 100)
    scale = 1024.0
    while highest > 1000 * scale:
        scale *= 1024
    return next((mantissa * scale for mantissa in _MANTISSAS if mantissa * scale >= highest), 1024 * scale)


def value_ticks(top: float, unit: str, rows: int) -> list[Tick]:
    """Two, three or five figures from nothing to the top. "Per second" is left to the headline."""
    parts = 4 if rows >= 12 else 2 if rows >= 5 else 1
    short = "bytes" if unit == "bytes_per_second" else unit
    return [(part / parts, figure(top * part / parts, short) if part else "0") for part in range(parts + 1)]


def time_ticks(start: int, end: int, cells: int) -> list[Tick]:
    """Round times, as many as have room: hours and minutes within a day, else days."""
    length = max(end - start, 1)
    in_days = length > _DAY
    most = max(cells // 9, 1)
    steps = [step for step in _STEPS if step >= _DAY or not in_days]
    step = next((step for step in steps if length // step <= most), steps[-1])
    first = math.ceil(start / step) * step
    return [((at - start) / length, _moment(at, in_days)) for at in range(first, end + 1, step)]


def _moment(at: int, in_days: bool) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%b} {moment.day}" if in_days else f"{moment:%H:%M}"
