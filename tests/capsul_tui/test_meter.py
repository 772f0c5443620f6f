"""Bars in lines of text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsul_tui.widgets.meter import meter, meter_tone


@pytest.mark.parametrize(
    ("part", "whole", "picture"),
    [
        (0, 100, "··········   0 %"),
        (1, 1000, "▏·········   0 %"),
        (50, 100, "█████·····  50 %"),
        (55, 100, "█████▌····  55 %"),
        (999, 1000, "█████████▉  99 %"),
        (100, 100, "██████████ 100 %"),
        (0, 0, "··········   0 %"),
    ],
)
def test_a_bar_shows_a_little_of_something_and_a_little_room(part: int, whole: int, picture: str) -> None:
    assert meter(part, whole, 10) == picture


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 40))
def test_a_bar_is_as_wide_as_wanted(part: int, whole: int, cells: int) -> None:
    assert len(meter(part, whole, cells)) == cells + len(" 100 %")


def test_what_is_nearly_full_is_worth_a_thought() -> None:
    assert [meter_tone(part, 100) for part in (0, 74, 75, 89, 90, 100)] == [
        "good",
        "good",
        "busy",
        "busy",
        "bad",
        "bad",
    ]
