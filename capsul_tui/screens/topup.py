"""Credit is bought here: how much, how it is paid, and how long it would last."""

from collections.abc import Iterable
from typing import ClassVar
from uuid import uuid4

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from capsul.errors import BadRequest
from capsul.models import Balance, Burning, Size
from capsul.money import MICRO, decimal_text, parse_amount
from capsul.rules import hours_left, plain_text, price_per_hour
from capsul.text import amount, span
from capsul_tui.money import balance_facts, lasts
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.screens.pay import PayScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.line import Line
from capsul_tui.widgets.table import Cell, Row, Table
from capsul_tui.widgets.words import show_words
from services.payments import LEAST, MOST

_USUAL = 20 * MICRO

_METHODS = {
    "card": "with a credit or debit card",
    "crypto": "with coins; some are credited before they are confirmed",
    "sandbox": "not real money: for trying things out",
}


class TopupScreen(CapsulScreen[None]):
    """Asks for a topup once, and goes on to where it is paid."""

    WHERE = "Top up"
    COMMAND = "topup AMOUNT"
    TABLES = frozenset({"audit", "capsul", "topup"})
    EVERY_SECONDS = 15.0
    AUTO_FOCUS = "#amount"
    HELP = """\
Credit is what your capsuls run on. Type how much you want, and press Enter: the next screen has a link to pay, as text
and as a QR code. Nothing is charged by pressing Enter, and a link that is never paid costs nothing.

The lines below the amount say what you have, what your capsuls burn together, and how long it would last with this
topup: by the clock, with the cap of 672 hours a month counted in, if you run what you run now.

Where there is more than one way to pay, the arrows up and down choose it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Way to pay", key_display="up down", tooltip="another way to pay"),
        Binding("down", "choose(1)", "Way to pay", show=False, tooltip="another way to pay"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, visit: Visit, amount: int | None = None) -> None:
        """`amount` is what is proposed, in micro-units."""
        super().__init__(visit)
        self._methods = visit.services.payments.methods()
        self._proposed = decimal_text(_USUAL if amount is None else amount).removesuffix(".00")
        self._balance: Balance | None = None
        self._burning: Burning | None = None
        self._smallest: Size | None = None
        self._attempted: tuple[int, str] | None = None
        self._key = ""
        """Of what was attempted: the same again, after an answer that was lost, is the same topup."""

    def body(self) -> Iterable[Widget]:
        yield Static("How much?", id="topup-label", classes="label")
        yield Line(self._proposed, id="amount", select_on_focus=False)
        yield Static(id="topup-note")
        yield Table("How to pay", "", id="methods")
        yield Facts(id="topup-facts")

    def on_mount(self) -> None:
        table = self.query_one(Table)
        table.show([Row(it, (it, _METHODS.get(it, ""))) for it in self._methods])
        table.display = len(self._methods) > 1
        for widget in ("#topup-label", "#amount"):
            self.query_one(widget).display = bool(self._methods)
        self._show()

    async def read(self) -> None:
        services, caller = self.visit.services, self.visit.caller
        self._balance = await services.billing.balance(caller)
        self._burning = await services.billing.burning(caller)
        if not self._burning.segments:
            sizes = await services.capsuls.price_list()
            self._smallest = min(sizes, key=lambda size: size.price_month, default=None)
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action != "choose" or len(self._methods) > 1

    # What is shown

    def _show(self) -> None:
        note = self._limits() if self._methods else self._no_way()
        show_words(self.query_one("#topup-note", Static), note)
        facts = balance_facts(self._balance) if self._balance else []
        wanted = self._typed()
        self.query_one(Facts).show([*facts, *(self._then(self._balance, wanted) if self._balance else [])])
        by = f" --method {self._method}" if len(self._methods) > 1 else ""
        self.equivalent.tell(f"{self.visit.ssh} topup {_short(wanted) if wanted else 'AMOUNT'}{by}")

    def _limits(self) -> str:
        currency = f" {self._balance.currency}" if self._balance else ""
        only = self._methods[0] if len(self._methods) == 1 else ""
        by = f" Paid by {only}: {_METHODS.get(only, '').partition(':')[0]}." if only else ""
        return f"{LEAST // MICRO} to {MOST // MICRO}{currency}.{by}"

    def _no_way(self) -> str:
        contact = plain_text(self.visit.services.settings.contact)
        return f"No payment method is enabled at the moment. Write to {contact}: they can give you credit."

    def _then(self, it: Balance, wanted: int | None) -> list[Fact]:
        """What there would be, and how long it would last."""
        if not self._methods:
            return []
        if wanted is None:
            return [("With this topup", "-")]
        there_would_be = it.available + wanted
        facts: list[Fact] = [("With this topup", Cell(amount(there_would_be, it.currency), "figure"))]
        if self._burning and self._burning.segments:
            hours = hours_left(there_would_be, self._burning.segments, self._burning.at)
            return [*facts, ("Lasts then", lasts(hours))]
        return [*facts, ("Enough for", _enough_for(there_would_be, self._smallest))]

    # What is done

    @property
    def _method(self) -> str | None:
        return self.query_one(Table).current

    def _typed(self) -> int | None:
        """Micro-units, if what stands there is an amount that can be bought."""
        try:
            wanted = parse_amount(self.query_one(Line).value.strip())
        except BadRequest:
            return None
        return wanted if LEAST <= wanted <= MOST else None

    def on_input_changed(self) -> None:
        self.say("")
        self._show()

    def on_table_moved(self) -> None:
        self._show()

    def on_input_submitted(self) -> None:
        self.attempt(self._begin)

    def on_table_opened(self) -> None:
        self.attempt(self._begin)

    def action_choose(self, by: int) -> None:
        self.query_one(Table).action_move(by)

    async def _begin(self) -> None:
        wanted, how = parse_amount(self.query_one(Line).value.strip()), self._method or ""
        if self._attempted != (wanted, how):
            self._attempted, self._key = (wanted, how), uuid4().hex
        asked = self.visit.services.payments.topup(self.visit.caller, wanted, how or None, self._key)
        topup = await self.busy("asking for a link to pay", asked)
        if self.is_current:
            # Esc on the next screen goes back to where the wish came from.
            self.app.switch_screen(PayScreen(self.visit, topup.id))
        else:
            self.app.push_screen(PayScreen(self.visit, topup.id))


def _short(micro: int) -> str:
    return decimal_text(micro).removesuffix(".00")


def _enough_for(micro: int, size: Size | None) -> str | None:
    if size is None or size.price_month <= 0 or micro <= 0:
        return None
    months = micro // size.price_month
    time = f"{months} months" if months >= 2 else span(micro / price_per_hour(size.price_month))
    return f"{time} of the smallest capsul ({plain_text(size.id)})"
