"""One line tells high from low, and nothing from not measured."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsul_tui.widgets.spark import spark

NOW = 1_750_000_000


def test_higher_is_higher() -> None:
    assert spark([(at, at) for at in range(81)], 0, 80, 8, 80) == "▁▂▃▄▅▆▇█"


def test_without_unicode_more_is_more_ink() -> None:
    assert spark([(at, at) for at in range(81)], 0, 80, 8, 80, unicode=False) == "_.-:=+*#"


def test_nothing_is_seen_and_what_was_not_measured_is_not() -> None:
    points = [(at, 0.0) for at in range(0, 101, 10) if not 30 < at < 70]
    assert spark(points, 0, 100, 10, 100) == "▁▁▁▁   ▁▁▁"


def test_a_peak_is_not_averaged_away() -> None:
    points = [(at, 100.0 if at == 42 else 0.0) for at in range(100)]
    assert spark(points, 0, 100, 10, 100) == "▁▁▁▁█▁▁▁▁▁"


def test_more_cells_than_points_make_no_gaps() -> None:
    assert " " not in spark([(at, 5.0) for at in range(0, 101, 20)], 0, 100, 20, 10)


def test_the_flat_and_the_full_are_told_apart() -> None:
    flat = [(at, 50.0) for at in range(101)]
    assert spark(flat, 0, 100, 3, 100) == "▄▄▄"
    assert spark(flat, 0, 100, 3, 50) == "███"
    assert spark(flat, 0, 100, 3, 20) == "███", "above the top is the top"


def test_what_lies_outside_or_is_no_number_is_left_out() -> None:
    points = [(-5, 9.0), (1, math.nan), (2, math.inf), (3, -math.inf), (4, -3.0), (200, 9.0)]
    assert spark(points, 0, 100, 2, 9) == "▁ "


@pytest.mark.parametrize("cells", [0, -1])
def test_without_room_there_is_nothing(cells: int) -> None:
    assert spark([(1, 1.0)], 0, 2, cells, 1) == ""


@given(
    points=st.lists(st.tuples(st.integers(NOW - 100, NOW + 100), st.floats())),
    start=st.integers(NOW - 50, NOW + 50),
    length=st.integers(-10, 100),
    cells=st.integers(-2, 40),
    top=st.floats(),
    unicode=st.booleans(),
)
def test_whatever_was_measured_it_is_so_many_cells(
    points: list[tuple[int, float]], start: int, length: int, cells: int, top: float, unicode: bool
) -> None:
    drawn = spark(sorted(points, key=lambda point: point[0]), start, start + length, cells, top, unicode=unicode)
    assert len(drawn) == max(cells, 0)
    assert unicode or drawn.isascii()
