"""One capsul on a screen of its own: what is seen, what can be asked of it, and what is refused in which words."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from backends.metrics import Metrics
from capsul.config import Settings
from capsul.models import Caller, Capsul
from capsul_tui.screens.capsul import CapsulDetailScreen
from db.changes import Changes
from db.database import Database
from services import Services, build_services
from services.capsuls import CreateRequest
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import masked
from tests.capsul_tui.prometheus import Measured, measuring
from tests.conftest import Enrol, TestDatabase
from tests.workers import QuickWorker

_MIB = 2**20


@pytest.fixture
def measured() -> Iterator[Measured]:
    with measuring() as measured:
        yield measured


@pytest.fixture
async def services(
    gate_database: Database, changes: Changes, settings: Settings, measured: Measured
) -> AsyncIterator[Services]:
    metrics = Metrics(measured.url)
    yield build_services(gate_database, changes, metrics, settings)
    await metrics.close()


@pytest.fixture
async def me(enrol: Enrol, fresh_database: TestDatabase) -> Caller:
    caller = await enrol("me@example.org", credit=30_000_000)
    await fresh_database.admin("UPDATE ssh_key SET name = 'laptop'")
    return caller


@pytest.fixture
async def web(me: Caller, services: Services, fresh_database: TestDatabase, worker: QuickWorker) -> Capsul:
    """A capsul that runs, with an address."""
    accepted = await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
    assert accepted.operation is not None
    await services.operations.wait(me, accepted.operation.id, 10)
    await fresh_database.admin("UPDATE operation_step SET finished_at = started_at + interval '0.5 s'")
    await fresh_database.admin("UPDATE capsul SET ipv4 = '203.0.113.5', ipv6 = '2001:db8::5'")
    return await services.capsuls.show(me, "web")


async def state(services: Services, me: Caller, capsul: Capsul) -> str:
    return (await services.capsuls.show(me, capsul.id)).state


async def open_web(person: Person) -> None:
    """From home."""
    await person.press("enter")
    await person.until_sees("Log in")


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_it_looks_like_this(
    me: Caller,
    web: Capsul,
    open_screens: OpenScreens,
    text_snapshot: SnapshotAssertion,
    size: tuple[int, int],
) -> None:
    async with open_screens(me, size=size) as person:
        await open_web(person)
        await person.until_sees("Nothing was measured in this time. web is running.")
        assert masked(person.screen()) == text_snapshot


async def test_the_facts_say_how_to_log_in_what_it_costs_and_who_made_it(
    me: Caller, web: Capsul, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        assert person.sees("running since")
        assert person.sees("ssh root@203.0.113.5")
        assert person.sees("203.0.113.5, 2001:db8::5")
        assert person.sees("nano: 1 processor, 128 MiB memory, 1 GiB disk")
        assert person.sees("0.0015 USD an hour, at most 1.00 USD a month, running or stopped")
        assert person.sees("by key laptop")
        assert person.sees(f"Id {web.id}")
        assert person.sees("create done disk 0.5 s, definition 0.5 s, boot 0.5 s")


async def test_stopping_starting_and_restarting_are_a_key_each_and_seen_as_they_happen(
    me: Caller, web: Capsul, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("S")
        await person.until_sees("The stop is done. web is stopped.")
        assert person.sees("stopped since")
        assert person.sees("$ ssh capsul.test stop web")
        await person.press("s")
        await person.until_sees("The start is done. web is running.")
        await person.press("r")
        await person.until_sees("Restart web?")
        assert person.sees("$ ssh capsul.test restart web")
        await person.press("y")
        await person.until_sees("The restart is done. web is running.")
        kinds = [operation.kind for operation in await services.operations.list(me)]
        assert kinds == ["restart", "start", "stop", "create"]


async def test_the_plug_is_only_pulled_after_a_yes(
    me: Caller, web: Capsul, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        for no in ("n", "escape", "enter"):
            await person.press("x")
            await person.until_sees("Pull the plug of web?")
            await person.press(no)
            await person.until_gone("Pull the plug of web?")
        assert await state(services, me, web) == "running"
        await person.press("x")
        await person.until_sees("What it has not written to its disk is lost")
        await person.press("y")
        await person.until_sees("The kill is done. web is stopped.")


async def test_what_makes_no_sense_now_is_not_offered_and_says_why_when_it_is_pressed(
    me: Caller, web: Capsul, open_screens: OpenScreens, services: Services
) -> None:
    async with open_screens(me, size=(120, 40)) as person:
        await open_web(person)
        assert not person.sees("s Start")
        await person.press("s")
        await person.until_sees("web runs already.")
        await person.press("S")
        await person.until_sees("s Start")
        assert not person.sees("S Stop")
        for key, why in (
            ("S", "web is stopped already."),
            ("r", "The capsul is stopped: it cannot be asked to restart"),
        ):
            await person.press(key)
            await person.until_sees(why)
        assert not person.sees("Restart web?")


async def test_while_something_is_under_way_nothing_else_is_begun(
    me: Caller, web: Capsul, worker: QuickWorker, services: Services, open_screens: OpenScreens
) -> None:
    worker.goes_on.clear()
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("S")
        await person.until_sees("Asked for stop. You see here how it goes; it goes on if you leave.")
        await person.until_sees("shutdown …")
        await person.press("D")
        await person.until_sees("web is busy: stop is under way. Press o, then Enter, to see how far it is.")
        worker.goes_on.set()
        await person.until_sees("The stop is done.")


async def test_a_failure_says_why(me: Caller, web: Capsul, worker: QuickWorker, open_screens: OpenScreens) -> None:
    worker.trouble = "It did not shut down within 60 seconds of being asked."
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("S")
        await person.until_sees("The stop failed: It did not shut down within 60 seconds of being asked.")


async def test_a_name_that_is_refused_is_not_lost(
    me: Caller, web: Capsul, services: Services, open_screens: OpenScreens
) -> None:
    await services.capsuls.create(me, CreateRequest("tiny", "nano", name="db"))
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("n")
        await person.until_sees("A new name for web")
        await person.press("ctrl+a", "ctrl+k")
        await person.type("db")
        await person.until_sees("$ ssh capsul.test rename web db")
        await person.press("enter")
        await person.until_sees("You have a capsul of that name already.")
        assert person.sees("rename web db")
        await person.press("end", "-")
        await person.press("enter")
        await person.until_sees("A name is 1 to 40 letters a-z")
        await person.press("end", "2", "enter")
        await person.until_sees("It is called db-2 now.")
        await person.until_sees("$ ssh capsul.test show db-2")
        assert (await services.capsuls.show(me, web.id)).name == "db-2"


async def test_destroying_says_what_is_lost_and_wants_the_name(
    me: Caller, web: Capsul, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("D")
        await person.until_sees("Destroy web?")
        assert person.sees("Its disk of 1 GiB is deleted with everything on it.")
        assert person.sees("Its address 203.0.113.5 and 2001:db8::5 is given back")
        assert person.sees("It stops costing 0.0015 USD an hour at once.")
        assert person.sees("$ ssh capsul.test destroy web --confirm web")
        await person.type("wrong")
        await person.press("enter")
        await person.until_sees("That is not web. Nothing was destroyed.")
        await person.press("escape")
        await person.until_gone("Destroy web?")
        assert await state(services, me, web) == "running"
        await person.press("D")
        await person.until_sees("Destroy web?")
        await person.type("web")
        await person.press("enter")
        await person.until_sees("destroyed since")
        assert person.sees("web was destroyed on")
        await person.press("escape")
        await person.until_sees("You have no capsuls yet")


async def test_one_that_another_session_destroys_is_shown_as_destroyed_with_a_way_back(
    me: Caller, web: Capsul, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await services.capsuls.destroy(replace(me, session_id="another"), "web", "web")
        await person.until_sees("destroyed since")
        assert person.sees("Press Esc to go back.")
        assert person.sees("● live")
        for key in ("s", "S", "r", "x", "D", "n", "y"):
            await person.press(key)
        assert person.sees("destroyed since")
        assert not person.sees("Destroy web?")
        await person.press("escape")
        await person.until_sees("Balance")


async def test_a_change_is_seen_without_a_key(
    me: Caller, web: Capsul, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await fresh_database.admin("SELECT change_state($1, 'unreachable', 'its host does not answer')", web.id)
        await person.until_sees("unreachable since")
        assert person.sees("Why its host does not answer")
        await fresh_database.admin("UPDATE capsul SET name = 'blog'")
        await person.until_sees("Capsul / blog")
        assert person.sees("$ ssh capsul.test show blog")


async def test_the_line_to_log_in_is_sent_to_the_terminal_and_shown(
    me: Caller, web: Capsul, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("y")
        await person.until_sees("Sent to your terminal, for its clipboard if it has one: ssh root@203.0.113.5")
        assert person.app.clipboard == "ssh root@203.0.113.5"
        assert not person.sees("copied")
        await fresh_database.admin("UPDATE capsul SET ipv4 = NULL, ipv6 = NULL")
        await person.until_sees("no address yet")
        await person.press("y")
        await person.until_sees("web has no address to log in to.")


async def test_what_a_key_may_not_do_is_refused_in_words(
    me: Caller, web: Capsul, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(replace(me, scope="read")) as person:
        await open_web(person)
        await person.press("S")
        await person.until_sees("This key's scope is read: it may not do that.")
        assert await state(services, me, web) == "running"


async def test_what_was_done_can_be_opened_and_given_the_whole_screen(
    me: Caller, web: Capsul, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("o")
        await person.until_gone("Log in")
        assert person.sees("create")
        await person.press("enter")
        await person.until_sees("prepared from the image")
        await person.press("enter")
        await person.until_gone("prepared from the image")
        await person.press("escape")
        await person.until_sees("Log in")
        await person.press("escape")
        await person.until_sees("Balance")


async def test_the_newest_of_what_was_done_stays_under_the_cursor_unless_that_was_moved(
    me: Caller, web: Capsul, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await person.press("S")
        await person.until_sees("The stop is done.")
        assert "▌" in next(line for line in person.screen().splitlines() if " stop " in line)
        await person.press("j")
        await person.press("s")
        await person.until_sees("The start is done.")
        assert "▌" in next(line for line in person.screen().splitlines() if " create " in line)


async def test_a_strangers_capsul_is_none(me: Caller, web: Capsul, enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol()) as person:
        person.app.push_screen(CapsulDetailScreen(person.app.visit, web.id))
        await person.until_sees("You have no such capsul")
        await person.press("S", "D", "y")
        assert not person.sees("203.0.113.5")


# Figures


async def test_one_figure_at_a_time_where_there_is_no_room_for_four(
    me: Caller, web: Capsul, measured: Measured, open_screens: OpenScreens
) -> None:
    measured.figures = {"cpu_seconds": 50.0, "memory_used": 64 * _MIB, "disk_read": 2048.0, "network_sent": 4096.0}
    async with open_screens(me) as person:
        await open_web(person)
        await person.until_sees("Processors 50 %")
        assert person.sees("m ▸Processors Memory Disk Network [ ▸5m 1h")
        await person.press("m")
        await person.until_sees("Memory 64 MiB")
        assert person.sees("128 MiB┤")
        await person.press("tab")
        await person.until_sees("read 2 KiB/s")
        await person.press("m")
        await person.until_sees("out 4 KiB/s")
        await person.press("m")
        await person.until_sees("▸Processors")
        await person.press("shift+tab")
        await person.until_sees("▸Network")


async def test_all_figures_at_once_where_there_is_room_and_one_alone_when_asked(
    me: Caller, web: Capsul, measured: Measured, open_screens: OpenScreens
) -> None:
    measured.figures = {"cpu_seconds": 50.0, "memory_used": 64 * _MIB, "disk_read": 2048.0, "network_sent": 4096.0}
    async with open_screens(me, size=(120, 40)) as person:
        await open_web(person)
        for seen in ("Processors 50 %", "Memory 64 MiB", "read 2 KiB/s", "out 4 KiB/s"):
            await person.until_sees(seen)
        await person.press("m", "f")
        await person.until_gone("Processors 50 %")
        assert person.sees("Memory 64 MiB")
        assert person.sees("$ ssh capsul.test metrics web --range 5m")
        assert not person.sees("Log in")
        await person.press("escape")
        await person.until_sees("Log in")
        assert person.sees("Processors 50 %")


async def test_the_range_is_chosen_by_keys_and_by_clicks(
    me: Caller, web: Capsul, measured: Measured, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await person.until_sees("▸5m")
        await person.press("left_square_bracket", "right_square_bracket")
        await person.until_sees("▸1h")
        await person.until(lambda: 3_600 in measured.asked)
        assert await person.pilot.click("FiguresBar", offset=(76, 0))
        await person.until_sees("▸30d")
        await person.until(lambda: 2_592_000 in measured.asked)
        assert await person.pilot.click("FiguresBar", offset=(17, 0))
        await person.until_sees("▸Memory")


async def test_the_latest_range_is_read_again_by_itself(
    me: Caller, web: Capsul, measured: Measured, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await open_web(person)
        await person.until_sees("Nothing was measured in this time.")
        measured.figures = {"cpu_seconds": 25.0}
        await person.until_sees("Processors 25 %")


async def test_without_the_metrics_server_the_graphs_say_so_and_all_else_works(
    me: Caller, web: Capsul, measured: Measured, open_screens: OpenScreens
) -> None:
    measured.is_away = True
    async with open_screens(me) as person:
        await open_web(person)
        await person.until_sees("The metrics server gives no sensible answer.")
        assert person.sees("● live")
        await person.press("S")
        await person.until_sees("The stop is done.")
        measured.is_away, measured.figures = False, {"cpu_seconds": 25.0}
        await person.until_sees("Processors 25 %")
        measured.is_away = True
        await person.until_sees("no figures since")


async def test_a_terminal_without_braille_is_drawn_for_in_ascii(
    me: Caller, web: Capsul, measured: Measured, open_screens: OpenScreens
) -> None:
    measured.figures = {"cpu_seconds": 50.0}
    async with open_screens(me, kind="linux") as person:
        await open_web(person)
        await person.until_sees("Processors 50 %")
        assert person.screen().isascii() or not any("\u2800" <= letter <= "\u28ff" for letter in person.screen())
        assert person.sees("****")
