"""One topup: where it is paid, and what came of it, as it comes."""

from collections.abc import Iterable
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from capsul.models import Balance, Topup
from capsul.text import amount, moment, tone
from capsul_tui.money import lasts, method
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.qr import QrCode
from capsul_tui.widgets.table import Cell
from capsul_tui.widgets.words import show_words

_WORDS_COLUMNS = 40
"""That the words beside a QR code need."""
_BARS, _LINK = 3, 2
"""Lines that are always there, and those of the link."""


class PayScreen(CapsulScreen[None]):
    """Has the link to pay, and waits with whoever waits."""

    WHERE = "Topup"
    COMMAND = "topup show ID --wait"
    TABLES = frozenset({"audit", "capsul", "topup"})
    EVERY_SECONDS = 15.0
    HELP = """\
The link leads to a page where this topup is paid. Open it on any device: click it, select it (most terminals want Shift
held down for that), scan the QR code with a phone, or press y to send it to your terminal's clipboard. Whoever has the
link can pay; it shows nothing of your account but the amount.

This screen changes by itself as soon as the payment is seen. You can leave it, and even hang up: the payment is taken
all the same, and the topup stays in your list.

Coins are seen before they are confirmed. Up to a limit they are credited at once; if they turn out to be none, what was
credited is taken back."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yank", "Copy link", tooltip="send the link to your terminal's clipboard"),
        Binding("c", "code", "QR code", tooltip="show the QR code, or the words again"),
        Binding("t", "again", "Top up again", tooltip="begin another topup"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, visit: Visit, topup_id: str) -> None:
        super().__init__(visit)
        self._topup_id = topup_id
        self._topup: Topup | None = None
        self._wants_code = False
        self.equivalent.tell(f"{visit.ssh} topup show {topup_id} --wait")

    def body(self) -> Iterable[Widget]:
        terminal = self.visit.terminal
        yield Static(id="pay-link")
        with Horizontal(id="pay"):
            with VerticalScroll(id="pay-words", can_focus=False):
                yield Static(id="pay-state")
                yield Static(id="pay-sandbox")
                yield Static(id="pay-story")
                yield Facts(id="pay-facts")
            in_halves = terminal.has_unicode
            size = "" if in_halves else "large"
            yield QrCode("-", unicode=in_halves, colours=terminal.depth != "none", classes=size)

    async def read(self) -> None:
        services, caller = self.visit.services, self.visit.caller
        topup = await services.payments.show(caller, self._topup_id)
        balance = await services.billing.balance(caller)
        if self._topup is not None and topup.state == "paid" != self._topup.state:
            self.app.bell()
        self._topup = topup
        self.where(f"Topup {topup.id}")
        self._show(topup, balance)

    # What is shown

    def _show(self, topup: Topup, balance: Balance) -> None:
        title, story = _told(topup)
        state = self.query_one("#pay-state", Static)
        for name in ("good", "busy", "bad", "off"):
            state.set_class(name == tone(topup.state), name)
        show_words(state, title)
        show_words(self.query_one("#pay-story", Static), story)
        show_words(self.query_one("#pay-sandbox", Static), _SANDBOX if topup.provider == "sandbox" else "")
        self.query_one(Facts).show(_facts(topup, balance))
        url = self._url
        link = self.query_one("#pay-link", Static)
        if str(link.content) != url:
            link.update(Text(url, Style(link=url) if self.visit.terminal.has_links else ""))
        self.query_one(QrCode).show(url)
        self._arrange()

    def _arrange(self) -> None:
        """The code stands beside the words where both have room; else one of them is shown."""
        beside = self._waits and self._has_room(_WORDS_COLUMNS, _LINK)
        alone = self._wants_code and self._is_code_a_choice
        self.query_one(QrCode).display = beside or alone
        self.query_one("#pay-words").display = not alone
        self.query_one("#pay-link").display = not alone and self._topup is not None
        self.set_class(alone, "alone")
        self.refresh_bindings()

    def _has_room(self, columns: int, rows: int) -> bool:
        """Whether the code fits with so much beside and above it."""
        code = self.query_one(QrCode)
        width, height = self.size
        return code.columns + columns <= width and code.rows + rows + _BARS <= height

    @property
    def _waits(self) -> bool:
        return self._topup is not None and self._topup.state == "waiting"

    @property
    def _is_code_a_choice(self) -> bool:
        """It has room, but only in place of the words."""
        return self._waits and self._has_room(0, 0) and not self._has_room(_WORDS_COLUMNS, _LINK)

    @property
    def _url(self) -> str:
        return self.visit.services.payments.url(self._topup) if self._topup else ""

    def on_resize(self) -> None:
        self._arrange()

    # What is done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        if action == "code":
            return self.is_mounted and self._is_code_a_choice
        if action == "yank":
            return self._waits
        if action == "again":
            return self._topup is not None and self._topup.state not in ("waiting", "unconfirmed")
        return True

    def action_yank(self) -> None:
        if self._topup is not None:
            self.app.copy_to_clipboard(self._url)
            self.say("Sent to your terminal's clipboard, if it takes such.")

    def action_code(self) -> None:
        self._wants_code = not self._wants_code
        self._arrange()

    def action_again(self) -> None:
        self.capsul_app.open_topup()


_SANDBOX = "Not real money: this is the sandbox."
_LEAVE = "You may leave this screen: the payment is taken all the same."


def _told(it: Topup) -> tuple[str, str]:
    """What is so, in a few words and in sentences."""
    whole, credited = amount(it.amount, it.currency), amount(it.credited, it.currency)
    if it.state == "waiting":
        there = "press Pay" if it.provider == "sandbox" else "pay"
        return f"Waits for {whole} to be paid", f"Open the link on any device, and {there} there. {_LEAVE}"
    if it.state == "unconfirmed":
        return f"Seen, not confirmed yet: {whole}", f"{_credited_already(it)} {_LEAVE}"
    if it.state == "paid":
        return f"✓ Paid: {credited}", "Thank you. It is on your account."
    if it.state == "failed":
        return "✗ Failed", "The payment did not go through, and nothing was credited. Press t to begin another topup."
    if it.state == "expired":
        return "✗ Expired", "Nobody paid in time, and nothing was credited. Press t to begin another topup."
    return "✗ Taken back", (
        "The money never arrived or was claimed back, and what was credited for it was taken off your account again."
        " Press t to begin another topup."
    )


def _credited_already(it: Topup) -> str:
    credited = amount(it.credited, it.currency)
    if it.credited <= 0:
        return "The payment is on its way. It is credited once it is confirmed."
    rest = "" if it.credited >= it.amount else " The rest follows once it is confirmed."
    return f"{credited} is credited already.{rest} If the payment turns out to be none, that is taken back."


def _facts(it: Topup, balance: Balance) -> list[Fact]:
    known: list[Fact] = [
        ("Paid by", method(it.provider)),
        ("Asked for", moment(it.created_at)),
        ("Settled", moment(it.settled_at)),
    ]
    if it.state == "waiting":
        return [("Amount", amount(it.amount, it.currency)), *known]
    has = Cell(amount(balance.available, balance.currency), None if balance.available > 0 else "bad")
    credited = f"{amount(it.credited, it.currency)} of {amount(it.amount, it.currency)}"
    return [("Credited", credited), ("Available now", has), ("Lasts", lasts(balance.hours_left)), *known]
