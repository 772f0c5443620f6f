"""What a command is given, and what it gives back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from cyclopts import Parameter

from capsul.errors import CapsulError, NotEnrolled, RuleBroken
from capsul.models import Caller, Guest
from services import Services
from sshgate.commands.live import Live
from sshgate.commands.style import Style
from sshgate.identity import Connection, Member
from sshgate.streams import Input, Output
from sshgate.terminal import Terminal


@dataclass(frozen=True)
class Reply:
    """What came of a command: for a program, and for a person."""

    document: Mapping[str, object]
    """JSON, without `schema`."""
    text: str
    """Whole lines, as they fit the terminal."""
    hint: str = ""
    """A sentence on what to do next: for people only, on standard error."""
    error: CapsulError | None = None
    """Why it did not go well although there is something to show."""


Run = Callable[..., Awaitable[Reply]]


@dataclass(frozen=True)
class Command:
    """One command. The docstring of `run` is its help: the first line is the summary."""

    path: tuple[str, ...]
    run: Run
    usage: str = ""
    """What follows the name."""
    aliases: tuple[str, ...] = ()
    """Other names of the last word."""
    examples: tuple[str, ...] = ()
    """What follows `ssh host`."""
    exits: tuple[int, ...] = ()
    """Exit statuses besides 0, 1, 2, 75 and 77, which every command may have."""
    for_guests: bool = False

    @property
    def name(self) -> str:
        return " ".join(self.path)

    @property
    def is_for_operators(self) -> bool:
        return self.path[0] == "admin"


class Explains(Protocol):
    """The help of all commands."""

    def overview(self, ssh: str, identity: Member | Guest, style: Style) -> str:
        """What there is to be had, on one screen."""

    def find(self, words: Sequence[str]) -> list[Command]:
        """The commands that words name. Raises BadRequest when there are none."""

    def explain(self, found: Sequence[Command], ssh: str, style: Style) -> str:
        """All about one command, or a few words about each of many."""


@dataclass(frozen=True)
class Context:
    """Who asks, from where, and the channel to answer on. Handed to each command explicitly."""

    services: Services
    manual: Explains
    identity: Member | Guest
    connection: Connection
    terminal: Terminal | None
    environment: Mapping[str, str]
    style: Style
    live: Live
    output: Output
    input: Input

    @property
    def caller(self) -> Caller:
        """The member who asks. Raises NotEnrolled for a guest."""
        if isinstance(self.identity, Guest):
            raise NotEnrolled(
                f"This key does not belong to an account yet. Enrol it with: {self.ssh} enrol YOU@EXAMPLE.ORG"
            )
        return self.services.accounts.caller(self.identity.key, self.connection.session_id, self.connection.source)

    @property
    def guest(self) -> Guest:
        """The guest who asks. Raises RuleBroken for a member."""
        if isinstance(self.identity, Member):
            raise RuleBroken("This key is enrolled already (see: whoami).")
        return self.identity

    @property
    def ssh(self) -> str:
        """What a person types before the name of a command."""
        return self.services.settings.ssh_command

    async def read_input(self) -> str:
        """All that comes on standard input. Somebody at a terminal is told what is waited for.

        Raises:
            BadRequest: it is longer than anything we take, or not UTF-8.
        """
        if self.terminal is not None:
            await self.live.hush()
            await self.output.write_error("Type or paste it here, then press Ctrl-D.\n")
        return await self.input.read()


Given = Annotated[Context, Parameter(parse=False)]
"""The parameter of every command that does not come from the command line."""
