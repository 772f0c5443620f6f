"""What is the same on every screen: help, commands, the palette, the places, and how it ends."""

import asyncio
from collections.abc import Callable, Iterable

import pytest
from textual.widget import Widget
from textual.worker import WorkerFailed

from capsul.errors import NotEnoughCredit, Unavailable
from capsul_tui.screens.activity import ActivityScreen
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.screens.ledger import LedgerScreen
from capsul_tui.screens.operator.audit import AuditScreen
from capsul_tui.visit import CommandAnswer
from capsul_tui.widgets.facts import Facts
from capsul_tui.widgets.table import Table
from tests.capsul_tui.conftest import OpenScreens, Person
from tests.conftest import Enrol


def current(person: Person) -> CapsulScreen[object]:
    """The screen that is seen."""
    screen = person.app.screen
    assert isinstance(screen, CapsulScreen)
    return screen


async def test_help_is_written_for_the_screen_and_lists_its_keys(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org"), size=(80, 50)) as person:
        await person.press("question_mark")
        await person.until_sees("Your money, and your capsuls.")
        assert person.sees("Keys on this screen")
        assert person.sees("create a capsul")
        assert person.sees("leave; your capsuls keep running")
        assert person.sees("$ ssh capsul.test help ls")
        await person.press("question_mark")
        await person.until_sees("Balance")


async def test_a_command_answers_as_over_ssh_without_leaving(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        await person.press("colon")
        await person.type("sizes")
        assert person.sees("$ ssh capsul.test sizes")
        await person.press("enter")
        await person.until_sees("sizes at 75 columns")
        await person.press("up")
        await person.until_sees("$ ssh capsul.test sizes")
        await person.press("escape")
        await person.until_sees("Balance")


async def test_what_a_command_refuses_is_shown_with_its_exit_status(enrol: Enrol, open_screens: OpenScreens) -> None:
    answer = CommandAnswer(4, "", "\x1b[31mYou have no such capsul (see: ls).\x1b[0m\n")
    async with open_screens(await enrol("me@example.org"), answer=answer) as person:
        await person.press("colon")
        await person.type("show nothing")
        await person.press("enter")
        await person.until_sees("You have no such capsul (see: ls). exit status 4")


async def test_the_palette_finds_keys_of_the_screen_and_commands(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        await person.press("ctrl+p")
        await person.type("buy cre")
        await person.until_sees("topup")
        await person.type("dit.")
        await person.press("enter")
        await person.until_sees("Commands")
        assert person.sees("$ ssh capsul.test topup")


async def test_the_palette_offers_nothing_that_touches_the_server(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        await person.press("ctrl+p")
        await person.type("screenshot")
        await person.until_sees("No matches found")


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q"])
async def test_one_leaves_from_anywhere_also_while_typing(enrol: Enrol, open_screens: OpenScreens, key: str) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        await person.press("colon", "l", "s", key)
        assert person.app.return_value == 0
        assert person.app.problem is None


async def test_a_refusal_is_a_sentence_that_stays_until_the_next_thing_is_asked_for(
    enrol: Enrol, open_screens: OpenScreens
) -> None:
    async def refuse() -> None:
        raise NotEnoughCredit("This needs 1.00 USD to be available.")

    async def accept() -> None:
        return

    async with open_screens(await enrol("me@example.org")) as person:
        current(person).attempt(refuse)
        await person.until_sees("This needs 1.00 USD to be available.")
        await person.press("j", "k")
        assert person.sees("This needs 1.00 USD to be available.")
        current(person).attempt(accept)
        await person.until_gone("This needs 1.00 USD to be available.")


async def test_what_takes_long_says_that_it_goes_on_and_is_done_once(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        screen, begun = current(person), []

        async def slowly() -> None:
            begun.append(1)
            goes_on = screen.app.run_worker(person.until_sees("making it …"))
            await screen.busy("making it", goes_on.wait())

        screen.attempt(slowly)
        screen.attempt(slowly)
        await person.until_sees("making it …")
        await person.until_gone("making it …")
        assert begun == [1]


async def test_a_mistake_of_ours_ends_the_session_with_a_reference_and_prints_nothing(
    enrol: Enrol, open_screens: OpenScreens, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "a token that must not be printed"

    async def break_() -> None:
        raise ZeroDivisionError(secret)

    async def meet_it() -> None:
        async with open_screens(await enrol("me@example.org")) as person:
            current(person).attempt(break_)
            await person.until(lambda: person.app.problem is not None)
            assert person.app.problem is not None
            assert person.app.problem.message == "Something broke on our side."
            [bug] = person.bugs
            person.bugs.clear()
            assert isinstance(bug, ZeroDivisionError)

    # Textual's pilot raises what ended the App.
    with pytest.raises((WorkerFailed, ZeroDivisionError)):
        await meet_it()
    out, err = capfd.readouterr()
    assert secret not in out + err


async def test_a_screen_that_cannot_read_keeps_what_it_shows(
    enrol: Enrol, open_screens: OpenScreens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_screens(await enrol("me@example.org", credit=20_000_000)) as person:

        async def away() -> None:
            raise Unavailable("The database is away for a moment.")

        with monkeypatch.context() as patched:
            patched.setattr(current(person), "read", away)
            current(person).read_again()
            await person.until_sees("not up to date since")
            assert person.sees("The database is away for a moment.")
            assert person.sees("Balance 20.00 USD")
        await person.until_sees("● live")
        assert not person.sees("The database is away for a moment.")


async def test_a_screen_without_an_answer_does_not_go_on_saying_that_it_is_live(
    enrol: Enrol, open_screens: OpenScreens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_screens(await enrol("me@example.org", credit=20_000_000)) as person:
        answers = asyncio.Event()
        with monkeypatch.context() as patched:
            patched.setattr(current(person), "read", answers.wait)
            current(person).read_again()
            await person.until_sees("not up to date since")
            assert person.sees("Balance 20.00 USD")
            answers.set()
            await person.until_sees("● live")


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (20, 5), (1, 1)], ids=str)
async def test_every_place_can_be_gone_to_at_every_size(
    enrol: Enrol, open_screens: OpenScreens, size: tuple[int, int]
) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        await person.pilot.resize_terminal(*size)
        for key, name in person.app.places:
            await person.press(key)
            await person.until(_is_at(person, name))
        await person.press("1")
        await person.until(_is_at(person, "Home"))


def _is_at(person: Person, name: str) -> Callable[[], bool]:
    return lambda: getattr(person.app.screen, "PLACE", "") == name


class Leaving(CapsulScreen[None]):
    """Reads for as long as it is there, and shows it when there is nothing any more to show it on."""

    TABLES = frozenset({"capsul"})

    def body(self) -> Iterable[Widget]:
        yield Facts(id="it")

    async def read(self) -> None:
        while self.query("#it"):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
        self.query_one("#it", Facts).show([("Too", "late")])


async def test_a_screen_that_is_left_while_it_reads_ends_nobodys_session(
    enrol: Enrol, open_screens: OpenScreens
) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        person.app.call_later(person.app.push_screen, Leaving(person.app.visit))
        await person.until(lambda: isinstance(person.app.screen, Leaving))
        person.app.call_later(person.app.pop_screen)
        await person.until_sees("Balance")
        await person.press("c")
        await person.until_sees("Create")


async def test_a_line_that_is_opened_and_is_not_there_any_more_ends_nobodys_session(
    enrol: Enrol, open_screens: OpenScreens
) -> None:
    async with open_screens(await enrol("op@example.org", operator=True)) as person:
        for screen in (ActivityScreen, LedgerScreen, AuditScreen):
            person.app.call_later(person.app.push_screen, screen(person.app.visit))
            await person.until(lambda screen=screen: isinstance(person.app.screen, screen))  # type: ignore[misc]
            table = person.app.screen.query_one(Table)
            table.post_message(Table.Opened(table, "gone"))
            await person.settle()
        assert isinstance(person.app.screen, AuditScreen)
