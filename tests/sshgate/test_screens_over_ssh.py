"""The screens in a real terminal window: OpenSSH at one end, the gate at the other, an emulator for eyes."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import asyncssh
import pytest

from capsul_tui.app import CapsulApp
from capsul_tui.driver import ChannelDriver
from sshgate.limits import Limits
from sshgate.server import SshGate
from sshgate.session import Session
from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, OpenGate, Ssh, eventually
from tests.sshgate.liars import connect, honest
from tests.windows import Window

OpenWindow = Callable[..., Window]
LEFT = 0
_REMOVED = "UPDATE ssh_key SET state = 'removed', removed_at = capsul_now() WHERE fingerprint = $1"


@pytest.fixture
def open_window(ssh: Ssh) -> Iterator[OpenWindow]:
    """`open_window(size=…, term=…, ssh=…)`: a window with `ssh host` in it; the member's, or another's."""
    with ExitStack() as windows:

        def opened(
            *words: str,
            ssh: Ssh = ssh,
            size: tuple[int, int] = (80, 24),
            term: str = "xterm-256color",
            **variables: str,
        ) -> Window:
            command = ssh.with_("-tt").command(*words)
            return windows.enter_context(Window(command, size=size, term=term, **variables))

        yield opened


def sessions() -> list[CapsulApp]:
    """Those that are open."""
    gc.collect()
    return [it for it in gc.get_objects() if isinstance(it, CapsulApp)]


def tasks_of_screens() -> list[str]:
    """Tasks that belong to an App."""
    return [name for name in map(repr, asyncio.all_tasks()) if "textual" in name or "capsul_tui" in name]


def session_channels() -> list["asyncssh.SSHServerChannel[bytes]"]:
    """The gate's ends of all sessions."""
    return [it._channel for it in gc.get_objects() if isinstance(it, Session) and hasattr(it, "_channel")]


# What is seen


async def test_home_is_painted(open_window: OpenWindow) -> None:
    window = open_window()
    await window.until_seen("● live")
    assert window.sees("me@example.org")
    assert window.sees("Balance 20.00 USD")
    assert window.terminal.modes == {1000, 1006, 1049, 2004}


@pytest.mark.parametrize("term", ["xterm-256color", "xterm-kitty", "tmux-256color", "screen", "linux", "vt100", "ansi"])
async def test_every_terminal_gets_screens_and_gets_its_modes_back(open_window: OpenWindow, term: str) -> None:
    window = open_window(term=term)
    await window.until_seen("me@example.org")
    await window.until_seen("Balance 20.00 USD")
    window.press("?")
    await window.until_seen("Keys on this screen")
    window.press("escape")
    await window.until_seen("You have no capsuls yet")
    window.press("q")
    assert await window.ended() == LEFT
    assert window.terminal.is_as_at_first


async def test_a_terminal_that_cannot_move_gets_lines(open_window: OpenWindow) -> None:
    window = open_window(term="dumb")
    await window.until_seen("me@example.org")
    assert b"\x1b" not in window.raw


async def test_a_light_terminal_is_asked_and_gets_light_colours(open_window: OpenWindow) -> None:
    window = open_window(term="xterm-kitty")
    await window.until_so(lambda: b"\x1b]11;?\x1b\\" in window.raw)
    window.press("\x1b]11;rgb:ffff/ffff/f0f0\x1b\\")
    await window.until_so(lambda: b"48;2;251;251;247" in window.raw)
    await window.until_seen("● live")
    assert not window.sees("rgb:")


# Size


