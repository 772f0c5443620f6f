"""A new key for an account with something to lose: it waits a day, everybody is told, an older key decides."""

import re
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from tests.journeys.conftest import NewMember, NewSsh
from tests.journeys.demo import Demo
from tests.journeys.people import Member, Ssh, enrol, smallest

NOT_PERMITTED = 77


@dataclass(frozen=True)
class Recovery:
    """An account with credit, and a key that was just enrolled for its address."""

    owner: Member
    newcomer: Ssh

    @property
    def fingerprint(self) -> str:
        return self.newcomer.keys[0].fingerprint


@pytest.fixture
def recovery(member: Member, new_ssh: NewSsh) -> Recovery:
    newcomer = new_ssh()
    enrol(newcomer, member.address)
    return Recovery(member, newcomer)


def test_a_recovered_accounts_new_key_may_look_stop_and_top_up(member: Member, new_ssh: NewSsh) -> None:
    member.create("web")
    newcomer = new_ssh()
    enrol(newcomer, member.address)
    assert newcomer.ask("whoami")["key"]["waits_until"] is not None
    assert newcomer.ask("ls")["capsuls"][0]["name"] == "web"
    assert newcomer.ask("kill", "web", "--wait")["capsul"]["state"] == "stopped"
    Member(member.address, newcomer.keys[0], newcomer).pay(5)
    assert newcomer.ask("balance")["balance"] == "25.00"


def test_a_recovered_accounts_new_key_may_not_create_start_destroy_or_change_keys(
    member: Member, new_ssh: NewSsh
) -> None:
    member.create("web")
    newcomer = new_ssh()
    enrol(newcomer, member.address)
    lines = [
        smallest("more"),
        ["start", "web"],
        ["rename", "web", "mine"],
        ["destroy", "web", "--confirm", "web"],
        ["keys", "rm", member.key.fingerprint],
        ["keys", "add", newcomer.keys[0].line],
        ["keys", "approve", newcomer.keys[0].fingerprint],
    ]
    assert {line[0]: newcomer(*line).status for line in lines} == {line[0]: NOT_PERMITTED for line in lines}
    assert member.capsuls() == {"web": "running"}


def test_every_address_of_the_account_is_told_of_the_new_key(demo: Demo, member: Member, new_ssh: NewSsh) -> None:
    second = f"second-{member.address}"
    demo.admin(
        "INSERT INTO capsul.email_address (account_id, address, normalised) VALUES ($1, $2, $2)",
        member.account_id(),
        second,
    )
    newcomer = new_ssh()
    enrol(newcomer, member.address)
    for address in (member.address, second):
        letter = demo.letter(address, "An SSH key was added")
        assert newcomer.keys[0].fingerprint in letter
        assert "keys approve" in letter
        assert "keys deny" in letter


def test_an_older_key_lets_the_new_one_in_at_once(recovery: Recovery) -> None:
    assert recovery.newcomer(*smallest("web")).status == NOT_PERMITTED
    assert recovery.owner.ssh("keys", "approve", recovery.fingerprint).status == 0
    assert recovery.newcomer(*smallest("web"), "--dry-run").status == 0


def test_an_older_key_throws_the_new_one_out(recovery: Recovery) -> None:
    assert recovery.owner.ssh("keys", "deny", recovery.fingerprint).status == 0
    assert recovery.newcomer.ask("doctor")["key"]["enrolled"] is False
    assert recovery.newcomer("balance").status == NOT_PERMITTED


def test_after_a_day_the_new_key_may_do_everything(demo: Demo, recovery: Recovery) -> None:
    demo.shift_clock(timedelta(hours=23))
    assert recovery.newcomer(*smallest("web"), "--dry-run").status == NOT_PERMITTED
    demo.shift_clock(timedelta(hours=2))
    assert recovery.newcomer(*smallest("web"), "--dry-run").status == 0


def test_a_new_key_for_an_account_with_nothing_to_lose_does_not_wait(new_member: NewMember, new_ssh: NewSsh) -> None:
    newcomer = new_ssh()
    enrol(newcomer, new_member().address)
    assert newcomer.ask("whoami")["key"]["waits_until"] is None


def test_the_page_in_the_letter_locks_the_account_and_looking_at_it_does_not(demo: Demo, recovery: Recovery) -> None:
    owner = recovery.owner
    found = re.search(r"http://\S+/lock/\S+", demo.letter(owner.address, "An SSH key was added"))
    assert found is not None
    assert httpx.get(found[0]).status_code == 200
    assert owner.ssh("topup", "5").status == 0
    assert httpx.post(found[0]).status_code == 200
    assert owner.ssh.ask("whoami")["account"]["state"] == "locked"
    for ssh in (owner.ssh, recovery.newcomer):
        assert ssh("ls").status == 0
        assert ssh("topup", "5").status == NOT_PERMITTED
        assert ssh(*smallest("web")).status == NOT_PERMITTED
