"""What arrives from a terminal, told apart: keys and mouse, what was pasted, and what the terminal says of itself."""

import re
import time
from codecs import getincrementaldecoder
from collections.abc import Generator, Iterable, Iterator

from textual import events, messages
from textual._xterm_parser import XTermParser
from textual.message import Message

_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
_SPECIAL = re.compile(r"\x1b\[200~|\x1b\]\d{1,4};[^\x07\x1b]{0,256}(?:\x07|\x1b\\)")
"""Where a paste begins, or a whole answer (OSC)."""
_BEGUN = re.compile(r"\x1b(?:\](?:\d{1,4}(?:;[^\x07\x1b]{0,256}\x1b?)?)?|\[(?:2(?:0(?:0)?)?)?)?\Z")
"""What may become one of these with the next bytes."""
_BACKGROUND = re.compile(r"\x1b\]11;rgba?:" + "/".join(3 * ["([0-9a-fA-F]{1,4})"]))
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_MOST_PASTED = 64 * 1024
_ANSWER_SECONDS = 1.0
"""How long the rest of an answer may take: one that never ends is nothing that somebody typed."""
_PASTE_SECONDS = 5.0
"""How long a paste may pause. If its end never comes, keys would be dead."""

# Not what it makes of sizes (ours come with the channel, and a client may claim any here), nor of the cursor's place.
_WANTED = (events.Key, events.MouseEvent, messages.TerminalSupportsSynchronizedOutput)


class BackgroundSeen(events.Event, bubble=False):
    """The terminal has said what its background is."""

    def __init__(self, red: int, green: int, blue: int) -> None:
        self.colour = red, green, blue
        super().__init__()

    @property
    def is_light(self) -> bool:
        """By luma (ITU-R BT.601)."""
        red, green, blue = self.colour
        return 0.299 * red + 0.587 * green + 0.114 * blue > 128


class Keyboard:
    """Textual's parser, and before it what that would type as letters or keep without limit."""

    def __init__(self) -> None:
        self._parser = _Parser()
        self._decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._held = ""
        self._pasted: str | None = None
        self._heard_at = 0.0

    @property
    def waits(self) -> bool:
        """Whether the rest of something is still to come: `tick` until it is not."""
        return bool(self._held) or self._pasted is not None

    def feed(self, data: bytes) -> Iterator[Message]:
        """What these bytes complete."""
        self._heard_at = time.monotonic()
        text, self._held = self._held + self._decode(data), ""
        while text:
            if self._pasted is not None:
                text = yield from self._paste(text)
                continue
            special = _SPECIAL.search(text)
            if special is None:
                if begun := _BEGUN.search(text):
                    self._held = begun[0]
                yield from self._keys(text.removesuffix(self._held))
                return
            yield from self._keys(text[: special.start()])
            text = text[special.end() :]
            if special[0] == _PASTE:
                self._pasted = ""
            else:
                yield from _background(special[0])

    def tick(self) -> Iterator[Message]:
        """A while after the last bytes: what has begun and not gone on was a key of its own, such as Escape."""
        silence = time.monotonic() - self._heard_at
        if self._pasted is not None:
            if silence > _PASTE_SECONDS:
                yield from self._end_paste()
            return
        is_answer = ";" in self._held
        if is_answer and silence < _ANSWER_SECONDS:
            return
        held, self._held = self._held, ""
        if not is_answer:
            yield from self._keys(held)
        yield from _wanted(self._parser.tick())

    def _keys(self, text: str) -> Iterator[Message]:
        # Fed with nothing, the parser takes it for the end of all input.
        if text:
            yield from _wanted(self._parser.feed(text))

    def _paste(self, text: str) -> Generator[Message, None, str]:
        """Takes what belongs to the paste, and returns what follows it."""
        pasted, end, rest = text.partition(_PASTED)
        if not end:
            self._held = next((_PASTED[:size] for size in range(5, 0, -1) if text.endswith(_PASTED[:size])), "")
            pasted = text.removesuffix(self._held)
        self._pasted = (self._pasted or "") + pasted[: _MOST_PASTED - len(self._pasted or "")]
        if end:
            yield from self._end_paste()
        return rest

    def _end_paste(self) -> Iterator[Message]:
        pasted, self._pasted, self._held = self._pasted or "", None, ""
        yield events.Paste(_NO_TEXT.sub("", pasted))


class _Parser(XTermParser):
    """Takes no client's word for how many pixels it has, by which it would divide."""

    @property
    def mouse_pixels(self) -> bool:
        return False

    @mouse_pixels.setter
    def mouse_pixels(self, value: bool) -> None:
        del value


def _wanted(found: Iterable[Message]) -> Iterator[Message]:
    return (message for message in found if isinstance(message, _WANTED))


def _background(answer: str) -> Iterator[Message]:
    if said := _BACKGROUND.match(answer):
        red, green, blue = (round(int(part, 16) * 255 / (16 ** len(part) - 1)) for part in said.groups())
        yield BackgroundSeen(red, green, blue)
