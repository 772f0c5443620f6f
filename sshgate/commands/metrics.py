"""A capsul's figures over time."""

from typing import Annotated, Literal

from cyclopts import Parameter

from capsul.machines import Series
from capsul.text import storage
from sshgate.commands import documents
from sshgate.commands.arguments import CapsulName
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.tables import Column, table
from sshgate.commands.text import Cell

_TITLES = {
    "cpu": "Processors",
    "memory": "Memory",
    "disk_read": "Disk, read",
    "disk_write": "Disk, written",
    "net_rx": "Network, in",
    "net_tx": "Network, out",
}
_BARS = "▁▂▃▄▅▆▇█"
_BAR_COUNT = 24


async def metrics(
    capsul: CapsulName,
    /,
    *,
    context: Given,
    span: Annotated[
        Literal["5m", "1h", "1d", "7d", "30d"], Parameter(name="--range", help="How far back: 5m, 1h, 1d, 7d or 30d.")
    ] = "1h",
) -> Reply:
    """Show how busy a capsul is and was.

    Where nothing was measured, nothing is shown: a figure is never made up.
    """
    it, series = await context.services.metrics.series(context.caller, capsul, span)
    document = {
        "capsul": {"id": it.id, "name": it.name},
        "range": span,
        "series": {name: documents.series(figure) for name, figure in series.items()},
    }
    rows = [(_TITLES.get(name, name), *_row(figure)) for name, figure in series.items()]
    text = table(("", ">NOW", ">MEAN", ">MOST", Column(f"THE LAST {span}", spare=True)), rows, context.style)
    measured = any(figure.points for figure in series.values())
    return Reply(document, text, hint="" if measured else "Nothing was measured yet. Figures come while it runs.")


def _row(figure: Series) -> tuple[Cell, ...]:
    values = [value for _, value in figure.points]
    if not values:
        return None, None, None, None
    shown = (values[-1], sum(values) / len(values), max(values))
    return *(_with_unit(value, figure.unit) for value in shown), _bars(values)


def _with_unit(value: float, unit: str) -> str:
    if unit == "percent":
        return f"{value:.1f} %"
    return f"{storage(value)}{'/s' if unit.endswith('per_second') else ''}"


def _bars(values: list[float]) -> str:
    """The shape of it: from nothing to the most."""
    count = min(_BAR_COUNT, len(values))
    parts = [values[len(values) * at // count : len(values) * (at + 1) // count] for at in range(count)]
    means = [sum(part) / len(part) for part in parts]
    top = max(means) or 1.0
    return "".join(_BARS[min(7, int(8 * max(mean, 0.0) / top))] for mean in means)


COMMANDS = (
    Command(
        ("metrics",),
        metrics,
        "CAPSUL [--range 5m|1h|1d|7d|30d]",
        (),
        ("metrics web", "metrics web --range 7d --json"),
        (4,),
    ),
)
