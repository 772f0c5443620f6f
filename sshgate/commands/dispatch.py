"""From a line to a command, and from what came of it to the channel."""

import difflib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cyclopts import App, CycloptsError, MissingArgumentError, UnknownCommandError
from cyclopts.exceptions import UnusedCliTokensError

from capsul.errors import BadRequest, NotPermitted
from capsul.rules import plain_text
from sshgate.commands import ALL_COMMANDS
from sshgate.commands.context import Command, Context, Reply, Run
from sshgate.commands.help import Manual
from sshgate.commands.json_text import json_text
from sshgate.words import split_words

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
        reply = await self.command.run(*self.arguments.args, **self.arguments.kwargs, context=context)
        await _show(reply, context, self.wants_json)
        if reply.error is not None:
            raise reply.error
        return 0


class Commands:
    """All commands, built once. Reading a line touches nothing but the line: it never waits and never prints."""

    def __init__(self, commands: Sequence[Command] = ALL_COMMANDS) -> None:
        self._by_run: Mapping[Run, Command] = {command.run: command for command in commands}
        self._app = _build(commands)
        self._manual = Manual(commands, self._app)

    def find(self, line: str) -> Call:
        """The command that a line means.

        Raises:
            BadRequest: the line does not make a command. The message says what does.
        """
        words = split_words(line)
        words, wants_json = _take_json(words)
        if any(word in _HELP for word in _options_part(words)):
            words = ["help", *(word for word in words if not word.startswith("-"))]
        run, arguments = self._parse(_spell_out_wait(words))
        return Call(self._by_run[run], arguments, wants_json)

    @property
    def manual(self) -> Manual:
        """The help of all of them."""
        return self._manual

    def _parse(self, words: list[str]) -> tuple[Run, inspect.BoundArguments]:
        try:
            run, arguments, _ = self._app.parse_args(words, exit_on_error=False, print_error=False)
        except UnknownCommandError as error:
            raise BadRequest(self._unknown(words, error)) from None
        except CycloptsError as error:
            raise BadRequest(_sentence(error)) from None
        if run not in self._by_run:
            # What cyclopts does by itself for a bare group, or for words with a meaning of their own.
            raise BadRequest(self._needs_more(words))
        return run, arguments

    def _unknown(self, words: list[str], error: UnknownCommandError) -> str:
        unknown = (error.unused_tokens or words)[0]
        before = words[: words.index(unknown)]
        near = difflib.get_close_matches(unknown, self._manual.names_after(before), n=1, cutoff=0.6)
        guess = f' Did you mean "{" ".join([*before, near[0]])}"?' if near else ""
        return f'There is no command "{plain_text(" ".join([*before, unknown]))}".{guess} All commands: help'

    def _needs_more(self, words: list[str]) -> str:
        names = ", ".join(self._manual.names_after(words))
        if not names:
            return f'There is no command "{plain_text(" ".join(words))}". All commands: help'
        return f"{plain_text(' '.join(words))} needs one of: {names}. See: help {' '.join(words)}"


def wants_json(line: str | None) -> bool:
    """Whether a line, however broken, was meant to be answered in JSON."""
    return line is not None and "--json" in line.split()


def _build(commands: Sequence[Command]) -> App:
    """One tree. It is only ever asked to parse: running and printing are ours, for they belong to one channel."""
    root = App(name="ssh host", help_flags=(), version_flags=())
    groups: dict[tuple[str, ...], App] = {(): root}
    for command in sorted(commands, key=lambda command: len(command.path)):
        for end in range(1, len(command.path) + 1):
            path = command.path[:end]
            if path not in groups:
                groups[path] = App(name=path[-1], help_flags=(), version_flags=())
                is_leaf = end == len(command.path)
                groups[path[:-1]].command(groups[path], alias=command.aliases if is_leaf else ())
        groups[command.path].default(command.run)
    return root


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
        await context.output.write_error(f"{reply.hint}\n")


def _options_part(words: list[str]) -> list[str]:
    return words[: words.index(_END_OF_OPTIONS)] if _END_OF_OPTIONS in words else words


def _take_json(words: list[str]) -> tuple[list[str], bool]:
    """Every command takes --json, anywhere."""
    options = _options_part(words)
    return [word for word in options if word != "--json"] + words[len(options) :], "--json" in options


def _spell_out_wait(words: list[str]) -> list[str]:
    """`--wait` alone means running where something else could be waited for."""
    if words[:1] not in (["create"], ["new"]):
        return words
    options = _options_part(words)
    return ["--wait=running" if word == "--wait" else word for word in options] + words[len(options) :]


def _sentence(error: CycloptsError) -> str:
    chain = " ".join(error.command_chain or ())
    where = f" See: help {chain}".rstrip() if chain else " All commands: help"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        missing = error.keyword or error.argument.name
        return f"{chain} needs {missing}{' and a value for it' if error.keyword else ''}.{where}"
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f'{chain} has no use for "{plain_text(error.unused_tokens[0])}".{where}'
    return f"{plain_text(str(error)).strip()}{where}"
