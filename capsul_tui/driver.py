"""Textual's terminal, at the other end of an SSH channel."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import Context
from typing import Any, BinaryIO, Literal, Protocol, TextIO

from textual import events
from textual.app import App, ScreenStackError
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message
from textual.message_pump import MessagePump

from capsul_tui.keyboard import Keyboard

_ALTERNATE_SCREEN = ("\x1b[?1049h", "\x1b[?1049l")
_NO_CURSOR = ("\x1b[?25l", "\x1b[?25h")
_NO_WRAP = ("\x1b[?7l", "\x1b[?7h")
_BRACKETED_PASTE = ("\x1b[?2004h", "\x1b[?2004l")
# Presses, releases and the wheel, in decimal. Not every movement: each would cross the network.
_MOUSE = ("\x1b[?1000h\x1b[?1006h", "\x1b[?1006l\x1b[?1000l")
_MODES = (_ALTERNATE_SCREEN, _NO_CURSOR, _NO_WRAP, _BRACKETED_PASTE, _MOUSE)
# Colours, margins, and for terminals without a second screen what was drawn on the only one.
_RESET = "\x1b[0m\x1b[r\x1b[2J\x1b[H"

# What is the background (xterm's OSC 11), and does it take frames whole (mode 2026)? Asked before the first frame,
# which paints over whatever a terminal prints that does not know the question.
_QUESTIONS = "\x1b]11;?\x1b\\\x1b[?2026$p"

_ESCAPE_SECONDS = 0.12
"""Escape is a key of its own when nothing has followed it by then."""
_KEY_SECONDS = 2.0
"""How long the next key waits for what the one before it does, at most."""
_BYTES_AHEAD = 64 * 1024
"""Bytes typed or pasted that may wait here before the client is to wait with more."""
_PIECE = 256
_SAID_AHEAD = 8 * 1024
"""Bytes that are no part of a frame and may be sent while the channel is paused: a link for the clipboard."""
_SIZE_SECONDS = 0.2
"""How often the terminal may have another size: each is drawn whole, and a client can claim a thousand a second."""
_FIRST_SECONDS = 1.0
"""How long keys wait at most for the first screen to be there."""


class Wire(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes) -> None:
        """Never waits, never raises: what is written after the end is lost."""

    def pause_reading(self) -> None:
        """Feed no more for now."""

    def resume_reading(self) -> None:
        """Feed again."""


class ChannelDriver(Driver):
    """Feeds an App from a channel, and writes its frames to it.

    While the channel is paused nothing of a frame is written; with the first moment of room the newest is drawn whole.
    Keys come one after the other, each to where the one before it has led: over a network many arrive at once, and some
    before the first screen is there.
    Made by `Driver`'s own contract: `driver_class(app, debug=…, mouse=…, size=…)`.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
        wire: Wire,
        asks: bool = True,
        begun: "Callable[[ChannelDriver], None]" = lambda driver: None,
    ) -> None:
        """`begun` is told of this driver once the terminal is taken over."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._wire = wire
        self._asks = asks
        self._begun = begun
        self._keyboard = Keyboard()
        self._bytes = bytearray()
        self._keys: deque[Message] = deque()
        self._takes_keys = False
        self._typing: asyncio.Task[None] | None = None
        self._client_waits = False
        self._frame: list[str] = []
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._is_on = False
        self._is_deaf = False
        self._is_paused = False
        self._has_missed = False
        self._said_ahead = 0
        self._told_size: tuple[int, int] | None = None
        """The size that the App was told lately."""

    # What Textual calls

    def write(self, data: str) -> None:
        """A frame, or a part of one."""
        if not self._frame:
            # Not everything that is written is flushed.
            self._loop.call_soon(self.flush)
        self._frame.append(data)

    def flush(self) -> None:
        """The frame is whole. It goes out as one piece, or not at all while the channel is paused."""
        frame, self._frame = "".join(self._frame), []
        if frame and self._is_paused:
            self._has_missed = True
        elif frame and self._is_on:
            self._send(frame)

    def start_application_mode(self) -> None:
        """Takes the terminal over."""
        self._is_on, self._is_deaf = True, False
        self._send("".join(on for on, _ in _MODES) + (_QUESTIONS if self._asks else ""))
        self._later(_FIRST_SECONDS, self.take_keys)
        self._begun(self)

    def disable_input(self) -> None:
        """Nothing that arrives is of interest any more."""
        self._is_deaf = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._bytes.clear()
        self._keys.clear()
        if self._typing is not None:
            self._typing.cancel()
        self._let_client_go_on()

    def stop_application_mode(self) -> None:
        """Gives the terminal back as it was, whatever the channel's state: later there is no occasion."""
        self.disable_input()
        if self._is_on:
            self._is_on = False
            self._send(_RESET + "".join(off for _, off in reversed(_MODES)))

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Nothing: a browser would open on the server. Links are shown, and sent as OSC 8."""

    def deliver_binary(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: object,
        open_method: Literal["browser", "download"] = "download",
        encoding: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
    ) -> None:
        """Nothing: a file would be written on the server."""
        binary.close()

    def send_message(self, message: Message) -> None:
        """To the App, which lives on the same loop."""
        self._app.post_message(message)

    # What the session and the App call

    def feed(self, data: bytes) -> None:
        """What was typed, or what the terminal answers."""
        if self._is_deaf or not self._is_on:
            return
        self._bytes += data
        self._go_on()
        if not self._client_waits and len(self._bytes) > _BYTES_AHEAD:
            self._client_waits = True
            self._wire.pause_reading()

    def take_keys(self) -> None:
        """There is a screen for them."""
        self._takes_keys = True
        self._go_on()

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._size = (columns, rows)
        if self._told_size is None:
            self._tell_size()

    def pause(self) -> None:
        """The channel takes no more for now."""
        self._is_paused = True

    def resume(self) -> None:
        """There is room again: what was missed meanwhile is drawn as it is now."""
        self._is_paused = False
        self._said_ahead = 0
        if self._has_missed:
            self._has_missed = False
            self._app.call_later(self._app.refresh, layout=True)

    def say(self, sequence: str) -> None:
        """A control sequence that is no part of a frame. While the channel is paused, few and short ones only."""
        if self._is_paused:
            self._said_ahead += len(sequence)
        if self._is_on and self._said_ahead <= _SAID_AHEAD:
            self._send(sequence)

    # How it is done

    def _send(self, text: str) -> None:
        # A channel may set timers, which would keep this session until their time.
        Context().run(self._wire.write, text.encode("utf-8", "replace"))

    def _go_on(self) -> None:
        """Hands on what waits, as far as it is taken."""
        while self._bytes and len(self._keys) < _PIECE:
            first = bytes(self._bytes[:_PIECE])
            del self._bytes[:_PIECE]
            self._hear(self._keyboard.feed(first))
            self._later(_ESCAPE_SECONDS, self._tick)
        if not self._bytes:
            self._let_client_go_on()
        if self._keys and self._takes_keys and self._typing is None:
            self._typing = self._loop.create_task(self._type())

    async def _type(self) -> None:
        """Gives the App one key after the other."""
        try:
            while self._keys:
                self.process_message(self._keys.popleft())
                await self._settle()
                self._go_on()
        finally:
            self._typing = None

    async def _settle(self) -> None:
        """Waits until the App has done what it was told: a key may open a screen, or a field, that the next is for."""
        with suppress(TimeoutError, ScreenStackError):
            async with asyncio.timeout(_KEY_SECONDS):
                await _is_through(self._app)
                # What has the focus had it from the App, and then those around it, up to the App again.
                for node in (self._app.focused or self._app.screen).ancestors_with_self:
                    await _is_through(node)
                # It may be told to move the focus, and the screen may be a new one.
                await _is_through(self._app)
                await _is_through(self._app.screen)

    def _hear(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if isinstance(message, events.InputEvent | events.Paste):
                self._keys.append(message)
            else:
                # What a terminal says of itself concerns the first frame too.
                self.process_message(message)

    def _tick(self) -> None:
        self._hear(self._keyboard.tick())
        if self._keyboard.waits:
            self._later(_ESCAPE_SECONDS, self._tick)
        self._go_on()

    def _tell_size(self) -> None:
        """Tells the App of the newest size, and looks again in a while whether it is still that."""
        if self._size is None or self._told_size == self._size:
            self._told_size = None
            return
        self._told_size = self._size
        size = Size(*self._size)
        self.send_message(events.Resize(size, size))
        self._later(_SIZE_SECONDS, self._tell_size)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        """Once, however often it is asked for: the newest time counts."""
        if earlier := self._timers.pop(what, None):
            earlier.cancel()
        self._timers[what] = self._loop.call_later(seconds, what, context=Context())

    def _let_client_go_on(self) -> None:
        if self._client_waits:
            self._client_waits = False
            self._wire.resume_reading()


async def _is_through(pump: MessagePump) -> None:
    """Waits until it has handled what it was sent before."""
    handled = asyncio.Event()
    if pump.call_later(handled.set):
        await handled.wait()
