"""Topups converge on what the provider says, whatever comes twice, late or in the wrong order."""

import asyncio

import pytest

from capsul.config import Settings
from capsul.errors import BadRequest, Conflict, NotFound, RuleBroken
from capsul.models import Caller
from db.database import Database
from db.topups import Claim
from services import Services
from services.work.topups import TopupWork, read_sandbox
from tests.conftest import Enrol, TestDatabase

_DOLLAR = 1_000_000


async def press(services: Services, work: TopupWork, caller: Caller, topup_id: str, *actions: str) -> str:
    """Presses buttons, lets the worker see what came of it, and says what the topup is called then."""
    topup = await services.payments.show(caller, topup_id)
    for action in actions:
        assert await services.payments.press_sandbox(topup.link, action) is not None
    await work.converge(topup_id)
    return (await services.payments.show(caller, topup_id)).state


async def test_nothing_is_credited_before_it_is_paid(services: Services, enrol: Enrol, topup_work: TopupWork) -> None:
    caller = await enrol()
    topup = await services.payments.topup(caller, 20 * _DOLLAR)
    await services.payments.page(topup.link)
    await topup_work.converge(topup.id)
    assert (await services.billing.balance(caller)).balance == 0


async def test_the_same_payment_twice_is_credited_once(services: Services, enrol: Enrol, topup_work: TopupWork) -> None:
    caller = await enrol()
    topup = await services.payments.topup(caller, 20 * _DOLLAR)
    for _ in range(3):
        assert await press(services, topup_work, caller, topup.id, "pay", "pay") == "paid"
    assert (await services.billing.balance(caller)).balance == 20 * _DOLLAR


async def test_many_workers_at_once_credit_once(services: Services, enrol: Enrol, topup_work: TopupWork) -> None:
    caller = await enrol()
    topup = await services.payments.topup(caller, 20 * _DOLLAR)
    await services.payments.press_sandbox(topup.link, "pay")
    await asyncio.gather(*(topup_work.converge(topup.id) for _ in range(8)))
    assert (await services.billing.balance(caller)).balance == 20 * _DOLLAR


async def test_what_was_learnt_before_newer_news_never_wins(
    services: Services, enrol: Enrol, work_database: Database, settings: Settings
) -> None:
    caller = await enrol()
    topup = await services.payments.topup(caller, 20 * _DOLLAR)
    await services.payments.press_sandbox(topup.link, "pay")
    overtaken, go_on = asyncio.Event(), asyncio.Event()

    async def read_slowly(database: Database, claim: Claim) -> str:
        said = await read_sandbox(database, claim)
        overtaken.set()
        await go_on.wait()
        return said

    slow = TopupWork(work_database, {"sandbox": read_slowly}, settings)
    quick = TopupWork(work_database, {"sandbox": read_sandbox}, settings)
    late = asyncio.create_task(slow.converge(topup.id))
    await overtaken.wait()
    assert await press(services, quick, caller, topup.id, "double-spend") == "failed"
    go_on.set()
    await late
    assert (await services.billing.balance(caller)).balance == 0


async def test_an_unconfirmed_payment_is_credited_and_rewound_by_a_double_spend(
    services: Services, enrol: Enrol, topup_work: TopupWork, fresh_database: TestDatabase
) -> None:
    operator, caller = await enrol(operator=True), await enrol()
    topup = await services.payments.topup(caller, 15 * _DOLLAR)
    assert await press(services, topup_work, caller, topup.id, "pay unconfirmed") == "unconfirmed"
    assert (await services.billing.balance(caller)).balance == 15 * _DOLLAR
    assert await press(services, topup_work, caller, topup.id, "double-spend") == "reversed"
    assert (await services.billing.balance(caller)).balance == 0
    assert await services.operators.verify_ledger(operator) == []
    assert await _inflight(fresh_database) == 0


async def test_a_confirmed_payment_leaves_nothing_in_flight(
    services: Services, enrol: Enrol, topup_work: TopupWork, fresh_database: TestDatabase
) -> None:
    caller = await enrol()
    topup = await services.payments.topup(caller, 50 * _DOLLAR)
    assert await press(services, topup_work, caller, topup.id, "pay unconfirmed") == "unconfirmed"
    assert (await services.billing.balance(caller)).balance == 20 * _DOLLAR
    assert await press(services, topup_work, caller, topup.id, "pay") == "paid"
    assert (await services.billing.balance(caller)).balance == 50 * _DOLLAR
    assert await _inflight(fresh_database) == 0


async def test_a_newcomers_unconfirmed_payment_waits_where_nothing_else_is_configured(
    services: Services, enrol: Enrol, work_database: Database, settings: Settings
) -> None:
    caller = await enrol()
    usual = TopupWork(
        work_database, {"sandbox": read_sandbox}, settings.model_copy(update={"sandbox_unconfirmed": None})
    )
    first = await services.payments.topup(caller, 10 * _DOLLAR)
    assert await press(services, usual, caller, first.id, "pay unconfirmed") == "unconfirmed"
    assert (await services.billing.balance(caller)).balance == 0
    await press(services, usual, caller, first.id, "pay")
    second = await services.payments.topup(caller, 10 * _DOLLAR)
    await press(services, usual, caller, second.id, "pay unconfirmed")
    assert (await services.billing.balance(caller)).balance == 15 * _DOLLAR


