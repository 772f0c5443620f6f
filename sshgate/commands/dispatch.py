"""From a line to a command, and from what came of it to the channel."""

import difflib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from capsul.errors import BadRequest, NotPermitted
from sshgate.commands import ALL_COMMANDS
from sshgate.commands.context import Command, Context, Reply
from sshgate.commands.help import Manual
from sshgate.commands.json_text import json_text
from sshgate.commands.reading import Reader, UnusedWordError
from sshgate.words import shown, split_words

_END_OF_OPTIONS = "--"
_HELP = ("-h", "--help")


@dataclass(frozen=True)
class Call:
    """A command with its arguments, ready to run."""

    command: Command
    arguments: inspect.BoundArguments
    wants_json: bool

    @property
    def name(self) -> str:
        return self.command.name

    async def run(self, context: Context) -> int:
        """The exit status. What there is to show is on standard output by then.

        Raises:
            CapsulError: it did not go well; what there was to show, if anything, was shown.
        """
        _check_may(self.command, context)
        async with context.live:
            reply = await self.command.run(*self.arguments.args, **self.arguments.kwargs, context=context)
        await _show(reply, context, self.wants_json)
        if reply.error is not None:
            raise reply.error
        return 0


class Commands:
    """All commands, built once. Reading a line touches nothing but the line."""

    def __init__(self, commands: Sequence[Command] = ALL_COMMANDS) -> None:
        self.all = tuple(commands)
        self._by_words = {words: command for command in commands for words in _ways_to_say(command)}
        self._longest_name = max(len(words) for words in self._by_words)
        self._reader = Reader(commands)
        self.manual = Manual(commands, self._reader)

    def find(self, line: str) -> Call:
        """The command that a line means.

        Raises:
            BadRequest: the line does not make a command. The message says what does.
        """
        words, wants_json = _take_json(split_words(line))
        if any(word in _HELP for word in _options_part(words)):
            words = ["help", *(word for word in words if not word.startswith("-"))]
        command, rest = self._find(words)
        try:
            return Call(command, self._reader.read(command, _spell_out_wait(command, rest)), wants_json)
        except UnusedWordError as error:
            if rest[0] == error.word and self.manual.names_after(command.path):
                raise BadRequest(self._unknown(list(command.path), error.word)) from None
            raise

    def _find(self, words: list[str]) -> tuple[Command, list[str]]:
        """The command with the longest name that the words begin with, and the rest of them."""
        ends = range(min(len(words), self._longest_name), 0, -1)
        for end in ends:
            if command := self._by_words.get(tuple(words[:end])):
                return command, words[end:]
        known = next((end for end in ends if self.manual.names_after(words[:end])), 0)
        if known == len(words):
            group = shown(" ".join(words)) or "A line"
            raise BadRequest(f"{group} needs one of: {', '.join(self.manual.names_after(words))}.")
        raise BadRequest(self._unknown(words[:known], words[known]))

    def _unknown(self, before: list[str], word: str) -> str:
        near = difflib.get_close_matches(word, self.manual.names_after(before), n=1, cutoff=0.7)
        guess = f' Did you mean "{" ".join([*before, near[0]])}"?' if near else ""
        return f'There is no command "{shown(" ".join([*before, word]))}".{guess} All commands: help'


def wants_json(line: str | None) -> bool:
    """Whether a line, however broken, was meant to be answered in JSON."""
    return line is not None and "--json" in line.split()


def _ways_to_say(command: Command) -> list[tuple[str, ...]]:
    return [command.path, *((*command.path[:-1], alias) for alias in command.aliases)]


def _check_may(command: Command, context: Context) -> None:
    if command.for_guests:
        return
    caller = context.caller
    # By the group, whatever it is about: no check of an object can ever stand in for this one.
    if command.is_for_operators and not caller.operator:
        raise NotPermitted("This needs an operator's key.")


async def _show(reply: Reply, context: Context, wants_json: bool) -> None:
    if wants_json:
        await context.output.write(f"{json_text(reply.document)}\n")
        return
    await context.output.write(reply.text)
    if reply.hint:
        # To somebody at a terminal both streams are one text.
        apart = "\n" if context.terminal is not None and reply.text.count("\n") > 1 else ""
        await context.output.write_error(apart + context.style.say(reply.hint))


def _options_part(words: list[str]) -> list[str]:
    return words[: words.index(_END_OF_OPTIONS)] if _END_OF_OPTIONS in words else words


def _take_json(words: list[str]) -> tuple[list[str], bool]:
    """Every command takes --json, anywhere."""
    options = _options_part(words)
    return [word for word in options if word != "--json"] + words[len(options) :], "--json" in options


def _spell_out_wait(command: Command, words: list[str]) -> list[str]:
    """`--wait` alone means running where something else could be waited for."""
    if command.path != ("create",):
        return words
    options = _options_part(words)
    return ["--wait=running" if word == "--wait" else word for word in options] + words[len(options) :]
