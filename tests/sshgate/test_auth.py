"""Who is let in, and as whom."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import asyncssh
import pytest
import structlog

from capsul.errors import Unavailable
from capsul.models import Key
from db.database import Database
from services import Services
from services.accounts import Accounts
from sshgate.auth import read_proof
from sshgate.server import SshGate
from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, OpenGate, Ssh, agent_with
from tests.sshgate.liars import call, connect_by_hand, honest, lying, security_key

NewKey = Callable[..., KeyFile]
Client = Callable[..., Ssh]


@asynccontextmanager
async def locked_keys(database: TestDatabase) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Nobody can look a key up while the block lasts; what it yields returns once somebody tries to."""
    connection = await asyncpg.connect(database.admin_url)

    async def waited_for() -> None:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'capsul.ssh_key'::regclass"
        async with asyncio.timeout(10):
            # Postgres tells nobody when somebody begins to wait for a lock.
            while not await connection.fetchval(waits):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE capsul.ssh_key IN ACCESS EXCLUSIVE MODE")
            yield waited_for
    finally:
        await connection.close()


async def who(answering: Ssh) -> str:
    """The fingerprint that somebody is known by, and whether it is enrolled."""
    answer = await answering("doctor", "--json")
    assert answer.status == 0, answer.err
    key = json.loads(answer.out)["key"]
    return f"{'member' if key['enrolled'] else 'guest'} {key['fingerprint']}"


@pytest.mark.parametrize("user", ["root", "git", "me@example.org", "Ünïcode"])
async def test_the_user_name_means_nothing(ssh: Ssh, member: KeyFile, user: str) -> None:
    assert await who(ssh.with_(user=user)) == f"member {member.fingerprint}"


async def test_a_script_gets_in_with_an_enrolled_key(ssh: Ssh) -> None:
    answer = await ssh.with_("-oBatchMode=yes")("whoami", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out)["account"]["email"] == "me@example.org"


async def test_an_unknown_key_makes_a_guest(client: Client, new_key: NewKey) -> None:
    key = new_key()
    assert await who(client(key)) == f"guest {key.fingerprint}"


async def test_a_guest_is_bound_to_the_first_key_proved(client: Client, new_key: NewKey) -> None:
    first, second = new_key("first"), new_key("second")
    assert await who(client(first, second)) == f"guest {first.fingerprint}"


async def test_unknown_keys_do_not_lock_the_owner_of_a_known_one_out(
    client: Client, new_key: NewKey, member: KeyFile
) -> None:
    assert await who(client(new_key("first"), new_key("second"), member)) == f"member {member.fingerprint}"


@pytest.mark.parametrize("batch", ["yes", "no"])
async def test_the_known_key_in_an_agent_full_of_others_is_found(
    client: Client, new_key: NewKey, member: KeyFile, tmp_path: Path, batch: str
) -> None:
    others = [new_key(f"other-{number}") for number in range(8)]
    async with agent_with(tmp_path, [*others, member]) as socket:
        everybody = client().with_(f"-oBatchMode={batch}", SSH_AUTH_SOCK=socket)
        assert await who(everybody) == f"member {member.fingerprint}"


async def test_an_agent_full_of_unknown_keys_makes_a_guest(client: Client, new_key: NewKey, tmp_path: Path) -> None:
    others = [new_key(f"other-{number}") for number in range(8)]
    async with agent_with(tmp_path, others) as socket:
        assert await who(client().with_(SSH_AUTH_SOCK=socket)) == f"guest {others[0].fingerprint}"


async def test_too_many_unknown_keys_are_refused_with_advice(client: Client, new_key: NewKey, tmp_path: Path) -> None:
    others = [new_key(f"other-{number}") for number in range(42)]
    async with agent_with(tmp_path, others) as socket:
        answer = await client().with_(SSH_AUTH_SOCK=socket)("doctor")
    assert answer.status == 255
    assert "IdentitiesOnly=yes" in answer.err


async def test_a_script_with_an_unknown_key_is_refused_at_once(stranger: Ssh) -> None:
    started = time.monotonic()
    answer = await stranger.with_("-oBatchMode=yes")("doctor")
    assert answer.status == 255
    assert "Permission denied" in answer.err
    assert time.monotonic() - started < 5


