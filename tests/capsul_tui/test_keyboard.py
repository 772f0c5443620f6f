"""What arrives from a terminal, told apart: keys, pastes, and what the terminal says of itself."""

import asyncio
import re
import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events, messages
from textual.message import Message
from textual.widgets import Input

from capsul.models import Caller, Guest
from capsul_tui import driver, keyboard
from capsul_tui.keyboard import BackgroundSeen, Keyboard
from capsul_tui.quirks import tame_textual
from capsul_tui.screens.home import HomeScreen
from capsul_tui.theme import DARK, LIGHT
from tests.capsul_tui.seats import Sit
from tests.conftest import Enrol

WHITE = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
STRANGER = Guest("SHA256:" + "s" * 43, "ssh-ed25519 AAAA", "192.0.2.7", "guest-1")

tame_textual()


@pytest.fixture
async def member(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=20_000_000)


def heard(found: Iterable[Message]) -> list[str]:
    """Keys by name, the rest by kind."""
    return [it.key if isinstance(it, events.Key) else type(it).__name__ for it in found]


# Keys


def test_a_lone_escape_is_a_key_once_nothing_has_followed_it() -> None:
    keys = Keyboard()
    assert heard(keys.feed(b"\x1b")) == []
    assert keys.waits
    assert heard(keys.tick()) == ["escape"]
    assert not keys.waits


