"""From the line that ssh hands over to words; and which lines are other programs' attempts to start here."""

import re
import shlex

from capsul.errors import BadRequest
from capsul.rules import plain_text

_COPYING = re.compile(r"(exec\s+)?(/\S*/)?(scp|rsync|sftp-server|internal-sftp|unison|borg|restic|rclone)(\s|$)")
_GIT = re.compile(r"(/\S*/)?git(-|\s+)(upload-pack|receive-pack|upload-archive|annex-shell|lfs-\S+)(\s|$)")
_SHELL = re.compile(
    r"(exec\s+|command\s+)?(/\S*/)?(env\s+(\S+=\S*\s+)*)?(/\S*/)?"
    r"(sh|bash|dash|zsh|fish|ksh|tcsh|csh|python[0-9.]*|perl|powershell(\.exe)?|pwsh|cmd(\.exe)?|mosh-server|tmux|screen)"
    r"(\s|$)"
)

NO_FILES = "Files cannot be copied to or from here, only commands can be given (see: help). To copy to a capsul, use \
the address that `ls` shows."
_NO_GIT = "There are no git repositories here, only commands can be given (see: help)."
_NO_SHELL = "There is no shell here for programs to be started in (kitty's ssh kitten, VS Code, mosh and others try \
that). Use plain ssh, without them."
NOT_TEXT = "That is not UTF-8 text. Names are plain letters, digits and hyphens; long input goes to standard input."

_LONGEST_LINE = 32 * 1024
_MOST_WORDS = 500
_LONGEST_SHOWN = 60
_TELLING = 200
"""How much of a line tells what it is. The patterns take quadratic time on lines made for that."""


def is_text(line: str) -> bool:
    """Whether a line came as UTF-8. What did not stands in it as lone surrogates, which are no characters."""
    return not any("\ud800" <= character <= "\udfff" for character in line)


def foreign_program(line: str) -> str | None:
    """A sentence for a line by which another program tries to start its other half here; None for all else."""
    line = line.lstrip()[:_TELLING]
    if _COPYING.match(line):
        return NO_FILES
    if _GIT.match(line):
        return _NO_GIT
    if _SHELL.match(line):
        return _NO_SHELL
    return None


def split_words(line: str) -> list[str]:
    """The words of a line, quoted as in a shell.

    Raises:
        BadRequest: a quotation mark is not closed, or it is longer than any command.
    """
    try:
        words = shlex.split(line) if len(line) <= _LONGEST_LINE else None
    except ValueError:
        raise BadRequest(
            "A quotation mark is not closed. ssh joins its words into one line, so quote twice: ssh HOST \"name 'x y'\""
        ) from None
    if words is None or len(words) > _MOST_WORDS:
        raise BadRequest("No command is that long. Long input goes to standard input.")
    return words


def shown(word: str) -> str:
    """A word of somebody's as it may stand in a sentence of ours: harmless, and not too long."""
    word = plain_text(word)
    return word if len(word) <= _LONGEST_SHOWN else f"{word[: _LONGEST_SHOWN - 1]}…"
