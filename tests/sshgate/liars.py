"""Clients that no ssh program is: they show one key and sign with another, or with hardware that is not there."""

import asyncio
import hashlib
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncssh


def text(data: bytes) -> bytes:
    """A string in SSH's own encoding."""
    return struct.pack(">I", len(data)) + data


class Claim(asyncssh.SSHKeyPair):
    """Shows one public key; signs however it is told."""

    def __init__(self, public_data: bytes, algorithm: bytes, sign: Callable[[bytes], bytes]) -> None:
        super().__init__(algorithm, algorithm, [algorithm], [algorithm], public_data, None)
        self._sign = sign

    def sign(self, data: bytes) -> bytes:
        return self._sign(data)

    def set_sig_algorithm(self, sig_algorithm: bytes) -> None:
        del sig_algorithm


def honest(key: asyncssh.SSHKey) -> Claim:
    """Shows a key and signs with it."""
    return Claim(key.public_data, key.algorithm, lambda data: key.sign(data, key.algorithm))


def lying(shown: asyncssh.SSHKey, signs: asyncssh.SSHKey) -> Claim:
    """Shows somebody's public key and signs with another."""
    return Claim(shown.public_data, shown.algorithm, lambda data: signs.sign(data, signs.algorithm))


def security_key(secret: asyncssh.SSHKey, *, touched: bool) -> Claim:
    """What a FIDO key does, in software."""
    algorithm, application = b"sk-ssh-ed25519@openssh.com", b"ssh:"
    public_data = text(algorithm) + text(secret.public_data[-32:]) + text(application)

    def sign(data: bytes) -> bytes:
        meta = struct.pack(">BI", 1 if touched else 0, 7)
        signed = hashlib.sha256(application).digest() + meta + hashlib.sha256(data).digest()
        return text(algorithm) + text(secret.sign(signed, b"ssh-ed25519")[-64:]) + meta

    return Claim(public_data, algorithm, sign)


class _Guest(asyncssh.SSHClient):
    """Answers keyboard-interactive, which asks nothing."""

    def __init__(self) -> None:
        self.banners: list[str] = []
        self._tries = 0

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.connection = conn

    def auth_banner_received(self, msg: str, lang: str) -> None:
        del lang
        self.banners.append(msg)

    def kbdint_auth_requested(self) -> str | None:
        self._tries += 1
        return "" if self._tries == 1 else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str]:
        del name, instructions, lang
        return [""] * len(prompts)


@dataclass(frozen=True)
class Call:
    """What came of a connection made by hand."""

    status: int | None
    out: str
    err: str


async def call(port: int, claims: Sequence[asyncssh.SSHKeyPair], command: str, user: str = "member") -> Call:
    """Offers the claims in turn, then keyboard-interactive, and gives a command."""
    async with connect(port, claims, user) as connection:
        result = await connection.run(command)
        return Call(result.exit_status, str(result.stdout), str(result.stderr))


def connect(
    port: int, claims: Sequence[asyncssh.SSHKeyPair], user: str = "member"
) -> "asyncssh.misc._ACMWrapper[asyncssh.SSHClientConnection]":
    """A connection of a client that offers these claims."""
    return asyncssh.connect(
        "127.0.0.1",
        port,
        username=user,
        client_keys=list(claims) or None,
        client_factory=_Guest,
        known_hosts=None,
        config=None,
        agent_path=None,
        gss_host=None,
        preferred_auth="publickey,keyboard-interactive",
    )


async def closed(connection: asyncssh.SSHClientConnection) -> None:
    """Waits until the other side has closed it."""
    async with asyncio.timeout(10):
        await connection.wait_closed()


class Hasty:
    """A client that can say something out of turn while it is being let in."""

    def __init__(self, port: int, claims: Sequence[asyncssh.SSHKeyPair]) -> None:
        self._client = _Guest()
        self._connecting = asyncio.create_task(
            asyncssh.create_connection(
                lambda: self._client,
                "127.0.0.1",
                port,
                username="member",
                client_keys=list(claims),
                known_hosts=None,
                config=None,
                agent_path=None,
                gss_host=None,
                preferred_auth="publickey,keyboard-interactive",
            )
        )

    async def show(self, key: asyncssh.SSHKey) -> None:
        """Asks whether a key would be taken, without proving it."""
        await self._client.connection.send_userauth_request(
            b"publickey", b"\0" + text(key.algorithm) + text(key.public_data)
        )

    async def outcome(self, command: str) -> str | None:
        """What the command says to whoever was let in; None when nobody was."""
        try:
            async with asyncio.timeout(10):
                connection, _ = await self._connecting
        except (asyncssh.Error, OSError, TimeoutError):
            return None
        result = await connection.run(command)
        connection.close()
        return str(result.stdout)


@asynccontextmanager
async def connect_by_hand(port: int, claims: Sequence[asyncssh.SSHKeyPair]) -> AsyncIterator[Hasty]:
    """A client that is on its way in."""
    yield Hasty(port, claims)
