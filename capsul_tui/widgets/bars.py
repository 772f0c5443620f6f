"""The lines that every screen has: where you are above, what was said and which keys matter below."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.binding import ActiveBinding, Binding
from textual.widget import Widget
from textual.widgets import Input

from capsul.rules import plain_text
from capsul_tui.widgets.ink import Meaning, ink

_LETTERS = frozenset({"question_mark", "slash", "colon", "space"})
_ON_EVERY_LIST = frozenset({"filter", "back"})
_SHORT = {"Operations": "Ops", "Announcements": "News"}
"""What screens with long names are called where there is no room for all names."""


class TopBar(Widget):
    """Who offers this, where one is, whose account it is, and whether what is shown is how it is."""

    def __init__(self, provider: str, where: str) -> None:
        super().__init__()
        self._provider = provider
        self._where = where
        self._whose = ""
        self._state = ("", True)

    def tell(self, *, where: str | None = None, whose: str | None = None) -> None:
        """Changes what is said; None leaves it."""
        before = (self._where, self._whose)
        self._where = self._where if where is None else where
        self._whose = self._whose if whose is None else whose
        if (self._where, self._whose) != before:
            self.refresh()

    def tell_state(self, words: str, well: bool) -> None:
        """How fresh the screen is."""
        if (words, well) != self._state:
            self._state = (words, well)
            self.refresh()

    def render(self) -> RenderResult:
        style = self._style
        words, well = self._state
        left = Text(no_wrap=True)
        left.append(plain_text(self._provider), style("brand"))
        if self._where:
            left.append(" / ", style("quiet")).append(plain_text(self._where))
        state = Text("● " if words else "", style("good" if well else "trouble"))
        state.append(words, style("quiet" if well else "trouble"))
        whose = Text(f"{plain_text(self._whose)}   " if self._whose else "")
        width = self.size.width
        left.truncate(max(1, width - state.cell_len - 1), overflow="ellipsis")
        room = width - left.cell_len - state.cell_len
        if whose.cell_len + 2 > room:
            whose = Text("")
        right = Text.assemble(whose, state)
        gap = max(1, width - left.cell_len - right.cell_len)
        return Text.assemble(left, " " * gap, right, no_wrap=True, overflow="ellipsis")

    def _style(self, meaning: Meaning) -> Style:
        # For operators the whole line has a colour of its own, on which no other can be read.
        return Style(bold=True) if self.screen.has_class("operator") else ink(self, meaning)


class PlacesBar(Widget):
    """The screens that are one key away, and which of them this is."""

    auto_links = False

    def __init__(self, places: Sequence[tuple[str, str]], here: str) -> None:
        """`places` are keys and names, `here` is one of the names."""
        super().__init__()
        self._places = places
        self._here = here

    def render(self) -> RenderResult:
        key_style = ink(self, "key")
        quiet = ink(self, "quiet")
        here = ink(self, "here")
        text = Text(no_wrap=True)
        gap, names = self._fit()
        for (key, name), shown in zip(self._places, names, strict=True):
            click = Style(meta={"@click": f"app.go('{key}')"})
            text.append(key, key_style + click).append(" ")
            text.append(shown, (here if name == self._here else quiet) + click).append(" " * gap)
        return text

    def _fit(self) -> tuple[int, list[str]]:
        """Blanks between them, and the names, as short as it takes for all of them to be seen: a key says the rest."""
        names = [name for _, name in self._places]
        short = [_SHORT.get(name, name) for name in names]
        longest = max(map(len, short), default=0)
        cut = [[name[:letters] for name in short] for letters in range(longest, 0, -1)]
        for gap, shown in ((2, names), (1, names), (2, short), *((1, it) for it in cut)):
            wide = sum(len(key) + 1 + len(name) + gap for (key, _), name in zip(self._places, shown, strict=True)) - gap
            if wide <= self.size.width:
                return gap, shown
        return 1, cut[-1]


class Says(Widget):
    """What came of what was asked for. It stays until the next thing is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def say(self, text: str, kind: str = "") -> None:
        """`kind` is empty, "bad" or "good"; nothing clears it."""
        self.text = plain_text(text)
        self.set_class(kind == "bad", "bad")
        self.set_class(kind == "good", "good")
        self.display = bool(text)
        self.refresh(layout=True)

    def render(self) -> RenderResult:
        return Text(self.text)


