"""The listener: what it speaks, what it forwards (nothing), how it goes down."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from capsul.config import Settings
from sshgate import algorithms
from sshgate.host_keys import HostKeyError
from sshgate.server import SshGate
from tests.sshgate.conftest import KeyFile, OpenGate, Ssh, agent_with, eventually, run
from tests.sshgate.liars import connect, honest

Client = Callable[..., Ssh]


async def test_an_audit_of_the_algorithms_finds_no_fault(gate: SshGate) -> None:
    audit = Path(sys.executable).with_name("ssh-audit")
    command = (str(audit), "--json", "--skip-rate-test", "-p", str(gate.port), "127.0.0.1")
    answer = await run(*command, env={"PATH": os.environ["PATH"]})
    found = json.loads(answer.out)
    algorithm_notes = [
        (kind, it["algorithm"], it["notes"]["fail"])
        for kind in ("kex", "key", "enc", "mac")
        for it in found[kind]
        if it["notes"].get("fail")
    ]
    assert algorithm_notes == []
    assert found["cves"] == []
    assert "mlkem768x25519-sha256" in {it["algorithm"] for it in found["kex"]}
    assert {it["algorithm"] for it in found["key"]} == {"ssh-ed25519"}


async def test_the_version_line_names_no_library(gate: SshGate) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    assert await reader.readline() == b"SSH-2.0-capsul\r\n"
    writer.close()


@pytest.mark.parametrize("algorithm", algorithms.KEY_EXCHANGES)
async def test_every_key_exchange_that_is_offered_works(gate: SshGate, member: KeyFile, algorithm: str) -> None:
    key = asyncssh.read_private_key(member.path)
    async with asyncssh.connect(
        "127.0.0.1", gate.port, username="u", client_keys=[key], known_hosts=None, config=None, kex_algs=[algorithm]
    ) as connection:
        assert (await connection.run("version")).exit_status == 0


@pytest.mark.parametrize("cipher", algorithms.CIPHERS)
async def test_every_cipher_that_is_offered_works(ssh: Ssh, cipher: str) -> None:
    answer = await ssh.with_(f"-oCiphers={cipher}")("doctor", "--json")
    assert json.loads(answer.out)["cipher"] == cipher


@pytest.mark.parametrize("options", ["-oCiphers=aes128-cbc", "-oMACs=hmac-sha1", "-oKexAlgorithms=ecdh-sha2-nistp256"])
async def test_old_algorithms_are_not_spoken(ssh: Ssh, options: str) -> None:
    mac_matters = "-oCiphers=aes128-ctr" if "MACs" in options else "-oLogLevel=INFO"
    answer = await ssh.with_(options, mac_matters)("version")
    assert answer.status == 255
    assert "no matching" in answer.err


async def test_compression_is_there_for_who_asks(ssh: Ssh) -> None:
    assert json.loads((await ssh("doctor", "--json")).out)["compression"] == "none"
    assert json.loads((await ssh.with_("-C")("doctor", "--json")).out)["compression"] == "zlib@openssh.com"


async def test_forwarding_to_a_port_is_refused_with_the_reason(ssh: Ssh) -> None:
    answer = await ssh.with_("-W", "127.0.0.1:22")()
    assert answer.status == 255
    assert "administratively prohibited: Nothing is forwarded here" in answer.err


async def test_a_jump_host_we_are_not(ssh: Ssh) -> None:
    jump = " ".join(ssh.with_("-W", "[%h]:%p").command())
    answer = await run("ssh", "-F", "none", f"-oProxyCommand={jump}", "192.0.2.1", env=ssh.process_environment())
    assert answer.status == 255
    assert "Nothing is forwarded here" in answer.err


async def test_forwarding_back_is_refused_and_the_command_is_carried_out(ssh: Ssh) -> None:
    answer = await ssh.with_("-R", "0:127.0.0.1:22")("whoami")
    assert answer.status == 0
    assert "me@example.org" in answer.out
    assert answer.err.count("Nothing is forwarded here") == 1


async def test_forwarding_a_socket_is_refused(gate: SshGate, member: KeyFile) -> None:
    async with connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection:
        with pytest.raises(asyncssh.ChannelOpenError, match="Nothing is forwarded here"):
            await connection.open_unix_connection("/run/docker.sock")
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_path("/tmp/x", "/tmp/y")
        with pytest.raises(asyncssh.ChannelOpenError, match="Nothing is forwarded here"):
            await connection.open_tun()


async def test_x11_is_not_forwarded(ssh: Ssh) -> None:
    answer = await ssh.with_("-X", "-v", DISPLAY=":99")("version")
    assert answer.status == 0
    assert "X11 forwarding request failed" in answer.err or "No xauth" in answer.err


async def test_an_agent_is_not_forwarded(gate: SshGate, ssh: Ssh, member: KeyFile, tmp_path: Path) -> None:
    async with agent_with(tmp_path, [member]) as socket:
        answer = await ssh.with_("-A", "-v", SSH_AUTH_SOCK=socket)("version")
        assert "Requesting authentication agent forwarding" in answer.err
        process = await asyncio.create_subprocess_exec(
            *ssh.with_("-A").command("keys", "add", "-"),
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=ssh.with_(SSH_AUTH_SOCK=socket).process_environment(),
        )
        await eventually(lambda: any(session._what for door in gate._doors for session in door._sessions))
        assert [door._connection.get_agent_path() for door in gate._doors] == [None]
        await process.communicate(b"")


async def test_only_variables_of_use_are_kept(gate: SshGate, member: KeyFile) -> None:
    key = asyncssh.read_private_key(member.path)
    wanted = {"LANG": "C.UTF-8", "NO_COLOR": "1", "COLORTERM": "truecolor"}
    unwanted = {f"LD_{number}": "x" for number in range(50)} | {"LC_ALL": "x" * 1000}
    async with connect(gate.port, [honest(key)]) as connection:
        process = await connection.create_process("keys add -", env=wanted | unwanted)
        await eventually(lambda: any(session._what for door in gate._doors for session in door._sessions))
        [session] = [session for door in gate._doors for session in door._sessions]
        assert session.environment == wanted
        assert session._channel.get_environment() == {}
        process.close()


async def test_keepalive_is_on(gate: SshGate, member: KeyFile) -> None:
    async with connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection:
        await connection.run("version")
        [door] = gate._doors
        assert door._connection._keepalive_interval == 30


async def test_a_gate_that_goes_down_says_so_and_lets_what_runs_end(
    open_gate: OpenGate, client: Client, member: KeyFile
) -> None:
    async with open_gate() as gate:
        ssh = client(member, port=gate.port)
        topup = json.loads((await ssh("topup", "5", "--json")).out)["topup"]["id"]
        waiting = await asyncio.create_subprocess_exec(
            *ssh.command("topup", "show", topup, "--wait"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=ssh.process_environment(),
        )
        assert waiting.stderr is not None
        await waiting.stderr.readline()
    async with asyncio.timeout(10):
        assert b"The server is going down" in await waiting.stderr.read()
        assert await waiting.wait() == 75
    assert (await ssh("ls")).status == 255


async def test_the_same_key_is_shown_after_every_start(
    open_gate: OpenGate, client: Client, member: KeyFile, settings: Settings
) -> None:
    for _ in range(2):
        async with open_gate() as gate:
            assert (await client(member, port=gate.port)("version")).status == 0


async def test_a_damaged_host_key_keeps_the_gate_shut(open_gate: OpenGate, settings: Settings) -> None:
    async with open_gate():
        pass
    (settings.host_keys / "ssh_host_ed25519_key").write_text("")
    with pytest.raises(HostKeyError):
        async with open_gate():
            pass
