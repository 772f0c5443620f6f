"""Our terminal, at the other end of a channel: what it writes and when, and that it leaves nothing behind."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from capsul.models import Caller, Guest
from capsul_tui.app import BROKEN, LEFT
from capsul_tui.screens.guest import GuestScreen
from capsul_tui.screens.home import HomeScreen
from tests.capsul_tui.seats import Seat, Sit
from tests.conftest import Enrol, TestDatabase

MOUSE = {1000, 1002, 1003, 1005, 1006, 1015, 1016}
SYNC_BEGIN, SYNC_END = b"\x1b[?2026h", b"\x1b[?2026l"
TAKES_FRAMES_WHOLE = b"\x1b[?2026;2$y"


@pytest.fixture
async def member(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=20_000_000)


# Frames


async def test_home_is_painted_as_the_app_has_it(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        await seat.until_sees("Balance 20.00 USD")
        await seat.until(lambda: seat.terminal.lines == seat.drawn())
        assert seat.terminal.sees("me@example.org")


async def test_a_frame_is_one_piece_and_ends_what_it_begins(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        seat.type(TAKES_FRAMES_WHOLE)
        await seat.until_sees("● live")
        for keys, seen in ("?", "Keys on this screen"), ("\x1b", "You have no capsuls yet"):
            seat.type(keys)
            await seat.until_sees(seen)
    framed = [piece for piece in seat.wire.pieces if SYNC_BEGIN in piece or SYNC_END in piece]
    assert framed
    for piece in framed:
        assert piece.count(SYNC_BEGIN) == piece.count(SYNC_END)
        assert piece.startswith(SYNC_BEGIN)
        assert piece.endswith(SYNC_END)


async def pieces_at_rest(seat: Seat) -> int:
    """How many pieces were written, once the first picture is whole and no more come."""
    before = -1
    while before != (now := len(seat.wire.pieces)):
        before = now
        await asyncio.sleep(0.3)
    return now


async def test_while_nothing_changes_nothing_is_written(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        before = await pieces_at_rest(seat)
        # That nothing comes can only be listened to for a while.
        await asyncio.sleep(1.0)
        assert seat.wire.pieces[before:] == []


async def test_while_a_guest_only_looks_nothing_is_written(sit: Sit) -> None:
    guest = Guest(f"SHA256:{'g' * 43}", "ssh-ed25519 AAAA", "192.0.2.7", "s")
    async with sit(guest) as seat:
        await seat.until_sees("● live")
        before = await pieces_at_rest(seat)
        screen = seat.app.screen
        assert isinstance(screen, GuestScreen)
        screen.read_again()
        await asyncio.sleep(1.5)
        assert seat.wire.pieces[before:] == []


# A client that reads slowly


async def test_while_the_channel_is_paused_nothing_of_a_frame_is_written_and_then_the_newest_is(
    sit: Sit, member: Caller, fresh_database: TestDatabase
) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        seat.session.pause()
        before = len(seat.wire.pieces)
        seat.type("?")
        await seat.until(lambda: seat.drawn() != seat.terminal.lines)
        seat.type("\x1b")
        await seat.until(lambda: isinstance(seat.app.screen, HomeScreen))
        for number in range(20):
            await fresh_database.admin("INSERT INTO announcement (text) VALUES ($1)", f"news {number}")
        await seat.until(lambda: any("news 19" in line for line in seat.drawn()))
        assert seat.wire.pieces[before:] == []
        seat.session.resume()
        await seat.until_sees("news 19")
        await seat.until(lambda: seat.terminal.lines == seat.drawn())
        # One picture, not twenty.
        assert len(seat.wire.pieces) - before <= 3


async def test_what_is_not_drawn_is_not_kept(sit: Sit, member: Caller) -> None:
    async with sit(member, size=(200, 60)) as seat:
        await seat.until_sees("● live")
        seat.session.pause()
        before = len(seat.wire.pieces)
        for _ in range(50):
            seat.app.screen.refresh(layout=True)
            await asyncio.sleep(0.02)
        assert seat.wire.pieces[before:] == []
        assert seat.session._driver is not None
        assert seat.session._driver._frame == []


async def test_a_channel_that_is_paused_before_the_first_frame_gets_it_later(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        seat.session.pause()
        await seat.until(lambda: seat.session._driver is not None)
        await seat.until(lambda: any("● live" in line for line in seat.drawn()))
        assert not seat.terminal.sees("Balance")
        seat.session.resume()
        await seat.until_sees("Balance 20.00 USD")
        await seat.until(lambda: seat.terminal.lines == seat.drawn())


async def test_a_resize_before_and_while_the_channel_is_paused_ends_in_a_right_picture(
    sit: Sit, member: Caller
) -> None:
    async with sit(member) as seat:
        seat.session.resize(100, 30)
        seat.terminal.resize(100, 30)
        await seat.until_sees("● live")
        seat.session.pause()
        for columns, rows in ((20, 5), (300, 100), (60, 20)):
            seat.session.resize(columns, rows)
            await asyncio.sleep(0.02)
        seat.terminal.resize(60, 20)
        seat.session.resume()
        await seat.until(lambda: len(seat.drawn()) == 20 and seat.terminal.lines == seat.drawn())


# Modes


async def test_the_mouse_is_asked_for_presses_only(sit: Sit, member: Caller) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        assert seat.terminal.modes & MOUSE == {1000, 1006}
    assert seat.terminal.ever & MOUSE == {1000, 1006}


async def test_the_keyboard_protocol_of_kitty_and_sizes_in_band_are_never_asked_for(sit: Sit, member: Caller) -> None:
    async with sit(member, kind="xterm-kitty") as seat:
        await seat.until_sees("● live")
        await seat.leave()
    assert b"\x1b[>" not in seat.wire.sent
    assert 2048 not in seat.terminal.ever


async def _by_key(seat: Seat) -> None:
    assert await seat.leave() == LEFT


async def _by_the_gate(seat: Seat) -> None:
    seat.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await seat.task


async def _by_a_mistake_in_a_handler(seat: Seat) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake")

    seat.app.call_later(fail)
    assert await seat.task == BROKEN
    assert seat.session.problem is not None


async def _by_a_mistake_while_drawing(seat: Seat) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake")

    seat.app.screen._compositor.render_update = fail  # type: ignore[assignment]
    seat.app.screen.refresh()
    seat.app.screen.refresh(layout=True)
    assert await seat.task == BROKEN


async def _by_cancelling_the_app(seat: Seat) -> None:
    [running] = [task for task in asyncio.all_tasks() if "ScreensSession._run" in repr(task.get_coro())]
    running.cancel()
    await asyncio.wait([seat.task])


@pytest.mark.parametrize(
    "way",
    [_by_key, _by_the_gate, _by_a_mistake_in_a_handler, _by_a_mistake_while_drawing, _by_cancelling_the_app],
)
@pytest.mark.parametrize("paused", [False, True], ids=["reading", "not reading"])
async def test_every_mode_is_off_after_every_way_out(
    sit: Sit, member: Caller, way: Callable[[Seat], Awaitable[None]], paused: bool
) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        assert not seat.terminal.is_as_at_first
        if paused:
            seat.session.pause()
        await way(seat)
        assert seat.terminal.is_as_at_first
        assert seat.terminal.ever > seat.terminal.modes
        ended = len(seat.wire.pieces)
        seat.session.resume()
        seat.type("x")
        await asyncio.sleep(0.05)
        assert seat.wire.pieces[ended:] == [], "nothing follows"
        seat.bugs.clear()


async def test_an_end_before_the_first_frame_leaves_the_terminal_as_it_was(sit: Sit, member: Caller) -> None:
    for turns in (0, 1, 2, 3, 5, 10):
        async with sit(member) as seat:
            for _ in range(turns):
                await asyncio.sleep(0)
            seat.task.cancel()
            await asyncio.wait([seat.task])
            assert seat.terminal.is_as_at_first


async def test_what_was_on_a_terminal_without_a_second_screen_is_wiped(sit: Sit, member: Caller) -> None:
    async with sit(member, kind="linux") as seat:
        await seat.until_sees("● live")
        await seat.leave()
    ending = seat.wire.sent[seat.wire.sent.rindex(b"\x1b[2J") :]
    assert ending.startswith(b"\x1b[2J\x1b[H")
    assert ending.endswith(b"\x1b[?1049l")


# Questions


@pytest.mark.parametrize(("kind", "asks"), [("xterm-256color", True), ("linux", False), ("vt100", False)])
async def test_only_terminals_that_answer_are_asked(sit: Sit, member: Caller, kind: str, asks: bool) -> None:
    async with sit(member, kind=kind) as seat:
        await seat.until_sees("Balance")
    assert (b"\x1b]11;?" in seat.wire.sent) == asks
    # Before anything is drawn: what a terminal makes of a question that it does not know is painted over.
    if asks:
        assert b"\x1b]11;?" in seat.wire.pieces[0]


# Nothing on the server


async def test_what_would_act_on_a_persons_own_machine_acts_on_nothing_of_the_server(
    sit: Sit, member: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    did: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda *_: did.append("browser"))
    monkeypatch.setattr("os.kill", lambda *_: did.append("signal"))
    monkeypatch.setattr("threading.Thread.start", lambda *_: did.append("thread"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    async with sit(member) as seat:
        await seat.until_sees("● live")
        with seat.app._context():
            seat.app.open_url("http://example.org")
            seat.app.action_screenshot()
            seat.app.deliver_text(__file__)
            seat.app.deliver_binary(__file__)
            seat.app.action_suspend_process()
        seat.app.bell()
        await asyncio.sleep(0.05)
        assert did == []
        assert not any(it.is_file() for it in tmp_path.rglob("*"))  # noqa: ASYNC240


async def test_what_is_copied_goes_to_the_persons_clipboard_even_while_the_channel_is_paused(
    sit: Sit, member: Caller
) -> None:
    async with sit(member) as seat:
        await seat.until_sees("● live")
        seat.session.pause()
        seat.app.copy_to_clipboard("ssh-ed25519 AAAA")
        assert seat.wire.pieces[-1] == b"\x1b]52;c;c3NoLWVkMjU1MTkgQUFBQQ==\x07"