class Equivalent(Widget):
    """The command that does the same from any shell; in dialogs the whole of it."""

    def __init__(self, command: str = "") -> None:
        super().__init__()
        self._command = command

    def tell(self, command: str) -> None:
        if command != self._command:
            self._command = command
            self.refresh(layout=self.styles.is_auto_height)

    def render(self) -> RenderResult:
        quiet = ink(self, "quiet")
        text = Text(f"$ {plain_text(self._command)}" if self._command else "", quiet)
        if not self.styles.is_auto_height:
            text.truncate(self.size.width, overflow="ellipsis")
        return text


class KeyBar(Widget):
    """The keys that matter now, as many as there is room for. One widget, where Textual's Footer has one for each."""

    # A click works all the same; underlined they would be louder than what they stand under.
    auto_links = False

    def on_mount(self) -> None:
        self._said: list[tuple[str, str]] = []
        self.screen.bindings_updated_signal.subscribe(self, lambda screen: self._look())

    def _look(self) -> None:
        """Bindings are looked at anew whenever something was read, and mostly are the same."""
        said = [(binding.key, binding.description) for binding, _ in self._shown()]
        if said != self._said:
            self._said = said
            self.refresh()

    def render(self) -> RenderResult:
        key_style, quiet = ink(self, "key"), ink(self, "quiet")
        text = Text(no_wrap=True)
        for binding, action in self._fitting(self._shown()):
            _add(text, self.app.get_key_display(binding), binding.description, key_style, quiet, action)
        return text

    def _fitting(self, shown: Sequence[tuple[Binding, str]]) -> list[tuple[Binding, str]]:
        """As many as there is room for; the way out and the way to all others are always among them."""

        def long(it: tuple[Binding, str]) -> int:
            return _length(self.app.get_key_display(it[0]), it[0].description)

        always = [it for it in shown if it[0].key == "escape" or it[0].action in ("app.help", "help")]
        room = self.size.width - sum(map(long, always))
        fitting = []
        for it in shown:
            if it not in always:
                room -= long(it)
            if it in always or room >= 0:
                fitting.append(it)
        return fitting

    def _shown(self) -> list[tuple[Binding, str]]:
        """Bindings of this moment that are meant to be seen, one for each meaning, with what a click on them does."""
        types = isinstance(self.screen.focused, Input)
        found: dict[str, tuple[Binding, str]] = {}
        for active in sorted(self.screen.active_bindings.values(), key=self._matters_less):
            binding = active.binding
            # Where somebody types, a letter is a letter.
            if binding.show and active.enabled and not (types and _is_letter(binding.key)):
                found.setdefault(binding.description, (binding, f"app.simulate_key('{binding.key}')"))
        return list(found.values())

    def _matters_less(self, active: ActiveBinding) -> int:
        """What is the screen's own comes first, what every screen has last: that is known by then."""
        if active.node is self.app:
            return 3
        return 2 if active.binding.action in _ON_EVERY_LIST else active.binding.key != "enter"


def _is_letter(key: str) -> bool:
    """Whether a key, as Textual names it, types something."""
    return len(key) == 1 or key in _LETTERS


def _length(key: str, description: str) -> int:
    return cell_len(f"{key} {description}  ")


def _add(text: Text, key: str, description: str, key_style: Style, quiet: Style, action: str) -> None:
    click = Style(meta={"@click": action})
    text.append(key, key_style + click)
    text.append(f" {description}", quiet + click)
    text.append("  ")
