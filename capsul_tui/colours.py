"""Colours as a terminal can show them.

Rich brings true colours down to a palette channel by channel, which turns dark greys into navy. These filters choose
the entry that looks most alike, by distance in Oklab (https://bottosson.github.io/posts/oklab/).
"""

from functools import lru_cache
from unicodedata import normalize

from rich.cells import cell_len
from rich.color import Color as RichColour
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_LEVELS = (0, 95, 135, 175, 215, 255)
Lab = tuple[float, float, float]


class To256(LineFilter):
    """True colours become entries 16 to 255 of the palette that all terminals of 256 colours share."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """As LineFilter has it."""
        del background
        return [Segment(text, style and _brought_down(style), control) for text, style, control in segments]


class WithoutColours(LineFilter):
    """Nothing is left but bold, underlined and reversed: what stood on a colour of its own is reversed."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """As LineFilter has it."""
        del background
        return [Segment(text, style and _colourless(style), control) for text, style, control in segments]


class Ascii(LineFilter):
    """Lines, blocks and arrows become what every terminal has."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """As LineFilter has it."""
        del background
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


def to_ascii(text: str) -> str:
    """The same in ASCII, as wide on the screen as it was: by likeness, else a `?`."""
    if text.isascii():
        return text
    text = text.translate(_ASCII)
    return text if text.isascii() else "".join(char if char.isascii() else _alike(char) for char in text)


@lru_cache(4096)
def _alike(char: str) -> str:
    width = cell_len(char)
    letters = "".join(it for it in normalize("NFKD", char) if it.isascii())
    return letters if letters and len(letters) == width else "?" * width


_ASCII = str.maketrans(
    {
        **dict.fromkeys("─━═╌┄▁▔", "-"),
        **dict.fromkeys("│┃║▏▎▍▌▐▕", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╠╣╦╩╬", "+"),
        **dict.fromkeys("█▉▊▋▇▆", "#"),
        **dict.fromkeys("▅▄", "="),
        **dict.fromkeys("▃▂", "_"),
        **dict.fromkeys("●◆■▪", "*"),
        **dict.fromkeys("○◇□", "o"),
        **dict.fromkeys("▶►→▸", ">"),
        **dict.fromkeys("◀◄←◂", "<"),
        **dict.fromkeys("▲↑▴", "^"),
        **dict.fromkeys("▼↓▾", "v"),
        "✓": "+",
        "✗": "x",
        "·": ".",
        "…": "~",
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("\u2018\u2019\u201a", "'"),
        **dict.fromkeys("\u2013\u2014\u2212", "-"),
        "\u00d7": "x",
    }
)


def _brought_down(style: Style) -> Style:
    return style + _change(style.color, style.bgcolor)


@lru_cache(1024)
def _change(colour: RichColour | None, background: RichColour | None) -> Style:
    # By colours, of which there are few: styles carry also where each word stands.
    return Style.from_color(colour and _entry(colour), background and _entry(background))


def _entry(colour: RichColour) -> RichColour:
    if colour.type is not ColorType.TRUECOLOR or colour.triplet is None:
        return colour
    return RichColour.from_ansi(nearest_of_256(*colour.triplet))


@lru_cache(4096)
def nearest_of_256(red: int, green: int, blue: int) -> int:
    """The entry, 16 to 255, that looks most like a colour given by its channels, 0 to 255 each."""
    wanted = _oklab(red, green, blue)
    return min(_PALETTE, key=lambda entry: _distance(_PALETTE[entry], wanted))


def _distance(one: Lab, other: Lab) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _oklab(red: int, green: int, blue: int) -> Lab:
    r, g, b = (_linear(channel / 255) for channel in (red, green, blue))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _palette() -> dict[int, Lab]:
    cube = [(r, g, b) for r in _LEVELS for g in _LEVELS for b in _LEVELS]
    greys = [(8 + 10 * n,) * 3 for n in range(24)]
    return {16 + at: _oklab(*channels) for at, channels in enumerate([*cube, *greys])}


_PALETTE = _palette()


_REVERSED = Style(reverse=True)


@lru_cache(4096)
def _colourless(style: Style) -> Style:
    stands_out = style.bgcolor is not None and not style.bgcolor.is_default
    # What a click on it does stays.
    bare = style.without_color + Style.from_meta(style.meta) if style.meta else style.without_color
    return bare + _REVERSED if stands_out else bare
