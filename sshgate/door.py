"""One connection, from the first byte to the last: who it is, what it may open, and how it ends."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import asyncssh
import structlog
from asyncssh.auth import KbdIntChallenge, KbdIntResponse

from capsul.errors import CapsulError, NotPermitted
from capsul.models import Guest
from capsul.rules import plain_text
from sshgate.auth import HEALTH, KeyRules
from sshgate.errands import Errands
from sshgate.house import Host, House
from sshgate.identity import Connection, Identity, Member, TurnedAway
from sshgate.limits import plain_address
from sshgate.public_keys import weakness
from sshgate.session import NO_FORWARDING, Session, holder
from sshgate.undocumented import ask_about_environment, ask_about_proofs, take_any_bytes_as_command

_log = structlog.get_logger()

_FRESH_SECONDS = 5.0
"""How long a connection is taken, without asking again, for whom it was let in as."""

_KEYLESS = """\
You have not shown an SSH key, and there are no passwords here. Make a key, then come again:

    ssh-keygen -t ed25519

"""


class Door(asyncssh.SSHServer):
    """What asyncssh asks about a connection, answered."""

    def __init__(self, house: House, errands: Errands, forget: Callable[["Door"], None]) -> None:
        self._house = house
        self._errands = errands
        self._forget = forget
        self._sessions: set[Session] = set()
        self._holds = ExitStack()
        self._session_id = secrets.token_hex(6)
        self._source = ""
        self._is_starting = False
        self._has_banner = False
        self._tried_forwarding = False
        self._is_first = True
        """Whether nothing was asked on this connection yet."""
        self._who_now: Identity = TurnedAway(NotPermitted())
        self._known_since = 0.0

    # Coming and going

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._source = plain_address(str(conn.get_extra_info("peername")[0]))
        keeper = self._house.keeper
        self._rules = KeyRules(self._house.services.accounts, keeper.limits, self._source, self._session_id)
        ask_about_proofs(conn, self._rules.decide)
        self._is_starting = True
        keeper.arrived(self._source)
        if keeper.is_flood(self._source):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._settle()
        self._holds.close()
        self._forget(self)

    def _settle(self) -> None:
        if self._is_starting:
            self._is_starting = False
            self._house.keeper.settled(self._source)

    # Who it is

    def begin_auth(self, username: str) -> bool:
        if refusal := self._house.keeper.refusal(self._source):
            _log.warning("connection refused", source=self._source, why=refusal.message)
            raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, refusal.message)
        self._rules.user = username
        if username == HEALTH:
            self._rules.admit_health_check()
            return False
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        del username
        if trouble := weakness(key):
            self._say_once(f"{trouble}\n")
        return self._rules.may_be_proved(key)

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> KbdIntChallenge:
        del username, lang, submethods
        if self._rules.may_be_guest():
            return "", "", "", []
        self._say_once(_KEYLESS)
        return False

    def validate_kbdint_response(self, username: str, responses: KbdIntResponse) -> bool:
        del username, responses
        return self._rules.admit_guest()

    def auth_completed(self) -> None:
        self._settle()
        # A connection that was let in by nothing would be a mistake of ours, and must not become anybody.
        self._remember(self._rules.identity or TurnedAway(NotPermitted()))
        try:
            self._holds.enter_context(
                self._house.keeper.hold("connection", holder(self._who_now, self._source), self._source)
            )
        except CapsulError as error:
            self._remember(TurnedAway(error))
        if isinstance(self._who_now, TurnedAway):
            # Whoever comes again may fare better, but only if they do come again.
            self._errands.start(self.end(self._who_now.error))
        if isinstance(self._who_now, Member):
            self._errands.start(self._note_use(self._who_now))

    def _say_once(self, text: str) -> None:
        if not self._has_banner:
            self._has_banner = True
            self._connection.send_auth_banner(text)

    def _remember(self, identity: Identity) -> None:
        self._who_now = identity
        self._known_since = asyncio.get_running_loop().time()

    async def _note_use(self, member: Member) -> None:
        try:
            await self._house.services.accounts.signed_in(member.key, self._source)
        except CapsulError as error:
            _log.warning("use of a key not noted", session=self._session_id, why=error.message)

    async def _who(self) -> Identity:
        """Who it is now. Only what a connection asks for at once goes by the answer it was let in with: later, keys
        may have been removed, changed or expired, and guests may have enrolled."""
        identity, is_first, self._is_first = self._who_now, self._is_first, False
        if is_first and asyncio.get_running_loop().time() - self._known_since < _FRESH_SECONDS:
            return identity
        if isinstance(identity, Member):
            return await self._ask_again(identity, identity.key.fingerprint)
        if isinstance(identity, Guest):
            return await self._ask_again(identity, identity.fingerprint)
        return identity

    async def _ask_again(self, identity: Member | Guest, fingerprint: str) -> Identity:
        found = await self._rules.identify(fingerprint)
        if isinstance(found, TurnedAway):
            return found
        if isinstance(identity, Member) and not (
            isinstance(found, Member) and found.key.account_id == identity.key.account_id
        ):
            # Nor does a connection follow a key into another account: what it shows is the first one's.
            return TurnedAway(NotPermitted("This key does not open the account any more."))
        self._remember(found or identity)
        return self._who_now

    # What it opens

    def session_requested(self) -> "tuple[asyncssh.SSHServerChannel[bytes], Session]":
        most = self._house.keeper.limits.channels
        if len(self._sessions) >= most:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, f"{most} sessions are open on this connection, as many as may be"
            )
        session = Session(self._house, self._host())
        channel = self._connection.create_server_channel()
        ask_about_environment(channel, session.environment.accept)
        take_any_bytes_as_command(channel)
        self._sessions.add(session)
        return channel, session

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        del dest_host, dest_port, orig_host, orig_port
        raise self._no_forwarding()

    def unix_connection_requested(self, dest_path: str) -> bool:
        del dest_path
        raise self._no_forwarding()

    def tun_requested(self, unit: int | None) -> bool:
        del unit
        raise self._no_forwarding()

    def tap_requested(self, unit: int | None) -> bool:
        del unit
        raise self._no_forwarding()

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        del listen_host, listen_port
        self._tried_forwarding = True
        return False

    def unix_server_requested(self, listen_path: str) -> bool:
        del listen_path
        self._tried_forwarding = True
        return False

    def _no_forwarding(self) -> asyncssh.ChannelOpenError:
        return asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, NO_FORWARDING)

    def _host(self) -> Host:
        return Host(
            facts=self._facts,
            identity=self._who,
            known_as=lambda: self._who_now,
            tried_forwarding=lambda: self._tried_forwarding,
            forget=self._sessions.discard,
            cut=self._connection.abort,
        )

    def _facts(self) -> Connection:
        ask = self._connection.get_extra_info
        return Connection(
            session_id=self._session_id,
            source=self._source,
            user=plain_text(str(ask("username", "")))[:64],
            client=plain_text(str(ask("client_version", "")))[:128],
            cipher=str(ask("send_cipher", "")),
            compression=str(ask("send_compression", "")),
        )

    # How it ends before its time

    def concerns(self, key_id: str) -> bool:
        """Whether a change of this key may change who the connection is. An empty id stands for any key."""
        return isinstance(self._who_now, Member) and key_id in ("", str(self._who_now.key.id))

    async def look_again(self) -> None:
        """The key was changed: goes on with what it may do now, or ends when it opens nothing any more."""
        if not isinstance(self._who_now, Member):
            return
        found = await self._rules.identify(self._who_now.key.fingerprint)
        if isinstance(found, Member) and found.key.account_id == self._who_now.key.account_id:
            self._remember(found)
        elif not isinstance(found, TurnedAway):
            await self.end(NotPermitted("The key of this session was removed."))

    async def end(self, why: CapsulError) -> None:
        """Nothing new may begin; a command gets a moment to end by itself; then all is told why, and closed."""
        self._remember(TurnedAway(why))
        for session in list(self._sessions):
            session.stop_screens(why)
        goodbye = self._house.keeper.limits.goodbye_seconds
        if not await _done_within(goodbye, self._sessions_ended()):
            for session in list(self._sessions):
                session.stop(why)
            await _done_within(goodbye, self._sessions_ended())
        # A client that got its exit status leaves by itself; a disconnect that came first would replace the status.
        if not await _done_within(goodbye, self._connection.wait_closed()):
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why.message)

    async def _sessions_ended(self) -> None:
        for session in list(self._sessions):
            await session.ended()


async def _done_within(seconds: float, waiting: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True
