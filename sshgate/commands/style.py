"""How what is said may look at the other end: in colour or not, and how wide."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from capsul.rules import plain_text

Colour = Literal["green", "yellow", "red", "grey", "bold"]

_CODES: dict[Colour, str] = {"green": "32", "yellow": "33", "red": "31", "grey": "90", "bold": "1"}
_MOST_READABLE = 100
"""Columns: sentences in longer lines are hard to read."""
_COMMAND = re.compile(r"(?<=: )ssh .*")
"""The command line that a sentence ends with."""


@dataclass(frozen=True)
class Style:
    """What a terminal can show. By default for no terminal: without colours, and a line may be as long as it is."""

    colours: bool = False
    columns: int | None = None
    """None where nobody looks: a file or a program keeps one line a row, whole."""

    @property
    def readable(self) -> int | None:
        """How long lines of prose may be."""
        return self.columns and min(self.columns, _MOST_READABLE)

    def paint(self, text: str, colour: Colour) -> str:
        """The text, coloured if colours are wanted. It is taken as data: no control character gets through."""
        text = plain_text(text)
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.colours else text

    def say(self, text: str) -> str:
        """A sentence as whole lines, taken as data. A command line at its end stays whole, to be copied."""
        text = plain_text(text)
        command = _COMMAND.search(text)
        if self.readable is None or command is None or width(text) <= self.readable:
            return f"{wrap(text, self.readable)}\n"
        return f"{wrap(text[: command.start()].rstrip(), self.readable)}\n    {command[0]}\n"


def wrap(text: str, columns: int | None, first: str = "", rest: str = "") -> str:
    """The text in lines of at most so many columns: `first` before its first line, `rest` before all others.

    No word is broken: one that is longer than a line stands in a line of its own.
    """
    if columns is None:
        return f"{first}{text}"
    lines, line, is_empty = [], first, True
    for word in text.split():
        grown = f"{line}{word}" if is_empty else f"{line} {word}"
        if is_empty or width(grown) <= columns:
            line, is_empty = grown, False
        else:
            lines.append(line)
            line = f"{rest}{word}"
    return "\n".join([*lines, line])


def width(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
