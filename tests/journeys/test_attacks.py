"""What somebody tries who is not who they say, or wants what is not theirs."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import asyncssh
import pytest

from tests.journeys.conftest import NewMember
from tests.journeys.people import Answer, Key, Member, Ssh, finish, smallest
from tests.sshgate.liars import Call, call, honest, lying

NO_SUCH_THING = 4
RAW_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def private(key: Key) -> asyncssh.SSHKey:
    return asyncssh.read_private_key(key.file)


def test_whoever_shows_a_members_key_and_signs_with_another_gets_nothing_of_the_members(
    member: Member, new_key: Callable[[], Key]
) -> None:
    victim = asyncssh.import_public_key(member.key.line)
    mine = private(new_key())
    doctor = asyncio.run(tell(member, [lying(shown=victim, signs=mine), honest(mine)], "doctor --json"))
    assert member.key.fingerprint not in doctor.out
    assert mine.get_fingerprint() in doctor.out
    whoami = asyncio.run(tell(member, [lying(shown=victim, signs=mine), honest(mine)], "whoami --json"))
    assert (whoami.status, whoami.out) == (77, "")
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(tell(member, [lying(shown=victim, signs=mine)], "whoami"))


async def tell(member: Member, claims: list[asyncssh.SSHKeyPair], command: str) -> Call:
    return await call(member.demo.ssh_port, claims, command)


def about(capsul: dict[str, Any]) -> list[list[str]]:
    """Every command that takes a capsul, by its name and by its id."""
    commands = ["show", "start", "stop", "restart", "kill", "metrics"]
    return [
        line
        for reference in (capsul["name"], capsul["id"])
        for line in (
            *([command, reference] for command in commands),
            ["rename", reference, "mine"],
            ["destroy", reference, "--confirm", capsul["name"]],
        )
    ]


def test_a_neighbours_capsul_is_as_if_it_were_not_there(member: Member, new_member: NewMember) -> None:
    neighbour = new_member(credit=5).ssh
    made = member.create("mine")
    capsul = made["capsul"]
    for line in about(capsul):
        answer = neighbour(*line)
        nothing = neighbour(*(word.replace(capsul["id"], "c-aaaaaaaaaa").replace("mine", "none") for word in line))
        assert answer == nothing
        assert answer.status == NO_SUCH_THING, line
    assert neighbour("operation", made["operation"]["id"]).status == NO_SUCH_THING
    assert neighbour.ask("ls")["capsuls"] == neighbour.ask("operations")["operations"] == []
    assert member.capsuls() == {"mine": "running"}


def test_a_neighbours_topup_is_as_if_it_were_not_there(member: Member, new_member: NewMember) -> None:
    topup = member.ssh.ask("topups")["topups"][0]
    answer = new_member().ssh("topup", "show", topup["id"])
    assert (answer.status, answer.out) == (NO_SUCH_THING, "")


def test_removing_a_key_ends_its_open_session(member: Member, stranger: Ssh) -> None:
    other = stranger.keys[0]
    added = member.ssh.ask("keys", "add", other.line)["keys"][0]
    assert stranger("confirm", added["confirm_code"]).status == 0
    topup = stranger.ask("topup", "5")["topup"]
    session = stranger.start("topup", "show", topup["id"], "--wait")
    assert session.stderr is not None
    assert session.stderr.readline().strip() == topup["id"]
    assert member.ssh("keys", "rm", other.fingerprint).status == 0
    ended = finish(session)
    assert ended.status == 77, ended
    assert stranger("whoami").status == 77


NAMES = {
    "empty": "",
    "control": "a\x07b",
    "escape": "\x1b[31mred",
    "c1": "\x9b31mred",
    "line break": "a\nb",
    "right to left": "a\u202eb",
    "markup": "<script>alert(1)</script>",
    "console markup": "[bold]a[/bold]",
    "300 characters": "a" * 300,
    "41 characters": "a" * 41,
    "emoji": "🙂",
    "capital": "Web",
    "underscore": "a_b",
    "dot": "a.b",
    "hyphen first": "-a",
    "hyphen last": "a-",
    "like an id": "c-aaaaaaaaaa",
    "path": "../a",
    "shell": "$(id)",
}


def test_a_bad_name_is_refused_and_never_echoed_raw(member: Member) -> None:
    answers = {what: name_it(member, name) for what, name in NAMES.items()}
    assert {what: answer.status for what, answer in answers.items()} == dict.fromkeys(NAMES, 3)
    assert not [answer for answer in answers.values() if RAW_CONTROL.search(answer.out + answer.err)]
    assert {len(answer.err.splitlines()) for answer in answers.values()} == {1}
    assert member.capsuls() == {}


def name_it(member: Member, name: str) -> Answer:
    return member.ssh(*smallest("'" + name + "'"))


def test_nothing_that_a_customer_types_is_echoed_raw(member: Member) -> None:
    evil = "'\x1b]0;owned\x07\x9b31m\u202ea'"
    lines = [[evil], ["show", evil], ["ls", evil], ["help", evil], ["create", "--image", evil, "--size", evil]]
    lines += [["keys", "rm", evil], ["confirm", evil], ["topup", evil], ["operation", evil], ["ls", "--since", evil]]
    for line in [*lines, *([*line, "--json"] for line in lines)]:
        answer = member.ssh(*line)
        assert answer.status in (2, 3, 4), line
        assert not RAW_CONTROL.search(answer.out + answer.err), line
