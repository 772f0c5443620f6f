"""Questions. A dialog only answers: whoever asked does what follows. What is safe is what Enter and Esc do."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from capsul.rules import plain_text
from capsul_tui.widgets.bars import Equivalent, KeyBar
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.line import Line


class ConfirmDialog(ModalScreen[bool]):
    """Yes by one key, no by every other way out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,enter", "answer(False)", "No", key_display="n"),
    ]

    def __init__(self, question: str, consequences: Sequence[str] = (), command: str = "") -> None:
        """`command` is what does the same from a shell."""
        super().__init__()
        self._question = question
        self._consequences = consequences
        self._command = command

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_lines(self._question, self._consequences))
            yield Equivalent(self._command)
            yield KeyBar()

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class TextDialog(ModalScreen[str | None]):
    """One line of text; None when it is given up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Go on"),
        Binding("escape", "give_up", "Give up"),
    ]

    def __init__(self, question: str, value: str = "", refusal: str = "", command: str = "", hint: str = "") -> None:
        """`value` stands there already: what was refused is not lost. `command` may have `{}` for what is typed."""
        super().__init__()
        self._question = question
        self._value = value
        self._refusal = refusal
        self._command = command
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_lines(self._question, [self._hint] if self._hint else []))
            # What was refused is to be mended, not to be typed anew.
            yield Line(self._value, select_on_focus=not self._refusal)
            yield Static(Text(plain_text(self._refusal)), classes="refusal")
            yield Equivalent(self._command.replace("{}", self._value))
            yield KeyBar()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one(Equivalent).tell(self._command.replace("{}", event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_submit(self) -> None:
        self.dismiss(self.query_one(Input).value)

    def action_give_up(self) -> None:
        self.dismiss(None)


class DestroyDialog(ModalScreen[str | None]):
    """What is lost, and the name to be typed: there is no other way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Destroy"),
        Binding("escape", "give_up", "Keep it"),
    ]

    def __init__(self, name: str, lost: Sequence[str], command: str) -> None:
        super().__init__()
        self._name = name
        self._lost = lost
        self._command = command

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog danger"):
            yield Static(_lines(f"Destroy {self._name}?", self._lost))
            yield Static(Text(f"Type its name, {self._name}, and press Enter:"), classes="label")
            yield Line()
            yield Static(classes="refusal")
            yield Equivalent(self._command)
            yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action != "submit" or self._is_right()

    def _is_right(self) -> bool:
        return self.is_mounted and self.query_one(Input).value.strip() == self._name

    def on_input_changed(self) -> None:
        self.query_one(".refusal", Static).update("")
        self.refresh_bindings()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._is_right():
            self.dismiss(event.value.strip())
        else:
            self.query_one(".refusal", Static).update(Text(f"That is not {self._name}. Nothing was destroyed."))

    def action_submit(self) -> None:
        if self._is_right():
            self.dismiss(self._name)

    def action_give_up(self) -> None:
        self.dismiss(None)


class ReadDialog(ModalScreen[None]):
    """All about one thing, to be read: nothing is asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", key_display="esc"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, title: str, facts: Sequence[Fact], command: str = "") -> None:
        super().__init__()
        self._title = title
        self._about = facts
        self._command = command

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_lines(self._title, ()))
            with VerticalScroll(classes="reading"):
                yield Facts(*self._about, wraps=True)
            yield Equivalent(self._command)
            yield KeyBar()

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        self.dismiss(None)


def _lines(question: str, consequences: Sequence[str]) -> Text:
    text = Text(plain_text(question), "bold")
    for line in consequences:
        text.append(f"\n{plain_text(line)}", "not bold")
    return text
