"""What differs from run to run, made the same, in as many cells."""

import re

_ALWAYS_THE_SAME = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "2026-01-02 03:04:05"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "2026-01-02 03:04"),
    (re.compile(r"\bt-[a-z2-7]{10}\b"), "t-aaaaaaaaaa"),
    (re.compile(r"\bc-[a-z2-7]{10}\b"), "c-aaaaaaaaaa"),
    (re.compile(r"\bo-[a-z2-7]{10}\b"), "o-aaaaaaaaaa"),
)


_PLACES = re.compile(r"^ 1 Home.*$", re.MULTILINE)
"""The places grow with every screen that is one key away."""


def masked(screen: str) -> str:
    """A screen for a snapshot: times and ids are those of nobody."""
    screen = _PLACES.sub(" 1 Home …", screen)
    for pattern, instead in _ALWAYS_THE_SAME:
        screen = pattern.sub(instead, screen)
    return screen


def without_places(screen: str) -> str:
    """A screen without the line of places, which grows with the product."""
    return "\n".join(line for line in screen.split("\n") if not line.startswith(" 1 Home"))
