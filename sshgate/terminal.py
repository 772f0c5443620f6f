"""What a client has told about its terminal and its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from capsul.rules import plain_text

_WELCOME = frozenset(
    {"LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "NO_COLOR"}
)
_LONGEST = 128


class Environment(dict[str, str]):
    """The variables we have a use for; no others are kept."""

    def accept(self, name: str, value: str) -> bool:
        """Keeps the variable if it is one of them. The answer goes to the client."""
        if name not in _WELCOME or len(value) > _LONGEST:
            return False
        self[name] = plain_text(value)
        return True


@dataclass(frozen=True)
class Terminal:
    """A terminal at the other end."""

    kind: str
    """TERM."""
    columns: int
    rows: int

    @classmethod
    def asked_for(cls, kind: str, columns: int, rows: int) -> "Terminal":
        """With sizes that can be drawn on, whatever the client says: each cell costs time that is everybody's. Nothing
        means that it does not know."""
        return cls(plain_text(kind)[:64], min(max(columns or 80, 20), 500), min(max(rows or 24, 5), 200))

    @property
    def can_move(self) -> bool:
        """Whether it can do more than print one line after the other."""
        return self.kind not in ("", "dumb")


def why_no_colours(terminal: Terminal | None, environment: Mapping[str, str]) -> str | None:
    """Colours are for people with terminals that can show them, who did not ask for none. None where they are shown."""
    if terminal is None:
        return "there is no terminal"
    if not terminal.can_move:
        return f"TERM is {terminal.kind or 'empty'}"
    if environment.get("NO_COLOR"):
        return "NO_COLOR is set"
    return None
