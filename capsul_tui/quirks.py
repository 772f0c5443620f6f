"""What of Textual was made for one program at one terminal, changed so that many run in one server.

Each of these was found by trial or in the source of Textual 8.2; tests/capsul_tui/test_quirks.py holds each.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context

import textual.app
import textual.constants
import textual.strip
import textual.timer

_CONSTANTS = {
    # Kitty's keyboard protocol is parsed by a method with an lru_cache, which keeps every parser, and with it every
    # session, alive. We never ask terminals for the protocol: what is left on by a cut line is one mode less.
    "DISABLE_KITTY_KEY": True,
    # The driver has its own clock for a lone Escape, and ticks when it is over.
    "ESCAPE_DELAY": 0.0,
    # What follows is read from the environment, which is the server's and says nothing of the person's terminal.
    "DEBUG": False,
    "DRIVER": None,
    "FILTERS": "",
    "LOG_FILE": None,
    "SCREENSHOT_DELAY": -1,
    "PRESS": "",
    "SHOW_RETURN": False,
    "COLOR_SYSTEM": "truecolor",
    "TEXTUAL_ANIMATIONS": "none",
    "DEFAULT_THEME": "textual-dark",
    "SMOOTH_SCROLL": False,
}


def tame_textual() -> None:
    """Before the first App of the process starts; again changes nothing."""
    # While it runs, an App sends what the whole process prints to itself, the log of every other session too.
    vars(textual.app).update(redirect_stdout=_leave_alone, redirect_stderr=_leave_alone)
    # Nor do developers' tools run here, whatever TEXTUAL says in the environment.
    vars(textual.app).update(parse_features=_no_features)
    vars(textual.constants).update(_CONSTANTS)
    vars(textual.timer).update(sleep=_sleep)
    # Every strip of a screen has seven caches, which hardly anything is ever found in: half of what a session holds.
    vars(textual.strip).update(FIFOCache=_no_cache)


class _NoCache:
    """Where nothing is ever found."""

    def get(self, key: object, default: object = None) -> object:
        """The default."""
        del key
        return default

    def __setitem__(self, key: object, value: object) -> None:
        """Forgotten at once."""


_NO_CACHE = _NoCache()


def _no_cache(maxsize: int) -> _NoCache:
    del maxsize
    return _NO_CACHE


async def _sleep(seconds: float) -> None:
    """As asyncio's: but its timer, cancelled or not, would keep the session that set it until its time."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    timer = loop.call_later(seconds, woken.set, context=Context())
    try:
        await woken.wait()
    finally:
        timer.cancel()


@contextmanager
def _leave_alone(stream: object) -> Iterator[None]:
    del stream
    yield


def _no_features(value: str) -> frozenset[str]:
    del value
    return frozenset()
