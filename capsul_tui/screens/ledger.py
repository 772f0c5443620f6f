"""Every movement of the money, and what each was for."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from capsul.models import LedgerEntry
from capsul.money import decimal_text
from capsul.text import when
from capsul_tui.money import balance_facts
from capsul_tui.screens.base import ListScreen
from capsul_tui.screens.entry import EntryDialog, leads_to_topup, places, signed, words
from capsul_tui.screens.pay import PayScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Facts
from capsul_tui.widgets.table import Cell, Column, Row, Table

_PAGE = 100


class LedgerScreen(ListScreen):
    """Newest first, in pages; what was read is never read again, because the books are only added to."""

    WHERE = "Ledger"
    PLACE = "Ledger"
    COMMAND = "ledger --csv"
    TABLES = frozenset({"audit", "capsul", "topup"})
    EVERY_SECONDS = 15.0
    HELP = """\
Every movement of your money, newest first, to the last decimal place: + came in, - went out. Balance is what there was
on all your credit after it.

You have two wallets: what you paid, and what you were given. A gift is spent first, and never paid back.

Available is the balance less what your capsuls have used since the last line. Only that decides what you can do.

The list is read in pages: going to its end reads more, and so does m. A filter looks through what was read. For a
spreadsheet, run the command at the foot of the screen, with > ledger.csv behind it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "more", "More", tooltip="read older lines"),
        Binding("t", "topup", "Top up", tooltip="buy credit"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._entries: list[LedgerEntry] = []
        self._has_more = False

    def body(self) -> Iterable[Widget]:
        currency = self.visit.services.settings.currency
        yield Facts(id="ledger-money")
        yield Table(
            "When (UTC)",
            Column("What", squeezes=True, least=16),
            Column(f"Amount {currency}", right=True),
            Column(f"Balance {currency}", right=True),
            Column("Wallet", yields=1),
            Column("Reference", yields=2),
            empty="No money has moved yet. Press t to top up.",
        )
        yield Static(id="ledger-count")

    async def read(self) -> None:
        billing, caller = self.visit.services.billing, self.visit.caller
        balance = await billing.balance(caller)
        newest = await billing.ledger(caller, limit=_PAGE)
        self._take_newest(newest)
        self.query_one(Facts).show(balance_facts(balance))
        self._show()

    def _take_newest(self, newest: list[LedgerEntry]) -> None:
        """Older lines stay as they are, unless there is a gap between them and what is new."""
        known = self._entries[0].id if self._entries else None
        joins = known is not None and (len(newest) < _PAGE or newest[-1].id <= known)
        older = [it for it in self._entries if it.id < newest[-1].id] if joins and newest else []
        if not older:
            self._has_more = len(newest) == _PAGE
        self._entries = [*newest, *older]

    def _show(self) -> None:
        decimals = max((places(value) for it in self._entries for value in (it.amount, it.total)), default=2)
        self.table.show([_row(it, decimals) for it in self._entries])
        said = f"The newest {len(self._entries)}. Older ones: m, or the end of the list." if self._has_more else ""
        count = self.query_one("#ledger-count", Static)
        if str(count.content) != said:
            count.update(Text(said))
            count.display = bool(said)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action != "more" or self._has_more

    def on_table_moved(self, event: Table.Moved) -> None:
        if self._has_more and event.key == str(self._entries[-1].id):
            self.action_more()

    def on_table_opened(self, event: Table.Opened) -> None:
        entry = next((it for it in self._entries if str(it.id) == event.key), None)
        if entry is not None:
            self.attempt(lambda: self._look_at(entry))

    async def _look_at(self, entry: LedgerEntry) -> None:
        if not await self.app.push_screen_wait(EntryDialog(entry)):
            return
        if leads_to_topup(entry):
            self.app.push_screen(PayScreen(self.visit, entry.reference))
        else:
            self.capsul_app.open_capsul(entry.reference)

    def action_more(self) -> None:
        self.attempt(self._read_more)

    async def _read_more(self) -> None:
        last = self._entries[-1].id
        older = await self.busy(
            "reading older lines",
            self.visit.services.billing.ledger(self.visit.caller, limit=_PAGE, before=last),
        )
        if self._entries[-1].id == last:
            self._has_more = len(older) == _PAGE
            self._entries += older
            self._show()

    def action_topup(self) -> None:
        self.capsul_app.open_topup()


def _row(it: LedgerEntry, decimals: int) -> Row:
    return Row(
        str(it.id),
        (
            when(it.at),
            words(it),
            Cell(signed(it.amount, decimals), "good" if it.amount > 0 else None),
            decimal_text(it.total, decimals),
            it.wallet,
            it.reference,
        ),
        f"{it.kind} {it.about}",
    )
