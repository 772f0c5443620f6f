"""A graph shows what was measured: units, gaps, which figure is which, at every size and without colours too."""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style
from syrupy.assertion import SnapshotAssertion
from textual.app import App, ComposeResult
from textual.geometry import Region

from capsul.machines import Series
from capsul_tui.widgets.axes import figure, time_ticks, top_of, value_ticks
from capsul_tui.widgets.graph import Graph
from capsul_tui.widgets.picture import View, draw
from tests.capsul_tui.snapshots import text_snapshot

__all__ = ["text_snapshot"]

NOW = 1_750_000_000
MIB = 2**20
SPANS = {"5m": (300, 2), "1h": (3_600, 20), "1d": (86_400, 480), "7d": (604_800, 3_600), "30d": (2_592_000, 14_400)}


class Alone(App[None]):
    """One graph and nothing else."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph

    def get_css_variables(self) -> dict[str, str]:
        """Colours by which the parts of a picture are told apart."""
        variables = super().get_css_variables()
        self.theme_variables = {**variables, "primary": "#010203", "second": "#040506", "quiet": "#070809"}
        return self.theme_variables

    def compose(self) -> ComposeResult:
        yield self._graph


@asynccontextmanager
async def alone(graph: Graph, columns: int = 60, rows: int = 12) -> AsyncIterator[Alone]:
    app = Alone(graph)
    async with app.run_test(size=(columns, rows)) as pilot:
        await pilot.pause()
        yield app


def text_of(graph: Graph) -> str:
    return "\n".join(graph.render_line(y).text for y in range(graph.size.height))


def series(
    value: Callable[[float], float], span: str = "1h", unit: str = "percent", off: Sequence[float] = (2, 2)
) -> Series:
    """A figure, given its course from 0 to 1; between the two shares of `off` the capsul was off."""
    length, step = SPANS[span]
    shares = [at / length for at in range(0, length + 1, step)]
    points = tuple((NOW - length + round(s * length), value(s)) for s in shares if not off[0] < s < off[1])
    return Series(unit, points)


def wave(share: float) -> float:
    return 50 + 40 * math.sin(share * 12)


def view(*shown: Series, span: str = "1h", title: str = "CPU", labels: tuple[str, ...] = ()) -> View:
    return View(title, labels, "No figures yet.", shown, NOW - SPANS[span][0], NOW)


def lines(drawn: View, columns: int = 60, rows: int = 12, *, braille: bool = True) -> list[str]:
    picture = draw(drawn, columns, rows, braille=braille)
    return ["".join(text for text, _ in row) for row in picture]


READ_AND_WRITE = (
    series(lambda share: 3e6 * abs(math.sin(share * 9)), "1d", "bytes_per_second"),
    series(lambda share: 2e6 * abs(math.cos(share * 7)), "1d", "bytes_per_second"),
)


async def test_the_processors_with_a_time_when_it_was_off(text_snapshot: SnapshotAssertion) -> None:
    graph = Graph("CPU")
    async with alone(graph, 80, 18):
        graph.show([series(wave, off=(0.4, 0.5))], NOW - 3600, NOW)
        assert text_of(graph) == text_snapshot


async def test_two_figures_in_one(text_snapshot: SnapshotAssertion) -> None:
    graph = Graph("Disk", ("read", "write"))
    async with alone(graph, 80, 14):
        graph.show(READ_AND_WRITE, NOW - 86_400, NOW)
        assert text_of(graph) == text_snapshot


async def test_two_figures_in_ascii(text_snapshot: SnapshotAssertion) -> None:
    graph = Graph("Disk", ("read", "write"), braille=False)
    async with alone(graph, 80, 14):
        graph.show(READ_AND_WRITE, NOW - 86_400, NOW)
        assert text_of(graph) == text_snapshot
        assert text_of(graph).isascii()


async def test_the_least_size_that_is_drawn(text_snapshot: SnapshotAssertion) -> None:
    graph = Graph("Memory")
    async with alone(graph, 20, 5):
        graph.show([series(lambda _: 64 * MIB, "30d", "bytes")], NOW - SPANS["30d"][0], NOW, top=128 * MIB)
        assert text_of(graph) == text_snapshot


async def test_in_less_room_there_is_the_latest_figure() -> None:
    graph = Graph("Memory")
    async with alone(graph, 19, 3):
        graph.show([series(lambda _: 64 * MIB, "1h", "bytes")], NOW - 3600, NOW)
        assert text_of(graph).split() == ["Memory", "64", "MiB"]


async def test_without_figures_a_sentence_stands_in_the_middle(text_snapshot: SnapshotAssertion) -> None:
    graph = Graph("CPU")
    async with alone(graph, 40, 9):
        graph.say("No figures yet: the first ones come a minute after a capsul starts.")
        said = text_of(graph)
        assert said == text_snapshot
        graph.show([Series("percent", ())], NOW - 3600, NOW)
        assert text_of(graph) == said


async def test_each_part_has_the_colour_that_the_style_sheet_gives_it() -> None:
    graph = Graph("Disk", ("read", "write"))
    async with alone(graph, 80, 14):
        graph.show(READ_AND_WRITE, NOW - 86_400, NOW)
        segments = [segment for y in range(14) for segment in graph.render_line(y)]
    colours = {name_of(segment.style): segment.text for segment in segments}
    assert {"#010203", "#040506", "#070809"} <= set(colours)
    assert "UTC" in colours["#070809"]


def name_of(style: Style | None) -> str:
    return style.color.name if style is not None and style.color is not None else ""


async def test_what_it_is_given_is_data() -> None:
    graph = Graph("[bold]C\x1b[31mPU[/]", ("[red]a", "b\n"))
    async with alone(graph, 79, 9):
        graph.say("[link=x]\x07words[/link]")
        assert "[link=x] words[/link]" in text_of(graph)
        graph.show([series(wave), series(wave)], NOW - 3600, NOW)
        headline = graph.render_line(0).text
    assert headline.startswith("[bold]C [31mPU[/]")
    assert "[red]a" in headline
    assert headline.isprintable()


class Counting(Graph):
    """Counts how often it asks to be drawn."""

    refreshed = 0

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        self.refreshed += 1
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


async def test_the_same_figures_again_draw_nothing_anew() -> None:
    graph = Counting("CPU")
    async with alone(graph):
        before = graph.refreshed
        for _ in range(3):
            graph.show([series(wave)], NOW - 3600, NOW)
        assert graph.refreshed == before + 1


async def test_it_is_drawn_anew_when_the_window_changes() -> None:
    graph = Graph("CPU")
    app = Alone(graph)
    async with app.run_test(size=(60, 12)) as pilot:
        graph.show([series(wave)], NOW - 3600, NOW)
        for columns, rows in ((100, 30), (20, 5), (5, 2), (60, 12)):
            await pilot.resize_terminal(columns, rows)
            drawn = text_of(graph).splitlines()
            assert [len(line) for line in drawn] == [columns] * rows


def test_nothing_is_drawn_where_nothing_was_measured() -> None:
    body = lines(view(series(lambda _: 100.0, off=(0.4, 0.6))), 86, 18)[1:-2]
    inside = [line[6:] for line in body]
    assert all(line[34:46].strip() == "" for line in inside)
    assert all(line[:31].strip(" ") and line[49:].strip(" ") for line in inside)


def test_a_capsul_that_does_nothing_still_draws_a_line() -> None:
    bottom = lines(view(series(lambda _: 0.0)))[-3]
    assert set(bottom.partition("┤")[2]) == {"⣀"}


@pytest.mark.parametrize("value", [0.0, 1.0, 50.0, 100.0, 103.5])
def test_flat_figures_are_drawn_without_a_word_on_stdout(value: float, capfd: pytest.CaptureFixture[str]) -> None:
    assert "⣀" in "".join(lines(view(series(lambda _: value)))) or value
    assert capfd.readouterr() == ("", "")


def test_the_headline_says_how_much_it_is_and_was_at_most() -> None:
    assert lines(view(series(lambda share: 90 - 80 * share)))[0] == "CPU  10 % (max 90 %)"


def test_what_was_measured_long_ago_is_not_called_the_latest() -> None:
    assert lines(view(series(lambda _: 30.0, off=(0.9, 1.1))))[0] == "CPU  - (max 30 %)"
    assert lines(view(series(lambda _: 30.0, "5m", off=(0.9, 1.1)), span="5m"))[0] == "CPU  30 % (max 30 %)"


def test_two_figures_are_told_apart_without_colours() -> None:
    drawn = view(*READ_AND_WRITE, span="1d", title="Disk", labels=("read", "write"))
    assert lines(drawn, 90)[0].startswith("Disk  ⣿ read 1.2 MiB/s (max 2.9 MiB/s)  ⠒ write 1.4 MiB/s (max")
    assert lines(drawn, 90, braille=False)[0].startswith(
        "Disk  : read 1.2 MiB/s (max 2.9 MiB/s)  o write 1.4 MiB/s (max"
    )


def test_the_largest_figures_give_way_first_and_then_the_title() -> None:
    drawn = view(*READ_AND_WRITE, span="1d", title="Disk", labels=("read", "write"))
    assert lines(drawn, 45)[0] == "Disk  ⣿ read 1.2 MiB/s  ⠒ write 1.4 MiB/s"
    assert lines(drawn, 39)[0] == "⣿ read 1.2 MiB/s  ⠒ write 1.4 MiB/s"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.34, "percent", "12.3 %"),
        (100.0, "percent", "100 %"),
        (0.0, "bytes", "0 B"),
        (1536.0, "bytes", "1.5 KiB"),
        (64.0 * MIB, "bytes", "64 MiB"),
        (2.5 * 2**30, "bytes", "2.5 GiB"),
        (300.0, "bytes_per_second", "300 B/s"),
        (1_000_000.0, "bytes_per_second", "976.6 KiB/s"),
    ],
)
def test_figures_have_their_units(value: float, unit: str, text: str) -> None:
    assert figure(value, unit) == text


@pytest.mark.parametrize(
    ("highest", "unit", "top"),
    [
        (0.0, "percent", 100.0),
        (103.0, "percent", 100.0),
        (130.0, "percent", 200.0),
        (0.0, "bytes", 1024.0),
        (1025.0, "bytes", 2048.0),
        (70.0 * MIB, "bytes", 80.0 * MIB),
        (801.0 * MIB, "bytes", 1024.0 * MIB),
        (1001.0 * MIB, "bytes_per_second", 1024.0 * MIB),
    ],
)
def test_an_axis_ends_at_a_round_figure(highest: float, unit: str, top: float) -> None:
    assert top_of(highest, unit) == top


def test_the_axis_has_round_figures_and_as_many_as_have_room() -> None:
    assert [label for _, label in value_ticks(100, "percent", 16)] == ["0", "25 %", "50 %", "75 %", "100 %"]
    assert [label for _, label in value_ticks(MIB, "bytes", 16)] == ["0", "256 KiB", "512 KiB", "768 KiB", "1 MiB"]
    assert [label for _, label in value_ticks(4 * MIB, "bytes_per_second", 6)] == ["0", "2 MiB", "4 MiB"]
    assert [label for _, label in value_ticks(100, "percent", 3)] == ["0", "100 %"]


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        ("5m", ["15:02", "15:03", "15:04", "15:05", "15:06"]),
        ("1h", ["14:10", "14:20", "14:30", "14:40", "14:50", "15:00"]),
        ("1d", ["16:00", "20:00", "00:00", "04:00", "08:00", "12:00"]),
        ("7d", ["Jun 9", "Jun 11", "Jun 13", "Jun 15"]),
        ("30d", ["May 17", "May 22", "May 27", "Jun 1", "Jun 6", "Jun 11"]),
    ],
)
def test_times_are_round_and_in_utc(span: str, labels: list[str]) -> None:
    assert [label for _, label in time_ticks(NOW - SPANS[span][0], NOW, 60)] == labels


def test_no_time_runs_into_another_at_any_width() -> None:
    for span in SPANS:
        for columns in range(20, 200):
            times = lines(view(series(wave, span), span=span), columns, 9)[-1]
            assert len(times) <= columns
            assert all(len(word) in (3, 5) or word.isdigit() for word in times.split()), times


def test_no_number_is_no_point() -> None:
    broken = Series("percent", ((NOW - 3, math.nan), (NOW - 2, math.inf), (NOW - 1, -math.inf), (NOW, -4.0)))
    assert lines(view(broken))[0] == "CPU  0 % (max 0 %)"


@pytest.mark.parametrize("size", [(-1, 5), (5, -1), (0, 0), (80, 0), (0, 24)])
def test_no_room_draws_nothing(size: tuple[int, int]) -> None:
    assert draw(view(series(wave)), *size) == ()


points = st.lists(st.tuples(st.integers(NOW - 400, NOW + 10), st.floats()), max_size=60).map(
    lambda some: tuple(sorted(some, key=lambda point: point[0]))
)


@settings(max_examples=200, deadline=None)
@given(
    shown=st.lists(points, max_size=3),
    unit=st.sampled_from(["percent", "bytes", "bytes_per_second"]),
    length=st.integers(-5, 400),
    top=st.none() | st.floats(),
    size=st.tuples(st.integers(-2, 90), st.integers(-2, 30)),
    braille=st.booleans(),
)
def test_whatever_was_measured_it_is_drawn_within_its_room(
    shown: list[tuple[tuple[int, float], ...]],
    unit: str,
    length: int,
    top: float | None,
    size: tuple[int, int],
    braille: bool,
) -> None:
    drawn = View("CPU", ("a", "b"), "", tuple(Series(unit, each) for each in shown), NOW - length, NOW, top)
    picture = lines(drawn, *size, braille=braille)
    assert len(picture) <= max(size[1], 0)
    assert all(len(line) <= size[0] for line in picture[1:])
    assert braille or "".join(picture).isascii()
