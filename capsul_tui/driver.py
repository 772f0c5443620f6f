"""Textual's terminal, at the other end of an SSH channel."""

import asyncio
import re
from codecs import getincrementaldecoder
from typing import Any, BinaryIO, Literal, Protocol, TextIO

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.geometry import Size

_ALTERNATE_SCREEN = ("\x1b[?1049h", "\x1b[?1049l")
_NO_CURSOR = ("\x1b[?25l", "\x1b[?25h")
_NO_WRAP = ("\x1b[?7l", "\x1b[?7h")
_BRACKETED_PASTE = ("\x1b[?2004h", "\x1b[?2004l")
# Presses, releases and the wheel, in decimal. Not every movement: each would cross the network.
_MOUSE = ("\x1b[?1000h\x1b[?1006h", "\x1b[?1006l\x1b[?1000l")
_MODES = (_ALTERNATE_SCREEN, _NO_CURSOR, _NO_WRAP, _BRACKETED_PASTE, _MOUSE)
_RESET = "\x1b[0m\x1b[r"

# What is the background (xterm's OSC 11), and does it take frames whole (mode 2026)? Asked before the first frame,
# which paints over whatever a terminal prints that does not know the question.
_QUESTIONS = "\x1b]11;?\x1b\\\x1b[?2026$p"
_BACKGROUND = re.compile(
    r"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})[0-9a-fA-F/]{0,5}(?:\x07|\x1b\\)"
)
_BEGUN_BACKGROUND = re.compile(r"\x1b\](?:1(?:1(?:;[rgba:/0-9a-fA-F]{0,24}\x1b?)?)?)?$")
_ESCAPE_SECONDS = 0.12
"""A little more than the parser's own patience: Escape is a key of its own when nothing has followed it by then."""


class Wire(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes) -> None:
        """Never waits, never raises: what is written after the end is lost."""


class ChannelDriver(Driver):
    """Feeds an App from a channel, and writes its frames to it.

    While the channel is paused nothing of a frame is written; with the first moment of room the newest is drawn whole.
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
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._wire = wire
        self._asks = asks
        self._parser = XTermParser(debug)
        self._decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._begun = ""
        self._frame: list[str] = []
        self._tick: asyncio.TimerHandle | None = None
        self._is_on = False
        self._takes_input = True
        self.is_paused = False
        self.has_missed = False
        """Whether a frame was dropped since the last that was written."""
        self.background: tuple[int, int, int] | None = None
        """What the terminal said its background is: red, green, blue, 0 to 255."""

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
        if self.is_paused:
            self.has_missed = True
        elif self._is_on and frame:
            self._send(frame)

    def start_application_mode(self) -> None:
        """Takes the terminal over."""
        self._is_on = True
        self._send("".join(on for on, _ in _MODES) + (_QUESTIONS if self._asks else ""))
        columns, rows = self._size or (80, 24)
        self.resize(columns, rows)

    def disable_input(self) -> None:
        """Nothing that arrives is of interest any more."""
        self._takes_input = False
        if self._tick is not None:
            self._tick.cancel()

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

    # What the session calls

    def feed(self, data: bytes) -> None:
        """What was typed, or what the terminal answers."""
        if not self._takes_input:
            return
        text = self._without_answers(self._decode(data))
        for message in self._parser.feed(text) if text else ():
            self.process_message(message)
        self._tick_later()

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._size = (columns, rows)
        size = Size(columns, rows)
        self.send_message(events.Resize(size, size))

    def pause(self) -> None:
        """The channel takes no more for now."""
        self.is_paused = True

    def resume(self) -> None:
        """There is room again: what was missed meanwhile is drawn as it is now."""
        self.is_paused = False
        if self.has_missed:
            self.has_missed = False
            self._app.call_later(self._app.refresh, layout=True)

    def say(self, sequence: str) -> None:
        """A control sequence that is no part of a frame, and is never dropped. Short: the channel may be paused."""
        if self._is_on:
            self._send(sequence)

    # How it is done

    def send_message(self, message: Any) -> None:
        """To the App, which lives on the same loop."""
        self._app.post_message(message)

    def _send(self, text: str) -> None:
        self._wire.write(text.encode("utf-8", "replace"))

    def _tick_later(self) -> None:
        """A lone Escape is known for one only when nothing follows it for a while."""
        if self._tick is not None:
            self._tick.cancel()
        self._tick = self._loop.call_later(_ESCAPE_SECONDS, self._tick_now)

    def _tick_now(self) -> None:
        if not self._takes_input:
            return
        begun, self._begun = self._begun, ""
        for message in (*self._parser.feed(begun), *self._parser.tick()) if begun else self._parser.tick():
            self.process_message(message)

    def _without_answers(self, text: str) -> str:
        """Takes out what the terminal says of its background: the parser would type it as letters."""
        text, self._begun = self._begun + text, ""
        if "\x1b]" not in text:
            return text
        text = _BACKGROUND.sub(self._hear, text)
        if begun := _BEGUN_BACKGROUND.search(text):
            self._begun = begun[0]
            return text[: begun.start()]
        return text

    def _hear(self, answer: re.Match[str]) -> str:
        red, green, blue = (round(int(part, 16) * 255 / (16 ** len(part) - 1)) for part in answer.groups())
        self.background = red, green, blue
        self.send_message(BackgroundSeen(self.background))
        return ""


class BackgroundSeen(events.Event, bubble=False):
    """The terminal has said what its background is."""

    def __init__(self, colour: tuple[int, int, int]) -> None:
        self.colour = colour
        super().__init__()

    @property
    def is_light(self) -> bool:
        """By luma (ITU-R BT.601)."""
        red, green, blue = self.colour
        return 0.299 * red + 0.587 * green + 0.114 * blue > 128
