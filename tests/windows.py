"""Somebody's terminal window with the real OpenSSH client in it, and a person who reads the screen and presses keys."""

import asyncio
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.emulator import Emulator

KEYS = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "f1": "\x1bOP",
    **{f"ctrl+{letter}": chr(ord(letter) & 0x1F) for letter in "abcdefghijklmnopqrstuvwxyz"},
}
_PIECE = 64 * 1024


class Window:
    """`with Window(["ssh", …]) as window:` runs it at a terminal of its own until the block ends.

    Its terminal is not the one of whoever runs the tests: it has a size, a TERM, and is read by an emulator.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        term: str = "xterm-256color",
        **variables: str,
    ) -> None:
        self.terminal = Emulator(*size)
        self.raw = bytearray()
        """All that ever arrived."""
        self._command = list(command)
        self._size = size
        self._environment = {"PATH": os.environ["PATH"], "TERM": term, **variables}

    def __enter__(self) -> Self:
        self._ours, theirs = os.openpty()
        os.set_blocking(self._ours, False)
        self._set_size(*self._size)
        self.process = subprocess.Popen(
            self._command, stdin=theirs, stdout=theirs, stderr=theirs, env=self._environment, start_new_session=True
        )
        os.close(theirs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.process as process:
            process.send_signal(signal.SIGCONT)
            process.kill()
        os.close(self._ours)

    # The person

    def sees(self, text: str) -> bool:
        """Whether these words stand on the screen now, lines however broken."""
        self.look()
        return self.terminal.sees(text)

    def press(self, *keys: str) -> None:
        """Keys by name, or text as it is typed."""
        for key in keys:
            os.write(self._ours, KEYS.get(key, key).encode())

    def resize(self, columns: int, rows: int) -> None:
        """Drags the window's corner."""
        self.look()
        if columns and rows:
            self.terminal.resize(columns, rows)
        self._set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def until(self, is_so: Callable[[], bool], seconds: float = 40.0) -> None:
        """Returns once it is so. Fails with what is seen then."""
        deadline = time.monotonic() + seconds
        while not self._look_whether(is_so):
            if time.monotonic() > deadline:
                raise self._in_vain(seconds)
            select.select([self._ours], [], [], 0.05)

    def until_sees(self, text: str, seconds: float = 40.0) -> None:
        """Returns once these words are on the screen."""
        self.until(lambda: self.terminal.sees(text), seconds)

    def wait(self, seconds: float = 40.0) -> int:
        """The exit status of ssh, once it has ended."""
        self.until(lambda: self.process.poll() is not None, seconds)
        self.look()
        return int(self.process.returncode)

    # The same for whoever must not be kept waiting

    async def until_so(self, is_so: Callable[[], bool], seconds: float = 40.0) -> None:
        """As `until`, while a server in this process goes on."""
        deadline = time.monotonic() + seconds
        while not self._look_whether(is_so):
            if time.monotonic() > deadline:
                raise self._in_vain(seconds)
            await asyncio.sleep(0.01)

    async def until_seen(self, text: str, seconds: float = 40.0) -> None:
        """As `until_sees`, while a server in this process goes on."""
        await self.until_so(lambda: self.terminal.sees(text), seconds)

    async def ended(self, seconds: float = 40.0) -> int:
        """As `wait`, while a server in this process goes on."""
        await self.until_so(lambda: self.process.poll() is not None, seconds)
        self.look()
        return int(self.process.returncode)

    def look(self) -> None:
        """Reads what has arrived."""
        # An OSError says that there is nothing now, or that nobody holds the other end any more.
        with suppress(OSError):
            while data := os.read(self._ours, _PIECE):
                self.raw += data
                self.terminal.feed(data)

    def _look_whether(self, is_so: Callable[[], bool]) -> bool:
        self.look()
        return is_so()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _in_vain(self, seconds: float) -> AssertionError:
        return AssertionError(f"not within {seconds} s. The window:\n" + "\n".join(self.terminal.lines))
