"""Characters that are pictures: blocks, braille and lines, as geometry.

Fonts differ in how they draw these, and few leave no gap between two rows. A QR code of such rows cannot be read.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 12.2, 24.4
"""Of a cell, as rich lays them out."""
TOP = 1.5
"""Where rich begins to paint the first row."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom; in eighths of a cell."""

_BLOCKS: dict[str, Sequence[Box]] = {
    **{char: [(0, 8 - n, 8, 8)] for n, char in enumerate("▁▂▃▄▅▆▇█", 1)},
    **{char: [(0, 0, n, 8)] for n, char in enumerate("▏▎▍▌▋▊▉", 1)},
    "▀": [(0, 0, 8, 4)],
    "▐": [(4, 0, 8, 8)],
    "▔": [(0, 0, 8, 1)],
    "▕": [(7, 0, 8, 8)],
    "▖": [(0, 4, 4, 8)],
    "▗": [(4, 4, 8, 8)],
    "▘": [(0, 0, 4, 4)],
    "▝": [(4, 0, 8, 4)],
    "▙": [(0, 0, 4, 4), (0, 4, 8, 8)],
    "▚": [(0, 0, 4, 4), (4, 4, 8, 8)],
    "▛": [(0, 0, 8, 4), (0, 4, 4, 8)],
    "▜": [(0, 0, 8, 4), (4, 4, 8, 8)],
    "▞": [(4, 0, 8, 4), (0, 4, 4, 8)],
    "▟": [(4, 0, 8, 4), (0, 4, 8, 8)],
}
_ARMS = {
    **dict.fromkeys("─", "lr"),
    **dict.fromkeys("│", "ud"),
    **dict.fromkeys("┌╭", "rd"),
    **dict.fromkeys("┐╮", "ld"),
    **dict.fromkeys("└╰", "ru"),
    **dict.fromkeys("┘╯", "lu"),
    **dict.fromkeys("├", "udr"),
    **dict.fromkeys("┤", "udl"),
    **dict.fromkeys("┬", "lrd"),
    **dict.fromkeys("┴", "lru"),
    **dict.fromkeys("┼", "udlr"),
}
_END = {"l": (0.0, 0.5), "r": (1.0, 0.5), "u": (0.5, 0.0), "d": (0.5, 1.0)}
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each bit of a character of braille."""
_BRAILLE = range(0x2800, 0x2900)


def is_shape(char: str) -> bool:
    """Whether this is drawn here, not by a font."""
    return char in _BLOCKS or char in _ARMS or ord(char) in _BRAILLE


@dataclass
class Shapes:
    """All of one screen, by colour."""

    _boxes: dict[str, list[Box]] = field(default_factory=lambda: defaultdict(list))
    _lines: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _dots: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, char: str, column: int, row: int, colour: str) -> None:
        """A character at its place."""
        left, top = column * WIDTH, row * HEIGHT + TOP
        for box in _BLOCKS.get(char, ()):
            self._add_box(colour, _placed(box, left, top))
        for arm in _ARMS.get(char, ""):
            x, y = _END[arm]
            middle = f"M{_n(left + WIDTH / 2)} {_n(top + HEIGHT / 2)}"
            self._lines[colour].append(f"{middle}L{_n(left + WIDTH * x)} {_n(top + HEIGHT * y)}")
        if ord(char) in _BRAILLE:
            self._dots[colour] += (
                f"M{_n(left + WIDTH * (2 * x + 1) / 4)} {_n(top + HEIGHT * (2 * y + 1) / 8)}h0"
                for bit, (x, y) in enumerate(_DOTS)
                if ord(char) >> bit & 1
            )

    def _add_box(self, colour: str, box: Box) -> None:
        boxes = self._boxes[colour]
        if boxes and boxes[-1][1:] == (box[1], box[0], box[3]):
            box = (boxes.pop()[0], *box[1:])
        boxes.append(box)

    def svg(self) -> str:
        """Elements of SVG."""
        return "\n".join(self._elements())

    def _elements(self) -> Iterator[str]:
        for colour, boxes in self._boxes.items():
            path = "".join(f"M{_n(x)} {_n(y)}H{_n(right)}V{_n(bottom)}H{_n(x)}z" for x, y, right, bottom in boxes)
            yield f'<path fill="{colour}" shape-rendering="crispEdges" d="{path}"/>'
        for colour, lines in self._lines.items():
            yield f'<path stroke="{colour}" stroke-width="1.4" stroke-linecap="square" d="{"".join(lines)}"/>'
        for colour, dots in self._dots.items():
            yield f'<path stroke="{colour}" stroke-width="4.6" stroke-linecap="round" d="{"".join(dots)}"/>'


def _placed(box: Box, left: float, top: float) -> Box:
    x, y, right, bottom = box
    # Rounded, so that neighbours are seen to touch.
    return (
        round(left + WIDTH * x / 8, 2),
        round(top + HEIGHT * y / 8, 2),
        round(left + WIDTH * right / 8, 2),
        round(top + HEIGHT * bottom / 8, 2),
    )


def _n(number: float) -> str:
    return format(round(number, 2), "g")
