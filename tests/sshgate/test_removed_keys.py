"""A removed key opens nothing from that moment on, not even where it had been let in."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from sshgate.server import SshGate
from tests.conftest import Enrol, TestDatabase
from tests.sshgate.conftest import KeyFile, Ssh, run
from tests.sshgate.liars import closed, connect, honest

Client = Callable[..., Ssh]


@pytest.fixture
async def second(ssh: Ssh, client: Client, new_key: Callable[..., KeyFile]) -> KeyFile:
    """A second key of the member's account."""
    key = new_key("second")
    added = json.loads((await ssh("keys", "add", f"'{key.line}'", "--json")).out)["keys"][0]
    assert (await client(key)("confirm", added["confirm_code"])).status == 0
    return key


async def test_removing_a_key_ends_what_its_sessions_are_doing(ssh: Ssh, client: Client, second: KeyFile) -> None:
    waiting = await asyncio.create_subprocess_exec(
        *client(second).command("keys", "add", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=client(second).process_environment(),
    )
    topups = await start_waiting(client(second), ssh)
    assert (await ssh("keys", "rm", second.fingerprint)).status == 0
    async with asyncio.timeout(10):
        assert waiting.stderr is not None
        err = await waiting.stderr.read()
        assert await waiting.wait() == 77
        assert b"The key of this session was removed." in err
        assert await topups.wait() == 77
    assert waiting.stdin is not None
    waiting.stdin.close()


async def start_waiting(waiter: Ssh, asker: Ssh) -> asyncio.subprocess.Process:
    """Somebody who waits for a topup to be paid, once the server has begun to wait too."""
    topup = json.loads((await asker("topup", "5", "--json")).out)["topup"]["id"]
    process = await asyncio.create_subprocess_exec(
        *waiter.command("topup", "show", topup, "--wait"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=waiter.process_environment(),
    )
    assert process.stderr is not None
    assert (await process.stderr.readline()).decode().strip() == topup
    return process


async def test_who_removes_the_key_in_use_is_still_told_that_it_went_well(
    client: Client, second: KeyFile, gate: SshGate
) -> None:
    answer = await client(second)("keys", "rm", second.fingerprint)
    assert (answer.status, answer.err) == (0, "")
    assert "opens your account no more" in answer.out
    assert (await client(second)("ls")).status == 77


async def test_a_connection_kept_open_is_closed_when_its_key_is_removed(
    ssh: Ssh, client: Client, second: KeyFile, tmp_path: Path
) -> None:
    control = tmp_path / "control"
    kept = client(second).with_("-oControlMaster=auto", f"-oControlPath={control}", "-oControlPersist=60")
    assert (await kept("ls")).status == 0
    assert (await ssh("keys", "rm", second.fingerprint)).status == 0
    after = await kept("ls")
    assert (after.status in (77, 255), after.out) == (True, "")
    await run("ssh", "-F", "none", "-O", "exit", f"-oControlPath={control}", "x")


async def test_only_the_sessions_of_that_key_end(gate: SshGate, ssh: Ssh, member: KeyFile, second: KeyFile) -> None:
    staying = connect(gate.port, [honest(asyncssh.read_private_key(member.path))])
    going = connect(gate.port, [honest(asyncssh.read_private_key(second.path))])
    async with staying as stays, going as goes:
        assert (await goes.run("ls")).exit_status == 0
        assert (await ssh("keys", "rm", second.fingerprint)).status == 0
        await closed(goes)
        assert (await stays.run("ls")).exit_status == 0


async def test_a_key_that_expires_opens_nothing_more_on_an_open_connection(
    gate: SshGate, member: KeyFile, fresh_database: TestDatabase
) -> None:
    async with connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection:
        assert (await connection.run("ls")).exit_status == 0
        await fresh_database.admin("UPDATE ssh_key SET expires_at = capsul_now()")
        ended = await connection.run("ls")
        assert ended.exit_status == 77
        assert "does not open the account any more" in str(ended.stderr)


async def test_a_guest_who_enrols_meanwhile_is_a_member_on_the_same_connection(gate: SshGate, enrol: Enrol) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with connect(gate.port, [honest(key)]) as connection:
        assert (await connection.run("ls")).exit_status == 77
        line = " ".join(key.export_public_key().decode().split()[:2])
        await enrol("late@example.org", fingerprint=key.get_fingerprint(), public_key=line)
        assert (await connection.run("ls")).exit_status == 0


async def test_what_a_key_may_do_changes_at_once_on_an_open_connection(
    gate: SshGate, member: KeyFile, fresh_database: TestDatabase
) -> None:
    async with connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection:
        assert (await connection.run("admin hosts")).exit_status == 77
        await fresh_database.admin("UPDATE ssh_key SET operator = true")
        assert (await connection.run("admin hosts")).exit_status == 0


async def test_nothing_gets_through_between_the_removal_of_a_key_and_word_of_it(
    gate: SshGate, member: KeyFile, fresh_database: TestDatabase
) -> None:
    """Word of the removal takes a moment; a connection that is open asks for itself."""
    async with connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection:
        assert (await connection.run("ls")).exit_status == 0
        await fresh_database.admin("ALTER TABLE ssh_key DISABLE TRIGGER USER")
        await fresh_database.admin("UPDATE ssh_key SET state = 'removed', removed_at = capsul_now()")
        assert (await connection.run("ls")).exit_status == 77


async def test_a_connection_does_not_follow_its_key_into_another_account(
    gate: SshGate, member: KeyFile, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    other = await enrol("other@example.org")
    async with connect(gate.port, [honest(asyncssh.read_private_key(member.path))]) as connection:
        assert (await connection.run("whoami")).exit_status == 0
        # As if the key had been removed and enrolled anew, and nobody had heard of it.
        await fresh_database.admin("ALTER TABLE ssh_key DISABLE TRIGGER tell_of_key")
        await fresh_database.admin(
            "UPDATE ssh_key SET account_id = $1 WHERE fingerprint = $2", other.account_id, member.fingerprint
        )
        answer = await connection.run("whoami")
        assert answer.exit_status == 77
        assert "other@example.org" not in str(answer.stdout) + str(answer.stderr)
