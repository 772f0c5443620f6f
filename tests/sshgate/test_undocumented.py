"""What we rely on in asyncssh without being promised it. When one of these fails, an update has changed it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncssh
import pytest

from sshgate.auth import read_proof
from sshgate.undocumented import ask_about_environment, ask_about_proofs, rsa_bits, take_any_bytes_as_command
from tests.sshgate.liars import call, connect, honest, lying

Decide = Callable[[bytes], Awaitable[bool]]


class Server(asyncssh.SSHServer):
    """Lets in whom `decide` lets in, and echoes the environment it was asked to accept."""

    def __init__(self, decide: Decide, seen: dict[str, str]) -> None:
        self._decide = decide
        self._seen = seen

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        ask_about_proofs(conn, self._decide)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True

    def session_requested(self) -> "tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]]":
        channel = self._connection.create_server_channel()
        ask_about_environment(channel, self._accept)
        take_any_bytes_as_command(channel)
        return channel, Silent(self._seen)

    def _accept(self, name: str, value: str) -> bool:
        self._seen[name] = value
        return name == "LANG"


class Silent(asyncssh.SSHServerSession[bytes]):
    """Exits at once. Keeps the line it was given."""

    def __init__(self, seen: dict[str, str]) -> None:
        self._seen = seen

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        self._seen["the command"] = command
        return True

    def session_started(self) -> None:
        self._channel.write(" ".join(self._channel.get_environment()).encode())
        self._channel.exit(0)


@pytest.fixture
def seen() -> dict[str, str]:
    return {}


@asynccontextmanager
async def serving(decide: Decide, seen: dict[str, str]) -> AsyncIterator[int]:
    async with asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Server(decide, seen),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        encoding=None,
    ) as server:
        yield server.get_port()


async def test_only_proved_keys_are_decided_about_and_a_no_goes_on_to_the_next_key(seen: dict[str, str]) -> None:
    victim, first, second = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    asked: list[bytes] = []

    async def decide(key: bytes) -> bool:
        asked.append(key)
        return key == second.public_data

    async with serving(decide, seen) as port:
        answer = await call(port, [lying(victim, first), honest(first), honest(second)], "x")
    assert answer.status == 0
    assert asked == [first.public_data, second.public_data]


async def test_a_no_to_every_key_lets_nobody_in(seen: dict[str, str]) -> None:
    async def decide(key: bytes) -> bool:
        return False

    async with serving(decide, seen) as port:
        with pytest.raises(asyncssh.PermissionDenied):
            await call(port, [honest(asyncssh.generate_private_key("ssh-ed25519"))], "x")


async def test_a_no_is_a_partial_success_on_the_wire(seen: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    class Connection:
        """The one call of a connection that is replaced, and the one that is made."""

        def __init__(self) -> None:
            self.failures: list[bool] = []

        async def validate_public_key(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
            return True

        def send_userauth_failure(self, partial_success: bool) -> None:
            self.failures.append(partial_success)

    async def no(key: bytes) -> bool:
        return False

    connection = Connection()
    key = asyncssh.generate_private_key("ssh-ed25519")
    ask_about_proofs(connection, no)  # type: ignore[arg-type]  # as much of a connection as is used
    signature = key.sign(b"x", b"ssh-ed25519")
    assert await connection.validate_public_key("u", key.public_data, b"x", signature) is False
    assert connection.failures == [True]
    assert await connection.validate_public_key("u", key.public_data, b"", b"") is True
    assert connection.failures == [True]


async def test_the_environment_is_ours_to_keep_or_to_drop(seen: dict[str, str]) -> None:
    async def decide(key: bytes) -> bool:
        return True

    key = asyncssh.generate_private_key("ssh-ed25519")
    async with (
        serving(decide, seen) as port,
        asyncssh.connect(
            "127.0.0.1",
            port,
            username="u",
            client_keys=[key],
            known_hosts=None,
            config=None,
            env={"LANG": "C.UTF-8", "EVIL": "x" * 1000},
        ) as connection,
    ):
        result = await connection.run("x")
    assert seen == {"LANG": "C.UTF-8", "EVIL": "x" * 1000, "the command": "x"}
    assert result.stdout == "", "asyncssh has kept a variable itself"


@pytest.mark.parametrize("line", ["show é日本", "show \udcff\udcfe", "\udc80" * 10_000])
async def test_a_command_line_is_ours_to_judge_whatever_bytes_it_has(seen: dict[str, str], line: str) -> None:
    async def decide(key: bytes) -> bool:
        return True

    key = honest(asyncssh.generate_private_key("ssh-ed25519"))
    async with serving(decide, seen) as port, connect(port, [key]) as connection:
        process = await connection.create_process(BytesOf(line))
        assert (await process.wait()).exit_status == 0
    assert seen["the command"] == line


class BytesOf(str):
    """A line whose lone surrogates are sent as the bytes they stand for, which asyncssh's own client would not do."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        del errors
        return super().encode(encoding, "surrogateescape")


@pytest.mark.parametrize("bits", [1024, 2048, 3072])
def test_the_length_of_an_rsa_key_is_read_from_the_key(bits: int) -> None:
    key = asyncssh.generate_private_key("ssh-rsa", key_size=bits)
    assert rsa_bits(key) == rsa_bits(asyncssh.import_public_key(key.export_public_key())) == bits


def test_a_proof_is_called_what_openssh_calls_the_key() -> None:
    for kind in ("ssh-ed25519", "ecdsa-sha2-nistp384", "ssh-rsa"):
        key = asyncssh.generate_private_key(kind)
        proof = read_proof(key.public_data)
        assert proof.fingerprint == key.get_fingerprint()
        assert proof.public_key == " ".join(key.export_public_key().decode().split()[:2])