async def test_the_user_name_enrol_lets_a_script_in_with_an_unknown_key(client: Client, new_key: NewKey) -> None:
    key = new_key()
    script = client(key, new_key("second")).with_("-oBatchMode=yes", user="enrol")
    assert await who(script) == f"guest {key.fingerprint}"
    answer = await script("enrol", "me@example.org", "--json")
    assert answer.status == 0
    assert json.loads(answer.out)["enrolment"]["fingerprint"] == key.fingerprint


async def test_the_user_name_enrol_is_the_member_when_the_key_is_known(ssh: Ssh, member: KeyFile) -> None:
    assert await who(ssh.with_(user="enrol")) == f"member {member.fingerprint}"


async def test_the_user_name_health_needs_no_key_and_gets_one_line(client: Client, ssh: Ssh) -> None:
    for asking in (client(), ssh):
        for words in ((), ("whoami",), ("create", "--image", "tiny")):
            answer = await asking.with_("-oBatchMode=yes", "-T", user="health")(*words)
            assert (answer.status, answer.out, answer.err) == (0, "ok\n", "")


async def test_without_a_key_one_is_told_how_to_make_one(client: Client) -> None:
    started = time.monotonic()
    answer = await client()("ls")
    assert answer.status == 255
    assert answer.err.count("ssh-keygen -t ed25519") == 1
    assert time.monotonic() - started < 5


