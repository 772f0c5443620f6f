"""The SSH door as a member's own ssh meets it: real OpenSSH, real services, real Postgres, a free loopback port."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh
import pytest

from capsul.config import Settings
from services import Services
from sshgate.limits import Limits
from sshgate.server import SshGate
from tests.conftest import Enrol
from tests.sshgate.liars import connect, honest

OpenGate = Callable[..., AbstractAsyncContextManager[SshGate]]
EnrolKey = Callable[..., Awaitable["KeyFile"]]


@dataclass(frozen=True)
class KeyFile:
    """A key pair on the disk."""

    path: Path
    fingerprint: str
    line: str


def make_key(folder: Path, name: str = "id", kind: str = "ssh-ed25519", **options: int) -> KeyFile:
    """A new key pair, as ssh-keygen leaves it."""
    key = asyncssh.generate_private_key(kind, comment=f"{name}@laptop", **options)
    path = folder / name
    key.write_private_key(path)
    path.chmod(0o600)
    key.write_public_key(path.with_suffix(".pub"))
    return KeyFile(path, key.get_fingerprint(), key.export_public_key().decode().strip())


@dataclass(frozen=True)
class Answer:
    """What a program did."""

    status: int
    out: str
    err: str


async def run(*command: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Answer:
    """Runs a program to its end. Without `stdin` it reads from /dev/null."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )
    try:
        out, err = await process.communicate(stdin)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return Answer(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


async def eventually(is_so: Callable[[], bool]) -> None:
    """Returns once it is so; what is waited for tells nobody."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Ssh:
    """An OpenSSH client of somebody's: no configuration and no agent but what is said here."""

    port: int
    known_hosts: Path
    keys: tuple[KeyFile, ...] = ()
    user: str = "member"
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def with_(self, *options: str, user: str | None = None, **environment: str) -> "Ssh":
        """The same with more options, another user name, or variables."""
        return replace(
            self,
            options=(*self.options, *options),
            user=user or self.user,
            environment={**self.environment, **environment},
        )

    def command(self, *words: str, program: str = "ssh") -> list[str]:
        """The whole command line."""
        settings = {
            "UserKnownHostsFile": str(self.known_hosts),
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "no" if "SSH_AUTH_SOCK" in self.environment else "yes",
            # Without one, ssh looks for keys in the home of whoever runs the tests.
            "IdentityFile": "none" if not self.keys else str(self.keys[0].path),
        }
        options = [f"-o{name}={value}" for name, value in settings.items()]
        identities = [word for key in self.keys[1:] for word in ("-i", str(key.path))]
        where = ["-p", str(self.port), f"{self.user}@127.0.0.1"] if program == "ssh" else []
        return [program, "-F", "none", *self.options, *options, *identities, *where, *words]

    async def __call__(self, *words: str, stdin: bytes | None = None) -> Answer:
        """`ssh host WORDS`, to its end."""
        return await run(*self.command(*words), stdin=stdin, env=self.process_environment())

    def process_environment(self) -> dict[str, str]:
        """Nothing of whoever runs the tests but the path."""
        return {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **self.environment}


@dataclass(frozen=True)
class Terminal:
    """Somebody's terminal, with a key of theirs at hand."""

    port: int
    key: KeyFile
    columns: int = 80
    rows: int = 24
    kind: str = "xterm-256color"

    async def __call__(self, line: str | None = None, typed: str = "") -> Answer:
        """`ssh -t host LINE`, to its end; without a line, `ssh host`."""
        key = honest(asyncssh.read_private_key(self.key.path))
        async with connect(self.port, [key]) as connection:
            size = (self.columns, self.rows)
            answer = await connection.run(line, term_type=self.kind, term_size=size, input=typed)
        return Answer(answer.exit_status or 0, str(answer.stdout), str(answer.stderr))


def seen(text: str) -> list[str]:
    """The lines that somebody sees in the end: without colours, and without what was drawn over."""
    lines = (line.rpartition("\r\x1b[K")[2] for line in text.replace("\r\n", "\n").removesuffix("\n").split("\n"))
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


@asynccontextmanager
async def agent_with(folder: Path, keys: list[KeyFile]) -> AsyncIterator[str]:
    """The socket of a real ssh-agent that holds these keys, in this order."""
    socket = folder / "agent"
    agent = await asyncio.create_subprocess_exec("ssh-agent", "-D", "-a", str(socket), stdout=asyncio.subprocess.PIPE)
    assert agent.stdout is not None
    await agent.stdout.readline()
    try:
        for key in keys:
            added = await run("ssh-add", "-q", str(key.path), env={"SSH_AUTH_SOCK": str(socket)})
            assert added.status == 0, added.err
        yield str(socket)
    finally:
        agent.terminate()
        await agent.communicate()


@pytest.fixture
def open_gate(services: Services) -> OpenGate:
    """`async with open_gate(limits=…, instead=services, **settings) as gate`: a gate on a free port, and its end."""

    @asynccontextmanager
    async def opened(
        limits: Limits | None = None, instead: Services | None = None, **changed: object
    ) -> AsyncIterator[SshGate]:
        own = replace(instead or services, settings=services.settings.model_copy(update=changed))
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            async with SshGate(own, limits=limits or Limits(goodbye_seconds=1.0), listener=listener) as gate:
                yield gate

    return opened


@pytest.fixture
async def gate(open_gate: OpenGate) -> AsyncIterator[SshGate]:
    async with open_gate() as opened:
        yield opened


@pytest.fixture
def client(gate: SshGate, settings: Settings, tmp_path: Path) -> Callable[..., Ssh]:
    """`client(key, …)`: the ssh of whoever has these keys. `port` for another gate."""

    def of(*keys: KeyFile, port: int = 0) -> Ssh:
        known_hosts = tmp_path / "known_hosts"
        host_key = (settings.host_keys / "ssh_host_ed25519_key.pub").read_text()
        with known_hosts.open("a") as file:
            file.write(f"[127.0.0.1]:{port or gate.port} {host_key}")
        return Ssh(port or gate.port, known_hosts, keys)

    return of


@pytest.fixture
def new_key(tmp_path: Path) -> Callable[..., KeyFile]:
    """`new_key("laptop")`: a key that nobody knows."""

    def make(name: str = "stranger", kind: str = "ssh-ed25519", **options: int) -> KeyFile:
        return make_key(tmp_path, name, kind, **options)

    return make


@pytest.fixture
def enrol_key(enrol: Enrol, new_key: Callable[..., KeyFile]) -> EnrolKey:
    """`await enrol_key("laptop", credit=…)`: a key on the disk that opens a new account."""

    async def enrolled(name: str = "member", kind: str = "ssh-ed25519", email: str = "", **options: object) -> KeyFile:
        key = new_key(name, kind)
        line = " ".join(key.line.split()[:2])
        await enrol(email or f"{name}@example.org", fingerprint=key.fingerprint, public_key=line, **options)
        return key

    return enrolled


@pytest.fixture
async def member(enrol_key: EnrolKey) -> KeyFile:
    """A key of an account with some credit."""
    return await enrol_key("member", email="me@example.org", credit=20_000_000)


@pytest.fixture
def ssh(client: Callable[..., Ssh], member: KeyFile) -> Ssh:
    """The member's ssh."""
    return client(member)


@pytest.fixture
def stranger(client: Callable[..., Ssh], new_key: Callable[..., KeyFile]) -> Ssh:
    """The ssh of somebody whose key nobody knows."""
    return client(new_key("stranger"))
