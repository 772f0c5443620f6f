"""What an App shows, as text."""

from typing import Any

from textual.app import App


def text_of(app: App[Any]) -> str:
    """All that is seen, a line each, without the blanks at their ends."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())
