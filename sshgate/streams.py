"""What a command writes and reads: as fast as the client takes it, and no more than a command has a use for."""

import asyncio
import re
from collections.abc import Callable

import asyncssh

from capsul.errors import BadRequest

_PIECE = 32 * 1024
_MOST_INPUT = 256 * 1024
_CTRL_C, _CTRL_D = b"\x03", b"\x04"
_ERASE = (b"\x7f", b"\b")
_KEYS = re.compile(rb"[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+")
"""A control character, or text."""


class StalledError(Exception):
    """The client has not read what was sent to it for a very long time."""


class Output:
    """Standard output and standard error of one channel."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", stalled_seconds: float) -> None:
        self._channel = channel
        self.stalled_seconds = stalled_seconds
        """How long a client may take to read what was sent before it is cut off."""
        self._to_terminal = False
        self._may_write = asyncio.Event()
        self._may_write.set()

    def to_terminal(self) -> None:
        """From now on lines end as a terminal in raw mode needs them to."""
        self._to_terminal = True

    def pause(self) -> None:
        """The client's window is full."""
        self._may_write.clear()

    def resume(self) -> None:
        """There is room again."""
        self._may_write.set()

    async def write(self, text: str) -> None:
        """To standard output. Waits while the client does not take more.

        Raises:
            BrokenPipeError: the client is gone.
            StalledError: it took too long.
        """
        await self._send(text, None)

    async def write_error(self, text: str) -> None:
        """To standard error, else like `write`."""
        await self._send(text, asyncssh.EXTENDED_DATA_STDERR)

    def echo(self, data: bytes) -> None:
        """Shows somebody what they type, at once; whoever does not look while they type misses it."""
        if self._may_write.is_set():
            self._channel.write(data)

    async def _send(self, text: str, kind: int | None) -> None:
        if self._to_terminal:
            text = text.replace("\n", "\r\n")
        data = text.encode("utf-8", "replace")
        for start in range(0, len(data), _PIECE):
            await self._wait_for_room()
            self._channel.write(data[start : start + _PIECE], kind)

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(self.stalled_seconds):
                await self._may_write.wait()
        except TimeoutError:
            raise StalledError from None


class CapturedOutput(Output):
    """What a command writes, kept: for whoever asked by another way than a channel."""

    def __init__(self) -> None:
        self.out = ""
        self.err = ""

    async def write(self, text: str) -> None:
        """Kept in `out`."""
        self.out += text

    async def write_error(self, text: str) -> None:
        """Kept in `err`."""
        self.err += text


class Input:
    """Standard input of one channel, kept up to a limit and read as a whole."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._is_too_long = False
        self._echo: Callable[[bytes], None] | None = None
        self._is_read = False
        self._ended = asyncio.Event()

    def from_terminal(self, echo: Callable[[bytes], None]) -> None:
        """From now on it is somebody typing, in raw mode: nothing is seen of it but what is given to `echo`."""
        self._echo = echo

    def feed(self, data: bytes) -> bool:
        """Takes what arrived. False when it was somebody pressing Ctrl-C."""
        if self._echo is not None:
            if _CTRL_C in data:
                return False
            self._type(data, self._echo)
        else:
            self._keep(data)
        return True

    def end(self) -> None:
        """Nothing more will come."""
        self._ended.set()

    async def read(self) -> str:
        """All of it, once it has ended.

        Raises:
            BadRequest: it is longer than anything we take, or not UTF-8.
        """
        self._is_read = True
        try:
            await self._ended.wait()
        finally:
            self._is_read = False
        if self._is_too_long:
            raise BadRequest(f"Standard input may be {_MOST_INPUT // 1024} KiB at most.")
        try:
            return self._kept.decode("utf-8")
        except UnicodeDecodeError:
            raise BadRequest("Standard input is not UTF-8 text.") from None

    def _keep(self, data: bytes) -> None:
        self._is_too_long = self._is_too_long or len(self._kept) + len(data) > _MOST_INPUT
        if not self._is_too_long:
            self._kept += data

    def _type(self, data: bytes, echo: Callable[[bytes], None]) -> None:
        typed, ended, _ = data.partition(_CTRL_D)
        for key in _KEYS.findall(typed.replace(b"\r", b"\n")):
            seen = self._take_back() if key in _ERASE else self._add(key)
            if self._is_read:
                echo(seen)
        if ended:
            self._ended.set()

    def _add(self, key: bytes) -> bytes:
        """Keeps what was typed; gives what is seen of it. Control characters are kept, and shown as nothing."""
        self._keep(key)
        return b"\r\n" if key == b"\n" else key if key >= b" " else b""

    def _take_back(self) -> bytes:
        """Forgets the last character of this line; gives what takes it off the screen."""
        line = self._kept[self._kept.rfind(b"\n") + 1 :].decode("utf-8", "surrogateescape")
        if not line:
            return b""
        del self._kept[-len(line[-1].encode("utf-8", "surrogateescape")) :]
        return b"\b \b"
