"""Somebody at a real terminal: bytes over ssh, drawn by a terminal emulator that knows nothing of us."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pyte

from tests.sshgate.conftest import KeyFile
from tests.sshgate.liars import connect, honest

_ALTERNATE_SCREEN_OFF = b"\x1b[?1049l"
_SWITCHED_ON = (b"\x1b[?1000h", b"\x1b[?1006h", b"\x1b[?2004h", b"\x1b[?25l", b"\x1b[?7l")
_SWITCHED_OFF = (b"\x1b[?1000l", b"\x1b[?1006l", b"\x1b[?2004l", b"\x1b[?25h", b"\x1b[?7h")


class Onlooker:
    """What they see, and what they type."""

    def __init__(self, process: "asyncssh.SSHClientProcess[bytes]", columns: int, rows: int) -> None:
        self.process = process
        self.received = b""
        self._screen = pyte.Screen(columns, rows)
        self._emulator = pyte.ByteStream(self._screen)
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def screen(self) -> str:
        """All lines."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        """Types."""
        self.process.stdin.write(keys.encode())

    async def sees(self, text: str) -> None:
        """Returns once these words are on the screen, however lines are broken."""
        wanted = " ".join(text.split())
        try:
            async with asyncio.timeout(20), self._news:
                await self._news.wait_for(lambda: wanted in " ".join(self.screen.split()))
        except TimeoutError:
            raise AssertionError(f"never saw {text!r}:\n{self.screen}") from None

    async def end(self) -> tuple[int | None, str]:
        """The exit status, and what was printed after the terminal was given back. Fails if it was not, whole."""
        async with asyncio.timeout(20):
            await self.process.wait_closed()
            await self._reading
        before, found, after = self.received.rpartition(_ALTERNATE_SCREEN_OFF)
        assert found, self.received[-500:]
        for on, off in zip(_SWITCHED_ON, _SWITCHED_OFF, strict=True):
            assert self.received.rfind(off) > self.received.rfind(on), off
        assert before
        return self.process.exit_status, after.decode()

    async def stop(self) -> None:
        """Looks no longer."""
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        while data := await self.process.stdout.read(65536):
            async with self._news:
                self.received += data
                self._emulator.feed(data)
                self._news.notify_all()


@asynccontextmanager
async def shell(
    connection: asyncssh.SSHClientConnection, kind: str = "xterm-256color", columns: int = 80, rows: int = 24
) -> AsyncIterator[Onlooker]:
    """Somebody's terminal, on a connection that is open."""
    process: asyncssh.SSHClientProcess[Any] = await connection.create_process(
        term_type=kind, term_size=(columns, rows), encoding=None, stderr=asyncssh.STDOUT
    )
    onlooker = Onlooker(process, columns, rows)
    try:
        yield onlooker
    finally:
        await onlooker.stop()
        process.close()


@asynccontextmanager
async def at_screens(port: int, key: KeyFile, **terminal: Any) -> AsyncIterator[Onlooker]:
    """`ssh host` by somebody with this key."""
    async with (
        connect(port, [honest(asyncssh.read_private_key(key.path))]) as connection,
        shell(connection, **terminal) as onlooker,
    ):
        yield onlooker
