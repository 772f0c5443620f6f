"""What somebody's terminal can show, told by what their client sent: the server's own environment means nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Depth = Literal["truecolor", "256", "16", "none"]

_TRUECOLOR_KINDS = ("kitty", "ghostty", "alacritty", "wezterm", "foot", "contour", "direct", "iterm", "st-256")
_TRUECOLOR_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "rio", "WarpTerminal")
_POOR_KINDS = re.compile(r"linux|vt\d|ansi|cons25|sun|.*(-16color|-color)$")
_OLD_KINDS = re.compile(r"vt\d|ansi|cons25|sun")
_COLOURLESS_KINDS = re.compile(r".*-mono$|.*-m$|vt\d")
_NO_QUESTIONS = re.compile(r"linux|vt\d|ansi|cons25|sun|screen")
"""Terminals that print what they do not understand, or whose answers come from somewhere else."""


@dataclass(frozen=True)
class Terminal:
    """A terminal at the other end of a connection."""

    kind: str
    """TERM."""
    columns: int
    rows: int
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the variables that clients send, those we keep: see sshgate.terminal."""

    @property
    def depth(self) -> Depth:
        """How many colours. Most clients send TERM only, and most terminals know more than it says."""
        if self.environment.get("NO_COLOR"):
            return "none"
        if self.environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
            return "truecolor"
        if self.environment.get("TERM_PROGRAM") in _TRUECOLOR_PROGRAMS:
            return "truecolor"
        if any(kind in self.kind for kind in _TRUECOLOR_KINDS):
            return "truecolor"
        if _COLOURLESS_KINDS.match(self.kind):
            return "none"
        return "16" if _POOR_KINDS.match(self.kind) else "256"

    @property
    def has_unicode(self) -> bool:
        """Whether letters and lines beyond ASCII can be drawn. Most clients say nothing, and can."""
        for name in ("LC_ALL", "LC_CTYPE", "LANG"):
            if locale := self.environment.get(name):
                return "utf-8" in locale.lower() or "utf8" in locale.lower()
        return not _OLD_KINDS.match(self.kind)

    @property
    def has_braille(self) -> bool:
        """The console of Linux has a font of 512 glyphs at most, without these."""
        return self.has_unicode and not _POOR_KINDS.match(self.kind)

    @property
    def answers(self) -> bool:
        """Whether it may be asked things by escape sequences."""
        return not _NO_QUESTIONS.match(self.kind)

    @property
    def has_links(self) -> bool:
        """Whether a text may be marked as a link (OSC 8): those that do not know it pass over it, as over questions."""
        return self.answers
