"""Somebody at the screens as the gate serves them: our own driver, over a channel that tests can pause and read."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from capsul.models import Caller, Guest
from capsul_tui.app import CapsulApp
from capsul_tui.session import ScreensSession
from tests.capsul_tui.conftest import NewVisit
from tests.emulator import Emulator

Sit = Callable[..., AbstractAsyncContextManager["Seat"]]

SGR = re.compile(rb"\x1b\[([\d;:]*)m")


class Wire:
    """What the gate gives the screens to write to."""

    def __init__(self, emulator: Emulator) -> None:
        self.pieces: list[bytes] = []
        """What was written, each time."""
        self.client_waits = False
        self._emulator = emulator

    def write(self, data: bytes) -> None:
        self.pieces.append(data)
        self._emulator.feed(data)

    def pause_reading(self) -> None:
        self.client_waits = True

    def resume_reading(self) -> None:
        self.client_waits = False

    @property
    def sent(self) -> bytes:
        """All that was written."""
        return b"".join(self.pieces)


class Seat:
    """A session, its terminal, and the fingers before it."""

    def __init__(self, session: ScreensSession, wire: Wire, emulator: Emulator, bugs: list[Exception]) -> None:
        self.session = session
        self.bugs = bugs
        """Mistakes of ours; a test that wants some takes them away."""
        self.wire = wire
        self.terminal = emulator
        self.task = asyncio.ensure_future(session.run())

    @property
    def app(self) -> CapsulApp:
        return self.session._app

    def type(self, keys: str | bytes) -> None:
        """As the terminal sends it."""
        self.session.feed(keys.encode() if isinstance(keys, str) else keys)

    def drawn(self) -> list[str]:
        """The lines as the App has them, whatever the terminal shows."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    async def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        """Returns once it is so. Fails with what the terminal shows then."""
        try:
            async with asyncio.timeout(seconds):
                while not is_so():  # noqa: ASYNC110 - the screen tells nobody
                    await asyncio.sleep(0.005)
        except TimeoutError:
            shown = "\n".join(self.terminal.lines)
            raise AssertionError(f"not within {seconds} s. The terminal:\n{shown}") from None

    async def until_sees(self, text: str) -> None:
        """Returns once the terminal shows these words."""
        await self.until(lambda: self.terminal.sees(text))

    async def leave(self) -> int:
        """The way out by a key."""
        self.type("\x03")
        async with asyncio.timeout(30):
            return await self.task


@pytest.fixture
def sit(new_visit: NewVisit) -> Sit:
    """`async with sit(caller or guest, size=…, kind=…, environment=…) as seat`: before the first frame."""

    @asynccontextmanager
    async def sat(who: Caller | Guest, *, size: tuple[int, int] = (80, 24), **options: object) -> AsyncIterator[Seat]:
        emulator = Emulator(*size)
        wire = Wire(emulator)
        visit, bugs = new_visit(who, size=size, **options)
        seat = Seat(ScreensSession(visit, wire), wire, emulator, bugs)
        try:
            yield seat
        finally:
            if not seat.task.done():
                seat.task.cancel()
                await asyncio.wait([seat.task])
        assert not bugs, bugs

    return sat
