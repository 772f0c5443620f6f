"""The parts of a screen of which one is shown: their names in a line, and which one that is."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.message import Message
from textual.widget import Widget

from capsul_tui.widgets.ink import ink


class SectionsBar(Widget):
    """One widget, where Textual's Tabs has one for each."""

    auto_links = False

    @dataclass
    class Chosen(Message):
        """Somebody clicked on a name."""

        at: int

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = tuple(names)
        self._here = 0

    def tell(self, names: Sequence[str], here: int) -> None:
        """The names, and the number of the one that is shown."""
        if (tuple(names), here) != (self._names, self._here):
            self._names, self._here = tuple(names), here
            self.refresh()

    def action_choose(self, at: int) -> None:
        self.post_message(self.Chosen(at))

    def render(self) -> RenderResult:
        quiet = ink(self, "quiet")
        here = ink(self, "here")
        text = Text(no_wrap=True, overflow="ellipsis")
        for at, name in enumerate(self._names):
            click = Style(meta={"@click": f"choose({at})"})
            # A mark too: a terminal may draw no lines under words.
            text.append("▸" if at == self._here else " ", click)
            text.append(name, (here if at == self._here else quiet) + click).append(" ", click)
        return text
