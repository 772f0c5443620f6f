"""What a capsul costs, from when to when, and how long the money lasts."""

from datetime import datetime, timedelta

import pytest

from capsul.models import Caller
from capsul.rules import hours_left
from db import capsuls
from db.database import Database
from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase

_DOLLAR = 1_000_000


class Meter:
    """One capsul of one dollar a month whose state the test changes, as the worker would."""

    def __init__(self, services: Services, database: TestDatabase, worker: Database, owner: Caller) -> None:
        self._services = services
        self._database = database
        self.worker = worker
        self.owner = owner
        self.capsul_id = ""

    async def create(self) -> None:
        accepted = await self._services.capsuls.create(self.owner, CreateRequest("tiny", "nano"))
        self.capsul_id = accepted.capsul.id

    async def become(self, state: str, desired: str | None = None) -> None:
        async with self.worker.worker() as connection:
            await capsuls.change_state(connection, self.capsul_id, state, "", desired)  # type: ignore[arg-type]

    async def pass_time(self, **by: float) -> None:
        await self._database.shift_clock(timedelta(**by))

    async def go_to_the_first_of_a_month(self, days: int) -> None:
        """The next month that has so many days, at its first second."""
        [row] = await self._database.admin("SELECT capsul_now() AS now")
        now: datetime = row["now"]
        first = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        while ((first + timedelta(days=32)).replace(day=1) - first).days != days:
            first = (first + timedelta(days=32)).replace(day=1)
        await self._database.shift_clock(first - now)

    async def used(self) -> int:
        """Micro-units used up so far; what a running test takes itself is less than one cent of them."""
        balance = await self._services.billing.balance(self.owner)
        return balance.balance - balance.available


@pytest.fixture
async def meter(services: Services, fresh_database: TestDatabase, work_database: Database, enrol: Enrol) -> Meter:
    meter = Meter(services, fresh_database, work_database, await enrol(credit=20 * _DOLLAR))
    await meter.go_to_the_first_of_a_month(31)
    await meter.create()
    return meter


def about(amount: float) -> object:
    return pytest.approx(amount, abs=_DOLLAR / 10_000)


async def test_nothing_is_charged_until_the_capsul_is_ready(meter: Meter) -> None:
    await meter.pass_time(hours=5)
    assert await meter.used() == 0


async def test_time_is_charged_to_the_second_from_ready_on(meter: Meter) -> None:
    await meter.become("running")
    await meter.pass_time(hours=67.2)
    assert await meter.used() == about(_DOLLAR / 10)


async def test_a_stopped_capsul_costs_the_same(meter: Meter) -> None:
    await meter.become("running")
    await meter.pass_time(hours=67.2)
    await meter.become("stopped")
    await meter.pass_time(hours=67.2)
    assert await meter.used() == about(_DOLLAR / 5)


async def test_a_held_capsul_costs_nothing(meter: Meter) -> None:
    await meter.become("running")
    await meter.pass_time(hours=67.2)
    await meter.become("held")
    await meter.pass_time(hours=200)
    assert await meter.used() == about(_DOLLAR / 10)
    await meter.become("running")
    await meter.pass_time(hours=67.2)
    assert await meter.used() == about(_DOLLAR / 5)


async def test_it_stops_costing_as_its_destruction_is_asked_for(meter: Meter, services: Services) -> None:
    await meter.become("running")
    await meter.pass_time(hours=67.2)
    capsul = await services.capsuls.show(meter.owner, meter.capsul_id)
    async with meter.worker.worker() as connection:
        await connection.execute("UPDATE operation SET state = 'done'")
    await services.capsuls.destroy(meter.owner, capsul.id, capsul.name)
    await meter.pass_time(hours=100)
    assert await meter.used() == about(_DOLLAR / 10)


async def test_a_long_month_costs_no_more_than_the_price_of_a_month(meter: Meter) -> None:
    await meter.become("running")
    await meter.pass_time(days=30.9)
    assert await meter.used() == _DOLLAR


async def test_stopping_and_starting_does_not_begin_the_cap_anew(meter: Meter) -> None:
    await meter.become("running")
    await meter.pass_time(days=14)
    await meter.become("held")
    await meter.become("running")
    await meter.pass_time(days=16.9)
    assert await meter.used() == about(_DOLLAR)
    assert await meter.used() <= _DOLLAR


async def test_the_next_month_begins_anew(meter: Meter) -> None:
    await meter.become("running")
    await meter.pass_time(days=31)
    await meter.pass_time(hours=67.2)
    assert await meter.used() == about(_DOLLAR * 1.1)


async def test_the_forecast_is_what_then_happens(meter: Meter, services: Services) -> None:
    await meter.become("running")
    forecast = (await services.billing.balance(meter.owner)).hours_left
    assert forecast is not None
    await meter.pass_time(hours=forecast - 1)
    assert (await services.billing.balance(meter.owner)).available > 0
    await meter.pass_time(hours=2)
    assert (await services.billing.balance(meter.owner)).available <= 0
    assert (await services.billing.balance(meter.owner)).hours_left == 0


async def test_from_what_burns_anybody_can_reckon_how_long_another_balance_would_last(
    meter: Meter, services: Services
) -> None:
    await meter.become("running")
    await meter.pass_time(hours=100)
    balance = await services.billing.balance(meter.owner)
    burning = await services.billing.burning(meter.owner)
    assert hours_left(balance.available, burning.segments, burning.at) == pytest.approx(balance.hours_left, abs=0.1)
    assert hours_left(0, burning.segments, burning.at) == 0


async def test_without_burn_there_is_no_forecast(meter: Meter, services: Services) -> None:
    balance = await services.billing.balance(meter.owner)
    assert balance.hours_left is None
    assert balance.burn_per_hour == 0


async def test_credit_that_others_need_today_is_not_spent_on_one_more(services: Services, enrol: Enrol) -> None:
    owner = await enrol(credit=_DOLLAR)
    for _ in range(3):
        await services.capsuls.create(owner, CreateRequest("tiny", "nano"))
    quote = await services.capsuls.quote(owner, CreateRequest("tiny", "nano"))
    assert quote.available == _DOLLAR
    assert quote.hours_left_after is not None
