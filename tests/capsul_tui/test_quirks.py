"""What was changed of Textual, so that many run in one server: each of these failed without."""

import asyncio
import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import textual.app
import textual.constants
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen

from capsul.models import Caller
from capsul_tui.keyboard import Keyboard
from capsul_tui.quirks import tame_textual
from tests.capsul_tui.seats import Sit
from tests.conftest import Enrol

SESSIONS = 20


@pytest.fixture
async def member(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=20_000_000)


async def test_what_the_process_prints_stays_where_it_was_whichever_app_ends_first(
    sit: Sit, member: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.stdout, sys.stderr
    async with sit(member) as first:
        await first.until_sees("● live")
        async with sit(member) as second:
            await second.until_sees("● live")
            assert (sys.stdout, sys.stderr) == before
            sys.stdout.write("a line of the log\n")
            await first.leave()
            assert (sys.stdout, sys.stderr) == before
            sys.stderr.write("another\n")
        assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("a line of the log\n", "another\n")


async def test_no_app_screen_driver_or_parser_outlives_its_session(sit: Sit, member: Caller) -> None:
    kept: list[weakref.ref[object]] = []
    for _ in range(3):
        async with sit(member) as seat:
            await seat.until_sees("● live")
            seat.type("?\x1b[A\x1b[B\x1bOP")
            await seat.until_sees("Keys on this screen")
            driver = seat.session._driver
            assert driver is not None
            kept += [weakref.ref(it) for it in (seat.app, seat.app.screen, driver, driver._keyboard._parser)]
            await seat.leave()
        del seat, driver
    await asyncio.sleep(0)
    gc.collect()
    assert {type(it()).__name__ for it in kept} == {"NoneType"}


async def test_of_many_sessions_that_pressed_keys_no_app_screen_or_driver_is_left(sit: Sit, member: Caller) -> None:
    async def visit() -> None:
        async with sit(member) as seat:
            await seat.until_sees("● live")
            for keys, seen in (("?", "Keys on this screen"), ("\x1b", "● live"), (":ab", "ab"), ("\x1b[A\x1bOP", "")):
                seat.type(keys)
                await seat.until_sees(seen)
            await seat.leave()

    for _ in range(SESSIONS // 5):
        await asyncio.gather(*(visit() for _ in range(5)))
    await asyncio.sleep(0)
    gc.collect()
    timers = vars(asyncio.get_running_loop())["_scheduled"]
    assert [it for it in timers if any(isinstance(value, App) for value in it._context.values())] == []
    alive = [it for it in gc.get_objects() if isinstance(it, App | Screen | Driver | Keyboard)]
    assert alive == []


DRAWN = """
import asyncio, sys
from capsul_tui.quirks import tame_textual
tame_textual()
from textual.widgets import Static
from capsul_tui.app import CapsulApp
from capsul_tui.driver import ChannelDriver
from capsul_tui.terminal import Terminal
from capsul_tui.visit import Visit
from types import SimpleNamespace
from textual.screen import Screen

class Plain(CapsulApp):
    CSS_PATH = None
    def _follow(self, who): pass
    def get_default_screen(self): return Screen()
    def action_leave(self): self.exit(0)
    def on_ready(self):
        self.screen.mount(Static("words", id="x"))
        self.set_timer(0.3, self.action_leave)

class Wire:
    sent = b""
    def write(self, data): self.sent += data
    def pause_reading(self): pass
    def resume_reading(self): pass

wire = Wire()
visit = SimpleNamespace(
    terminal=Terminal("xterm-256color", 80, 24),
    who=lambda: None,
    report_bug=lambda error: sys.exit(repr(error)),
)
print(asyncio.run(Plain(visit, wire).run_async(size=(80, 24))), wire.sent)
"""


def test_nothing_in_the_environment_of_the_server_changes_a_byte_of_what_is_drawn(tmp_path: Path) -> None:
    said = {
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLORTERM": "nothing",
        "TERM_PROGRAM": "Apple_Terminal",
        "LC_TERMINAL": "iTerm2",
        "ESCDELAY": "5000",
        "TEXTUAL": "debug,devtools",
        "TEXTUAL_DEBUG": "1",
        "TEXTUAL_DRIVER": "nowhere:Driver",
        "TEXTUAL_FILTERS": "dim",
        "TEXTUAL_COLOR_SYSTEM": "standard",
        "TEXTUAL_ANIMATIONS": "full",
        "TEXTUAL_THEME": "dracula",
        "TEXTUAL_PRESS": "q",
        "TEXTUAL_SCREENSHOT": "0",
        "TEXTUAL_SHOW_RETURN": "1",
        "TEXTUAL_LOG": str(tmp_path / "log"),
        "COLUMNS": "13",
        "LINES": "7",
        "FORCE_COLOR": "1",
    }
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    program = tmp_path / "drawn.py"
    program.write_text(DRAWN)
    plain, changed = (
        subprocess.run([sys.executable, program], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        for env in (base, base | said)
    )
    assert plain.returncode == 0, plain.stderr
    assert "words" in plain.stdout
    assert (changed.stdout, changed.stderr) == (plain.stdout, plain.stderr)
    assert list(tmp_path.iterdir()) == [program]


async def test_textual_leaves_the_task_factory_of_the_loop_as_it_was(
    sit: Sit, member: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def eager(loop: asyncio.AbstractEventLoop, coroutine: object, **_: object) -> asyncio.Task[object]:
        return asyncio.Task(coroutine, loop=loop)  # type: ignore[arg-type]

    # As Python 3.12 has it.
    monkeypatch.setattr(asyncio, "eager_task_factory", eager, raising=False)
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    async with sit(member) as seat:
        await seat.until_sees("● live")
        assert loop.get_task_factory() is before
    assert loop.get_task_factory() is before


def test_to_tame_again_changes_nothing() -> None:
    tame_textual()
    before = dict(vars(textual.app)), dict(vars(textual.constants))
    tame_textual()
    after = dict(vars(textual.app)), dict(vars(textual.constants))
    assert after == before
