"""Home: the money, the capsuls, what is under way, what the operators say."""

import time
from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from capsul.errors import Unavailable
from capsul.machines import Series
from capsul.models import Capsul, Operation, Overview
from capsul.obstacles import in_the_way_of_member
from capsul.rules import plain_text
from capsul.text import amount, moment, tone
from capsul_tui.money import balance_facts
from capsul_tui.screens.base import ListScreen, beside
from capsul_tui.screens.create import CreateScreen
from capsul_tui.screens.operator.overview import OperatorScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Facts
from capsul_tui.widgets.graph import Graph
from capsul_tui.widgets.spark import spark
from capsul_tui.widgets.table import Cell, Column, Row, Table
from capsul_tui.widgets.words import show_words
from services.metrics import SPARK_SECONDS

_FIRST = "You have no capsuls yet. Press c to create one."
_CREDIT_FIRST = "You have no capsuls yet. Press t to buy credit first, then c to create one."
_SPARK_CELLS = 10
_NEWS_LINES = 3


class HomeScreen(ListScreen):
    """Everything at a glance, and the way to all else."""

    PLACE = "Home"
    COMMAND = "ls"
    TABLES = frozenset(
        {"account", "announcement", "audit", "capsul", "operation", "operation_step", "session", "ssh_key", "topup"}
    )
    EVERY_SECONDS = 15.0
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012 - Textual's
    HELP = """\
Your money, and your capsuls. A capsul is a virtual machine of yours.

Balance is what stands on your account, Available what of it is not used up at this second. Burns is what your capsuls
cost together: each by the second, running or stopped, and at most 672 hours a month. Lasts is until when there is some.

Enter opens the capsul under the cursor: its graphs, and everything that can be done with it. The little picture beside
each is how busy its processors were in the last five minutes; a gap is a time without figures. On a high terminal the
same stands below, large."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "create", "Create", tooltip="create a capsul"),
        Binding("t", "topup", "Top up", tooltip="buy credit"),
        Binding("O", "operate", "Operator", tooltip="the screens for operators"),
        Binding("escape", "back", "Back", show=False),
        Binding("q", "app.leave", "Quit"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._sparks: Mapping[str, Series] = {}
        self._sparks_at = 0
        """When they were asked for, in unix seconds."""
        self._no_sparks = ""
        """Why there are none, if nobody could be asked."""
        self._capsuls: tuple[Capsul, ...] = ()

    def body(self) -> Iterable[Widget]:
        yield Facts(id="money")
        yield Static(id="notices")
        yield Table(
            "Name",
            "State",
            Column("Why", yields=1, squeezes=True, least=12),
            Column("CPU, 5 min", yields=4),
            Column("Address", yields=2),
            Column("Size", yields=5),
            Column("Image", yields=6),
            Column("A month", right=True, yields=3),
            empty=_FIRST,
        )
        yield Graph("Processors", id="load", braille=self.visit.terminal.has_braille)
        yield Static(id="under-way")
        yield Static(classes="filler")

    async def read(self) -> None:
        caller = self.visit.caller
        it = await self.visit.services.overview.of(caller)
        self.capsul_app.whose = it.account.email
        self._top.tell(whose=it.account.email)
        self._capsuls = it.capsuls
        self.query_one("#money", Facts).show(balance_facts(it.balance))
        self.table.say_when_empty(_FIRST if it.balance.available > 0 else _CREDIT_FIRST)
        self._show_notices(it)
        self._show_capsuls()
        self._show_under_way(it.operations)
        beside(self, self._look_at_figures, group="figures", exclusive=True)

    async def _look_at_figures(self) -> None:
        """Beside everything else: a metrics server that is away keeps nobody from their capsuls."""
        ids = [it.id for it in self._capsuls if it.state == "running"]
        asked_at = int(time.time())
        try:
            self._sparks = await self.visit.services.metrics.sparks(self.visit.caller, ids) if ids else {}
            self._sparks_at, self._no_sparks = asked_at, ""
        except Unavailable as error:
            self._sparks, self._no_sparks = {}, error.message
        self._show_capsuls()

    def _show_capsuls(self) -> None:
        self.table.show([_row(it, self._spark(it)) for it in self._capsuls])
        # What the list has no lines for is left to what stands below it.
        self.table.styles.max_height = max(3, self.table.count[1] + 1)
        self._show_load()

    def _spark(self, it: Capsul) -> Cell | str:
        figures = self._sparks.get(it.id)
        if self._no_sparks and it.state == "running":
            return Cell("no figures", "quiet")
        if figures is None or not figures.points:
            return ""
        start, unicode = self._sparks_at - SPARK_SECONDS, self.visit.terminal.has_unicode
        picture = spark(figures.points, start, self._sparks_at, _SPARK_CELLS, 100.0, unicode=unicode)
        return Cell(f"{picture} {figures.points[-1][1]:3.0f} %", "figure")

    def _show_load(self) -> None:
        """Where there is room for it: the same figures large, of the capsul under the cursor."""
        graph = self.query_one("#load", Graph)
        it = next((it for it in self._capsuls if it.id == self.table.current), None)
        graph.set_class(it is None, "-nothing")
        if it is not None:
            figures = self._sparks.get(it.id)
            graph.name_it(f"Processors of {it.name}, last 5 minutes")
            why = "The first figures come in a minute." if it.state == "running" else f"{it.name} is {it.state}."
            graph.say(self._no_sparks or why)
            graph.show((figures,) if figures else (), self._sparks_at - SPARK_SECONDS, self._sparks_at)

    def on_table_moved(self) -> None:
        self._show_load()

    def _show_notices(self, it: Overview) -> None:
        settings = self.visit.services.settings
        text = Text()
        for obstacle in in_the_way_of_member(it, self.visit.ssh, settings.contact):
            if obstacle.what == "credit":
                text.append("There is no credit: nothing can be created. Press t to buy some.\n")
            # What ails a capsul stands beside it.
            elif obstacle.what != "capsul":
                text.append(f"{plain_text(obstacle.message)}\n")
        for said in it.announcements[:_NEWS_LINES]:
            text.append(f"{moment(said.created_at)}: {plain_text(said.text)}\n")
        show_words(self.query_one("#notices", Static), text)

    def _show_under_way(self, operations: Iterable[Operation]) -> None:
        text = Text()
        for it in operations:
            text.append(f"{it.kind} {plain_text(it.capsul_name)}  ", "bold").append(f"{plain_text(_progress(it))}\n")
        show_words(self.query_one("#under-way", Static), text)

    def why_not(self, action: str) -> str:
        if action == "filter" and not self._capsuls:
            return "There is nothing to filter: you have no capsuls yet."
        return super().why_not(action)

    def leave(self) -> None:
        """Home is where it begins: Esc leaves nothing."""

    def on_table_opened(self, event: Table.Opened) -> None:
        self.capsul_app.open_capsul(event.key)

    def action_create(self) -> None:
        self.app.push_screen(CreateScreen(self.visit))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is for operators is no news to anybody else."""
        if action == "operate" and not self.capsul_app.is_operator():
            return False
        return super().check_action(action, parameters)

    def action_operate(self) -> None:
        self.app.push_screen(OperatorScreen(self.visit))

    def action_topup(self) -> None:
        self.capsul_app.open_topup()


def _row(it: Capsul, picture: Cell | str) -> Row:
    return Row(
        it.id,
        (
            it.name,
            Cell(it.state, tone(it.state)),
            it.reason,
            picture,
            it.ipv4 or it.ipv6 or Cell("none yet", "quiet"),
            it.size_id,
            it.image_id,
            amount(it.price_month, it.currency),
        ),
        it.id,
    )


def _progress(it: Operation) -> str:
    if it.state == "failed":
        return f"failed: {it.reason}"
    if it.state == "queued":
        return "waits for its turn"
    steps = [f"{step.name} {'✓' if step.state == 'done' else f'{step.seconds:.0f} s'}" for step in it.steps]
    return "  ".join(steps) or "begins"
