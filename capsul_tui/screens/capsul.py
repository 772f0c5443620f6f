"""One capsul: what it is, how busy it is and was, what was done to it, and everything that can be done with it."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.errors import CapsulError
from capsul.machines import Series
from capsul.models import Change
from capsul_tui.screens.base import beside
from capsul_tui.screens.capsul_actions import CapsulActions
from capsul_tui.screens.capsul_words import facts, row
from capsul_tui.screens.operation import OperationScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Facts
from capsul_tui.widgets.figures import Figures, FiguresBar
from capsul_tui.widgets.table import Column, Row, Table
from services.metrics import SPAN_SECONDS

_SPANS = tuple(SPAN_SECONDS)
_AGAIN_SECONDS = {"5m": 4.0, "1h": 20.0, "1d": 120.0, "7d": 300.0, "30d": 600.0}
"""How often each range is read again."""
_YOUNG = timedelta(minutes=15)
"""A capsul that is younger is looked at closely first."""
_MIB = 2**20


class CapsulDetailScreen(CapsulActions):
    """Everything about one capsul."""

    WHERE = "Capsul"
    COMMAND = "show CAPSUL"
    TABLES = frozenset({"capsul", "operation", "operation_step", "ssh_key"})
    EVERY_SECONDS = 30.0
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-usual"), (34, "-high")]  # noqa: RUF012 - Textual's
    HELP = """\
Everything about one capsul. What cannot be asked of it now is not among the keys below; pressed all the same, such a
key says why.

S asks its system to shut down, as a short press on the power button would; x pulls the plug, and what was not written
to the disk is lost. Stopped, it costs the same: its disk and its place are kept. D destroys it for good.

The graphs show what was measured, in UTC: all its processors together, its memory, its disk, its network. Where there
is a gap, nothing was measured, because it was off or we did not look. m shows the next figure, [ and ] a shorter and a
longer range, and f one graph alone.

Below is what was done to it, newest first: Enter shows it step by step, o gives the list the whole screen."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        # These three stand beside what they change.
        Binding("m", "next_figure(1)", "Graph", show=False, tooltip="the next figure"),
        Binding("tab", "next_figure(1)", "Graph", show=False, tooltip="the next figure"),
        Binding("shift+tab", "next_figure(-1)", "Graph before", show=False, tooltip="the figure before"),
        Binding("left_square_bracket", "span(-1)", "Shorter", key_display="[", show=False, tooltip="a shorter range"),
        Binding("right_square_bracket", "span(1)", "Longer", key_display="]", show=False, tooltip="a longer range"),
        Binding("o", "show_operations", "Operations", tooltip="the list of what was done, large"),
        Binding("f", "show_graph", "Full screen", tooltip="one graph alone"),
    ]

    def __init__(self, visit: Visit, capsul_id: str) -> None:
        super().__init__(visit, capsul_id)
        self._newest: str | None = None
        self._span = ""
        self._another_span = asyncio.Event()
        self._figures: dict[str, Series] = {}
        self._figures_at: datetime | None = None

    def body(self) -> Iterable[Widget]:
        yield Facts(id="capsul", wraps=True)
        yield Figures(_SPANS, braille=self.visit.terminal.has_braille)
        yield Table(
            Column("Asked for (UTC)", yields=2),
            "What",
            "State",
            Column("How it went", yields=1, squeezes=True, least=12),
            empty="Nothing was done to it yet.",
        )

    # Reading

    def concerns(self, change: Change) -> bool:
        return super().concerns(change) and (change.table != "capsul" or change.id == self.capsul_id)

    async def read(self) -> None:
        self.details = it = await self.visit.services.overview.of_capsul(self.visit.caller, self.capsul_id)
        self.where(it.capsul.name)
        self.query_one("#capsul", Facts).show(facts(it))
        self._show_operations([row(operation) for operation in it.operations])
        self.tell_command()
        self.say_what_came_of_it(it)
        if not self._span:
            young = datetime.now(UTC) - it.capsul.created_at < _YOUNG
            self._choose_span("5m" if young else "1h")
            beside(self, self._keep_drawing, group="drawing")
        self.refresh_bindings()

    def _show_operations(self, rows: Sequence[Row]) -> None:
        was_newest = self.table.current in (None, self._newest)
        self.table.show(rows)
        self._newest = rows[0].key if rows else None
        if was_newest and self._newest is not None:
            # Whoever looks at the newest wants to see what comes after it.
            self.table.go_to(self._newest)
        self._fit_table()

    async def _keep_drawing(self) -> None:
        """Beside everything else: a metrics server that is away keeps nobody from their capsul."""
        while True:
            self._another_span.clear()
            await self._draw()
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_SECONDS[self._span]):
                    await self._another_span.wait()
            await self._shown.wait()

    async def _draw(self) -> None:
        if self.details is None:
            return
        span, shown = self._span, self.query_one(Figures)
        figures, at = self._figures, self._figures_at
        state = self.details.capsul.state
        is_so = "has failed" if state == "failed" else f"is {state}"
        words, trouble = f"Nothing was measured in this time. {self.name_now} {is_so}.", ""
        try:
            _, figures = await self.visit.services.metrics.series(self.visit.caller, self.capsul_id, span)
            at = datetime.now(UTC)
        except CapsulError as error:
            words = error.message
            trouble = f"no figures since {at:%H:%M:%S} UTC" if at else ""
        if span != self._span:
            # They are of a range that nobody looks at any more.
            return
        self._figures, self._figures_at = figures, at
        end = int(time.time())
        shown.say(words)
        shown.show(figures, end - SPAN_SECONDS[span], end, self.details.promise.memory_mib * _MIB)
        shown.warn(trouble)

    # Graphs and lists

    def action_next_figure(self, by: int) -> None:
        self.query_one(Figures).next(by)

    def action_span(self, by: int) -> None:
        if self._span:
            self._choose_span(_SPANS[max(0, min(_SPANS.index(self._span) + by, len(_SPANS) - 1))])

    def on_figures_bar_ranged(self, event: FiguresBar.Ranged) -> None:
        self._choose_span(event.span)

    def _choose_span(self, span: str) -> None:
        if span != self._span:
            self._span = span
            self._figures, self._figures_at = {}, None
            self.query_one(Figures).choose_span(span)
            self._another_span.set()
            if self.query_one(Figures).is_alone:
                self.tell_command("metrics", f"--range {span}")

    def action_show_graph(self) -> None:
        self._look_at("" if self.has_class("-graph") else "graph")

    def action_show_operations(self) -> None:
        self._look_at("" if self.has_class("-operations") else "operations")

    def _look_at(self, what: str) -> None:
        """At one part alone, or at everything."""
        self.set_class(what == "graph", "-graph")
        self.set_class(what == "operations", "-operations")
        self.query_one(Figures).is_alone = what == "graph"
        self._fit_table()
        if what == "graph":
            self.tell_command("metrics", f"--range {self._span}")
        else:
            self.tell_command("show")
            self.table.focus()

    def _fit_table(self) -> None:
        """What the list has no lines for is the graphs'."""
        alone = self.has_class("-operations")
        self.table.styles.max_height = "100%" if alone else max(2, self.table.count[1] + 1)

    def leave(self) -> None:
        if self.has_class("-graph") or self.has_class("-operations"):
            self._look_at("")
        else:
            self.dismiss(None)

    def on_table_opened(self, event: Table.Opened) -> None:
        self.app.push_screen(OperationScreen(self.visit, event.key, self.capsul_id))
