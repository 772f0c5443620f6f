"""What goes in and out: all of it, no faster than it is read, and nothing left behind when somebody goes."""

import asyncio
import json
import signal
from collections.abc import Callable

import asyncssh
import pytest

from capsul.errors import BadRequest
from sshgate.limits import Limits
from sshgate.server import SshGate
from sshgate.streams import Input, Output, StalledError
from tests.conftest import TestDatabase
from tests.sshgate.conftest import KeyFile, OpenGate, Ssh, eventually
from tests.sshgate.liars import closed, connect, honest


@pytest.fixture
async def long_ledger(member: KeyFile, fresh_database: TestDatabase) -> int:
    """How many entries the member's ledger has: megabytes of them."""
    await fresh_database.admin(
        "SELECT post_transfer('long:' || n, 'promo', 'wallet:' || (SELECT id FROM account LIMIT 1) || ':gift', 10000,"
        " 'gift', '', repeat('x', 400), capsul_now(), NULL) FROM generate_series(1, 5000) AS n"
    )
    return 5001


class SlowReader(asyncssh.SSHClientSession[bytes]):
    """Reads one piece, then nothing until it is told to go on."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.has_begun = asyncio.Event()

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        del datatype
        self.received += data
        if not self.has_begun.is_set():
            self.has_begun.set()
            self.channel.pause_reading()


def waiting_in(gate: SshGate) -> int:
    """Bytes that the gate keeps for clients which do not read."""
    sessions = [session for door in gate._doors for session in door._sessions]
    return sum(session._channel.get_write_buffer_size() for session in sessions)


async def test_long_answers_arrive_whole(ssh: Ssh, long_ledger: int) -> None:
    answer = await ssh("ledger", "--csv", "--limit", "10000")
    assert answer.status == 0
    assert len(answer.out.splitlines()) == long_ledger + 1
    answer = await ssh("ledger", "--json", "--limit", "10000")
    assert len(json.loads(answer.out)["entries"]) == long_ledger


async def test_a_reader_that_stalls_costs_little_and_gets_all_in_the_end(
    gate: SshGate, member: KeyFile, long_ledger: int
) -> None:
    async with connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection:
        reader = SlowReader()
        channel, _ = await connection.create_session(
            lambda: reader, "ledger --csv --limit 10000", window=16 * 1024, encoding=None
        )
        await reader.has_begun.wait()
        assert (await connection.run("version")).exit_status == 0
        assert 0 < waiting_in(gate) < 128 * 1024
        reader.channel.resume_reading()
        await channel.wait_closed()
    assert reader.received.count(b"\n") == long_ledger + 1


async def test_a_reader_that_stalls_for_too_long_is_cut_off(
    open_gate: OpenGate, member: KeyFile, long_ledger: int
) -> None:
    async with (
        open_gate(limits=Limits(stalled_seconds=0.2, goodbye_seconds=1.0)) as gate,
        connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection,
    ):
        await connection.create_session(SlowReader, "ledger --csv --limit 10000", window=16 * 1024, encoding=None)
        await closed(connection)
        await eventually(lambda: gate.connections == 0)


class Channel:
    """As much of a channel as Output uses."""

    def __init__(self) -> None:
        self.written: list[tuple[bytes, int | None]] = []

    def write(self, data: bytes, datatype: int | None) -> None:
        self.written.append((data, datatype))


async def test_nothing_is_written_while_the_window_is_full() -> None:
    channel = Channel()
    output = Output(channel, stalled_seconds=0.05)  # type: ignore[arg-type]  # the one method that is used
    output.pause()
    with pytest.raises(StalledError):
        await output.write("x")
    assert channel.written == []
    output.resume()
    await output.write_error("ä\n")
    assert channel.written == [("ä\n".encode(), asyncssh.EXTENDED_DATA_STDERR)]


async def test_standard_input_has_a_limit_and_must_be_text() -> None:
    given = Input()
    for _ in range(100):
        given.feed(b"x" * 10_000)
    given.end()
    with pytest.raises(BadRequest, match="256 KiB at most"):
        await given.read()
    assert len(given._kept) <= 256 * 1024
    binary = Input()
    binary.feed(b"\xff\x00")
    binary.end()
    with pytest.raises(BadRequest, match="not UTF-8"):
        await binary.read()


async def test_without_standard_input_nothing_is_lost(ssh: Ssh) -> None:
    for _ in range(5):
        answer = await ssh("whoami")
        assert answer.status == 0
        assert "me@example.org" in answer.out


async def test_standard_input_that_nobody_reads_does_no_harm(ssh: Ssh) -> None:
    answer = await ssh("whoami", stdin=b"x" * 3_000_000)
    assert answer.status == 0
    assert "me@example.org" in answer.out


async def test_user_data_is_read_from_standard_input(ssh: Ssh, fresh_database: TestDatabase) -> None:
    data = "#cloud-config\nhostname: ünïcode\n"
    answer = await ssh("create", "--image", "tiny", "--size", "nano", "--user-data", "-", stdin=data.encode())
    assert answer.status == 0, answer.err
    assert [row["user_data"] for row in await fresh_database.admin("SELECT user_data FROM capsul")] == [data]


async def test_too_much_user_data_is_refused(ssh: Ssh) -> None:
    create = ("create", "--image", "tiny", "--size", "nano", "--user-data", "-")
    assert (await ssh(*create, stdin=b"x" * 70_000)).status == 3
    assert (await ssh(*create, stdin=b"x" * 300_000)).status == 2


@pytest.mark.parametrize("line", ["topup show {topup} --wait", "keys add -"])
async def test_a_client_that_vanishes_leaves_nothing_behind(ssh: Ssh, gate: SshGate, line: str) -> None:
    topup = json.loads((await ssh("topup", "5", "--json")).out)["topup"]["id"]
    await eventually(lambda: gate.connections == 0)
    before = asyncio.all_tasks()
    process = await asyncio.create_subprocess_exec(
        *ssh.command(line.format(topup=topup)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ssh.process_environment(),
    )
    await eventually(lambda: any(session._what for door in gate._doors for session in door._sessions))
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    await eventually(lambda: gate.connections == 0 and asyncio.all_tasks() <= before)


async def test_two_sessions_at_once_do_not_get_each_others_answers(
    client: Callable[..., Ssh], member: KeyFile, enrol_key: Callable[..., "asyncio.Future[KeyFile]"]
) -> None:
    other = await enrol_key("other", email="other@example.org")
    answers = await asyncio.gather(*(client(key)("whoami", "--json") for key in [member, other] * 6))
    emails = [json.loads(answer.out)["account"]["email"] for answer in answers]
    assert emails == ["me@example.org", "other@example.org"] * 6
