"""Decimal text in, micro-units inside, decimal text out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsul.errors import BadRequest
from capsul.money import decimal_text, parse_amount


@pytest.mark.parametrize(
    ("text", "micro"), [("20", 20_000_000), ("20.00", 20_000_000), ("7.5", 7_500_000), ("0.01", 10_000)]
)
def test_plain_decimals_are_amounts(text: str, micro: int) -> None:
    assert parse_amount(text) == micro


@pytest.mark.parametrize("text", ["", "0", "-1", "1.001", "1e3", "NaN", "inf", "٢٠", "20 ", "1,5", ".", "$5", "1" * 20])
def test_anything_else_is_not(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_amount(text)


@given(st.integers(1, 10**11).map(lambda cents: cents * 10_000))
def test_what_is_shown_is_what_was_meant(micro: int) -> None:
    if micro <= 10**12:
        assert parse_amount(decimal_text(micro)) == micro


def test_amounts_are_rounded_down_so_that_nobody_is_promised_more() -> None:
    assert decimal_text(19_999_999) == "19.99"
    assert decimal_text(-1) == "-0.01"
    assert decimal_text(7_440, 6) == "0.007440"
