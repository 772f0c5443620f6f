"""All at a glance without screens: who somebody is, what they have, what to do next."""

import re
from collections.abc import Callable

import pytest

from sshgate.server import SshGate
from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, Ssh, Terminal, seen
from tests.workers import QuickWorker

LONG_NAME = "the-quite-long-name-of-a-database-server"


async def announce(database: TestDatabase, text: str) -> None:
    """An operator says something to everybody."""
    await database.admin("INSERT INTO announcement (text) VALUES ($1)", text)


async def test_a_member_sees_who_they_are_what_they_have_and_how_to_go_on(ssh: Ssh, worker: QuickWorker) -> None:
    await ssh("create", "--image", "tiny", "--size", "nano", "--name", "web", "--wait")
    answer = await ssh.with_("-tt")("plain")
    assert answer.status == 0
    said = "\n".join(seen(answer.out))
    assert "me@example.org" in said
    assert re.search(r"Balance  20\.00 USD( \(19\.99 USD available\))?, lasts ", said)
    assert "web   running" in said
    assert "All commands   ssh capsul.test help" in said
    assert "A person       the operators" in said
    assert "help admin" not in said


async def test_a_new_member_sees_what_to_do_first(client: Callable[..., Ssh], enrol_key: EnrolKey) -> None:
    said = "\n".join(seen((await client(await enrol_key("new", operator=True)).with_("-tt")("plain")).out))
    assert "You have no capsuls yet." in said
    assert "ssh capsul.test topup 20" in said
    assert "ssh capsul.test help create" in said
    assert "ssh capsul.test help admin" in said


async def test_what_is_in_the_way_is_on_the_first_screen(ssh: Ssh, fresh_database: TestDatabase) -> None:
    await fresh_database.admin("UPDATE account SET state = 'locked'")
    assert "The account is locked" in (await ssh.with_("-tt")("plain")).out


@pytest.mark.parametrize("count", [0, 1, 30])
async def test_the_first_screen_fits_a_small_terminal_however_much_there_is(
    gate: SshGate, member: KeyFile, ssh: Ssh, fresh_database: TestDatabase, count: int
) -> None:
    if count:
        await ssh("create", "--image", "tiny", "--size", "nano", "--name", LONG_NAME)
        await copies_of_the_capsul(fresh_database, count - 1)
    await announce(fresh_database, "An older thing. " * 10)
    await announce(fresh_database, "We move two hosts on Sunday the 29th. " * 3)
    lines = seen((await Terminal(gate.port, member)("plain")).out)
    assert len(lines) < 24, "with the prompt after it"
    assert all(len(line) <= 80 for line in lines)
    said = " ".join(" ".join(lines).split())
    assert "We move two hosts on Sunday the 29th. " * 2 in said
    assert "me@example.org" in said
    shown = sum("nano" in line for line in lines)
    assert shown == min(count, shown)
    assert (f"And {count - shown} more: ssh capsul.test ls" in said) == (shown < count)


async def copies_of_the_capsul(database: TestDatabase, count: int) -> None:
    """So many more of the only capsul there is."""
    await database.admin(
        "INSERT INTO capsul SELECT (json_populate_record(c, json_build_object("
        " 'id', 'c-' || lpad(n::text, 10, 'a'), 'uuid', gen_random_uuid(), 'name', 'copy-' || n, 'mac', NULL))).*"
        " FROM capsul AS c, generate_series(1, $1) AS n",
        count,
    )


async def test_a_guest_sees_how_to_enrol_and_what_to_do_when_another_key_is_the_enrolled_one(
    gate: SshGate, stranger: Ssh
) -> None:
    terminal = Terminal(gate.port, stranger.keys[0])
    answer = await terminal("plain")
    assert answer.status == 0
    lines = seen(answer.out)
    said = "\n".join(lines)
    assert stranger.keys[0].fingerprint in said
    assert "    ssh capsul.test enrol YOU@EXAMPLE.ORG" in said
    assert "e-mail" in said
    assert "ssh -o IdentitiesOnly=yes -i KEYFILE capsul.test" in said
    assert "ssh capsul.test confirm CODE" in said
    assert "From 1.00 USD a month." in said
    assert len(lines) < 24
    assert all(len(line) <= 80 for line in lines)


async def test_a_guest_who_waits_sees_the_code(gate: SshGate, stranger: Ssh) -> None:
    code = (await stranger("enrol", "new@example.org")).out.split()[2]
    said = "\n".join(seen((await Terminal(gate.port, stranger.keys[0])("plain")).out))
    assert f"Your code  {code}" in said
    assert "new@example.org" in said


@pytest.mark.parametrize("kind", ["xterm-256color", "dumb"])
async def test_what_strangers_say_does_not_steer_anybodys_terminal(
    gate: SshGate, member: KeyFile, fresh_database: TestDatabase, kind: str
) -> None:
    await announce(fresh_database, "come \x1b[2J\x1b]0;mine\x07 here")
    answer = await Terminal(gate.port, member, kind=kind)("plain")
    assert "come" in answer.out
    assert "\x1b[2J" not in answer.out
    assert "\x1b]" not in answer.out
    assert "\x07" not in answer.out


async def test_a_terminal_that_can_only_print_gets_the_same_without_a_command(
    gate: SshGate, member: KeyFile, stranger: Ssh
) -> None:
    for key in (member, stranger.keys[0]):
        printing = Terminal(gate.port, key, kind="dumb")
        assert (await printing()).out == (await printing("plain")).out


async def test_without_a_terminal_it_is_text_as_well(ssh: Ssh) -> None:
    answer = await ssh("plain")
    assert answer.status == 0
    assert "Balance  20.00 USD" in answer.out
    assert "\x1b" not in answer.out
