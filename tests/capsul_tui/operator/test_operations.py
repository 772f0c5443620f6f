"""Everybody's operations, and trying again what failed."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from services import Services
from services.capsuls import CreateRequest
from tests.capsul_tui.conftest import SIZES, OpenScreens
from tests.capsul_tui.operator.conftest import DOLLAR, calm, go, in_state
from tests.conftest import Enrol, TestDatabase
from tests.workers import QuickWorker


@pytest.fixture
async def me(enrol: Enrol, operator: Caller) -> Caller:
    del operator
    return await enrol("me@example.org", credit=9 * DOLLAR)


async def failed_stop(services: Services, database: TestDatabase, me: Caller) -> str:
    """The id of a stop that failed, of a capsul that runs."""
    await in_state(services, database, me, "web", "done")
    await database.admin("SELECT change_state(id, 'running', '') FROM capsul")
    accepted = await services.capsuls.stop(me, "web")
    assert accepted.operation is not None
    await database.admin(
        "UPDATE operation SET state = 'failed', reason = 'The host did not answer.', finished_at = capsul_now()"
        " WHERE id = $1",
        accepted.operation.id,
    )
    await database.admin("SELECT change_state(id, 'running', '') FROM capsul")
    return accepted.operation.id


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_operations_of_everybody(
    me: Caller,
    enrol: Enrol,
    operator: Caller,
    services: Services,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    other = await enrol("other@example.org", credit=9 * DOLLAR)
    for who, name, state in (
        (me, "web", "done"),
        (me, "db", "failed"),
        (other, "mail", "running"),
        (other, "x", "queued"),
    ):
        await in_state(services, fresh_database, who, name, state)
    async with open_screens(operator, size=size) as person:
        await go(person, "3", "mail")
        assert calm(person.screen(), me, other) == text_snapshot


async def test_s_shows_only_those_in_one_state_after_the_other(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    for name, state in (("web", "done"), ("db", "failed"), ("mail", "running")):
        await in_state(services, fresh_database, me, name, state)
    async with open_screens(operator) as person:
        await go(person, "3", "Operations: all")
        for state, name in (("failed", "db"), ("running", "mail"), ("queued", ""), ("done", "web")):
            await person.press("s")
            await person.until_sees(f"Operations: {state}")
            await person.until_sees(f"$ ssh capsul.test admin operations --state {state}")
            await person.until_sees(f"create {name}" if name else f"Nothing is {state}.")
        await person.press("s")
        await person.until_sees("Operations: all")
        assert all(person.sees(name) for name in ("web", "db", "mail"))


async def test_an_operation_goes_through_its_steps_before_the_operators_eyes(
    me: Caller, operator: Caller, services: Services, worker: QuickWorker, open_screens: OpenScreens
) -> None:
    worker.goes_on.clear()
    async with open_screens(operator) as person:
        await go(person, "3", "Nothing has been asked for yet.")
        await services.capsuls.create(me, CreateRequest("tiny", "nano", "web"))
        await person.until_sees("create web running disk …")
        await person.press("enter")
        await person.until_sees("Operation create web")
        await person.until_sees("disk running")
        assert person.sees("Deadline")
        worker.goes_on.set()
        await person.until_sees("State done")
        await person.until_sees("boot done")
        assert person.sees(str(me.account_id))


async def test_a_failed_operation_is_tried_again_after_a_yes(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    failed = await failed_stop(services, fresh_database, me)
    async with open_screens(operator) as person:
        await go(person, "3", "stop")
        assert person.sees("R Retry")
        await person.press("R")
        await person.until_sees("Try again to stop web?")
        assert person.sees("It failed: The host did not answer.")
        assert person.sees(f"$ ssh capsul.test admin retry {failed}")
        await person.press("enter")
        await person.until_gone("Try again")
        assert len(await services.operations.list(me)) == 2
        await person.press("R")
        await person.until_sees("Try again to stop web?")
        await person.press("y")
        await person.until_sees("Asked once more to stop web: operation o-")
        await person.until_sees("stop web queued")
    newest = (await services.operations.list(me))[0]
    assert (newest.kind, newest.state) == ("stop", "queued")


async def test_what_has_not_failed_is_not_tried_again(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await in_state(services, fresh_database, me, "web", "done")
    async with open_screens(operator) as person:
        await go(person, "3", "web")
        assert not person.sees("R Retry")
        await person.press("R")
        await person.until_sees("It is done: only what has failed can be tried again.")


@pytest.mark.parametrize("opened", [False, True], ids=["in the list", "opened"])
async def test_a_failed_create_is_refused_with_the_reason(
    me: Caller,
    operator: Caller,
    services: Services,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    opened: bool,
) -> None:
    await in_state(services, fresh_database, me, "web", "failed")
    async with open_screens(operator) as person:
        await go(person, "3", "web")
        if opened:
            await person.press("enter")
            await person.until_sees("Operation create web")
            await person.until_sees("Why The host did not answer.")
        await person.press("R")
        await person.until_sees("Try again to create web?")
        await person.press("y")
        await person.until_sees("A failed create is not tried again: its room was given back. Create anew.")


async def test_a_capsul_that_is_busy_is_refused_with_the_reason(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    failed = await failed_stop(services, fresh_database, me)
    await services.operators.retry(operator, failed)
    async with open_screens(operator) as person:
        await go(person, "3", "failed")
        await person.press("s")
        await person.until_sees("Operations: failed")
        await person.press("R")
        await person.until_sees("Try again to stop web?")
        await person.press("y")
        await person.until(lambda: person.sees("What was asked for is so already.") or person.sees("Another operation"))


async def test_trying_again_from_the_operation_shows_the_new_one(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    failed = await failed_stop(services, fresh_database, me)
    async with open_screens(operator) as person:
        await go(person, "3", "stop")
        await person.press("enter")
        await person.until_sees(f"Operation {failed}")
        await person.press("R")
        await person.until_sees("Try again to stop web?")
        await person.press("y")
        await person.until_sees("State queued")
        newest = (await services.operations.list(me))[0]
        await person.until_sees(f"Operation {newest.id}")


async def test_a_opens_the_account_of_an_operation(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await in_state(services, fresh_database, me, "web", "done")
    async with open_screens(operator) as person:
        await go(person, "3", "web")
        await person.press("a")
        await person.until_sees("OPERATOR / me@example.org")


async def test_operations_are_filtered_by_an_id_that_has_no_column(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await in_state(services, fresh_database, me, "web", "done")
    async with open_screens(operator) as person:
        await go(person, "3", "web")
        await person.press("slash")
        await person.type(str(me.account_id)[:8])
        await person.until_sees("1 of 1 have")
        assert person.sees("create web")