async def test_a_lone_escape_is_delivered_soon_although_nothing_follows(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        seat.type("?")
        await seat.until_sees("Keys on this screen")
        begun = time.monotonic()
        seat.type("\x1b")
        await seat.until(lambda: isinstance(seat.app.screen, HomeScreen))
        assert 0.1 < time.monotonic() - begun < 1.0


def test_a_sequence_in_pieces_is_one_key() -> None:
    keys = Keyboard()
    assert [heard(keys.feed(piece)) for piece in (b"\x1b", b"[", b"2", b"0", b"~")] == [[], [], [], [], ["f9"]]
    assert heard(keys.feed(b"\x1b[")) == []
    assert heard(keys.feed(b"A")) == ["up"]


def test_alt_and_a_bracket_alone_is_a_key() -> None:
    for sequence, key in ((b"\x1b]", "right_square_bracket"), (b"\x1b[", "left_square_bracket")):
        keys = Keyboard()
        assert heard(keys.feed(sequence)) == []
        assert heard(keys.tick()) == [key]
        assert heard(keys.feed(b"x")) == ["x"]


def test_bytes_that_are_no_text_are_replaced_and_letters_in_pieces_put_together() -> None:
    keys = Keyboard()
    assert [it.character for it in keys.feed(b"a\xff\xc3") if isinstance(it, events.Key)] == ["a", "\ufffd"]
    assert [it.character for it in keys.feed(b"\xa9") if isinstance(it, events.Key)] == ["é"]


def test_the_mouse_is_heard() -> None:
    assert heard(Keyboard().feed(b"\x1b[<0;5;3M\x1b[<0;5;3m\x1b[<65;5;3M")) == [
        "MouseDown",
        "MouseUp",
        "MouseScrollDown",
    ]


def test_sizes_that_a_client_claims_among_the_keys_are_nothing() -> None:
    keys = Keyboard()
    assert heard(keys.feed(b"\x1b[48;100000;100000;0;0t\x1b[?2048;1$y\x1b[<0;5;3M")) == ["MouseDown"]


# Answers


@pytest.mark.parametrize("colour", ["rgb:ffff/ffff/ffff", "rgb:FF/FF/FF", "rgb:f/f/f", "rgba:ffff/ffff/ffff/ffff"])
@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\"], ids=["BEL", "ST"])
def test_what_the_background_is_is_heard_whole_or_in_pieces(colour: str, end: bytes) -> None:
    answer = b"\x1b]11;" + colour.encode() + end
    for cut in range(len(answer) + 1):
        keys = Keyboard()
        found = [*keys.feed(b"a" + answer[:cut]), *keys.feed(answer[cut:] + b"b")]
        assert heard(found) == ["a", "BackgroundSeen", "b"], cut
        [seen] = [it for it in found if isinstance(it, BackgroundSeen)]
        assert seen.colour == (255, 255, 255)
        assert seen.is_light


def test_a_background_byte_by_byte_with_waits_between_is_heard() -> None:
    keys = Keyboard()
    found: list[Message] = []
    for at, char in enumerate(WHITE):
        found += keys.feed(char.encode())
        # From the semicolon on it is nothing that somebody typed.
        if at >= WHITE.index(";"):
            found += keys.tick()
    assert heard(found) == ["BackgroundSeen"]


def test_other_answers_are_typed_by_nobody() -> None:
    assert heard(Keyboard().feed(b"\x1b]10;rgb:0/0/0\x07\x1b]4;1;rgb:0/0/0\x1b\\\x1b]52;c;aGk=\x07x")) == ["x"]
    assert heard(Keyboard().feed(b"\x1b]11;no colour\x07x")) == ["x"]


def test_an_answer_that_never_ends_is_dropped_and_the_keys_after_it_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keyboard()
    assert heard(keys.feed(b"\x1b]11;rgb:ff")) == []
    assert heard(keys.tick()) == []
    monkeypatch.setattr(keyboard, "_ANSWER_SECONDS", 0.0)
    assert heard(keys.tick()) == []
    assert heard(keys.feed(b"x")) == ["x"]


def test_whether_frames_are_taken_whole_is_heard() -> None:
    [message] = Keyboard().feed(b"\x1b[?2026;2$y")
    assert isinstance(message, messages.TerminalSupportsSynchronizedOutput)


@pytest.mark.parametrize("pieces", [[WHITE], list(WHITE), ["x" + WHITE[:1], WHITE[1:9], WHITE[9:]]])
async def test_an_answer_is_never_typed_into_a_field_and_light_terminals_get_light_colours(
    sit: Sit, member: Caller, pieces: list[str]
) -> None:
    async with sit(STRANGER) as seat:
        await seat.until_sees("● live")
        assert seat.app.theme == DARK.name
        for piece in pieces:
            seat.type(piece)
            await asyncio.sleep(0)
        seat.type("you")
        field = seat.app.screen.query_one("#email", Input)
        await seat.until(lambda: field.value.endswith("you"))
        assert field.value in ("you", "xyou")
        await seat.until(lambda: seat.app.theme == LIGHT.name)


async def test_a_dark_terminal_gets_dark_colours(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        seat.type(WHITE)
        await seat.until(lambda: seat.app.theme == LIGHT.name)
        seat.type("\x1b]11;rgb:1c1c/1c1c/1c1c\x07")
        await seat.until(lambda: seat.app.theme == DARK.name)


# Pastes


def test_a_paste_is_one_thing_whatever_is_in_it_and_however_it_comes() -> None:
    text = "two lines\nwith \x1b[A a key, \x1b]11;rgb:0/0/0\x07 an answer and \x00 nothing"
    sent = b"\x1b[200~" + text.encode() + b"\x1b[201~x"
    for size in (1, 2, 3, 5, 7, 100, len(sent)):
        keys = Keyboard()
        found = [it for at in range(0, len(sent), size) for it in keys.feed(sent[at : at + size])]
        assert heard(found) == ["Paste", "x"]
        assert isinstance(found[0], events.Paste)
        assert found[0].text == re.sub(r"[\x00\x07\x1b]", "", text)


def test_a_paste_without_an_end_is_kept_up_to_a_limit_and_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keyboard()
    for _ in range(100):
        assert heard(keys.feed(b"\x1b[200~" + b"x" * 10_000)) == []
    assert heard(keys.tick()) == []
    monkeypatch.setattr(keyboard, "_PASTE_SECONDS", 0.0)
    [paste] = keys.tick()
    assert isinstance(paste, events.Paste)
    assert len(paste.text) <= 64 * 1024
    assert heard(keys.feed(b"x")) == ["x"]


# Whatever comes


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\x1b", b"\x1b[", b"\x1b]11;", b"\x1b[200~", b"\x1b[<"])))
def test_no_bytes_break_it(pieces: list[bytes]) -> None:
    keys = Keyboard()
    for piece in pieces:
        for message in keys.feed(piece):
            assert isinstance(message, (*keyboard._WANTED, events.Paste, BackgroundSeen))
        list(keys.tick())


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"\A(\x1b[\[\]O<PX^_]?[?<]?[0-9;:]{0,12}[a-zA-Z~$\x07]{0,2}){1,5}\Z"))
def test_no_sequences_break_it(text: str) -> None:
    keys = Keyboard()
    list(keys.feed(text.encode()))
    list(keys.tick())
    keys._heard_at -= 100
    list(keys.tick())
    assert not keys.waits


# Too much, and too early


async def test_what_is_typed_before_the_first_screen_is_there_is_not_lost(sit: Sit, member: Caller) -> None:
    async with sit(STRANGER) as seat:
        seat.type("you@exam")
        seat.type("ple.org")
        await seat.until_sees("● live")
        await seat.until(lambda: seat.app.screen.query_one("#email", Input).value == "you@example.org")


async def test_whoever_types_faster_than_is_read_waits_and_nothing_is_lost(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_BYTES_AHEAD", 32)
    async with sit(STRANGER) as seat:
        await seat.until_sees("● live")
        seat.type(b"x" * 300)
        assert seat.wire.client_waits
        # The queues of an App have no limit of their own.
        assert seat.app.message_queue_size < 100
        await seat.until(lambda: seat.app.screen.query_one("#email", Input).value == "x" * 300)
        assert not seat.wire.client_waits


async def test_a_flood_of_keys_does_not_keep_a_session_from_ending(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        seat.type(b"j" * 1_000_000)
        seat.task.cancel()
        await asyncio.wait([seat.task], timeout=5)
        assert seat.terminal.is_as_at_first
        assert not seat.wire.client_waits, "what the client sends now is read, and dropped"
