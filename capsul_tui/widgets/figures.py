"""A capsul's six figures as four graphs, one or all of them seen, and a line that says which and how far back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult, RenderResult
from textual.message import Message
from textual.widget import Widget

from capsul.machines import Series
from capsul.rules import plain_text
from capsul_tui.widgets.graph import Graph
from capsul_tui.widgets.ink import ink

_GRAPHS: Sequence[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = (
    ("cpu", "Processors", ("cpu",), ()),
    ("memory", "Memory", ("memory",), ()),
    ("disk", "Disk", ("disk_read", "disk_write"), ("read", "written")),
    ("network", "Network", ("net_rx", "net_tx"), ("in", "out")),
)
_COLUMNS_FOR_FOUR, _ROWS_FOR_FOUR = 90, 15


class Figures(Widget):
    """Graphs beside each other where there is room for four, else one at a time."""

    def __init__(self, spans: Sequence[str], *, braille: bool) -> None:
        super().__init__()
        self._bar = FiguresBar([title for _, title, _, _ in _GRAPHS], spans)
        self._graphs = [Graph(title, labels, braille=braille) for _, title, _, labels in _GRAPHS]
        self._is_alone = False
        self._current = 0

    def compose(self) -> ComposeResult:
        yield self._bar
        yield from self._graphs

    def on_mount(self) -> None:
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    # What screens call

    def show(self, figures: Mapping[str, Series], start: int, end: int, memory: int) -> None:
        """The six of them from `start` to `end` (unix seconds); `memory` is all that there is, in bytes."""
        tops = {"cpu": 100.0, "memory": float(memory)}
        for graph, (name, _, of, _) in zip(self._graphs, _GRAPHS, strict=True):
            graph.show([figures[it] for it in of if it in figures], start, end, tops.get(name))

    def say(self, words: str) -> None:
        """What stands where nothing was measured."""
        for graph in self._graphs:
            graph.say(words)

    def warn(self, words: str) -> None:
        """That what is seen is not how it is, and since when; empty when all is well."""
        self._bar.tell(trouble=words)

    def choose_span(self, span: str) -> None:
        """How far back the graphs go."""
        self._bar.tell(span=span)

    def next(self, by: int = 1) -> None:
        """Another graph becomes the current one."""
        self._choose((self._current + by) % len(self._graphs))

    @property
    def is_alone(self) -> bool:
        """Whether only the current one is wanted, however much room there is."""
        return self._is_alone

    @is_alone.setter
    def is_alone(self, alone: bool) -> None:
        self._is_alone = alone
        self._arrange()

    # How it is done

    def on_figures_bar_named(self, event: "FiguresBar.Named") -> None:
        event.stop()
        self._choose(event.at)

    def _choose(self, at: int) -> None:
        self._current = at
        self._arrange()

    def _arrange(self) -> None:
        has_room = self.size.width >= _COLUMNS_FOR_FOUR and self.size.height >= _ROWS_FOR_FOUR
        four = has_room and not self._is_alone
        self.set_class(four, "four")
        for at, graph in enumerate(self._graphs):
            graph.display = four or at == self._current
            graph.set_class(four and at == self._current, "current")
        self._bar.tell(current=self._current)


class FiguresBar(Widget):
    """Which figure, how far back, and the keys for another; all of it can be clicked."""

    # Underlined, the whole line would look chosen.
    auto_links = False

    @dataclass
    class Named(Message):
        """Somebody wants to see a certain figure."""

        at: int

    @dataclass
    class Ranged(Message):
        """Somebody wants to see another range."""

        span: str

    def __init__(self, titles: Sequence[str], spans: Sequence[str]) -> None:
        super().__init__()
        self._titles = titles
        self._spans = spans
        self._seen = (0, "", "")

    def tell(self, *, current: int | None = None, span: str | None = None, trouble: str | None = None) -> None:
        """Changes what is said; None leaves it."""
        was_current, was_span, was_trouble = self._seen
        seen = (
            was_current if current is None else current,
            was_span if span is None else span,
            was_trouble if trouble is None else trouble,
        )
        if seen != self._seen:
            self._seen = seen
            self.refresh()

    def action_choose(self, at: int) -> None:
        self.post_message(self.Named(at))

    def action_range(self, span: str) -> None:
        self.post_message(self.Ranged(span))

    def render(self) -> RenderResult:
        current, span, trouble = self._seen
        for gap in (" ", ""):
            titles = self._choice([(it, f"choose({at})", at == current) for at, it in enumerate(self._titles)], gap)
            spans = self._choice([(it, f"range('{it}')", it == span) for it in self._spans], gap)
            titles = Text.assemble(self._key("m", "m"), gap or " ", titles, no_wrap=True)
            shorter, longer = self._key("[", "left_square_bracket"), self._key("]", "right_square_bracket")
            spans = Text.assemble(shorter, gap, spans, longer, no_wrap=True)
            if titles.cell_len + spans.cell_len < self.size.width:
                break
        room = self.size.width - spans.cell_len - 1
        if trouble:
            titles = Text(plain_text(trouble), ink(self, "trouble"))
        titles.truncate(max(0, room), overflow="ellipsis")
        return Text.assemble(titles, " " * max(1, self.size.width - titles.cell_len - spans.cell_len), spans)

    def _choice(self, entries: Iterable[tuple[str, str, bool]], gap: str) -> Text:
        quiet = ink(self, "quiet")
        chosen = ink(self, "here")
        text = Text(no_wrap=True)
        for words, action, is_chosen in entries:
            click = Style(meta={"@click": action})
            # The sign: without colours, too, and in a text that was copied, it is seen which one it is.
            text.append("▸" if is_chosen else " ", click)
            text.append(words, (chosen if is_chosen else quiet) + click).append(gap, click)
        return text

    def _key(self, shown: str, key: str) -> Text:
        return Text(shown, ink(self, "key") + Style(meta={"@click": f"app.simulate_key('{key}')"}))
