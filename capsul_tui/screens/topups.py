"""Every topup there ever was, and what came of each."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.models import Topup
from capsul.text import amount, tone, when
from capsul_tui.money import method
from capsul_tui.screens.base import ListScreen
from capsul_tui.screens.pay import PayScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Cell, Column, Row, Table

_PAGE = 100


class TopupsScreen(ListScreen):
    """Newest first."""

    WHERE = "Topups"
    PLACE = "Topups"
    COMMAND = "topups"
    TABLES = frozenset({"topup"})
    EVERY_SECONDS = 60.0
    HELP = """\
Every topup that was asked for, newest first. One that waits has a link to pay, which stays good: Enter shows it again.

Credited is what stands on your account for it now. An unconfirmed topup is credited up to a limit, and loses that again
if its payment turns out to be none."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "topup", "Top up", tooltip="buy credit")]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._limit = _PAGE
        self._topups: Sequence[Topup] = ()

    def body(self) -> Iterable[Widget]:
        yield Table(
            "When (UTC)",
            "State",
            Column("Amount", right=True),
            Column("Credited", right=True),
            Column("Paid by", yields=1, squeezes=True, least=7),
            Column("Id", yields=2),
            empty="You have not bought any credit yet. Press t to top up.",
        )

    async def read(self) -> None:
        self._topups = await self.visit.services.payments.list(self.visit.caller, limit=self._limit)
        self.table.show([_row(it) for it in self._topups])

    def on_table_opened(self, event: Table.Opened) -> None:
        self.app.push_screen(PayScreen(self.visit, event.key))

    def on_table_moved(self, event: Table.Moved) -> None:
        """At the end more are read, if there are."""
        if len(self._topups) == self._limit and event.key == self._topups[-1].id:
            self._limit += _PAGE
            self.read_again()

    def action_topup(self) -> None:
        self.capsul_app.open_topup()


def _row(it: Topup) -> Row:
    return Row(
        it.id,
        (
            when(it.created_at),
            Cell(it.state, tone(it.state)),
            amount(it.amount, it.currency),
            amount(it.credited, it.currency),
            method(it.provider),
            it.id,
        ),
        it.id,
    )
