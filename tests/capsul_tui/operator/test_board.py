"""The board: the way in, the way about, and what is seen there."""

import time

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.errors import NotPermitted
from capsul.models import Caller
from capsul_tui.screens.operator.accounts import AccountsScreen
from capsul_tui.screens.operator.base import ForOperators
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import masked
from tests.capsul_tui.operator.conftest import DOLLAR, go, in_state
from tests.capsul_tui.seats import Seat, Sit
from tests.conftest import Enrol, TestDatabase

_WITH_HOSTS = """
INSERT INTO host (id, uri, memory_mib, disk_gib, committed_memory_mib, committed_disk_gib, reachable, accepts_new,
                  trouble)
VALUES ('host-2', 'qemu+ssh://host-2/system', 131072, 4000, 104857, 2900, false, true, 'Connection refused'),
       ('host-3', 'qemu+ssh://host-3/system', 65536, 2000, 62000, 500, true, false, '')
"""


def is_for_operators(person: Person) -> bool:
    return any(isinstance(screen, ForOperators) for screen in person.app.screen_stack)


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_the_board_shows_what_there_is_and_what_needs_a_person(
    enrol: Enrol,
    operator: Caller,
    services: Services,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = await enrol("me@example.org", credit=9 * DOLLAR)
    for name, state in (("web", "running"), ("db", "failed"), ("mail", "queued")):
        await in_state(services, fresh_database, me, name, state)
    await services.operators.announce(operator, "We move on Sunday.")
    await services.operators.lock(operator, "me@example.org", "asked to")
    await fresh_database.admin(_WITH_HOSTS)
    async with open_screens(operator, size=size) as person:
        await go(person, "0", "Board")
        assert masked(person.screen()) == text_snapshot


async def test_when_all_is_well_the_board_says_so(operator: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(operator) as person:
        await go(person, "0", "Board")
        assert person.sees("Needs a person Nothing does: all is well.")
        assert person.sees("5 Topups none needs a person")
        assert person.sees("2 Hosts 1, reachable; 1 can take new capsuls")


async def test_the_board_follows_without_a_key(
    enrol: Enrol, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "0", "Nothing does: all is well.")
        await services.operators.announce(operator, "We move on Sunday.")
        await person.until_sees("4 Announcements 1 shown to everybody")
        me = await enrol("me@example.org", credit=9 * DOLLAR)
        await in_state(services, fresh_database, me, "web", "failed")
        await person.until_sees("Operation create web: The host did not answer.")
        await fresh_database.admin("UPDATE host SET reachable = false, trouble = 'Connection refused'")
        await person.until_sees("Host host-1 Connection refused")
        await person.until_sees("2 Hosts 1, 1 away")


async def test_however_much_news_there_is_the_board_reads_twice_a_second_at_most(
    operator: Caller, open_screens: OpenScreens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_screens(operator) as person:
        await go(person, "0", "Nothing does: all is well.")
        board = person.app.screen
        assert isinstance(board, ForOperators)
        readings, read = [], board.read

        async def counted() -> None:
            readings.append(time.monotonic())
            await read()

        monkeypatch.setattr(board, "read", counted)
        while len(readings) < 4:
            board.read_again()
            await person.pilot.pause(0.02)
        assert readings[-1] - readings[0] >= 3 * 0.45


async def test_a_digit_goes_to_each_screen_and_escape_back_to_the_board_and_home(
    operator: Caller, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "0", "Board")
        for key, name in enumerate(("Accounts", "Hosts", "Operations", "Announcements", "Topups", "Audit"), 1):
            await person.press(str(key))
            await person.until_sees(f"OPERATOR / {name}")
            assert len(person.app.screen_stack) == 3
        await person.press("0")
        await person.until_sees("OPERATOR / Board")
        await person.press("1")
        await person.until_sees("OPERATOR / Accounts")
        await person.press("escape")
        await person.until_sees("OPERATOR / Board")
        await person.press("escape")
        await person.until_sees("Balance")
        assert not is_for_operators(person)


async def test_enter_goes_to_the_screen_under_the_cursor_whose_command_is_shown(
    operator: Caller, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "0", "$ ssh capsul.test admin accounts")
        await person.press("j", "j", "j", "j")
        await person.until_sees("$ ssh capsul.test admin topups")
        await person.press("enter")
        await person.until_sees("OPERATOR / Topups")


async def test_only_operators_are_offered_the_screens_for_operators(
    enrol: Enrol, operator: Caller, open_screens: OpenScreens
) -> None:
    async with open_screens(operator, size=(120, 40)) as person:
        assert person.sees("O Operator")
    async with open_screens(await enrol("me@example.org"), size=(120, 40)) as person:
        assert not person.sees("Operator")
        await person.press("O")
        await person.press("ctrl+p")
        await person.type("operator")
        await person.until_sees("No matches found")
        assert not is_for_operators(person)


async def test_a_screen_for_operators_shows_a_member_nothing_however_it_is_opened(
    enrol: Enrol, services: Services, open_screens: OpenScreens
) -> None:
    await enrol("secret@example.org")
    me = await enrol("me@example.org")
    async with open_screens(me) as person:
        for _ in range(2):
            person.app.call_later(person.app.push_screen, AccountsScreen(person.app.visit))
            await person.until_sees("This key is not an operator's")
            assert not is_for_operators(person)
            assert not person.sees("secret@example.org")
    with pytest.raises(NotPermitted):
        await services.operators.board(me)


@pytest.mark.parametrize("key", list("0123456"))
async def test_whoever_is_an_operator_no_more_is_led_home_at_once(
    enrol: Enrol, operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens, key: str
) -> None:
    await enrol("other@example.org", operator=True)
    async with open_screens(operator) as person:
        await go(person, key, "OPERATOR")
        await fresh_database.admin("UPDATE ssh_key SET operator = false WHERE id = $1", operator.key_id)
        await person.until_sees("This key is not an operator's any more: another operator changed that.")
        assert not is_for_operators(person)
        await person.press("O")
        assert not is_for_operators(person)
        assert not person.sees("O Operator")


async def test_what_was_being_asked_goes_with_the_right_to_ask_it(
    enrol: Enrol, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await enrol("other@example.org", operator=True)
    async with open_screens(operator) as person:
        await go(person, "4", "Nothing was ever said")
        await person.press("a")
        await person.until_sees("Say to everybody")
        await person.type("Farewell")
        await fresh_database.admin("UPDATE ssh_key SET operator = false WHERE id = $1", operator.key_id)
        await person.until_sees("This key is not an operator's any more")
        await person.press("enter", "y")
        assert not is_for_operators(person)
        assert await services.accounts.announcements() == []


async def test_the_key_of_a_locked_operator_is_led_home_with_the_reason(
    enrol: Enrol, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    other = await enrol("other@example.org", operator=True)
    async with open_screens(operator) as person:
        await go(person, "1", "op@example.org")
        await services.operators.lock(other, "op@example.org", "stolen")
        await person.until_sees("This account is locked. Please write to the operators.")
        assert not is_for_operators(person)


@pytest.mark.parametrize(
    ("terminal", "look"),
    [
        ({"environment": {"NO_COLOR": "1"}}, "reversed"),
        ({"kind": "linux"}, "magenta"),
        ({"kind": "xterm-256color"}, "87005f"),
        ({"kind": "xterm-kitty"}, "6b3160"),
    ],
    ids=["no colours", "sixteen", "256", "true colours"],
)
async def test_one_knows_at_every_terminal_that_these_are_the_screens_for_operators(
    operator: Caller, sit: Sit, terminal: dict[str, object], look: str
) -> None:
    async with sit(operator, **terminal) as seat:
        await seat.until_sees("Balance")
        assert first_line(seat) != {look}
        seat.type("O")
        await seat.until_sees("OPERATOR / Board")
        await seat.until(lambda: first_line(seat) == {look})


def first_line(seat: Seat) -> set[str]:
    """On which colours it stands, or whether it is reversed."""
    line = seat.terminal.screen.buffer[0]
    cells = [line[column] for column in range(seat.terminal.screen.columns)]
    return {"reversed" if cell.reverse else cell.bg for cell in cells}


async def test_help_says_what_these_screens_are_and_names_their_keys(
    operator: Caller, open_screens: OpenScreens
) -> None:
    async with open_screens(operator, size=(100, 60)) as person:
        await go(person, "0", "Board")
        await person.press("question_mark")
        await person.until_sees("These screens are for operators")
        assert person.sees("topups that need a person")
        assert person.sees("everybody's operations")
