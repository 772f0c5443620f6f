"""How full something is: a bar in a line of text, beside the figure that it pictures."""

from capsul.text import Tone

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_EMPTY = "·"
_MUCH, _NEARLY_ALL = 0.75, 0.9


def meter(part: int, whole: int, cells: int) -> str:
    """A bar of so many cells, and the share in per cent. A little of something is seen, and so is a little room."""
    share = min(1.0, part / whole) if whole > 0 else 0.0
    return f"{_bar(share, cells)} {int(share * 100):3d} %"


def _bar(share: float, cells: int) -> str:
    eighths = int(share * cells * 8)
    if share > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells, _EMPTY)


def meter_tone(part: int, whole: int) -> Tone:
    """Whether somebody should think about it."""
    share = part / whole if whole > 0 else 0.0
    return "bad" if share >= _NEARLY_ALL else "busy" if share >= _MUCH else "good"
