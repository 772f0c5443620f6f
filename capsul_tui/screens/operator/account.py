"""All about one account, and what operators can do for it or against it."""

import secrets
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.errors import Conflict, Unavailable
from capsul.models import AccountDetails, Caller, Change
from capsul.rules import plain_text
from capsul.text import amount, moment, tone
from capsul_tui.money import balance_facts
from capsul_tui.screens.base import ListScreen
from capsul_tui.screens.operator.base import ForOperators, Lines
from capsul_tui.screens.operator.dialogs import CreditDialog, Grant, WordsDialog
from capsul_tui.screens.operator.operation import OperationOfAnybodyScreen
from capsul_tui.screens.operator.sections import NEWEST, SECTIONS
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.sections import SectionsBar
from capsul_tui.widgets.table import Cell, Table


class AccountScreen(ForOperators, ListScreen):
    """Who it is and how it stands above, and one of its sections below."""

    WHERE = "Account"
    PLACE = "Accounts"
    TABLES = frozenset({"account", "capsul", "ssh_key", "topup", "operation", "operation_step", "audit"})
    EVERY_SECONDS: ClassVar[float | None] = 15.0
    HELP = """\
All about one account: its capsuls, its keys, and the newest twenty lines of its ledger, of its operations and of what
was done. Tab, or the arrows to the side, show the next of these sections; Enter opens an operation.

L locks the account: its keys may only look then, until U unlocks it. Its capsuls go on as they are, and go on costing.
g gives credit: a gift, which is spent first and never paid back. Each asks for a reason. The reason is kept, and the
member sees it too."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "credit", "Give credit", tooltip="give credit, with a reason"),
        Binding("L", "lock", "Lock", tooltip="lock the account, with a reason"),
        Binding("U", "unlock", "Unlock", tooltip="unlock the account, with a reason"),
        Binding("tab,right,l", "section(1)", "Next section", key_display="tab"),
        Binding("shift+tab,left,h", "section(-1)", "Section before", show=False),
    ]

    def __init__(self, visit: Visit, account_id: str) -> None:
        super().__init__(visit)
        self.account_id = account_id
        self._details: AccountDetails | None = None
        self._at = 0
        self.equivalent.tell(f"{visit.ssh} admin account {account_id}")

    def body(self) -> Iterable[Widget]:
        yield Facts(id="account")
        yield SectionsBar([it.name for it in SECTIONS])
        for at, it in enumerate(SECTIONS):
            table = (_Openable if it.opens else _Closed)(*it.columns, empty=it.empty)
            table.display = at == self._at
            yield table

    @property
    def table(self) -> Table:
        """That of the section which is shown."""
        return list(self.query(Table))[self._at]

    def concerns(self, change: Change) -> bool:
        is_mine = change.account_id == self.account_id or change.id == self.account_id
        return super().concerns(change) and (is_mine or not change.table)

    async def look(self, operator: Caller) -> None:
        it = await self.visit.services.operators.account(operator, self.account_id)
        self._details = it
        self.where(it.summary.email or f"Account {self.account_id}")
        self.equivalent.tell(f"{self.visit.ssh} admin account {self.who}")
        self.query_one("#account", Facts).show(_facts(it))
        for table, section in zip(self.query(Table), SECTIONS, strict=True):
            table.show(section.rows(it))
        self._tell_sections()
        self.refresh_bindings()

    @property
    def who(self) -> str:
        """As commands take it."""
        return (self._details.summary.email if self._details else "") or self.account_id

    # Sections

    def action_section(self, by: int) -> None:
        self._go_to((self._at + by) % len(SECTIONS))

    def on_sections_bar_chosen(self, event: SectionsBar.Chosen) -> None:
        event.stop()
        self._go_to(event.at)

    def _go_to(self, at: int) -> None:
        self.table.display = False
        self._at = at
        self.table.display = True
        self.table.focus()
        self._tell_sections()

    def _tell_sections(self) -> None:
        counts = [table.count[1] for table in self.query(Table)]
        more = ["+" if it.is_cut and count >= NEWEST else "" for it, count in zip(SECTIONS, counts, strict=True)]
        names = [f"{it.name} {count}{and_more}" for it, count, and_more in zip(SECTIONS, counts, more, strict=True)]
        self.query_one(SectionsBar).tell(names, self._at)

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        self.app.push_screen(OperationOfAnybodyScreen(self.visit, event.key))

    # What can be done

    def why_not(self, action: str) -> str:
        state = self._details.summary.state if self._details else ""
        if action in ("lock", "unlock", "credit") and not state:
            return "The account has not been read yet."
        if action == "lock" and state != "active":
            return f"The account is {state}: there is nothing to lock."
        if action == "unlock" and state != "locked":
            return f"The account is {state}: there is nothing to unlock."
        return ""

    def action_lock(self) -> None:
        what = "Until it is unlocked its keys may only look. Its capsuls go on as they are, and go on costing."
        self.attempt(lambda: self._change_lock("lock", what))

    def action_unlock(self) -> None:
        self.attempt(lambda: self._change_lock("unlock", "Its keys may do again what they could do before."))

    async def _change_lock(self, verb: str, what: str) -> None:
        needed = "Say why: the reason is kept, and the member sees it."
        question = f"{verb.capitalize()} {plain_text(self.who)}?"
        command = f"{self.visit.ssh} admin {verb} {plain_text(self.who)} {{}}"
        reason = await self.app.push_screen_wait(
            WordsDialog(question, needed, command=command, hint=f"{what} {needed}")
        )
        if reason is None:
            return
        operators = self.visit.services.operators
        change = operators.lock if verb == "lock" else operators.unlock
        await self.busy(f"{verb}ing", change(await self.operator(), self.account_id, reason))
        self.say(f"{self.who} is {verb}ed.", "good")
        self.read_again()

    def action_credit(self) -> None:
        self.attempt(self._give)

    async def _give(self) -> None:
        """Asks until it is given or given up. All tries have one key: what is tried twice is given once."""
        key, before, refusal = secrets.token_hex(8), Grant(0, "", ""), ""
        while self._details is not None:
            balance = self._details.balance
            dialog = CreditDialog(self.who, balance.available, balance.currency, self.visit.ssh, before, refusal)
            grant = await self.app.push_screen_wait(dialog)
            if grant is None:
                return
            try:
                await self._post(grant, key)
            except Conflict:
                self.say("The first try was given after all, and nothing since. Look at the ledger.", "bad")
                return
            except Unavailable as error:
                before, refusal = grant, error.message
            else:
                return

    async def _post(self, grant: Grant, key: str) -> None:
        operators, operator = self.visit.services.operators, await self.operator()
        giving = operators.credit(operator, self.account_id, grant.amount, grant.reason, key)
        entry = await self.busy("giving credit", giving)
        self.say(f"{amount(entry.amount, entry.currency)} given to {self.who}.", "good")
        self.read_again()


# In these lists `g` is for giving; their top is still at the key Home.
_GIVES: list[BindingType] = [Binding("g", "screen.credit", "Give credit", tooltip="give credit, with a reason")]


class _Openable(Table):
    BINDINGS: ClassVar[list[BindingType]] = _GIVES


class _Closed(Lines):
    BINDINGS: ClassVar[list[BindingType]] = _GIVES


def _facts(it: AccountDetails) -> Sequence[Fact]:
    return (
        ("State", Cell(f"{it.summary.state}, opened {moment(it.summary.created_at)}", tone(it.summary.state))),
        ("Id", str(it.summary.id)),
        *balance_facts(it.balance),
    )
