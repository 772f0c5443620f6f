"""A terminal that tests can read: pyte, with the second screen and the ledger of modes that it lacks."""

import re

import pyte

_MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_BEGUN_MODES = re.compile(rb"\x1b(?:\[(?:\?[\d;]*)?)?\Z")
_SECOND_SCREEN = 1049
_ON_AT_FIRST = frozenset({7, 25})
"""Wrapping, and the cursor."""


class Emulator:
    """Fed with what a terminal would be sent."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self._screens = [pyte.Screen(columns, rows)]
        self._stream = pyte.ByteStream(self._screens[0])
        self._begun = b""
        self.modes = set(_ON_AT_FIRST)
        """Of those that are switched by `CSI ? … h` and `l`, the ones that are on."""
        self.ever = set(_ON_AT_FIRST)
        """Those that have ever been on."""

    def feed(self, data: bytes) -> None:
        """What arrived, in pieces of any length."""
        data, self._begun = self._begun + data, b""
        if begun := _BEGUN_MODES.search(data):
            self._begun, data = begun[0], data[: begun.start()]
        at = 0
        for found in _MODES.finditer(data):
            self._stream.feed(data[at : found.start()])
            at = found.end()
            for mode in found[1].split(b";"):
                self._switch(int(mode), found[2] == b"h")
        self._stream.feed(data[at:])

    def resize(self, columns: int, rows: int) -> None:
        """The window has another size."""
        for screen in self._screens:
            screen.resize(rows, columns)

    @property
    def screen(self) -> pyte.Screen:
        """The one that is seen."""
        return self._screens[-1]

    @property
    def lines(self) -> list[str]:
        """What is seen, without blanks at the ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """All that is seen, lines however broken."""
        return " ".join(" ".join(self.screen.display).split())

    def sees(self, text: str) -> bool:
        """Whether these words stand somewhere."""
        return " ".join(text.split()) in self.text

    @property
    def is_as_at_first(self) -> bool:
        """Whether every mode is again as a shell expects it, and the first screen is seen."""
        return self.modes == _ON_AT_FIRST and len(self._screens) == 1

    def _switch(self, mode: int, on: bool) -> None:
        if on:
            self.modes.add(mode)
            self.ever.add(mode)
        else:
            self.modes.discard(mode)
        if mode == _SECOND_SCREEN and on and len(self._screens) == 1:
            first = self._screens[0]
            self._screens.append(pyte.Screen(first.columns, first.lines))
            self._stream = pyte.ByteStream(self.screen)
        elif mode == _SECOND_SCREEN and not on and len(self._screens) == 2:
            self._screens.pop()
            self._stream = pyte.ByteStream(self.screen)
        elif mode != _SECOND_SCREEN:
            self._stream.feed(b"\x1b[?%d%s" % (mode, b"h" if on else b"l"))
