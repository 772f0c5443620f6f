"""From a key that nobody knows to a key of an account: mailbox and terminal must be in the same hands."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx

from tests.journeys.conftest import NewMember, NewSsh
from tests.journeys.demo import Demo, eventually
from tests.journeys.people import Key, Ssh, ask_to_enrol, enrol

GUEST = 77


def test_the_code_from_the_terminal_typed_on_the_mailed_page_enrols_the_key(stranger: Ssh, address: str) -> None:
    link = ask_to_enrol(stranger, address)
    assert stranger.keys[0].fingerprint in httpx.get(link.url).text.replace("&#43;", "+")
    assert stranger("whoami").status == GUEST
    assert link.type_code(link.code.lower().replace("-", " ")).status_code == 200
    assert stranger.ask("whoami")["account"]["email"] == address


def test_the_mailed_token_said_by_the_same_key_enrols_it_without_a_browser(stranger: Ssh, address: str) -> None:
    link = ask_to_enrol(stranger, address)
    assert stranger("confirm", link.token).status == 0
    assert stranger.ask("whoami")["account"]["email"] == address


def test_the_mailed_token_is_worth_nothing_to_another_key(new_ssh: NewSsh, address: str) -> None:
    asked, thief = new_ssh(), new_ssh()
    link = ask_to_enrol(asked, address)
    assert thief("confirm", link.token).status == GUEST
    assert thief("whoami").status == asked("whoami").status == GUEST


def test_the_third_wrong_code_ends_the_enrolment(stranger: Ssh, address: str) -> None:
    link = ask_to_enrol(stranger, address)
    statuses = [link.type_code("WRNG-WRNG").status_code for _ in range(3)]
    assert statuses == [422, 422, 410]
    assert link.type_code(link.code).status_code == 410
    assert stranger("confirm", link.token).status != 0
    assert stranger("whoami").status == GUEST


def test_an_enrolment_is_over_after_an_hour(demo: Demo, stranger: Ssh, address: str) -> None:
    link = ask_to_enrol(stranger, address)
    demo.shift_clock(timedelta(minutes=61))
    assert link.type_code(link.code).status_code in (404, 410)
    assert stranger("confirm", link.token).status != 0
    assert stranger("whoami").status == GUEST
    enrol(stranger, address)


def test_looking_at_the_link_as_scanners_do_changes_nothing(stranger: Ssh, address: str) -> None:
    link = ask_to_enrol(stranger, address)
    pages = [httpx.get(link.url) for _ in range(5)] + [httpx.head(link.url)]
    assert {page.status_code for page in pages} == {200}
    assert {"set-cookie" in page.headers for page in pages} == {False}
    assert stranger("whoami").status == GUEST
    assert link.type_code(link.code).status_code == 200


def test_the_same_key_sees_the_same_code_when_it_comes_back(demo: Demo, stranger: Ssh, address: str) -> None:
    first, second = (stranger.ask("enrol", address)["enrolment"] for _ in range(2))
    assert first == second
    demo.letter(address)
    assert len(demo.letters(address)) == 1


def test_the_answer_does_not_tell_whether_the_address_is_known(new_ssh: NewSsh, new_member: NewMember) -> None:
    known, unknown = new_member().address, "nobody-yet@example.org"
    answers = {address: new_ssh()("enrol", address) for address in (known, unknown)}
    plain = [
        (answer.status, answer.err, re.sub(r"\b\w{4}-\w{4}\b", "CODE", answer.out.replace(address, "ADDRESS")))
        for address, answer in answers.items()
    ]
    assert plain[0] == plain[1]
    assert plain[0][0] == 0
    assert "CODE" in plain[0][2]


@contextmanager
def agent_with(keys: list[Key], socket: Path) -> Iterator[str]:
    """A real ssh-agent that offers these keys in this order."""
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as agent:
        try:
            eventually(socket.exists)
            files = [str(key.file) for key in keys]
            subprocess.run(["ssh-add", "-q", *files], check=True, env={"SSH_AUTH_SOCK": str(socket)})
            yield str(socket)
        finally:
            agent.terminate()


def test_the_enrolled_key_is_found_behind_eleven_others_of_an_agent(
    new_key: Callable[[], Key], new_member: NewMember, tmp_path: Path
) -> None:
    member = new_member()
    with agent_with([*(new_key() for _ in range(11)), member.key], tmp_path / "agent") as agent:
        ssh = replace(member.ssh, keys=(), agent=agent)
        assert ssh.ask("whoami")["key"]["fingerprint"] == member.key.fingerprint
        assert ssh.with_("-oBatchMode=yes")("whoami").status == 0


def test_an_agent_full_of_strange_keys_makes_a_guest_by_its_first(
    new_key: Callable[[], Key], new_ssh: NewSsh, tmp_path: Path
) -> None:
    keys = [new_key() for _ in range(12)]
    with agent_with(keys, tmp_path / "agent") as agent:
        doctor = replace(new_ssh(), keys=(), agent=agent).ask("doctor")
    assert doctor["key"]["fingerprint"] == keys[0].fingerprint


def test_a_script_enrols_without_being_asked_anything(stranger: Ssh, address: str) -> None:
    script = stranger.with_("-oBatchMode=yes", "-lenrol")
    link = ask_to_enrol(script, address)
    assert script("confirm", link.token).status == 0
    assert stranger.with_("-oBatchMode=yes").ask("whoami")["account"]["email"] == address


def test_a_client_without_a_key_is_told_how_to_make_one(stranger: Ssh) -> None:
    answer = stranger.with_("-oPubkeyAuthentication=no", "-oLogLevel=INFO")("whoami")
    assert answer.status == 255
    assert "ssh-keygen -t ed25519" in answer.err
