"""Topups that do not come right by themselves."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.models import Caller, TopupTrouble
from capsul.text import amount, moment, tone, when
from capsul_tui.screens.operator.base import OperatorList
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.table import Cell, Column, Row, Table

_GOOD_NEWS = "No topup needs a person: nothing hangs, nothing is owed."


class PaymentsScreen(OperatorList):
    """What has waited longest first; below, what is wrong with the one under the cursor, and what to do."""

    WHERE = "Topups"
    PLACE = "Topups"
    COMMAND = "admin topups"
    TABLES = frozenset({"topup", "account", "audit"})
    # Most of what goes wrong here is that nothing happens: nobody tells of that.
    EVERY_SECONDS: ClassVar[float | None] = 15.0
    HELP = """\
Topups that need a person. All others come right by themselves: the provider is asked again and again, and what was
credited follows what was paid. What has waited longest is first; a topup with which two things are wrong is there
twice.

Below the list stand what is wrong with the topup under the cursor, and what to do about it. Nothing is changed from
here. Enter opens the account."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "account", "Account", show=False, tooltip="open the account that it belongs to"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._found: dict[str, TopupTrouble] = {}

    def body(self) -> Iterable[Widget]:
        yield Table(
            Column("Since (UTC)", yields=2),
            Column("Account", squeezes=True, least=14),
            Column("By", yields=3),
            Column("Amount", right=True),
            Column("Credited", right=True, yields=1),
            "State",
            Column("Topup", yields=4),
            empty=_GOOD_NEWS,
        )
        yield Facts(id="trouble", wraps=True)

    async def look(self, operator: Caller) -> None:
        found = await self.visit.services.operators.topups_that_need_a_person(operator, self.limit)
        self._found = {_key(it): it for it in found}
        self.show([_row(it) for it in found])
        self.where(f"Topups: {len(found) or 'none'} to look at")
        self._show_facts()

    def moved_to(self, key: str | None) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        it = self._found.get(self.table.current or "")
        facts = self.query_one(Facts)
        facts.show(_facts(it) if it else ())
        facts.display = it is not None

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        self.action_account()

    def action_account(self) -> None:
        if it := self._found.get(self.table.current or ""):
            self.capsul_app.open_account(str(it.topup.account_id))


def _key(it: TopupTrouble) -> str:
    return f"{it.topup.id} {it.why}"


def _row(it: TopupTrouble) -> Row:
    topup = it.topup
    cells = (
        when(it.since),
        it.email or str(topup.account_id),
        topup.provider,
        amount(topup.amount, topup.currency),
        amount(topup.credited, topup.currency),
        Cell(topup.state, tone(topup.state)),
        topup.id,
    )
    return Row(_key(it), cells, f"{topup.account_id} {topup.link} {it.why}")


def _facts(it: TopupTrouble) -> Sequence[Fact]:
    topup = it.topup
    return (
        ("What is wrong", Cell(it.why, "bad")),
        ("What to do", it.advice),
        ("Since", moment(it.since)),
        ("Topup", f"{topup.id}, link {topup.link}, by {topup.provider}, begun {moment(topup.created_at)}"),
        ("Account", f"{it.email} {topup.account_id}".strip()),
    )
