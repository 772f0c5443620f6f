"""A page of choices: lists of which something is chosen, and the line at its end on which Enter does it."""

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from capsul_tui.widgets.ink import ink
from capsul_tui.widgets.table import Table


class Choices(Table):
    """A list of which the line under the cursor is chosen, or of which lines are marked."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "go_on", "Next", tooltip="to the next choice")]

    def action_go_on(self) -> None:
        self.screen.focus_next()


class Go(Widget, can_focus=True):
    """The line on which Enter does it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "Create")]

    class Pressed(Message):
        """It is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ("", False)

    def tell(self, words: str, bad: bool) -> None:
        """What Enter does; `bad` when it would be refused as things are."""
        if (words, bad) != self._words:
            self._words = words, bad
            self.refresh(layout=True)

    def render(self) -> RenderResult:
        words, bad = self._words
        text = Text(f"{'▌' if self.has_focus else ' '}{words}")
        if bad:
            text.stylize(ink(self, "bad"))
        elif self.has_focus:
            text.stylize(ink(self, "cursor"))
        return text

    def action_press(self) -> None:
        self.post_message(self.Pressed())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_press()
