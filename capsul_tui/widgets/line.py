"""A line to type into, which says what Enter does."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

_LONGEST = 4096
"""Characters: more than any command is long."""


class Line(Input):
    """Textual's Input as it is used here: one row high, and with Enter among the keys that are shown."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Go on")]

    def __init__(self, value: str = "", placeholder: str = "", longest: int = _LONGEST, **widget: Any) -> None:
        """`longest` is how many characters it takes: what would make it longer is not typed, nor pasted."""
        super().__init__(value, placeholder, compact=True, max_length=longest, **widget)
        # A cursor that blinks crosses the network twice a second, for as long as nobody does anything.
        self.cursor_blink = False