async def test_any_size_at_any_time_ends_in_a_right_picture(open_window: OpenWindow) -> None:
    window = open_window()
    for columns, rows in ((500, 200), (20, 5), (1, 1), (0, 0), (65535, 65535), (60, 20), (0, 24), (80, 0), (120, 40)):
        window.press("?" if columns % 2 else "escape")
        window.resize(columns, rows)
        await asyncio.sleep(0.05)
    window.press("escape", "escape")
    window.resize(100, 30)
    await window.until_so(lambda: window.terminal.lines[-1].endswith("Help") and window.sees("You have no capsuls yet"))
    [app] = sessions()
    drawn = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
    await window.until_so(lambda: window.terminal.lines == drawn)
    assert len(drawn) == 30


@pytest.mark.parametrize("size", [(0, 0), (20, 5), (500, 200), (60, 20)])
async def test_any_size_at_first_is_drawn_on(open_window: OpenWindow, size: tuple[int, int]) -> None:
    window = open_window(size=size) if all(size) else open_window(size=(80, 24))
    if not all(size):
        window.resize(*size)
    await window.until_so(lambda: 1049 in window.terminal.modes and bool(window.terminal.text))
    window.press("q")
    assert await window.ended() == LEFT


# The way out


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_whoever_leaves_finds_their_terminal_as_it_was(open_window: OpenWindow, key: str) -> None:
    window = open_window()
    window.terminal.feed(b"me@laptop:~$ ssh capsul.test\r\n")
    await window.until_seen("● live")
    assert not window.sees("me@laptop")
    window.press(key)
    assert await window.ended() == LEFT
    assert window.terminal.is_as_at_first
    assert window.terminal.lines[0] == "me@laptop:~$ ssh capsul.test"
    assert window.sees("Come back any time")
    assert not window.terminal.screen.cursor.hidden


async def test_a_mistake_of_ours_gives_the_terminal_back_with_a_reference(open_window: OpenWindow) -> None:
    window = open_window()
    await window.until_seen("● live")
    [app] = sessions()
    app.call_later(lambda: 1 / 0)
    assert await window.ended() == 1
    assert window.terminal.is_as_at_first
    assert window.sees("Something broke on our side")
    assert b"ZeroDivisionError" not in window.raw


async def test_when_the_gate_ends_everybody_gets_their_terminal_back_and_a_reason(
    open_gate: OpenGate, client: Callable[..., Ssh], member: KeyFile
) -> None:
    async with open_gate() as gate:
        ssh = client(member, port=gate.port)
        stack = ExitStack()
        window = stack.enter_context(Window(ssh.with_("-tt").command()))
        await window.until_seen("● live")
    with stack:
        await window.ended()
        assert window.terminal.is_as_at_first
        assert window.sees("The server is going down for a moment")


async def test_a_key_that_is_removed_ends_its_screens_and_gives_the_terminal_back(
    open_window: OpenWindow, fresh_database: TestDatabase, member: KeyFile
) -> None:
    window = open_window()
    await window.until_seen("● live")
    await fresh_database.admin(_REMOVED, member.fingerprint)
    assert await window.ended() != LEFT
    assert window.terminal.is_as_at_first


async def test_a_line_that_is_cut_ends_the_screens_and_leaves_nothing(open_window: OpenWindow, gate: SshGate) -> None:
    others = {id(it) for it in sessions()}
    window = open_window()
    await window.until_seen("● live")
    assert tasks_of_screens()
    window.process.kill()
    await eventually(lambda: gate.connections == 0)
    await eventually(lambda: not tasks_of_screens())
    await eventually(lambda: {id(it) for it in sessions()} <= others)


# A client that reads no more


