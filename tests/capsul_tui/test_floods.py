"""What one client can do to make the others wait, or the server grow: each of these was an attack that went through."""

import asyncio
import time

import pytest
from textual import events
from textual.widgets import Input, Static

from capsul.models import Caller
from capsul_tui.driver import ChannelDriver
from capsul_tui.screens.add_keys import AddKeysScreen, KeyLines
from capsul_tui.visit import CommandAnswer
from tests.capsul_tui.conftest import OpenScreens
from tests.capsul_tui.seats import Sit
from tests.conftest import Enrol

_CUT_AND_PASTE = "\x01\x1b[1;2F\x18\x16\x16"
"""Home, select to the end, ctrl+x, ctrl+v, ctrl+v: twice as much as there was."""


@pytest.fixture
async def member(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=20_000_000)


async def test_attack_by_asking_for_the_clipboard_while_nothing_is_read_is_not_kept(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        seat.session.pause()
        before = len(seat.wire.sent)
        for _ in range(1000):
            seat.app.copy_to_clipboard("x" * 4000)
        assert len(seat.wire.sent) - before < 10_000
        seat.session.resume()
        seat.app.copy_to_clipboard("a link")
        assert seat.wire.pieces[-1] == b"\x1b]52;c;YSBsaW5r\x07"


async def test_attack_by_ever_new_sizes_is_drawn_a_few_times_a_second_and_ends_in_a_right_picture(
    sit: Sit, member: Caller
) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        driver = seat.app._driver
        assert isinstance(driver, ChannelDriver)
        sizes, send = [], driver.send_message
        driver.send_message = lambda message: (sizes.append(message), send(message))  # type: ignore[assignment, func-returns-value, method-assign]
        began = time.monotonic()
        for number in range(100):
            seat.session.resize(100 + number % 2, 30)
            await asyncio.sleep(0.001)
        seat.session.resize(90, 28)
        seat.terminal.resize(90, 28)
        await seat.until(lambda: len(seat.drawn()) == 28 and seat.terminal.lines == seat.drawn())
        assert len(sizes) <= 2 + (time.monotonic() - began) / 0.2


async def test_attack_by_cut_and_paste_over_and_over_makes_no_line_grow(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        seat.type(":aaaa")
        await seat.until_sees("$ ssh capsul.test aaaa")
        seat.type(20 * _CUT_AND_PASTE + "\x15done")
        await seat.until_sees("$ ssh capsul.test done")
        assert 2000 < len(seat.app.clipboard) <= 4096


async def test_attack_by_cut_and_paste_over_and_over_makes_no_list_of_keys_grow(
    open_screens: OpenScreens, member: Caller
) -> None:
    async with open_screens(member) as person:
        await person.press("4")
        await person.until_sees("this session")
        await person.press("a")
        await person.until_sees("What may they do?")
        lines = person.app.screen.query_one(KeyLines)
        lines.insert("a" * 40_000)
        for _ in range(5):
            lines.action_select_all()
            lines.action_cut()
            lines.action_paste()
            lines.action_paste()
        assert len(lines.text) == 40_000
        screen = person.app.screen
        assert isinstance(screen, AddKeysScreen)
        await person.until(lambda: "too long for a list of public keys" in screen.said)


async def test_attack_by_a_filter_of_thousands_of_words_is_not_taken(open_screens: OpenScreens, member: Caller) -> None:
    async with open_screens(member) as person:
        await person.press("6", "slash")
        await person.until_sees("words that it must have")
        person.app.post_message(events.Paste("!a " * 20_000))
        await person.type("key")
        await person.until_sees("have “key”")


async def test_attack_by_long_answers_one_after_the_other_keeps_the_newest_only(
    open_screens: OpenScreens, member: Caller
) -> None:
    answer = CommandAnswer(0, "".join(f"\x1b[31mline {number}\x1b[0m\n" for number in range(3000)), "")
    async with open_screens(member, answer=answer) as person:
        await person.press("colon")
        for _ in range(22):
            person.app.screen.query_one(Input).value = "ls"
            await person.press("enter")
        answers = person.app.screen.query(".answer")
        await person.until(lambda: len(answers) == 20)
        await person.press("pageup", "pagedown", "pagedown")
        assert "2000 more lines are not shown: a shell has them all." in str(answers.last(Static).content)
