"""Limits hold, say why and for how long, and spare those they are not for."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_network
from uuid import uuid4

import asyncssh
import pytest

from capsul.errors import TooMany
from sshgate.limits import Doorkeeper, Limits, neighbourhood, plain_address
from sshgate.server import SshGate
from tests.sshgate.conftest import KeyFile, OpenGate, Ssh, eventually
from tests.sshgate.liars import connect, honest

Client = Callable[..., Ssh]


def keeper(limits: Limits | None = None, unlimited: str = "10.0.0.0/8", sessions: int = 2) -> Doorkeeper:
    return Doorkeeper(limits or Limits(starting=3, starting_from_one_source=2), sessions, 60, [ip_network(unlimited)])


def test_one_source_starts_only_so_many_connections_at_a_time() -> None:
    it = keeper()
    for _ in range(2):
        it.arrived("192.0.2.1")
    assert it.refusal("192.0.2.1") is None
    it.arrived("192.0.2.1")
    refusal = it.refusal("192.0.2.1")
    assert refusal is not None
    assert "from your network" in refusal.message
    assert "in 60 seconds" in refusal.message
    assert it.refusal("192.0.2.2") is None
    it.settled("192.0.2.1")
    assert it.refusal("192.0.2.1") is None


def test_all_together_start_only_so_many_connections_at_a_time() -> None:
    it = keeper()
    for number in range(4):
        it.arrived(f"192.0.2.{number}")
    assert it.refusal("192.0.2.9") is not None
    assert it.refusal("10.1.2.3") is None
    assert not it.is_flood("192.0.2.9")
    for number in range(4):
        it.arrived(f"198.51.100.{number}")
    assert it.is_flood("192.0.2.9")
    assert not it.is_flood("10.1.2.3")


def test_nothing_is_counted_for_ever() -> None:
    it = keeper()
    for number in range(50):
        it.arrived(f"192.0.2.{number}")
        it.settled(f"192.0.2.{number}")
        with it.hold("session", uuid4(), "192.0.2.1"):
            pass
    assert not it._starting
    assert not it._held


def test_an_account_holds_only_so_many_sessions() -> None:
    it, account = keeper(), uuid4()
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(it.hold("session", account, "192.0.2.1"))
        with (
            pytest.raises(TooMany, match="There are 2 sessions of yours open") as refused,
            it.hold("session", account, "::1"),
        ):
            pass
        assert refused.value.retry_after > 0
        held.enter_context(it.hold("session", account, "10.0.0.1"))
        held.enter_context(it.hold("session", uuid4(), "192.0.2.1"))
    with it.hold("session", account, "192.0.2.1"):
        pass


def test_a_customers_ipv6_network_counts_as_one_source() -> None:
    assert neighbourhood("2001:db8:1:2::1") == neighbourhood("2001:db8:1:2:ffff::9")
    assert neighbourhood("2001:db8:1:2::1") != neighbourhood("2001:db8:1:3::1")
    assert neighbourhood("192.0.2.1") != neighbourhood("192.0.2.2")


def test_ipv4_in_ipv6_clothes_is_ipv4() -> None:
    assert plain_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert plain_address("fe80::1%eth0") == "fe80::1"


async def test_too_many_unfinished_connections_are_refused_in_words(open_gate: OpenGate, client: Client) -> None:
    async with open_gate(limits=Limits(starting_from_one_source=2)) as gate:
        idle = [await asyncio.open_connection("127.0.0.1", gate.port) for _ in range(2)]
        answer = await client(port=gate.port)("help")
        assert answer.status == 255
        assert "too many unfinished connections from your network. Try again in 60 seconds" in answer.err
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()


async def test_proved_connections_do_not_count_as_unfinished(
    open_gate: OpenGate, client: Client, member: KeyFile
) -> None:
    key = asyncssh.read_private_key(member.path)
    async with (
        open_gate(limits=Limits(starting_from_one_source=1)) as gate,
        connect(gate.port, [honest(key)]),
        connect(gate.port, [honest(key)]),
    ):
        assert (await client(member, port=gate.port)("version")).status == 0


async def test_one_session_too_many_is_told_to_try_again(open_gate: OpenGate, client: Client, member: KeyFile) -> None:
    key = asyncssh.read_private_key(member.path)
    async with open_gate(sessions_per_account=1) as gate, connect(gate.port, [honest(key)]) as first:
        assert (await first.run("version")).exit_status == 0
        answer = await client(member, port=gate.port)("version", "--json")
    assert answer.status == 75
    assert json.loads(answer.err)["error"]["code"] == "too_many"
    assert json.loads(answer.err)["error"]["retry_after"] == 60


async def test_a_network_without_limits_has_none(open_gate: OpenGate, client: Client, member: KeyFile) -> None:
    key = asyncssh.read_private_key(member.path)
    limits = Limits(starting=1, starting_from_one_source=1)
    unlimited = [ip_network("127.0.0.0/8")]
    async with open_gate(limits=limits, sessions_per_account=1, unlimited_networks=unlimited) as gate:
        idle = [await asyncio.open_connection("127.0.0.1", gate.port) for _ in range(3)]
        async with connect(gate.port, [honest(key)]), connect(gate.port, [honest(key)]):
            assert (await client(member, port=gate.port)("version")).status == 0
        for _, writer in idle:
            writer.close()


async def test_one_connection_opens_only_so_many_channels(open_gate: OpenGate, member: KeyFile) -> None:
    key = asyncssh.read_private_key(member.path)
    async with open_gate(limits=Limits(channels=2)) as gate, connect(gate.port, [honest(key)]) as connection:
        waiting = [await connection.create_process("keys add -") for _ in range(2)]
        with pytest.raises(asyncssh.ChannelOpenError, match="2 sessions are open on this connection"):
            await connection.run("version")
        for process in waiting:
            process.close()
            await process.wait_closed()
        assert (await connection.run("version")).exit_status == 0


async def test_who_proves_nothing_in_time_is_put_out(open_gate: OpenGate) -> None:
    async with open_gate(login_seconds=1) as gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"SSH-2.0-capsul")
        writer.close()
        assert gate.connections == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"SSH-2.0-x\r\n" + bytes(range(256)) * 40,
        b"SSH-2.0-x\r\n\xff\xff\xff\xff",
        b"\x00" * 100_000,
        b"SSH-2.0-" + b"x" * 100_000,
    ],
)
async def test_whatever_is_sent_before_a_key_leaves_nothing_behind(gate: SshGate, sent: bytes) -> None:
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        writer.write(sent)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await eventually(lambda: gate.connections == 0)
    assert not gate._house.keeper._starting
    assert not gate._house.keeper._held