async def test_all_unconfirmed_topups_of_an_account_share_one_limit(
    services: Services, enrol: Enrol, topup_work: TopupWork
) -> None:
    caller = await enrol()
    for _ in range(4):
        topup = await services.payments.topup(caller, 15 * _DOLLAR)
        await press(services, topup_work, caller, topup.id, "pay unconfirmed")
    assert (await services.billing.balance(caller)).balance == 20 * _DOLLAR


async def test_who_was_rewound_once_is_trusted_no_more_even_after_paying(
    services: Services, enrol: Enrol, work_database: Database, settings: Settings
) -> None:
    caller = await enrol()
    usual = TopupWork(
        work_database, {"sandbox": read_sandbox}, settings.model_copy(update={"sandbox_unconfirmed": None})
    )
    topups = [await services.payments.topup(caller, 40 * _DOLLAR) for _ in range(3)]
    await press(services, usual, caller, topups[0].id, "pay")
    assert await press(services, usual, caller, topups[1].id, "pay unconfirmed") == "unconfirmed"
    await press(services, usual, caller, topups[1].id, "double-spend")
    await press(services, usual, caller, topups[1].id, "pay")
    await press(services, usual, caller, topups[2].id, "pay unconfirmed")
    assert (await services.billing.balance(caller)).balance == 80 * _DOLLAR


@pytest.mark.parametrize("last", ["pay", "double-spend", "fail"])
async def test_whatever_is_pressed_in_whatever_order_nothing_stays_in_flight(
    services: Services, enrol: Enrol, topup_work: TopupWork, fresh_database: TestDatabase, last: str
) -> None:
    operator, caller = await enrol(operator=True), await enrol()
    topup = await services.payments.topup(caller, 50 * _DOLLAR)
    for action in ("pay", "pay unconfirmed", "pay", "double-spend", "pay unconfirmed", "pay", "pay unconfirmed", last):
        await press(services, topup_work, caller, topup.id, action)
        assert await services.operators.verify_ledger(operator) == [], action
    assert await _inflight(fresh_database) == 0
    assert (await services.billing.balance(caller)).balance == (50 * _DOLLAR if last == "pay" else 0)


async def test_a_payment_that_failed_may_still_be_made(services: Services, enrol: Enrol, topup_work: TopupWork) -> None:
    caller = await enrol()
    topup = await services.payments.topup(caller, 20 * _DOLLAR)
    assert await press(services, topup_work, caller, topup.id, "fail") == "failed"
    assert await press(services, topup_work, caller, topup.id, "pay") == "paid"
    assert (await services.billing.balance(caller)).balance == 20 * _DOLLAR


async def test_the_same_idempotency_key_is_the_same_topup(services: Services, enrol: Enrol) -> None:
    caller = await enrol()
    asked = [services.payments.topup(caller, 20 * _DOLLAR, None, "k") for _ in range(4)]
    assert len({topup.id for topup in await asyncio.gather(*asked)}) == 1
    with pytest.raises(Conflict):
        await services.payments.topup(caller, 21 * _DOLLAR, None, "k")


async def test_what_cannot_be_paid_is_refused(services: Services, enrol: Enrol) -> None:
    caller = await enrol()
    with pytest.raises(RuleBroken):
        await services.payments.topup(caller, 1)
    with pytest.raises(RuleBroken):
        await services.payments.topup(caller, 20 * _DOLLAR, "card")
    with pytest.raises(BadRequest):
        await services.payments.topup(caller, 20 * _DOLLAR, "cheque")
    assert await services.payments.press_sandbox("nosuchid", "pay") is None
    with pytest.raises(BadRequest):
        await services.payments.press_sandbox("nosuchid", "steal")


async def test_a_neighbours_topup_is_not_there(services: Services, enrol: Enrol) -> None:
    caller, neighbour = await enrol(), await enrol()
    topup = await services.payments.topup(caller, 20 * _DOLLAR)
    with pytest.raises(NotFound):
        await services.payments.show(neighbour, topup.id)


async def test_waiting_for_a_topup_ends_as_it_is_paid(services: Services, enrol: Enrol, topup_work: TopupWork) -> None:
    caller = await enrol()
    topup = await services.payments.topup(caller, 20 * _DOLLAR)
    waiting = asyncio.create_task(services.payments.wait(caller, topup.id, 30))
    await press(services, topup_work, caller, topup.id, "pay")
    assert (await waiting).state == "paid"


async def _inflight(database: TestDatabase) -> int:
    rows = await database.admin(
        "SELECT coalesce(sum(CASE WHEN a.id = t.credit_id THEN t.amount ELSE -t.amount END), 0)::bigint AS held"
        " FROM ledger_account AS a JOIN transfer AS t ON a.id IN (t.debit_id, t.credit_id)"
        " WHERE a.code = 'sandbox:inflight'"
    )
    held: int = rows[0]["held"]
    return held
