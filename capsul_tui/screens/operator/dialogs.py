"""What operators are asked: reasons, amounts, and words to everybody. As all dialogs, these only answer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from capsul.errors import BadRequest
from capsul.money import parse_amount
from capsul.rules import plain_text
from capsul.text import amount, moment
from capsul_tui.screens.dialogs import TextDialog
from capsul_tui.screens.operator.words import shell_words
from capsul_tui.widgets.bars import Equivalent, KeyBar
from capsul_tui.widgets.line import Line

MOST_CHARACTERS = 1000
"""In an announcement."""


class WordsDialog(TextDialog):
    """Words that must not be none. They stand in the command as a shell would want them."""

    def __init__(
        self, question: str, needed: str, *, command: str, hint: str, value: str = "", refusal: str = ""
    ) -> None:
        """`needed` is said when there are none."""
        super().__init__(question, value=value, refusal=refusal, command=command, hint=hint)
        self._needed = needed
        self.add_class("operator")

    def on_mount(self) -> None:
        # What stands there was typed before: typing goes on behind it.
        self.query_one(Line).action_end()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.prevent_default()
        self.query_one(".refusal", Static).update("")
        self.query_one(Equivalent).tell(self._command.replace("{}", shell_words(event.value)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        # Or else TextDialog, whose handler is called too, would take an answer without words.
        event.prevent_default()
        self.action_submit()

    def action_submit(self) -> None:
        words = " ".join(self.query_one(Input).value.split())
        if refusal := self.refusal_of(words):
            self.query_one(".refusal", Static).update(Text(refusal))
        else:
            self.dismiss(words)

    def refusal_of(self, words: str) -> str:
        """Why these words will not do; empty when they will."""
        return "" if words else self._needed


class AnnounceDialog(WordsDialog):
    """Words to everybody, and how they look on everybody's first screen."""

    def __init__(self, ssh: str, value: str = "", refusal: str = "") -> None:
        super().__init__(
            "Say to everybody",
            "Say something: nobody is helped by an empty line.",
            command=f"{ssh} admin announce {{}}",
            hint=f"Up to {MOST_CHARACTERS} characters. It stands on everybody's first screen until it is ended.",
            value=value,
            refusal=refusal,
        )

    def refusal_of(self, words: str) -> str:
        too_long = f"That is {len(words)} characters, and {MOST_CHARACTERS} is the most."
        return super().refusal_of(words) or (too_long if len(words) > MOST_CHARACTERS else "")

    def on_mount(self) -> None:
        preview = Static(as_members_see_it(self._value), classes="preview")
        self.query_one(".dialog").mount(preview, before=self.query_one(".refusal"))

    def on_input_changed(self, event: Input.Changed) -> None:
        for preview in self.query(".preview").results(Static):
            preview.update(as_members_see_it(event.value))


def as_members_see_it(words: str) -> Text:
    """An announcement that is made now, as it will stand on first screens."""
    return Text(f"{moment(datetime.now(UTC))}: {plain_text(words) or '…'}")


@dataclass(frozen=True)
class Grant:
    """Credit that somebody wants to give."""

    amount: int
    reason: str
    typed: str
    """The amount as it was typed."""


class CreditDialog(ModalScreen[Grant | None]):
    """How much, and why: both are shown before anything is given."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Give up")]

    def __init__(self, who: str, balance: int, currency: str, ssh: str, before: Grant, refusal: str) -> None:
        """`before` is what stood there when it was refused."""
        super().__init__()
        self._who = who
        self._balance = balance
        self._currency = currency
        self._ssh = ssh
        self._before = before
        self._refusal = refusal
        self.add_class("operator")

    def compose(self) -> ComposeResult:
        question = Text(f"Give credit to {plain_text(self._who)}", "bold")
        question.append("\nIt is a gift: it is spent first, and never paid back. The member sees why.", "not bold")
        with Vertical(classes="dialog"):
            yield Static(question)
            yield Static(Text(f"How much, in {self._currency}"), classes="label")
            yield Line(self._before.typed, "such as 20 or 7.50", id="credit-amount", select_on_focus=False)
            yield Static(Text("Why"), id="credit-why")
            yield Line(
                self._before.reason, "such as: for the trouble yesterday", id="credit-reason", select_on_focus=False
            )
            yield Static(id="credit-after")
            yield Equivalent()
            yield KeyBar()

    def on_mount(self) -> None:
        self._show_what_comes_of_it()
        self._show(self._refusal, is_refusal=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._typed() != (self._before.typed, self._before.reason):
            self._show_what_comes_of_it()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        how_much, why = self._typed()
        if event.input.id == "credit-amount" and not why:
            self.query_one("#credit-reason").focus()
        elif not why:
            self._show("Say why: the member sees the reason in the ledger.", is_refusal=True)
        else:
            try:
                self.dismiss(Grant(parse_amount(how_much), why, how_much))
            except BadRequest as error:
                self._show(error.message, is_refusal=True)
                self.query_one("#credit-amount").focus()

    def action_give_up(self) -> None:
        self.dismiss(None)

    def _typed(self) -> tuple[str, str]:
        how_much, why = (self.query_one(f"#credit-{name}", Input).value for name in ("amount", "reason"))
        return how_much.strip(), " ".join(why.split())

    def _show(self, words: str, *, is_refusal: bool = False) -> None:
        if words:
            line = self.query_one("#credit-after", Static)
            line.set_class(is_refusal, "refusal")
            line.update(Text(plain_text(words)))

    def _show_what_comes_of_it(self) -> None:
        how_much, why = self._typed()
        try:
            after = amount(self._balance + parse_amount(how_much), self._currency)
        except BadRequest:
            after = "…"
        now = amount(self._balance, self._currency)
        self._show(f"There are {now} now, and {after} with it.")
        words = f"{shell_words(how_much) or 'AMOUNT'} {shell_words(why) or 'REASON'}"
        self.query_one(Equivalent).tell(f"{self._ssh} admin credit {plain_text(self._who)} {words}")
