"""From the words after a command's name to its arguments. cyclopts reads; it neither runs nor prints anything here.

Its own way of running keeps a stack on the App across the command's whole life, which sessions would share; and one
small App for each command reads five times as fast as a tree of all.
"""

import inspect
from collections.abc import Sequence

from cyclopts import App, CycloptsError, MissingArgumentError
from cyclopts.exceptions import UnusedCliTokensError

from capsul.errors import BadRequest
from capsul.rules import plain_text
from sshgate.commands.context import Command
from sshgate.words import shown

_LONGEST_SENTENCE = 300


class UnusedWordError(BadRequest):
    """A word is left over."""

    def __init__(self, command: Command, word: str) -> None:
        super().__init__(f'{command.name} has no use for "{shown(word)}". See: help {command.name}')
        self.word = word


class Reader:
    """Reads the arguments of all commands. Built once; reading waits for nothing."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._apps = {command.path: _app_of(command) for command in commands}

    def read(self, command: Command, words: Sequence[str]) -> inspect.BoundArguments:
        """The arguments.

        Raises:
            UnusedWordError: a word is left over.
            BadRequest: the words do not make arguments. The message says what is missing or wrong.
        """
        try:
            run, arguments, _ = self._apps[command.path].parse_args(words, exit_on_error=False, print_error=False)
        except UnusedCliTokensError as error:
            raise UnusedWordError(command, (error.unused_tokens or words)[0]) from None
        except CycloptsError as error:
            raise BadRequest(f"{_what_is_wrong(command, error)} See: help {command.name}") from None
        if run is not command.run:
            # cyclopts gives a meaning of its own to a first word of __complete.
            raise UnusedWordError(command, words[0])
        return arguments

    def options(self, command: Command) -> list[tuple[str, str]]:
        """Each argument and option, with its explanation."""
        taken = self._apps[command.path].assemble_argument_collection(parse_docstring=False)
        return [(argument.name, argument.parameter.help or "") for argument in taken if argument.show]


def _app_of(command: Command) -> App:
    app = App(name=command.path[-1], help_flags=(), version_flags=())
    app.default(command.run)
    return app


def _what_is_wrong(command: Command, error: CycloptsError) -> str:
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        if error.keyword:
            return f"{error.keyword} needs a value."
        return f"{command.name} needs {error.argument.name}."
    return plain_text(str(error)).strip()[:_LONGEST_SENTENCE]
