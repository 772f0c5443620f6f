"""Help, written for the screen that it was asked on."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from capsul_tui.screens.base import CapsulScreen
from capsul_tui.visit import Visit

_ON_MOST = {"filter": "filter the list", "read_again": "read everything again now", "back": "back"}
"""Keys of so many screens that they are no news, and come after a screen's own."""
_EVERYWHERE = (
    ("?", "help for the screen you are on"),
    (":", "a command line: everything that `ssh host COMMAND` does"),
    ("digits", "the screens that the second line names, where there is one"),
    ("ctrl+p", "find anything by a part of its name"),
    ("esc", "back, or take a filter away"),
    ("ctrl+t", "light or dark"),
    ("ctrl+c", "leave; your capsuls keep running"),
)


class HelpScreen(CapsulScreen[None]):
    """What the screen beneath is for, and its keys."""

    WHERE = "Help"
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "back", "Back", key_display="esc"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, visit: Visit, about: CapsulScreen[object]) -> None:
        super().__init__(visit)
        self._name = about.WHERE
        self._text = about.HELP
        self._keys = _keys_of(about)
        if about.COMMAND:
            self.equivalent.tell(f"{visit.ssh} help {about.COMMAND.split()[0]}")

    def body(self) -> Iterable[Widget]:
        with_keys = Text()
        with_keys.append(f"{_paragraphs(self._text)}\n\n")
        _list(with_keys, "Keys on this screen", self._keys)
        _list(with_keys, "Keys on every screen", _EVERYWHERE)
        with_keys.append(f"A person: {self.visit.services.settings.contact}\n")
        yield VerticalScroll(Static(with_keys), id="help")

    def on_mount(self) -> None:
        self.where(f"{self._name} / Help" if self._name else "Help")

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def _paragraphs(text: str) -> str:
    """Lines are as wide as the terminal, not as the source; an empty line ends a paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _list(text: Text, title: str, keys: Iterable[tuple[str, str]]) -> None:
    text.append(f"{title}\n", "bold")
    for key, meaning in keys:
        text.append(f"  {key.ljust(12)}", "bold").append(f"{meaning}\n")
    text.append("\n")


def _keys_of(screen: CapsulScreen[object]) -> list[tuple[str, str]]:
    """The bindings of the screen and of what has the focus on it, one line an action."""
    found: dict[str, tuple[list[str], str]] = {}
    # What only this screen can do comes first, moving about in a list last.
    for active in sorted(screen.active_bindings.values(), key=lambda active: _place(active, screen)):
        binding = active.binding
        if active.node is screen.app or not binding.description or binding.system or _is_usual(active):
            continue
        meaning = binding.tooltip or _ON_MOST.get(binding.action) or binding.description
        keys, _ = found.setdefault(binding.action, ([], meaning))
        keys.append(screen.app.get_key_display(binding))
    return [(" ".join(dict.fromkeys(keys)), meaning) for keys, meaning in found.values()]


def _place(active: ActiveBinding, screen: CapsulScreen[object]) -> tuple[int, bool]:
    if active.node is not screen:
        return 2, False
    return (1 if active.binding.action in _ON_MOST else 0), not active.binding.show


def _is_usual(active: ActiveBinding) -> bool:
    """What Textual gives everything that scrolls or is typed into, and nobody said more about."""
    binding = active.binding
    is_of_typing = isinstance(active.node, Input | TextArea) and not binding.show
    usual = ("scroll_", "page_left", "page_right", "app.focus", "screen.")
    return not binding.tooltip and (is_of_typing or binding.action.startswith(usual))
