"""The first screen of operators: what there is, what ails, and the way to all else."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from capsul.models import Board, Caller, Host
from capsul.text import Tone, disk, memory, moment, share
from capsul_tui.screens.operator.base import ForOperators
from capsul_tui.screens.operator.hosts import disk_meter, memory_meter, state_of
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.table import Cell, Column, Row, Table

_FEW = 5
"""Of the topups that need a person: the others are on their own screen."""
_FOR_BARS, _FOR_FIGURES = 76, 116
"""Columns from which on bars are long, and have figures beside them."""
_COMMANDS = {
    "1": "accounts",
    "2": "hosts",
    "3": "operations",
    "4": "announcements",
    "5": "topups",
    "6": "audit",
}


class OperatorScreen(ForOperators):
    """A board: a line for each of the other screens, the hosts, and what needs a person."""

    WHERE = "Board"
    PLACE = "Board"
    TABLES = frozenset(
        {"account", "capsul", "host", "operation", "operation_step", "announcement", "topup", "audit", "ssh_key"}
    )
    EVERY_SECONDS: ClassVar[float | None] = 15.0
    HELP = """\
These screens are for operators: they show what is everybody's. Only a key that is an operator's opens them, and they
look different so that you know where you are.

Nothing changes by looking. Whatever would change something asks first, and what you are asked for, such as a reason,
is kept: the member whom it concerns sees it.

A digit goes to a screen from wherever you are among them, Esc goes back here and from here to your own home. What
needs a person stands below: hosts that do not answer, what failed in the last 24 hours, topups that hang."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Home")]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._board: Board | None = None

    def body(self) -> Iterable[Widget]:
        yield Table("Screen", Column("How it stands", squeezes=True), id="board")
        with VerticalScroll(id="below", can_focus=False):
            yield Facts(id="needs", wraps=True)
            yield Facts(id="hosts")

    async def look(self, operator: Caller) -> None:
        self._board = await self.visit.services.operators.board(operator)
        self._show(self._board)

    def on_resize(self) -> None:
        if self._board is not None:
            self._show(self._board)

    def _show(self, it: Board) -> None:
        self.query_one(Table).show(_rows(it))
        self.query_one("#needs", Facts).show(_needs(it))
        self.query_one("#hosts", Facts).show([(host.id, _host(host, self.size.width)) for host in it.hosts])

    def on_table_moved(self, event: Table.Moved) -> None:
        event.stop()
        if event.key is not None:
            self.equivalent.tell(f"{self.visit.ssh} admin {_COMMANDS[event.key]}")

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        self.app.call_later(self.capsul_app.action_go, event.key)


def _rows(it: Board) -> Sequence[Row]:
    number, away = it.numbers, sum(not host.reachable for host in it.hosts)
    locked = f", {number.locked} of them locked" if number.locked else ""
    taking = sum(host.reachable and host.accepts_new for host in it.hosts)
    operations = f"{number.running} running, {number.queued} waiting, {number.failed} failed in 24 h"
    return [
        _row("1", "Accounts", Cell(f"{number.accounts}{locked}; {_count(number.capsuls, 'capsul')}")),
        _row("2", "Hosts", Cell(f"{_hosts(len(it.hosts), away)}; {taking or 'none'} can take new capsuls", _ill(away))),
        _row("3", "Operations", Cell(operations, _ill(number.failed))),
        _row("4", "Announcements", Cell(f"{len(it.announcements) or 'none'} shown to everybody")),
        _row("5", "Topups", Cell(_topups(len(it.topups)), _ill(len(it.topups)))),
        _row("6", "Audit", Cell("who did what")),
    ]


def _row(key: str, name: str, stands: Cell) -> Row:
    return Row(key, (f"{key} {name}", stands))


def _ill(number: int) -> Tone:
    return "bad" if number else "good"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _hosts(number: int, away: int) -> str:
    if not number:
        return "none"
    return f"{number}, {away} away" if away else f"{number}, all of them reachable" if number > 1 else "1, reachable"


def _topups(number: int) -> str:
    return f"{_count(number, 'topup')} need{'s' if number == 1 else ''} a person" if number else "none needs a person"


def _host(it: Host, width: int) -> Cell:
    """What there is room for: the bars are longer, and have their figures, where the screen is wide."""
    cells = 5 if width < _FOR_BARS else 10
    ram, space = memory_meter(it, cells), disk_meter(it, cells)
    words = f"{state_of(it).text.ljust(11)}  memory {ram.text}  disk {space.text}"
    if width >= _FOR_FIGURES:
        taken = share(memory(it.committed_memory_mib), memory(it.memory_mib))
        words += f"  {taken} memory, {share(disk(it.committed_disk_gib), disk(it.disk_gib))} disk"
    tones = {state_of(it).tone, ram.tone, space.tone}
    return Cell(words, "bad" if "bad" in tones else "busy" if "busy" in tones else "good")


def _needs(it: Board) -> Sequence[Fact]:
    found: list[Fact] = [
        (
            f"Host {host.id}",
            Cell(host.trouble or f"does not answer since {moment(host.seen_at) or 'it was added'}", "bad"),
        )
        for host in it.hosts
        if not host.reachable or host.trouble
    ]
    found += [
        ("Operation", Cell(f"{failed.kind} {failed.capsul_name}: {failed.reason or 'failed'}", "bad"))
        for failed in it.failures
    ]
    found += [
        ("Payment", Cell(f"{topup.email or topup.topup.account_id}: {topup.why}", "bad")) for topup in it.topups[:_FEW]
    ]
    return found or [("Needs a person", Cell("Nothing does: all is well.", "good"))]
