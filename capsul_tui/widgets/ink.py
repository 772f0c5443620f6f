"""The colours of words by what they mean: taken from the theme, not from component classes.

Textual matches every component class of every widget against the whole stylesheet, three times until a screen stands.
With a dozen meanings in a dozen widgets that was a third of the time to the first screen.
"""

from functools import lru_cache
from typing import Literal

from rich.style import Style
from textual.color import Color
from textual.widget import Widget

from capsul.text import Tone

Meaning = (
    Tone
    | Literal["brand", "quiet", "strong", "key", "here", "title", "trouble", "figure", "second"]
    | Literal["cursor", "cursor-blurred"]
)

_VARIABLES: dict[Meaning, str] = {
    "brand": "primary",
    "quiet": "quiet",
    "strong": "foreground",
    "key": "accent",
    "here": "foreground",
    "title": "quiet",
    "trouble": "error",
    "figure": "primary",
    "second": "second",
    "cursor": "cursor-text",
    "cursor-blurred": "foreground",
    "good": "success",
    "busy": "warning",
    "bad": "error",
    "off": "quiet",
}
_FOR_OPERATORS: dict[Meaning, str] = {
    "brand": "operator",
    "key": "operator",
    "here": "operator",
    "title": "operator",
    "cursor": "operator-cursor-text",
}
_BEHIND: dict[Meaning, tuple[str, str]] = {
    "cursor": ("cursor", "operator-cursor"),
    "cursor-blurred": ("surface", "surface"),
}
_BOLD = frozenset({"brand", "strong", "key", "here", "title", "trouble", "cursor"})
_UNDERLINED = frozenset({"here"})


def ink(widget: Widget, meaning: Meaning) -> Style:
    """What words of this meaning are drawn in, in the theme of this session and on this kind of screen."""
    for_operators = widget.screen.has_class("operator")
    variables = widget.app.theme_variables
    front = (_FOR_OPERATORS.get(meaning) if for_operators else None) or _VARIABLES[meaning]
    behind = _BEHIND[meaning][for_operators] if meaning in _BEHIND else ""
    # Themes other than ours lack some of the names.
    return _style(variables.get(front, ""), variables.get(behind, ""), meaning in _BOLD, meaning in _UNDERLINED)


@lru_cache(256)
def _style(front: str, behind: str, bold: bool, underlined: bool) -> Style:
    return Style(
        color=Color.parse(front).rich_color if front else None,
        bgcolor=Color.parse(behind).rich_color if behind else None,
        bold=bold or None,
        underline=underlined or None,
    )
