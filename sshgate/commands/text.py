"""How facts, figures and times look to a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capsul.models import Key
from capsul.rules import plain_text
from capsul.text import Tone, short_fingerprint, tone
from sshgate.commands.style import Colour, Style, width, wrap

_COLOURS: dict[Tone, Colour] = {"good": "green", "busy": "yellow", "bad": "red", "off": "grey"}


@dataclass(frozen=True)
class Paint:
    """A text in a colour. Nothing is ever said by colour alone."""

    text: str
    colour: Colour


@dataclass(frozen=True)
class Fingerprint:
    """A key's. Where there is no room in a table, its beginning has to do: the whole is in the JSON."""

    text: str

    @property
    def short(self) -> str:
        """Enough of it to tell it from others."""
        return short_fingerprint(self.text)


Cell = str | int | Paint | Fingerprint | None


def state(word: str) -> Paint:
    """A state, in the colour that states of its kind have everywhere."""
    return Paint(word, _COLOURS[tone(word)])


def plain(cell: Cell) -> str:
    """What stands in a cell, as data: no control character gets through."""
    if isinstance(cell, Paint | Fingerprint):
        return plain_text(cell.text)
    return plain_text(str(cell)) if cell is not None else "-"


def painted(cell: Cell, text: str, style: Style) -> str:
    """The text in the colour of the cell."""
    return style.paint(text, cell.colour) if isinstance(cell, Paint) else text


def key_cell(text: str | None) -> Cell:
    """What may be a fingerprint, or nothing."""
    return Fingerprint(text) if text and text.startswith("SHA256:") else text or None


def fields(pairs: Iterable[tuple[str, Cell]], style: Style) -> str:
    """One thing, a fact a line. Facts that are not known are left out; long ones go on under their beginning."""
    known = [(name, value) for name, value in pairs if value is not None]
    longest = max(width(name) for name, _ in known)
    indent = " " * (longest + 2)
    return "".join(
        f"{style.paint(name.ljust(longest), 'grey')}  {painted(value, _beside(value, indent, style), style)}\n"
        for name, value in known
    )


def _beside(value: Cell, indent: str, style: Style) -> str:
    if isinstance(value, Paint) or plain(value).startswith("ssh "):
        # A command line stays in one piece: it is there to be copied.
        return plain(value)
    return wrap(plain(value), style.columns, indent, indent).removeprefix(indent)


def key_in_words(key: Key) -> str:
    """Which key it is, to its owner."""
    return f'"{key.name}"{", an operator" * key.operator}'


def more_than(shown: Sequence[object], limit: int) -> str:
    """A hint that a list was cut, if it may have been."""
    return f"The list ends after {limit}; there may be more: see --limit." if len(shown) == limit else ""
