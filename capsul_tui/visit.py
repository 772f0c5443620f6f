"""What the screens are given: who is there, at which terminal, and everything they may ask for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from capsul.errors import CapsulError
from capsul.models import Caller, Guest, PublicKey
from capsul_tui.terminal import Terminal
from services import Services


@dataclass(frozen=True)
class CommandAnswer:
    """What a command line came to, as `ssh host COMMAND` would have shown it at this terminal."""

    status: int
    out: str
    err: str
    """Both with ANSI colours if the terminal has any."""


@dataclass(frozen=True)
class Visit:
    """One person at one terminal."""

    services: Services
    terminal: Terminal
    session_id: str
    who: Callable[[], Caller | Guest]
    """As it was last looked up. Raises NotPermitted when the key opens nothing any more."""
    look_up: Callable[[], Awaitable[Caller | Guest]]
    """Looked up anew: keys are enrolled, removed, limited and expire. Raises as `who` does."""
    commands: Callable[[], Sequence[tuple[str, str]]]
    """The commands there are for them now: name and summary."""
    run_command: Callable[[str, int], Awaitable[CommandAnswer]]
    """A command line, as wide as so many columns. Never raises a CapsulError: the answer has its words."""
    parse_keys: Callable[[str], list[PublicKey]]
    """Public keys out of lines as in `.pub` files. Raises BadRequest, with what is wrong with them."""
    own_session: Callable[[], str]
    """The id of these screens among the account's open sessions; empty while they are not among them."""
    report_bug: Callable[[Exception], CapsulError]
    """Logs a mistake of ours, and gives what to tell the person."""

    @property
    def ssh(self) -> str:
        """What is typed before a command."""
        return self.services.settings.ssh_command

    def ssh_with_key(self, command: str) -> str:
        """What whoever holds another key types, so that no other key of theirs gets in first."""
        return f"{self.ssh.replace('ssh', 'ssh -o IdentitiesOnly=yes -i KEYFILE', 1)} {command}"

    @property
    def caller(self) -> Caller:
        """The member who is there. Raises TypeError for a guest: screens of members are not shown to them."""
        who = self.who()
        if isinstance(who, Guest):
            raise TypeError("a guest has no account")
        return who

    @property
    def guest(self) -> Guest:
        """The guest who is there. Raises TypeError for a member."""
        who = self.who()
        if not isinstance(who, Guest):
            raise TypeError("a member is no guest")
        return who
