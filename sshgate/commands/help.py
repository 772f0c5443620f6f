"""Help that teaches: what a command does, how it is called, an example, and what its exit status means."""

from collections.abc import Sequence
from inspect import cleandoc
from textwrap import fill

from capsul.errors import BadRequest
from capsul.models import Guest
from sshgate.commands.context import Command
from sshgate.commands.reading import Reader
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

_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("For everybody", ("help", "doctor", "enrol", "confirm", "version")),
    ("Capsuls", ("ls", "show", "create", "start", "stop", "restart", "kill", "rename", "destroy", "metrics")),
    ("What is being done", ("operation", "operations")),
    ("What there is", ("sizes", "images")),
    ("Money", ("balance", "ledger", "topup", "topup show", "topups")),
    ("You", ("whoami", "keys", "keys add", "keys rm", "keys rename", "keys approve", "keys deny", "activity")),
)
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
        operators = tuple(name for name, command in self._commands.items() if command.is_for_operators)
        return [*_GROUPS, (_OPERATORS, operators)] if for_operators else [*_GROUPS]

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

    def overview(self, ssh: str, identity: Member | Guest) -> str:
        """The commands that somebody may give, a line each."""
        groups = self.groups(for_operators=isinstance(identity, Member) and identity.key.operator)
        parts = [f"{ssh} COMMAND [--json]\n"]
        if isinstance(identity, Guest):
            parts.append(f"\nThis key is not enrolled yet. Enrol it first: {ssh} enrol YOU@EXAMPLE.ORG\n")
        for heading, names in groups:
            lines = [f"  {name.ljust(22)}{summary(self._commands[name])}\n" for name in names]
            parts.append(f"\n{heading}\n{''.join(lines)}")
        parts.append(f"\nMore about one of them: {ssh} help COMMAND\n")
        return "".join(parts)

    def page(self, command: Command, ssh: str) -> str:
        """All about one command."""
        usage = f"{ssh} {command.name} {command.usage}".rstrip()
        parts = [fill(usage, 100, subsequent_indent="    ", break_on_hyphens=False), explanation(command)]
        if command.aliases:
            parts.append(f"Also called: {', '.join(command.aliases)}")
        if options := self.options(command):
            longest = max(len(name) for name, _ in options)
            heads = [f"  {name.ljust(longest)}  " for name, _ in options]
            parts.append(
                "\n".join(
                    fill(text, 100, initial_indent=head, subsequent_indent=" " * len(head))
                    for head, (_, text) in zip(heads, options, strict=True)
                )
            )
        parts.append("\n".join(["Examples:", *(f"  {ssh} {example}" for example in command.examples)]))
        parts.append("\n".join(["Exit status:", *(f"  {code:2}  {EXITS[code]}" for code in exits(command))]))
        return "\n\n".join(parts) + "\n"

    def options(self, command: Command) -> list[tuple[str, str]]:
        """Each argument and option with its explanation."""
        return [*self._reader.options(command), ("--json", "Answer with one JSON document.")]

    def _real_name(self, before: Sequence[str], word: str) -> str:
        siblings = (command for command in self._commands.values() if command.path[:-1] == tuple(before))
        return next((command.path[-1] for command in siblings if word in command.aliases), word)


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
