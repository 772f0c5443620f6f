"""Names, permissions, and how long the money lasts."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsul.errors import BadName, BadState, NotPermitted
from capsul.models import Caller, Segment
from capsul.rules import (
    HOURS_A_MONTH,
    check_name,
    check_permission,
    credit_needed,
    hours_left,
    is_work,
    plain_text,
    price_per_hour,
)

_MONTH_START = datetime(2026, 3, 1, tzinfo=UTC)
_DOLLAR = 1_000_000


@pytest.mark.parametrize("name", ["a", "web", "web-1", "0", "a" * 40, "c-short", "c-abcdefghij1"])
def test_a_dns_label_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-web",
        "web-",
        "Web",
        "web.example",
        "a" * 41,
        "a" * 300,
        "we b",
        "wéb",
        "🦊",
        "[red]web[/]",
        "web\x1b[31m",
        "web\n",
        "c-abcdefghij",
        "c-a2b3c4d5e6",
    ],
)
def test_anything_else_is_not(name: str) -> None:
    with pytest.raises(BadName):
        check_name(name)


@pytest.mark.parametrize(
    ("scope", "may", "may_not"),
    [
        ("full", ["look", "stop", "run", "pay", "keys"], []),
        ("machines", ["look", "stop", "run"], ["pay", "keys"]),
        ("read", ["look"], ["stop", "run", "pay", "keys"]),
    ],
)
def test_a_scope_allows_so_much_and_no_more(scope: str, may: list[str], may_not: list[str]) -> None:
    caller = _caller(scope=scope)
    for permission in may:
        check_permission(caller, permission, _MONTH_START)  # type: ignore[arg-type]
    for permission in [*may_not, "operate"]:
        with pytest.raises(NotPermitted):
            check_permission(caller, permission, _MONTH_START)  # type: ignore[arg-type]


def test_a_waiting_key_looks_stops_and_pays_until_it_has_waited() -> None:
    caller = _caller(waits_until=_MONTH_START + timedelta(hours=24))
    for permission in ("look", "stop", "pay"):
        check_permission(caller, permission, _MONTH_START)
    for permission in ("run", "keys"):
        with pytest.raises(NotPermitted, match="approve"):
            check_permission(caller, permission, _MONTH_START)  # type: ignore[arg-type]
        check_permission(caller, permission, _MONTH_START + timedelta(hours=24))  # type: ignore[arg-type]


def test_what_is_so_already_is_no_work() -> None:
    assert is_work("start", "stopped")
    assert not is_work("start", "running")
    assert not is_work("stop", "stopped")
    assert not is_work("destroy", "destroyed")
    with pytest.raises(BadState):
        is_work("stop", "creating")


def test_a_price_by_the_hour_is_a_672nd_of_the_month() -> None:
    assert price_per_hour(5 * _DOLLAR) == 7440
    assert price_per_hour(672 * _DOLLAR) == _DOLLAR


def test_a_create_needs_a_day_of_burn_and_at_least_one_unit() -> None:
    assert credit_needed(5 * _DOLLAR) == _DOLLAR
    assert credit_needed(672 * _DOLLAR) == 24 * _DOLLAR


def test_nothing_burns_for_ever() -> None:
    assert hours_left(_DOLLAR, [], _MONTH_START) is None
    assert hours_left(_DOLLAR, [Segment("c", 0, 0)], _MONTH_START) is None


def test_no_credit_lasts_no_time() -> None:
    assert hours_left(0, [Segment("c", _DOLLAR, 0)], _MONTH_START) == 0
    assert hours_left(-5, [Segment("c", _DOLLAR, 0)], _MONTH_START) == 0


def test_within_a_month_credit_lasts_by_the_hour() -> None:
    assert hours_left(_DOLLAR, [Segment("c", 672 * _DOLLAR, 0)], _MONTH_START) == pytest.approx(1)
    both = [Segment("c", 672 * _DOLLAR, 0), Segment("d", 672 * _DOLLAR, 0)]
    assert hours_left(_DOLLAR, both, _MONTH_START) == pytest.approx(0.5)


def test_the_end_of_a_long_month_is_free() -> None:
    # March has 744 hours, of which 672 cost; the credit of one month and one hour ends an hour into April.
    price = 672 * _DOLLAR
    assert hours_left(price + _DOLLAR, [Segment("c", price, 0)], _MONTH_START) == pytest.approx(745)


def test_hours_billed_already_count_towards_the_cap() -> None:
    price = 672 * _DOLLAR
    later = _MONTH_START + timedelta(hours=600)
    billed = [Segment("c", price, 600 * 3600)]
    assert hours_left(72 * _DOLLAR + _DOLLAR, billed, later) == pytest.approx(144 + 1)


@given(
    available=st.integers(1, 10**10),
    prices=st.lists(st.integers(1, 10**9), min_size=1, max_size=4),
    start=st.integers(0, 700),
)
def test_more_money_never_lasts_less_long(available: int, prices: list[int], start: int) -> None:
    now = _MONTH_START + timedelta(hours=start)
    segments = [Segment("c", price, min(start, HOURS_A_MONTH) * 3600) for price in prices]
    less, more = hours_left(available, segments, now), hours_left(available + _DOLLAR, segments, now)
    assert less is not None
    assert more is not None
    assert 0 < less <= more


def test_plain_text_draws_nothing_but_text() -> None:
    assert plain_text("a\x1b[31mb\nc\u202ed\u200be") == "a [31mb c d e"


def _caller(scope: str = "full", waits_until: datetime | None = None) -> Caller:
    return Caller(uuid4(), uuid4(), "SHA256:x", scope, False, waits_until, "s", "192.0.2.1")  # type: ignore[arg-type]
