"""The SSH door: listens, and keeps every connection until it ends."""

import asyncio
import socket
from types import TracebackType
from typing import Self

import asyncssh
import structlog

from capsul.errors import CapsulError, Unavailable
from services import Services
from sshgate import algorithms
from sshgate.bugs import our_bug
from sshgate.commands.dispatch import Commands
from sshgate.door import Door
from sshgate.errands import Errands
from sshgate.host_keys import load_host_key
from sshgate.house import House
from sshgate.limits import Doorkeeper, Limits
from sshgate.roster import Roster

_log = structlog.get_logger()

_KEEPALIVE_SECONDS = 30
_WINDOW = 256 * 1024
"""Bytes that a client may send on one channel before they are read: what it may have us keep."""
_SOFTWARE = "capsul"
"""What the version line says of us: `SSH-2.0-capsul`, and nothing that helps an attacker choose."""


class SshGate:
    """`async with SshGate(services) as gate:` serves `settings.ssh_port` until the block ends.

    Raises (on entering):
        HostKeyError: the host key is not as it must be.
        OSError: the port cannot be listened on.
    """

    def __init__(
        self, services: Services, *, limits: Limits | None = None, listener: socket.socket | None = None
    ) -> None:
        settings = services.settings
        keeper = Doorkeeper(
            limits or Limits(), settings.sessions_per_account, settings.login_seconds, settings.unlimited_networks
        )
        self._services = services
        self._listener = listener
        self._roster = Roster(services)
        self._house = House(services, Commands(), keeper, self._roster)
        self._errands = Errands()
        self._doors: set[Door] = set()

    @property
    def port(self) -> int:
        """The port that is listened on, when it was chosen by the system too."""
        return self._acceptor.get_port()

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._doors)

    async def __aenter__(self) -> Self:
        # At INFO asyncssh writes every command line to the log, tokens and all.
        asyncssh.set_log_level("WARNING")
        key = load_host_key(self._services.settings.host_keys)
        self._acceptor = await self._listen(key)
        self._errands.start(self._watch_keys())
        self._roster.start()
        _log.info("listening", port=self.port, host_key=key.get_fingerprint())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes no more connections, lets what runs come to an end for a moment, and says goodbye to the rest."""
        del kind, error, trace
        self._acceptor.close()
        why = Unavailable("The server is going down for a moment. Try again in a minute.", retry_after=60)
        await asyncio.gather(*(door.end(why) for door in list(self._doors)), return_exceptions=True)
        await self._acceptor.wait_closed()
        await self._roster.close()
        await self._errands.close()

    async def _listen(self, key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
        settings = self._services.settings
        where = {"sock": self._listener} if self._listener else {"host": settings.ssh_host, "port": settings.ssh_port}
        return await asyncssh.listen(
            **where,
            config=None,
            server_factory=self._new_door,
            server_version=_SOFTWARE,
            server_host_keys=[key],
            kex_algs=algorithms.KEY_EXCHANGES,
            encryption_algs=algorithms.CIPHERS,
            mac_algs=algorithms.MACS,
            compression_algs=algorithms.COMPRESSIONS,
            signature_algs=algorithms.SIGNATURES,
            login_timeout=settings.login_seconds,
            keepalive_interval=_KEEPALIVE_SECONDS,
            gss_host=None,
            host_based_auth=False,
            password_auth=False,
            agent_forwarding=False,
            x11_forwarding=False,
            window=_WINDOW,
            line_editor=False,
            allow_scp=False,
            encoding=None,
        )

    def _new_door(self) -> Door:
        door = Door(self._house, self._errands, self._doors.discard)
        self._doors.add(door)
        return door

    async def _watch_keys(self) -> None:
        with self._services.changes.watch(frozenset({"ssh_key"})) as changes:
            while True:
                change = await changes.get()
                for door in [door for door in self._doors if door.concerns(change.id)]:
                    self._errands.start(self._look_again(door))

    async def _look_again(self, door: Door) -> None:
        try:
            await door.look_again()
        except CapsulError as error:
            _log.warning("a changed key was not looked up", why=error.message)
        except Exception as error:  # noqa: BLE001 - one of the doors: one connection's trouble is not another's
            our_bug(error, "")
