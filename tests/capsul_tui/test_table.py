"""Lists: what they keep, what they leave out, and what they draw anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from capsul_tui.widgets.table import Cell, Column, Row, Table, _fit
from tests.capsul_tui.screen_text import text_of

COLUMNS = (
    Column("Name"),
    Column("State", yields=1),
    Column("Why", yields=2, squeezes=True, least=6),
    Column("Price", right=True, yields=3),
)


class Lists(App[None]):
    CSS = "Table { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def compose(self) -> ComposeResult:
        yield Table(*COLUMNS, empty="There is nothing.")

    def on_table_opened(self, event: Table.Opened) -> None:
        self.told.append(("opened", event.key))

    def on_table_moved(self, event: Table.Moved) -> None:
        self.told.append(("moved", event.key))


@asynccontextmanager
async def lists(size: tuple[int, int] = (40, 8)) -> AsyncIterator[tuple[Lists, Table, Pilot[None]]]:
    app = Lists()
    async with app.run_test(size=size) as pilot:
        table = app.query_one(Table)
        table.focus()
        await pilot.pause()
        yield app, table, pilot


def row(key: str, state: str = "running", why: str = "", price: str = "1.00") -> Row:
    return Row(key, (key, Cell(state, "good"), why, price), hidden=f"id-{key}")


def many(count: int) -> list[Row]:
    return [row(f"row-{number:02d}") for number in range(count)]


async def test_nothing_is_said_in_words() -> None:
    async with lists() as (app, _, _):
        assert "There is nothing." in text_of(app)


async def test_the_cursor_stays_on_its_row_when_others_come_and_go() -> None:
    async with lists() as (app, table, pilot):
        table.show(many(5))
        await pilot.press("down", "down")
        table.show([row("new"), *many(5)[1:], row("last")])
        await pilot.pause()
        assert table.current == "row-02"
        assert "▌row-02" in text_of(app)


async def test_the_cursor_stays_where_its_row_was_when_that_goes() -> None:
    async with lists() as (_, table, pilot):
        table.show(many(5))
        await pilot.press("down", "down")
        table.show([it for it in many(5) if it.key != "row-02"])
        assert table.current == "row-03"
        table.show([])
        assert table.current is None


async def test_the_scroll_stays_when_the_same_rows_are_told_again() -> None:
    async with lists() as (app, table, pilot):
        table.show(many(30))
        await pilot.press("G")
        before = text_of(app)
        table.show(many(30))
        await pilot.pause()
        assert text_of(app) == before
        assert "row-29" in before


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        ("j j k", "row-01"),
        ("down down up", "row-01"),
        ("G", "row-29"),
        ("G g", "row-00"),
        ("end home", "row-00"),
        ("pagedown", "row-06"),
        ("pagedown pageup", "row-00"),
        ("k", "row-00"),
        ("G j", "row-29"),
    ],
)
async def test_keys_move_the_cursor_and_it_is_always_seen(keys: str, at: str) -> None:
    async with lists() as (app, table, pilot):
        table.show(many(30))
        await pilot.press(*keys.split())
        assert table.current == at
        assert f"▌{at}" in text_of(app)


async def test_enter_and_a_second_click_open_the_row() -> None:
    async with lists() as (app, table, pilot):
        table.show(many(3))
        await pilot.press("down", "enter")
        await pilot.click(Table, offset=(5, 3))
        await pilot.click(Table, offset=(5, 3))
        assert app.told == [
            ("moved", "row-00"),
            ("moved", "row-01"),
            ("opened", "row-01"),
            ("moved", "row-02"),
            ("opened", "row-02"),
        ]


async def test_words_filter_by_everything_a_row_says_and_by_its_id() -> None:
    async with lists() as (app, table, _):
        table.show([row("web"), row("db", "stopped"), row("mail", "failed", "no room")])
        for words, found in (
            ("STOPPED", 1),
            ("id-web", 1),
            ("room fail", 1),
            ("!running", 2),
            ("!running !failed", 1),
            ("", 3),
            ("nothing", 0),
        ):
            table.words = words
            assert table.count == (found, 3), words
        table.words = "nothing"
        await app.workers.wait_for_complete()


async def test_a_filter_survives_news() -> None:
    async with lists() as (_, table, _):
        table.show([row("web"), row("db")])
        table.words = "web"
        table.show([row("web"), row("db"), row("web2")])
        assert table.count == (2, 3)


async def test_the_same_rows_again_draw_nothing_and_a_changed_one_only_its_line() -> None:
    async with lists() as (app, table, pilot):
        table.show(many(5))
        await pilot.pause()
        drawn: list[int] = []
        draw = table.render_line

        def counted(y: int) -> object:
            drawn.append(y)
            return draw(y)

        table.render_line = counted  # type: ignore[method-assign, assignment]
        table.show(many(5))
        await pilot.pause()
        assert drawn == []
        table.show([*many(5)[:3], row("row-03", "stopped"), many(5)[4]])
        await pilot.pause()
        assert drawn == [4]
        assert "stopped" in text_of(app)


async def test_control_characters_and_markup_in_a_cell_are_text() -> None:
    async with lists((60, 8)) as (app, table, pilot):
        table.show([row("web", why="[red]\x1b[31m\x07 done")])
        await pilot.pause()
        assert "[red] [31m  done" in text_of(app)


async def test_columns_give_way_and_come_back_with_the_width() -> None:
    async with lists((40, 8)) as (app, table, pilot):
        table.show([row("a-rather-long-name", why="because the host has no room for it")])
        await pilot.pause()
        assert "Price" not in text_of(app)
        await pilot.resize_terminal(100, 8)
        await pilot.pause()
        assert "because the host has no room for it" in text_of(app)
        assert "1.00" in text_of(app)


async def test_a_column_of_which_nothing_is_said_is_left_out() -> None:
    async with lists((80, 8)) as (app, table, pilot):
        table.show(many(3))
        await pilot.pause()
        assert "Why" not in text_of(app)


cells = st.text(max_size=30)


@given(
    rows=st.lists(st.tuples(cells, cells, cells, cells), max_size=5),
    width=st.integers(0, 200),
)
def test_however_narrow_it_is_columns_never_overlap(rows: list[tuple[str, str, str, str]], width: int) -> None:
    widths = _fit(COLUMNS, [Row(str(at), it) for at, it in enumerate(rows)], width)
    shown = [room for room in widths if room is not None]
    assert widths[0] is not None, "what never yields is there"
    assert all(room >= 0 for room in shown)
    if len(shown) > 1:
        assert 1 + sum(shown) + 2 * (len(shown) - 1) <= width


def test_wide_characters_take_the_cells_they_take() -> None:
    widths = _fit((Column("N"),), [Row("1", ("日本",))], 80)
    assert widths == (cell_len("日本"),)