async def test_a_script_without_a_key_ends_at_once(client: Client) -> None:
    started = time.monotonic()
    answer = await client().with_("-oBatchMode=yes")("ls")
    assert answer.status == 255
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("kind", ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521", "ssh-rsa"])
async def test_other_good_keys_are_taken(client: Client, enrol_key: EnrolKey, kind: str) -> None:
    key = await enrol_key("other", kind)
    assert await who(client(key).with_("-oBatchMode=yes")) == f"member {key.fingerprint}"


async def test_a_short_rsa_key_is_refused_with_the_reason(client: Client, new_key: NewKey) -> None:
    weak = client(new_key("weak", "ssh-rsa", key_size=1024)).with_("-oRequiredRSASize=1024")
    answer = await weak("doctor")
    assert answer.status == 255
    assert "1024 bits is too short" in answer.err


async def test_a_signature_with_sha1_proves_nothing(gate: SshGate) -> None:
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    claim = honest(key)
    claim.algorithm = b"ssh-rsa"
    with pytest.raises(asyncssh.PermissionDenied):
        await call(gate.port, [claim], "doctor")
    modern = lying(key, key)
    modern.algorithm = b"rsa-sha2-256"
    modern._sign = lambda data: key.sign(data, b"rsa-sha2-256")
    assert (await call(gate.port, [modern], "doctor")).status == 0


async def test_a_security_key_counts_when_it_was_touched(gate: SshGate) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    claim = security_key(key, touched=True)
    answer = await call(gate.port, [claim], "doctor --json")
    assert json.loads(answer.out)["key"]["fingerprint"] == read_proof(claim.public_data).fingerprint
    with pytest.raises(asyncssh.PermissionDenied):
        await call(gate.port, [security_key(key, touched=False)], "doctor")


async def test_showing_somebodys_key_and_signing_with_another_opens_nothing(gate: SshGate, member: KeyFile) -> None:
    victim = asyncssh.read_public_key(member.path.with_suffix(".pub"))
    attacker = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(asyncssh.PermissionDenied):
        await call(gate.port, [lying(victim, attacker)], "whoami")


@pytest.mark.parametrize("order", ["victim first", "victim last", "victim around"])
async def test_a_key_that_was_only_shown_is_never_who_one_is(gate: SshGate, member: KeyFile, order: str) -> None:
    victim = asyncssh.read_public_key(member.path.with_suffix(".pub"))
    attacker = asyncssh.generate_private_key("ssh-ed25519")
    claims = {
        "victim first": [lying(victim, attacker), honest(attacker)],
        "victim last": [honest(attacker), lying(victim, attacker)],
        "victim around": [lying(victim, attacker), honest(attacker), lying(victim, attacker)],
    }
    answer = await call(gate.port, claims[order], "doctor --json")
    assert json.loads(answer.out)["key"] == {
        "fingerprint": attacker.get_fingerprint(),
        "type": "ssh-ed25519",
        "enrolled": False,
    }
    for user in ("member", "enrol"):
        assert (await call(gate.port, claims[order], "ls", user)).status == 77


async def test_a_key_shown_while_another_is_looked_up_is_never_who_one_is(
    gate: SshGate, member: KeyFile, fresh_database: TestDatabase
) -> None:
    """The attacker proves a key of their own, and shows the victim's while that is being looked up."""
    victim = asyncssh.read_public_key(member.path.with_suffix(".pub"))
    attacker = asyncssh.generate_private_key("ssh-ed25519")
    async with locked_keys(fresh_database) as looked_up, connect_by_hand(gate.port, [honest(attacker)]) as hasty:
        await looked_up()
        await hasty.show(victim)
    outcome = await hasty.outcome("doctor --json")
    assert outcome is None or json.loads(outcome)["key"]["fingerprint"] == attacker.get_fingerprint()


async def test_a_pending_key_belongs_to_nobody_until_its_holder_confirms(
    ssh: Ssh, client: Client, new_key: NewKey
) -> None:
    key = new_key("second")
    added = json.loads((await ssh("keys", "add", f"'{key.line}'", "--json")).out)["keys"][0]
    holder = client(key)
    assert await who(holder) == f"guest {key.fingerprint}"
    assert (await holder("ls")).status == 77
    assert (await holder("confirm", "AAAA-BBBB")).status == 4
    confirmed = await holder("confirm", added["confirm_code"].lower(), "--json")
    assert json.loads(confirmed.out)["key"]["state"] == "live"
    assert json.loads((await holder("whoami", "--json")).out)["account"]["email"] == "me@example.org"


async def test_nobody_confirms_a_key_they_do_not_hold(ssh: Ssh, stranger: Ssh, new_key: NewKey) -> None:
    added = json.loads((await ssh("keys", "add", f"'{new_key('second').line}'", "--json")).out)["keys"][0]
    assert (await stranger("confirm", added["confirm_code"])).status == 4


async def test_a_key_opens_nothing_from_a_network_it_may_not_come_from(
    ssh: Ssh, member: KeyFile, fresh_database: TestDatabase
) -> None:
    await fresh_database.admin("UPDATE ssh_key SET networks = '{10.0.0.0/8}'")
    assert await who(ssh) == f"guest {member.fingerprint}"
    await fresh_database.admin("UPDATE ssh_key SET networks = '{10.0.0.0/8,127.0.0.0/8}'")
    assert await who(ssh) == f"member {member.fingerprint}"


async def test_use_of_a_key_is_remembered(ssh: Ssh, member: KeyFile, services: Services) -> None:
    assert (await ssh("version")).status == 0
    keys = json.loads((await ssh("keys", "--json")).out)["keys"]
    assert [key["last_used_at"] is not None for key in keys] == [True]


class AwayAccounts(Accounts):
    """Accounts that cannot be asked."""

    async def identify(self, fingerprint: str, source: str) -> Key | None:
        raise Unavailable("The database is away.", retry_after=30)


class BrokenAccounts(Accounts):
    """Accounts with a mistake of ours in them."""

    async def identify(self, fingerprint: str, source: str) -> Key | None:
        raise ZeroDivisionError("secret detail")


async def test_who_cannot_be_looked_up_is_told_to_try_again(
    open_gate: OpenGate, client: Client, member: KeyFile, services: Services, gate_database: Database
) -> None:
    away = replace(services, accounts=AwayAccounts(gate_database))
    async with open_gate(instead=away) as gate:
        answer = await client(member, port=gate.port).with_("-oBatchMode=yes")("ls", "--json")
    assert answer.status == 75
    assert json.loads(answer.err)["error"] == {
        "code": "unavailable",
        "message": "The database is away.",
        "retry_after": 30,
    }


async def test_our_mistake_while_somebody_comes_in_is_a_reference_to_them_and_a_traceback_to_us(
    open_gate: OpenGate, client: Client, member: KeyFile, services: Services, gate_database: Database
) -> None:
    broken = replace(services, accounts=BrokenAccounts(gate_database))
    async with open_gate(instead=broken) as gate:
        with structlog.testing.capture_logs() as logs:
            answer = await client(member, port=gate.port)("ls")
    bugs = [line for line in logs if line["event"] == "bug"]
    assert answer.status == 1
    assert bugs[0]["reference"] in answer.err
    assert "secret detail" not in answer.err
    assert isinstance(bugs[0]["exc_info"], ZeroDivisionError)