async def test_a_window_that_reads_no_more_costs_nothing_and_then_shows_what_is(
    open_window: OpenWindow, fresh_database: TestDatabase
) -> None:
    window = open_window(size=(200, 50), term="xterm-kitty")
    await window.until_seen("● live")
    os.kill(window.process.pid, signal.SIGSTOP)
    [app] = sessions()
    [channel] = session_channels()
    most = 0
    for number in range(400):
        app.refresh(layout=True)
        await asyncio.sleep(0.01)
        most = max(most, channel.get_write_buffer_size())
        if app._driver is not None and app._driver._is_paused and number > 100:  # type: ignore[attr-defined]
            break
    held = channel.get_write_buffer_size()
    assert 0 < held < 256 * 1024
    for _ in range(30):
        app.refresh(layout=True)
        await asyncio.sleep(0.01)
    assert channel.get_write_buffer_size() == held
    await fresh_database.admin("INSERT INTO announcement (text) VALUES ('Seen in the end.')")
    os.kill(window.process.pid, signal.SIGCONT)
    await window.until_seen("Seen in the end.")
    window.press("q")
    assert await window.ended() == LEFT
    assert window.terminal.is_as_at_first


async def test_a_window_that_never_reads_again_is_cut(
    open_gate: OpenGate, client: Callable[..., Ssh], member: KeyFile
) -> None:
    async with open_gate(Limits(goodbye_seconds=1.0, stalled_seconds=1.0)) as gate:
        ssh = client(member, port=gate.port)
        with Window(ssh.with_("-tt").command(), size=(200, 50), term="xterm-kitty") as window:
            await window.until_seen("● live")
            os.kill(window.process.pid, signal.SIGSTOP)
            [app] = sessions()
            for _ in range(1000):
                if gate.connections == 0:
                    break
                app.refresh(layout=True)
                await asyncio.sleep(0.02)
            assert gate.connections == 0
            await eventually(lambda: not tasks_of_screens())


# Keys


async def test_what_is_typed_ahead_is_not_lost(open_window: OpenWindow) -> None:
    window = open_window()
    # Long before there is a screen, or even a connection.
    window.press("?")
    await window.until_seen("Keys on this screen")
    window.press("escape")
    await window.until_seen("You have no capsuls yet")
    window.press(":nothing like it")
    await window.until_seen("nothing like it")
    window.press("ctrl+c")
    assert await window.ended() == LEFT


async def test_a_client_that_types_without_end_waits_and_does_not_grow_the_gate(gate: SshGate, member: KeyFile) -> None:
    key = honest(asyncssh.read_private_key(member.path))
    async with connect(gate.port, [key]) as connection:
        process = await connection.create_process(term_type="xterm", term_size=(80, 24), encoding=None)
        for _ in range(64):
            process.stdin.write(b"j" * 32 * 1024)
        await eventually(lambda: sessions() != [])
        [app] = sessions()
        await asyncio.sleep(1.0)
        driver = app._driver
        assert isinstance(driver, ChannelDriver)
        assert len(driver._bytes) < 128 * 1024
        assert app.message_queue_size + app.screen.message_queue_size < 100
        [channel] = session_channels()
        assert sum(len(data) for data, _ in channel._recv_buf) <= 256 * 1024
        process.close()
    await eventually(lambda: gate.connections == 0)


# Two at once


async def test_two_windows_do_not_mix(
    open_window: OpenWindow, client: Callable[..., Ssh], enrol_key: EnrolKey, gate: SshGate
) -> None:
    other = client(await enrol_key("other", email="other@example.org", credit=7_000_000))
    mine, theirs = open_window(), open_window(ssh=other, size=(120, 40), term="xterm-kitty")
    await mine.until_seen("Balance 20.00 USD")
    await theirs.until_seen("Balance 7.00 USD")
    mine.press("?")
    await mine.until_seen("Keys on this screen")
    theirs.press(":", "abc")
    await theirs.until_seen("abc")
    assert not theirs.sees("Keys on this screen")
    assert not mine.sees("abc")
    assert b"other@example.org" not in mine.raw
    assert b"me@example.org" not in theirs.raw
    assert b"48;2;" not in mine.raw
    assert b"48;5;" not in theirs.raw
    mine.press("ctrl+c")
    assert await mine.ended() == LEFT
    theirs.press("escape")
    await theirs.until_seen("You have no capsuls yet")
    theirs.press("?")
    await theirs.until_seen("Keys on this screen")
