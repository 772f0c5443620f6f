"""What sessions are given: of the gate they are all in, and of the connection that each belongs to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import Services
from sshgate.commands.dispatch import Commands
from sshgate.identity import Connection, Identity
from sshgate.limits import Doorkeeper
from sshgate.roster import Roster

if TYPE_CHECKING:
    from sshgate.session import Session


@dataclass(frozen=True)
class House:
    """What every session is given."""

    services: Services
    commands: Commands
    keeper: Doorkeeper
    roster: Roster


@dataclass(frozen=True)
class Host:
    """The connection, as its sessions see it."""

    facts: Callable[[], Connection]
    identity: Callable[[], Awaitable[Identity]]
    """Who it is now."""
    known_as: Callable[[], Identity]
    """Who it was when that was last looked up, or a change was heard of."""
    tried_forwarding: Callable[[], bool]
    forget: Callable[["Session"], None]
    cut: Callable[[], None]
    """Ends the whole connection without another word."""
