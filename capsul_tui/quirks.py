"""What of Textual was made for one program at one terminal, changed so that many run in one server.

Each of these was found by trial or in the source of Textual 8.2; tests/capsul_tui/test_quirks.py holds each.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import textual.app
import textual.constants


def tame_textual() -> None:
    """Before the first App of the process starts; again changes nothing."""
    # While it runs, an App sends what the whole process prints to itself, the log of every other session too.
    vars(textual.app).update(redirect_stdout=_leave_alone, redirect_stderr=_leave_alone)
    # Kitty's keyboard protocol is parsed by a method with an lru_cache, which keeps every parser, and with it every
    # session, alive. We never ask terminals for the protocol: what is left on by a cut line is one mode less.
    vars(textual.constants)["DISABLE_KITTY_KEY"] = True


@contextmanager
def _leave_alone(stream: object) -> Iterator[None]:
    del stream
    yield
