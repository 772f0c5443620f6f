"""Facts about one thing, a line each: a quiet name, and what is so."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from capsul.rules import plain_text
from capsul_tui.widgets.table import Cell

Fact = tuple[str, Cell | str | None]


class Facts(Widget):
    """Those that are None are left out."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "bar--quiet",
        "tone--good",
        "tone--busy",
        "tone--bad",
        "tone--off",
        "tone--figure",
        "tone--quiet",
    }

    def __init__(self, *facts: Fact, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._facts: tuple[Fact, ...] = facts

    def show(self, facts: Sequence[Fact]) -> None:
        """These are the facts. Nothing is drawn anew if they are the same."""
        if tuple(facts) != self._facts:
            same_height = len(_known(facts)) == len(_known(self._facts))
            self._facts = tuple(facts)
            self.refresh(layout=not same_height)

    def render(self) -> RenderResult:
        known = _known(self._facts)
        longest = max((cell_len(name) for name, _ in known), default=0)
        quiet = self.get_component_rich_style("bar--quiet", partial=True)
        lines = []
        for name, value in known:
            line = Text(f"{name.ljust(longest)}  ", quiet, no_wrap=True, overflow="ellipsis")
            tone = value.tone if isinstance(value, Cell) else None
            style = self.get_component_rich_style(f"tone--{tone}", partial=True) if tone else self.rich_style
            line.append(plain_text(value.text if isinstance(value, Cell) else value), style)
            lines.append(line)
        return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def _known(facts: Sequence[Fact]) -> list[tuple[str, Cell | str]]:
    return [(name, value) for name, value in facts if value is not None]
