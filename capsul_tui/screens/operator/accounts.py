"""Everybody's accounts, and finding one."""

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from capsul.models import AccountSummary, Caller
from capsul.rules import plain_text
from capsul.text import amount, tone, when
from capsul_tui.screens.base import FilterInput
from capsul_tui.screens.operator.account import AccountScreen
from capsul_tui.screens.operator.base import OperatorList
from capsul_tui.screens.operator.words import shell_words
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Cell, Column, Row, Table

_NONE = "There are no accounts yet."


class AccountsScreen(OperatorList):
    """A line each, newest first."""

    WHERE = "Accounts"
    PLACE = "Accounts"
    COMMAND = "admin accounts"
    TABLES = frozenset({"account", "capsul", "topup", "audit"})
    EVERY_SECONDS: ClassVar[float | None] = 30.0
    HELP = """\
All accounts, newest first. / looks for a part of an e-mail address or of an id, among all accounts there are and not
only among those that are shown.

The balance is what has been posted: what capsuls have used since is not taken off yet. Enter opens an account: there
it can be locked and unlocked, and given credit."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._search = ""

    def body(self) -> Iterable[Widget]:
        yield Table(
            Column("E-mail", squeezes=True, least=20),
            "State",
            Column("Capsuls", right=True, yields=1),
            Column("Balance", right=True),
            Column("Since (UTC)", yields=2),
            Column("Id", yields=3),
            empty=_NONE,
        )

    async def look(self, operator: Caller) -> None:
        searched = self._search
        found = await self.visit.services.operators.accounts(operator, searched, self.limit)
        self.table.say_when_empty(f"No account has “{plain_text(searched)}”. Esc shows all." if searched else _NONE)
        self.show([_row(it) for it in found])
        more = " or more" if self.has_more else ""
        self.where(f"Accounts: {len(found)}{more}" + (f" with “{plain_text(searched)}”" if searched else ""))

    # Looking for one is a question to the server

    def action_filter(self) -> None:
        search = self.query_one(FilterInput)
        search.placeholder = "a part of an e-mail address or of an id"
        search.open(self._search)

    def action_back(self) -> None:
        if self._search:
            self._filter("")
        else:
            self.leave()

    def _filter(self, words: str) -> None:
        self._search = words.strip()
        self.equivalent.tell(f"{self.visit.ssh} admin accounts {shell_words(self._search)}".rstrip())
        self.read_again()

    def on_table_opened(self, event: Table.Opened) -> None:
        self.app.push_screen(AccountScreen(self.visit, event.key))


def _row(it: AccountSummary) -> Row:
    return Row(
        str(it.id),
        (
            it.email or Cell("no address", "quiet"),
            Cell(it.state, tone(it.state)),
            str(it.capsuls),
            Cell(amount(it.balance, it.currency), "bad" if it.balance < 0 else None),
            when(it.created_at),
            str(it.id),
        ),
    )
