"""An operation as it happens, step by step, and what is said of it when it has ended."""

from collections.abc import Awaitable, Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from capsul_tui.screens.operation import STEPS, OperationScreen
from services import Services
from services.capsuls import CreateRequest
from services.work.operations import STEPS as CARRIED_OUT
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import masked
from tests.conftest import Enrol, TestDatabase
from tests.workers import QuickWorker


@pytest.fixture
async def me(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=30_000_000)


@pytest.fixture
def watch(me: Caller, services: Services) -> Callable[[Person], Awaitable[str]]:
    """Asks for a capsul and opens the screen of that operation, whose id it gives."""

    async def watched(person: Person) -> str:
        accepted = await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
        assert accepted.operation is not None
        person.app.push_screen(OperationScreen(person.app.visit, accepted.operation.id, accepted.capsul.id))
        await person.until_sees("create web")
        await person.until_sees("Asked for")
        return accepted.operation.id

    return watched


Watch = Callable[[Person], Awaitable[str]]


def test_the_steps_that_are_to_come_are_those_that_are_carried_out() -> None:
    carried_out = {kind: [name for name, _ in steps] for kind, steps in CARRIED_OUT.items()}
    assert {kind: list(steps) for kind, steps in STEPS.items()} == carried_out


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_it_looks_like_this_half_way(
    open_screens: OpenScreens,
    watch: Watch,
    fresh_database: TestDatabase,
    text_snapshot: SnapshotAssertion,
    size: tuple[int, int],
    me: Caller,
) -> None:
    async with open_screens(me, size=size) as person:
        operation_id = await watch(person)
        await person.until_sees("waits for its turn")
        await fresh_database.admin(
            "INSERT INTO operation_step (operation_id, account_id, position, name, state, started_at, finished_at)"
            " VALUES ($1, $2, 0, 'disk', 'done', capsul_now() - interval '1 hour',"
            " capsul_now() - interval '1 hour' + interval '1.5 s'),"
            " ($1, $2, 1, 'definition', 'done', capsul_now(), capsul_now() + interval '12.3 s')",
            operation_id,
            me.account_id,
        )
        await fresh_database.admin("UPDATE operation SET state = 'running', started_at = capsul_now()")
        await person.until_sees("under way")
        await person.until_sees("12.3 s")
        assert masked(person.screen()) == text_snapshot


async def test_steps_appear_as_they_happen_and_enter_opens_the_capsul_at_the_end(
    open_screens: OpenScreens, watch: Watch, worker: QuickWorker, me: Caller
) -> None:
    worker.goes_on.clear()
    async with open_screens(me) as person:
        operation_id = await watch(person)
        await person.until_sees("▸ running")
        assert person.sees("boot switched on · to come")
        assert person.sees("You may leave: it goes on without you")
        assert person.sees(f"$ ssh capsul.test operation {operation_id} --wait")
        worker.goes_on.set()
        await person.until_sees("web is running. Press Enter to open it.")
        assert person.sees("✓ done after")
        await person.press("enter")
        await person.until_sees("running since")


async def test_the_seconds_of_the_step_that_runs_go_on_by_themselves(
    open_screens: OpenScreens, watch: Watch, worker: QuickWorker, me: Caller
) -> None:
    worker.goes_on.clear()
    async with open_screens(me) as person:
        await watch(person)
        await person.until_sees("running 0 s")
        await person.until_sees("running 1 s")
        await person.until_sees("running 2 s")


async def test_before_it_is_done_enter_says_so_and_opens_nothing(
    open_screens: OpenScreens, watch: Watch, me: Caller
) -> None:
    async with open_screens(me) as person:
        await watch(person)
        assert not person.sees("Open the capsul")
        await person.press("enter")
        await person.until_sees("It is not done yet. You may leave")
        await person.press("o")
        assert person.sees("Asked for")


async def test_a_failure_says_why_and_what_to_do(
    open_screens: OpenScreens, watch: Watch, worker: QuickWorker, me: Caller
) -> None:
    worker.trouble = "The host has no room on its disk for [bold]it[/bold]."
    async with open_screens(me) as person:
        operation_id = await watch(person)
        await person.until_sees("✗ failed after")
        assert person.sees("The host has no room on its disk for [bold]it[/bold].")
        assert person.sees("What was begun is cleared away, and costs nothing. Press c at home to create another one.")
        assert person.sees(f"write to the operators, and name {operation_id}.")


async def test_leaving_changes_nothing(
    open_screens: OpenScreens, watch: Watch, worker: QuickWorker, me: Caller, services: Services
) -> None:
    worker.goes_on.clear()
    async with open_screens(me) as person:
        operation_id = await watch(person)
        await person.press("escape")
        await person.until_sees("Balance")
        worker.goes_on.set()
        await person.until_sees("running")
        assert (await services.operations.show(me, operation_id)).state == "done"


async def test_a_capsul_that_was_destroyed_is_said_to_be_gone(
    open_screens: OpenScreens, watch: Watch, worker: QuickWorker, me: Caller, services: Services
) -> None:
    async with open_screens(me) as person:
        await watch(person)
        await person.until_sees("web is running")
        accepted = await services.capsuls.destroy(me, "web", "web")
        assert accepted.operation is not None
        person.app.push_screen(OperationScreen(person.app.visit, accepted.operation.id, accepted.capsul.id))
        await person.until_sees("web is gone, and costs nothing any more. Press Esc to go back.")


async def test_nobody_sees_a_strangers_operation(
    open_screens: OpenScreens, watch: Watch, enrol: Enrol, me: Caller, services: Services
) -> None:
    accepted = await services.capsuls.create(await enrol(credit=9_000_000), CreateRequest("tiny", "nano", name="other"))
    assert accepted.operation is not None
    async with open_screens(me) as person:
        person.app.push_screen(OperationScreen(person.app.visit, accepted.operation.id, accepted.capsul.id))
        await person.until_sees("You have no such operation")
        assert not person.sees("other")
