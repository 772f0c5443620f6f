"""The parts of a screen of which one is shown: their names in a line, and which one that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.message import Message
from textual.widget import Widget


class SectionsBar(Widget):
    """One widget, where Textual's Tabs has one for each."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"bar--quiet", "bar--here"}
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
        quiet = self.get_component_rich_style("bar--quiet", partial=True)
        here = self.get_component_rich_style("bar--here", partial=True)
        text = Text(no_wrap=True, overflow="ellipsis")
        for at, name in enumerate(self._names):
            click = Style(meta={"@click": f"choose({at})"})
            # A mark too: a terminal may draw no lines under words.
            text.append(f"[{name}]" if at == self._here else f" {name} ", (here if at == self._here else quiet) + click)
        return text
