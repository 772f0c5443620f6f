"""Help that teaches: what a command does, how it is called, an example, and what its exit status means."""

from collections.abc import Sequence
from inspect import cleandoc

from capsul.errors import BadRequest
from capsul.models import Guest
from sshgate.commands.context import Command
from sshgate.commands.overview import GROUPS, overview
from sshgate.commands.reading import Reader
from sshgate.commands.style import Style, wrap
from sshgate.identity import Member
from sshgate.words import shown

EXITS = {
    0: "done",
    1: "our mistake: tell the operators the reference",
    2: "the words do not make a command",
    3: "a rule says no: a name is taken, a state does not allow it",
    4: "there is no such thing, or it is not yours",
    5: "not enough credit",
    6: "no room for it now",
    7: "the idempotency key was used for another request",
    8: "the operation failed, or was not done in time",
    75: "try again later: something is away, or a limit was reached",
    77: "this key may not do that",
}

_OPERATORS = "For operators"


class Manual:
    """The help of all commands."""

    def __init__(self, commands: Sequence[Command], reader: Reader) -> None:
        self._commands = {command.name: command for command in commands}
        self._longest_name = max(len(command.path) for command in commands)
        self._reader = reader

    @property
    def commands(self) -> list[Command]:
        """In the order in which they are explained."""
        return [self._commands[name] for _, names in self.groups(for_operators=True) for name in names]

    def groups(self, *, for_operators: bool) -> list[tuple[str, tuple[str, ...]]]:
        """Names of commands, under headings."""
        groups = [(heading, tuple(name for row in rows for name in row.commands)) for heading, rows in GROUPS]
        operators = tuple(name for name, command in self._commands.items() if command.is_for_operators)
        return [*groups, (_OPERATORS, operators)] if for_operators else groups

    def names_after(self, words: Sequence[str]) -> list[str]:
        """Words that can follow these: names and aliases."""
        level = len(words)
        names: dict[str, None] = {}
        for command in self._commands.values():
            if command.path[:level] == tuple(words) and len(command.path) > level:
                names[command.path[level]] = None
                names.update(dict.fromkeys(command.aliases if len(command.path) == level + 1 else ()))
        return list(names)

    def find(self, words: Sequence[str]) -> list[Command]:
        """The command that the words begin with, or all of the group that they name; every command for no words.

        Raises:
            BadRequest: there is no such command.
        """
        if not words:
            return self.commands
        for end in range(min(len(words), self._longest_name), 0, -1):
            path = [self._real_name(words[:at], words[at]) for at in range(end)]
            if command := self._commands.get(" ".join(path)):
                return [command]
            if group := [command for command in self._commands.values() if list(command.path[:end]) == path]:
                return group
        raise BadRequest(f'There is no command "{shown(" ".join(words))}". All commands: help')

    def overview(self, ssh: str, identity: Member | Guest, style: Style) -> str:
        """What there is to be had, on one screen."""
        parts = [overview(ssh, style), "\n"]
        if isinstance(identity, Guest):
            parts.append(style.say(f"This key is not enrolled yet. Enrol it first: {ssh} enrol YOU@EXAMPLE.ORG"))
        elif identity.key.operator:
            parts.append(style.say(f"For operators: {ssh} help admin"))
        else:
            parts.append(style.say(f"All about one of them: {ssh} help create"))
        return "".join(parts)

    def explain(self, found: Sequence[Command], ssh: str, style: Style) -> str:
        """All about one command, or a few words about each of many."""
        if len(found) == 1:
            return self._page(found[0], ssh, style)
        summaries = _definitions([(command.name, summary(command)) for command in found], style.readable)
        return f"{summaries}\n\n" + style.say(f"All about one of them: {ssh} help {found[0].name}")

    def _page(self, command: Command, ssh: str, style: Style) -> str:
        room = style.readable
        parts = [wrap(f"{ssh} {command.name} {command.usage}".rstrip(), room, "", "    ")]
        parts.extend(wrap(paragraph, room) for paragraph in explanation(command).split("\n\n"))
        if command.aliases:
            parts.append(f"Also called: {', '.join(command.aliases)}")
        parts.append(_definitions(self.options(command), room))
        parts.append("\n".join(["Examples:", *(f"  {ssh} {example}" for example in command.examples)]))
        statuses = [(f"{code:2}", EXITS[code]) for code in exits(command)]
        parts.append(f"Exit status:\n{_definitions(statuses, room)}")
        if further := self.names_after(command.path):
            parts.append(wrap(f"See also: {', '.join(f'{command.name} {name}' for name in further)}", room))
        return "\n\n".join(parts) + "\n"

    def options(self, command: Command) -> list[tuple[str, str]]:
        """Each argument and option with its explanation."""
        return [*self._reader.options(command), ("--json", "Answer with one JSON document.")]

    def _real_name(self, before: Sequence[str], word: str) -> str:
        siblings = (command for command in self._commands.values() if command.path[:-1] == tuple(before))
        return next((command.path[-1] for command in siblings if word in command.aliases), word)


def _definitions(pairs: Sequence[tuple[str, str]], columns: int | None) -> str:
    longest = max(len(name) for name, _ in pairs)
    indent = " " * (longest + 4)
    return "\n".join(wrap(text, columns, f"  {name.ljust(longest)}  ", indent) for name, text in pairs)


def exits(command: Command) -> list[int]:
    """Every exit status the command may have."""
    always = {0, 1, 2, 75} if command.for_guests else {0, 1, 2, 75, 77}
    return sorted(always | set(command.exits))


def summary(command: Command) -> str:
    """Its first line."""
    return explanation(command).splitlines()[0]


def explanation(command: Command) -> str:
    """Its docstring, as it is shown."""
    return cleandoc(command.run.__doc__ or "")
