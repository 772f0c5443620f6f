"""What operators type, as the same command would take it from a shell."""

import re
import shlex

from capsul.rules import plain_text

_NEEDS_NO_QUOTES = re.compile(r"[\w ,.:@%+/=-]*")
_SPECIAL_TO_SHELLS = re.compile(r'["$`\\!]')


def shell_words(text: str) -> str:
    """A text at the end of a command. ssh joins its words into one line that is split again, so it is quoted twice."""
    text = plain_text(text)
    return text if _NEEDS_NO_QUOTES.fullmatch(text) else _for_shell(_for_command(text))


def _for_command(text: str) -> str:
    """As the other end wants it: quotes that people would choose, if any will do."""
    if "'" in text and not _SPECIAL_TO_SHELLS.search(text):
        return f'"{text}"'
    return shlex.quote(text)


def _for_shell(quoted: str) -> str:
    if not _SPECIAL_TO_SHELLS.search(quoted):
        return f'"{quoted}"'
    if "'" in quoted and not _SPECIAL_TO_SHELLS.search(quoted.replace('"', "")):
        return '"' + quoted.replace('"', '\\"') + '"'
    return shlex.quote(quoted)
