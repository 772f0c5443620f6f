"""Words that are told as often as wanted, and drawn only when they are others."""

from rich.text import Text
from textual.widgets import Static

from capsul.rules import plain_text


def show_words(where: Static, words: Text | str) -> None:
    """Shows a text, unless it stands there already. Nothing to say takes no room.

    A string may have come from anybody: of it no control character gets through but the ends of lines.
    """
    text = words if isinstance(words, Text) else Text("\n".join(plain_text(line) for line in words.split("\n")))
    text.rstrip()
    if str(where.content) != text.plain:
        where.update(text)
    where.display = bool(text.plain)
