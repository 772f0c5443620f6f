"""What `doctor` says is in somebody's way, and what it saw of their terminal."""

import json
from collections.abc import Callable
from typing import Any

from sshgate.server import SshGate
from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, Ssh, Terminal, seen

Client = Callable[..., Ssh]


async def obstacles(ssh: Ssh) -> dict[str, Any]:
    """What is in the way, by kind; and the same for people."""
    found = json.loads((await ssh("doctor", "--json")).out)["obstacles"]
    text = (await ssh("doctor")).out
    assert all(obstacle["message"] in text for obstacle in found)
    return {obstacle["what"]: obstacle for obstacle in found}


async def test_nothing_is_in_the_way_of_somebody_with_a_key_and_credit(ssh: Ssh) -> None:
    assert await obstacles(ssh) == {}
    answer = await ssh("doctor")
    assert "Nothing is in your way." in answer.out
    assert "127.0.0.1" in answer.out
    assert "IdentitiesOnly yes" in answer.out


async def test_a_guest_is_told_to_enrol_and_then_the_code_and_until_when_it_counts(stranger: Ssh) -> None:
    assert "not enrolled: you are a guest" in (await stranger("doctor")).out
    assert "enrol YOU@EXAMPLE.ORG" in (await obstacles(stranger))["not_enrolled"]["message"]
    begun = json.loads((await stranger("enrol", "new@example.org", "--json")).out)["enrolment"]
    waiting = (await obstacles(stranger))["enrolment"]
    assert begun["code"] in waiting["message"]
    assert "new@example.org" in waiting["message"]
    assert waiting["until"] == begun["expires_at"]
    assert json.loads((await stranger("doctor", "--json")).out)["enrolment"] == begun


async def test_an_enrolment_that_is_over_is_said_to_be(stranger: Ssh, fresh_database: TestDatabase) -> None:
    await stranger("enrol", "new@example.org")
    await fresh_database.admin(
        "UPDATE enrolment SET created_at = created_at - interval '2 h', expires_at = now() - interval '1 h'"
    )
    assert "new@example.org is over" in (await obstacles(stranger))["not_enrolled"]["message"]


async def test_a_key_that_opens_nothing_any_more_is_told_so(ssh: Ssh, fresh_database: TestDatabase) -> None:
    await fresh_database.admin("UPDATE ssh_key SET networks = '{192.0.2.0/24}'")
    assert "was enrolled, but opens no account now" in (await obstacles(ssh))["not_enrolled"]["message"]


async def test_a_waiting_key_is_told_until_when_and_who_can_change_that(
    ssh: Ssh, member: KeyFile, fresh_database: TestDatabase
) -> None:
    [key] = await fresh_database.admin(
        "UPDATE ssh_key SET waits_until = capsul_now() + interval '1 day' RETURNING waits_until"
    )
    waiting = (await obstacles(ssh))["key_waits"]
    assert f"{key['waits_until']:%Y-%m-%d %H:%M} UTC" in waiting["message"]
    assert f"keys approve {member.fingerprint}" in waiting["message"]
    assert waiting["until"].startswith(f"{key['waits_until']:%Y-%m-%dT%H:%M}")


async def test_a_locked_account_is_said_to_be_and_whom_to_ask(ssh: Ssh, fresh_database: TestDatabase) -> None:
    await fresh_database.admin("UPDATE account SET state = 'locked'")
    locked = (await obstacles(ssh))["account"]
    assert "locked" in locked["message"]
    assert "the operators" in locked["message"]
    assert locked["until"] is None


async def test_a_keys_limits_are_said(ssh: Ssh, fresh_database: TestDatabase) -> None:
    await fresh_database.admin("UPDATE ssh_key SET scope = 'read', expires_at = capsul_now() + interval '7 days'")
    found = await obstacles(ssh)
    assert found["key_scope"]["message"] == "This key may only look."
    assert found["key_expires"]["until"] is not None


async def test_who_has_no_credit_and_whose_capsul_is_not_well_is_told(
    ssh: Ssh, client: Client, enrol_key: EnrolKey, fresh_database: TestDatabase
) -> None:
    assert "topup 20" in (await obstacles(client(await enrol_key("poor"))))["credit"]["message"]
    await ssh("create", "--image", "tiny", "--size", "nano", "--name", "web")
    await fresh_database.admin("UPDATE capsul SET state = 'held', reason = 'it sends spam'")
    message = (await obstacles(ssh))["capsul"]["message"]
    assert message.startswith("web is held since ")
    assert message.endswith(": it sends spam")


async def test_what_is_in_the_way_of_a_neighbour_is_not_told(
    ssh: Ssh, client: Client, enrol_key: EnrolKey, fresh_database: TestDatabase
) -> None:
    neighbour = client(await enrol_key("neighbour", credit=20_000_000))
    await neighbour("create", "--image", "tiny", "--size", "nano", "--name", "theirs")
    await fresh_database.admin("UPDATE capsul SET state = 'failed', reason = 'no luck'")
    assert await obstacles(ssh) == {}


async def test_the_terminal_and_why_there_are_no_colours_are_said(ssh: Ssh, gate: SshGate, member: KeyFile) -> None:
    assert "none (ssh -t asks for one)" in (await ssh("doctor")).out
    assert json.loads((await ssh("doctor", "--json")).out)["terminal"] is None
    said = "\n".join(seen((await Terminal(gate.port, member, columns=99, rows=33)("doctor")).out))
    assert "99 columns, 33 rows" in said
    assert "TERM           xterm-256color" in said
    assert "Colours        yes" in said
    dumb = "\n".join(seen((await Terminal(gate.port, member, kind="dumb")("doctor")).out))
    assert "Colours        no: TERM is dumb" in dumb


async def test_what_came_with_somebody_is_said(ssh: Ssh) -> None:
    sent = ssh.with_("-tt", "-oSendEnv=NO_COLOR", "-oSendEnv=LANG", NO_COLOR="1", LANG="C.UTF-8")
    document = json.loads((await sent("doctor", "--json")).out)
    assert document["environment"] == {"NO_COLOR": "1", "LANG": "C.UTF-8"}
    assert document["colours"] is False
    assert "no: NO_COLOR is set" in (await sent("doctor")).out
