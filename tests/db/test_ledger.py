"""The books: posted once, never changed, never out of balance, also when everybody posts at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from capsul.errors import Conflict, NotEnoughCredit
from capsul.models import Caller
from db import accounts, billing
from db.billing import Posting, wallet
from db.database import Database
from tests.conftest import Enrol, TestDatabase

_DOLLAR = 1_000_000
_CAP = 672 * 3600


async def _post(database: Database, posting: Posting) -> int:
    async with database.operator() as connection:
        return await billing.post(connection, posting, await accounts.now(connection))


async def _broken(database: Database) -> list[str]:
    async with database.operator() as connection:
        return await billing.broken_invariants(connection)


def _gift(member: Caller, key: str, amount: int = _DOLLAR) -> Posting:
    return Posting(key, "promo", wallet(member.account_id, "gift"), amount, "gift")


def _spend(member: Caller, key: str, amount: int, least_after: int | None = 0) -> Posting:
    return Posting(key, wallet(member.account_id, "gift"), "promo", amount, "gift", least_after=least_after)


async def _balance(database: TestDatabase, member: Caller) -> int:
    rows = await database.admin("SELECT balance FROM ledger_account WHERE code = $1", wallet(member.account_id, "gift"))
    balance: int = rows[0]["balance"]
    return balance


async def test_the_same_transfer_twice_is_posted_once(
    gate_database: Database, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    member = await enrol()
    first = await _post(gate_database, _gift(member, "k"))
    assert await _post(gate_database, _gift(member, "k")) == first
    assert await _balance(fresh_database, member) == _DOLLAR


async def test_a_key_used_for_another_transfer_is_a_conflict(gate_database: Database, enrol: Enrol) -> None:
    member = await enrol()
    await _post(gate_database, _gift(member, "k"))
    with pytest.raises(Conflict):
        await _post(gate_database, _gift(member, "k", 2 * _DOLLAR))


async def test_a_refused_transfer_leaves_nothing_and_its_key_may_be_used_again(
    gate_database: Database, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    member = await enrol()
    with pytest.raises(NotEnoughCredit):
        await _post(gate_database, _spend(member, "k", _DOLLAR))
    await _post(gate_database, _gift(member, "g"))
    await _post(gate_database, _spend(member, "k", _DOLLAR))
    assert await _balance(fresh_database, member) == 0


async def test_a_reversal_may_take_a_wallet_below_nothing(
    gate_database: Database, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    member = await enrol()
    await _post(gate_database, _spend(member, "k", _DOLLAR, least_after=None))
    assert await _balance(fresh_database, member) == -_DOLLAR


async def test_thirty_two_posters_at_once_lose_nothing_and_double_nothing(
    gate_database: Database, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    members = [await enrol() for _ in range(3)]
    postings = [_gift(members[n % 3], f"gift:{n % 24}", (n % 24 + 1) * 1000) for n in range(96)]
    await asyncio.gather(*(_post(gate_database, posting) for posting in postings))
    held = sum([await _balance(fresh_database, member) for member in members])
    assert held == sum((n + 1) * 1000 for n in range(24))
    assert await _broken(gate_database) == []


async def test_two_spenders_of_the_last_credit_do_not_both_get_it(
    gate_database: Database, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    member = await enrol(credit=_DOLLAR)
    answers = await asyncio.gather(
        *(_post(gate_database, _spend(member, f"s:{n}", _DOLLAR)) for n in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, int) for answer in answers) == 1
    assert sum(isinstance(answer, NotEnoughCredit) for answer in answers) == 7
    assert await _balance(fresh_database, member) == 0


async def test_the_invariants_notice_a_balance_that_was_tampered_with(
    gate_database: Database, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    member = await enrol(credit=_DOLLAR)
    await fresh_database.admin(
        "UPDATE ledger_account SET balance = balance + 1 WHERE code = $1", wallet(member.account_id, "gift")
    )
    assert [line for line in await _broken(gate_database) if str(member.account_id) in line]


@given(
    price=st.integers(1, 50 * _DOLLAR),
    used=st.integers(0, _CAP),
    start=st.integers(0, 40 * 86_400),
    cuts=st.lists(st.integers(1, 70 * 86_400), min_size=1, max_size=6),
)
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_time_cut_in_any_way_costs_the_same(
    fresh_database: TestDatabase, price: int, used: int, start: int, cuts: list[int]
) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    ends = [begun + timedelta(seconds=cut) for cut in sorted(cuts)]
    rows = await fresh_database.admin(
        "SELECT usage_cost($1, $2, $3, until) AS cost FROM unnest($4::timestamptz[]) AS until ORDER BY until",
        price,
        used,
        begun,
        ends,
    )
    costs = [row["cost"] for row in rows]
    assert costs == sorted(costs)
    months = {(moment.year, moment.month) for moment in (begun, *ends)}
    whole = (max(months)[0] - min(months)[0]) * 12 + max(months)[1] - min(months)[1] + 1
    assert 0 <= costs[-1] <= price * whole


@given(price=st.integers(1, 50 * _DOLLAR), pieces=st.lists(st.integers(1, 400_000), min_size=1, max_size=6))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_segments_one_after_the_other_cost_what_one_would(
    fresh_database: TestDatabase, price: int, pieces: list[int]
) -> None:
    at, used, cost = datetime(2026, 3, 1, tzinfo=UTC), 0, 0
    whole = "SELECT usage_cost($1, $2, $3, $4) AS cost, billed_seconds_this_month($2, $3, $4) AS used"
    for seconds in pieces:
        until = at + timedelta(seconds=seconds)
        [row] = await fresh_database.admin(whole, price, used, at, until)
        at, used, cost = until, row["used"], cost + row["cost"]
    [row] = await fresh_database.admin(whole, price, 0, datetime(2026, 3, 1, tzinfo=UTC), at)
    assert cost == row["cost"]


async def test_a_month_costs_its_price_and_no_more(fresh_database: TestDatabase) -> None:
    cost = "SELECT usage_cost($1, 0, $2, $3) AS cost"
    january = datetime(2026, 1, 1, tzinfo=UTC)
    for days, expected in ((28, 5 * _DOLLAR), (31, 5 * _DOLLAR), (31 + 14, int(7.5 * _DOLLAR))):
        rows = await fresh_database.admin(cost, 5 * _DOLLAR, january, january + timedelta(days=days))
        assert rows[0]["cost"] == expected, days


async def test_a_second_costs_a_second(fresh_database: TestDatabase) -> None:
    january = datetime(2026, 1, 1, tzinfo=UTC)
    rows = await fresh_database.admin(
        "SELECT usage_cost($1, 0, $2, $3) AS cost", _CAP * 3, january, january + timedelta(seconds=7)
    )
    assert rows[0]["cost"] == 21


async def test_no_login_posts_money_but_an_operator_and_the_worker(fresh_database: TestDatabase) -> None:
    holders = await fresh_database.admin(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'capsul%' AND has_function_privilege(oid,"
        " 'capsul.post_transfer(text,text,text,bigint,text,text,text,timestamptz,bigint,bigint)', 'EXECUTE')"
        " ORDER BY rolname"
    )
    assert {row["rolname"] for row in holders} == {"capsul_operator", "capsul_owner", "capsul_worker"}


async def test_no_transfer_mixes_currencies(fresh_database: TestDatabase, enrol: Enrol) -> None:
    member = await enrol()
    await fresh_database.admin(
        "INSERT INTO ledger_account (code, kind, currency) VALUES ($1, 'asset', 'EUR')", code := f"euros:{uuid4()}"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await fresh_database.admin(
            "SELECT post_transfer('k', $1, $2, 1, 'gift', '', '', now(), NULL)", code, wallet(member.account_id, "gift")
        )
