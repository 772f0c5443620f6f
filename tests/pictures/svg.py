"""A terminal's screen as SVG that looks alike everywhere, and fetches nothing."""

import io
import re
from collections.abc import Iterator
from html import escape
from itertools import groupby
from string import Template

import pyte
from pyte.screens import Char
from rich.color import Color
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

from tests.pictures.shapes import Shapes, is_shape

_FONTS = (
    "ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', 'Courier New',"
    " monospace"
)
_SIXTEEN = (
    *("black", "red", "green", "brown", "blue", "magenta", "cyan", "white"),
    *("brightblack", "brightred", "brightgreen", "brightbrown", "brightblue", "brightmagenta", "brightcyan"),
    "brightwhite",
)
"""As pyte calls them."""
_CHANNELS = [(n & 1, n >> 1 & 1, n >> 2) for n in range(8)]
_DIM, _BRIGHT = ([(r * most, g * most, b * most) for r, g, b in _CHANNELS] for most in (170, 255))
_LINE_END = re.compile(r"<text [^>]*>\n</text>")
# What has a dollar is ours, what has braces is rich's; the braces of CSS are doubled.
_FORMAT = Template("""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-title {{ fill: $quiet; font: 15px $fonts; }}
.{unique_id}-matrix {{ font: {char_height}px $fonts; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect x="0.5" y="0.5" rx="8" width="99.9%" height="99.8%" fill="$background" stroke="$line"/>
<g fill="$line"><circle cx="22" cy="21" r="6"/><circle cx="42" cy="21" r="6"/><circle cx="62" cy="21" r="6"/></g>
<text class="{unique_id}-title" x="50%" y="26" text-anchor="middle">$title</text>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
$shapes
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""")


def draw(screen: pyte.Screen, theme: Theme, title: str) -> str:
    """The picture of what is seen, with this above it."""
    seen = _Seen(screen, theme)
    console = Console(
        record=True, width=screen.columns, file=io.StringIO(), color_system="truecolor", force_terminal=True
    )
    console.print(Segments(seen.segments()), end="")
    template = _FORMAT.substitute(
        quiet=theme.variables["quiet"],
        line=theme.variables["line"],
        background=theme.background,
        fonts=_FONTS,
        title=escape(title),
        shapes=seen.shapes.svg(),
    )
    drawn = console.export_svg(theme=seen.palette, title="", code_format=template, unique_id="s")
    # The ends of lines are text to rich; and an element a line makes differences readable.
    return _LINE_END.sub("", drawn).replace("><text", ">\n<text").replace("><rect", ">\n<rect")


class _Seen:
    """A screen as rich takes it, and what rich is not asked to draw."""

    def __init__(self, screen: pyte.Screen, theme: Theme) -> None:
        assert theme.background
        assert theme.foreground
        self._screen = screen
        background, foreground = Color.parse(theme.background).triplet, Color.parse(theme.foreground).triplet
        assert background
        assert foreground
        self.palette = TerminalTheme(background, foreground, _DIM, _BRIGHT)
        self.shapes = Shapes()

    def segments(self) -> list[Segment]:
        """Words and the gaps between them, each where it stands whatever the font."""
        return [segment for row in range(self._screen.lines) for segment in self._row(row)]

    def _row(self, row: int) -> Iterator[Segment]:
        cells = [self._cell(row, column) for column in range(self._screen.columns)]
        for (style, _), run in groupby(cells, key=lambda cell: (cell[1], cell[0] == " ")):
            yield Segment("".join(char for char, _ in run), style)
        yield Segment.line()

    def _cell(self, row: int, column: int) -> tuple[str, Style]:
        it: Char = self._screen.buffer[row][column]
        fore, back = self._colour(it.fg, is_back=False), self._colour(it.bg, is_back=True)
        if it.reverse:
            fore, back = back, fore
        if is_shape(it.data):
            self.shapes.add(it.data, column, row, fore)
        char = " " if is_shape(it.data) else it.data
        # What is as dark as all around it needs no paint, and a blank no ink.
        background = None if back == self.palette.background_color.hex else back
        if char == " " and not it.underscore:
            return char, Style(bgcolor=background)
        style = Style(
            color=fore,
            bgcolor=background,
            bold=it.bold,
            italic=it.italics,
            underline=it.underscore,
            strike=it.strikethrough,
        )
        return char, style

    def _colour(self, name: str, *, is_back: bool) -> str:
        """In hex, from what pyte calls it."""
        if name == "default":
            return (self.palette.background_color if is_back else self.palette.foreground_color).hex
        if name in _SIXTEEN:
            return self.palette.ansi_colors[_SIXTEEN.index(name)].hex
        return f"#{name}"
