"""`:` gives the same commands as `ssh host COMMAND`, without leaving."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from capsul.rules import plain_text
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.visit import CommandAnswer, Visit
from capsul_tui.widgets.line import Line

_MOST_REMEMBERED = 100
"""Lines that were typed."""
_MOST_ANSWERS, _MOST_LINES = 20, 1000
"""That are kept, and lines of each: whoever wants more of it wants a shell, and a file."""


class CommandLineScreen(CapsulScreen[None]):
    """A line to type, and what the commands answered."""

    WHERE = "Commands"
    COMMAND = "help"
    AUTO_FOCUS = "Input"
    HELP = """\
Everything that can be done here can be done by a command too, from any shell and by scripts: ssh, the name of this
server, and the command. This is the same, without leaving: type one and press Enter. `help` lists them all, and
`help COMMAND` tells all about one."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("up", "earlier(-1)", "Earlier", show=False, tooltip="the line before this one"),
        Binding("down", "earlier(1)", "Later", show=False, tooltip="the line after this one"),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(self, visit: Visit, line: str) -> None:
        super().__init__(visit)
        self._begun = line
        self._lines: list[str] = []
        self._at = 0

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(id="answers", can_focus=False)
        yield Line(self._begun, "a command, such as: help", id="line")

    def on_mount(self) -> None:
        self.query_one(Input).action_end()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.equivalent.tell(f"{self.visit.ssh} {event.value.strip() or 'help'}")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        line = event.value.strip()
        if line in ("exit", "quit", "q"):
            self.dismiss(None)
        elif line:
            self.attempt(lambda: self._run(line))

    async def _run(self, line: str) -> None:
        self._lines = [*self._lines[-_MOST_REMEMBERED:], line]
        self._at = len(self._lines)
        self.query_one(Input).value = ""
        # One less than there is, for the bar that appears beside long answers.
        width = max(20, self.query_one("#answers").content_size.width - 1)
        answer = await self.busy(f"{plain_text(line.split()[0])} goes on", self.visit.run_command(line, width))
        answers = self.query_one("#answers", VerticalScroll)
        entry = Static(_as_text(line, answer), classes="answer")
        await answers.mount(entry)
        for old in answers.children[:-_MOST_ANSWERS]:
            old.remove()
        # Where it stands is known once it was laid out.
        self.call_after_refresh(answers.scroll_to_widget, entry, animate=False, top=True)

    def action_earlier(self, by: int) -> None:
        self._at = max(0, min(self._at + by, len(self._lines)))
        line = self.query_one(Input)
        line.value = self._lines[self._at] if self._at < len(self._lines) else ""
        line.action_end()

    def action_page(self, pages: int) -> None:
        answers = self.query_one("#answers", VerticalScroll)
        answers.scroll_relative(y=pages * max(1, answers.size.height - 1), animate=False)


def _as_text(line: str, answer: CommandAnswer) -> Text:
    """What the command said, in the colours that it said it in."""
    shown = Text(f"$ {plain_text(line)}\n", "bold")
    for part in (answer.out, answer.err):
        if part:
            lines = part.rstrip("\n").split("\n")
            shown.append_text(Text.from_ansi("\n".join(lines[:_MOST_LINES]))).append("\n")
            if len(lines) > _MOST_LINES:
                shown.append(f"{len(lines) - _MOST_LINES} more lines are not shown: a shell has them all.\n", "dim")
    if answer.status:
        shown.append(f"exit status {answer.status}\n", "dim")
    shown.rstrip()
    return shown
