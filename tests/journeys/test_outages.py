"""What we depend on goes away for a while: it is said in a sentence, the rest works on, and all of it comes back."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.journeys.demo import Demo, eventually
from tests.journeys.people import Member, Ssh, enrol, finish, smallest

TRY_AGAIN_LATER = 75
TRIED_IN_VAIN = "SELECT FROM capsul.mail WHERE recipient = $1 AND state = 'queued' AND attempts > 0"


def says_to_try_again(ssh: Ssh, *words: str) -> bool:
    """Whether it is exit 75, with one sentence, or with a document that says for how long."""
    plain, document = ssh(*words), ssh(*words, "--json")
    assert (plain.status, document.status) == (TRY_AGAIN_LATER, TRY_AGAIN_LATER), (plain, document)
    assert (plain.out, document.out) == ("", "")
    assert len(plain.err.splitlines()) == 1
    assert plain.err.startswith(document.error["message"])
    return bool(document.error["retry_after"] > 0)


# Prometheus


def test_without_prometheus_only_metrics_are_missing(demo: Demo, member: Member) -> None:
    with demo.without("Prometheus"):
        member.create("web")
        assert says_to_try_again(member.ssh, "metrics", "web")
        assert member.ssh.ask("kill", "web", "--wait")["capsul"]["state"] == "stopped"
        assert httpx.get(f"{demo.http}/healthz").status_code == 200
    eventually(lambda: member.ssh("metrics", "web").status == 0)


def test_a_prometheus_that_hangs_holds_nobody_up_for_long(demo: Demo, member: Member) -> None:
    member.create("web")
    prometheus = demo.running("Prometheus")
    os.kill(prometheus, signal.SIGSTOP)
    try:
        answer = finish(member.ssh.start("metrics", "web"), seconds=20)
        assert answer.status == TRY_AGAIN_LATER
    finally:
        os.kill(prometheus, signal.SIGCONT)
    assert member.ssh("metrics", "web").status == 0


# libvirt


def emulator(demo: Demo, member: Member, name: str) -> int:
    """The pid of the emulator that runs a capsul."""
    capsul = member.ssh.ask("show", name)["capsul"]
    [pid] = [pid for pid in demo.processes() if demo.runs(pid, "qemu-system", capsul["id"])]
    return pid


def test_capsuls_outlive_libvirts_daemon_and_requests_wait_for_its_return(demo: Demo, member: Member) -> None:
    if not demo.runs_on_qemu():
        pytest.skip("the test driver's capsuls live in the daemon")
    member.create("stays")
    member.create("goes")
    stays = emulator(demo, member, "stays")
    with demo.without("libvirt"):
        eventually(lambda: not host_answers(demo))
        stopping = member.ssh.start("kill", "goes", "--wait")
        assert stopping.stderr is not None
        assert stopping.stderr.readline().startswith("o-")
        assert says_to_try_again(member.ssh, *smallest("comes"))
        assert set(member.capsuls()) == {"stays", "goes"}
    assert finish(stopping).status == 0
    assert member.ssh.ask("show", "goes")["capsul"]["state"] == "stopped"
    eventually(lambda: member.ssh.ask("show", "stays")["capsul"]["state"] == "running")
    assert emulator(demo, member, "stays") == stays
    eventually(lambda: host_answers(demo))
    member.create("comes")


def host_answers(demo: Demo) -> bool:
    [host] = demo.admin("SELECT reachable FROM capsul.host")
    return bool(host["reachable"])


def test_a_capsul_that_died_while_libvirt_was_away_is_started_again(demo: Demo, member: Member) -> None:
    if not demo.runs_on_qemu():
        pytest.skip("the test driver's capsuls live in the daemon")
    capsul = member.create("web")["capsul"]
    before = emulator(demo, member, "web")
    with demo.without("libvirt"):
        os.kill(before, signal.SIGKILL)
    [started] = eventually(lambda: [it for it in member.ssh.ask("operations")["operations"] if it["kind"] == "start"])
    assert started["capsul"]["id"] == capsul["id"]
    assert member.ssh.ask("operation", started["id"], "--wait")["operation"]["state"] == "done"
    assert emulator(demo, member, "web") != before
    assert member.capsuls() == {"web": "running"}


# Mail


@contextmanager
def no_mail(demo: Demo) -> Iterator[None]:
    """A while in which no letter can be delivered: where the folder was, there is a file."""
    aside = demo.mail.with_name("mail.aside")
    demo.mail.rename(aside)
    demo.mail.touch()
    try:
        yield
    finally:
        demo.mail.unlink()
        aside.rename(demo.mail)


def test_while_no_mail_can_be_delivered_enrol_answers_and_the_letter_goes_out_later(
    demo: Demo, member: Member, stranger: Ssh, address: str
) -> None:
    with no_mail(demo):
        enrolment = stranger.ask("enrol", address)["enrolment"]
        eventually(lambda: demo.admin(TRIED_IN_VAIN, address))
        assert member.ssh("ls").status == 0
    letter = demo.letter(address, enrolment["fingerprint"])
    found = re.search(r"confirm (\S+)", letter)
    assert found is not None
    assert stranger("confirm", found[1]).status == 0


# Postgres


def test_without_postgres_every_door_says_so_and_all_works_again_by_itself(
    demo: Demo, member: Member, stranger: Ssh, address: str
) -> None:
    with demo.without("Postgres", signal.SIGINT):
        assert says_to_try_again(member.ssh, "ls")
        assert says_to_try_again(member.ssh, *smallest("web"))
        assert says_to_try_again(stranger, "enrol", address)
        health = httpx.get(f"{demo.http}/healthz")
        assert (health.status_code, json.loads(health.text)["status"]) == (503, "down")
        assert httpx.get(demo.http).status_code == 503
    eventually(lambda: httpx.get(f"{demo.http}/healthz").status_code == 200)
    eventually(lambda: member.ssh("ls").status == 0)
    assert member.create("web")["capsul"]["state"] == "running"
    enrol(stranger, address)
    assert member.balance() == "20.00"


def test_a_create_during_which_postgres_restarts_is_finished_once(demo: Demo, member: Member) -> None:
    client = member.ssh.start(*smallest("web"), "--wait", "--json")
    assert client.stderr is not None
    operation_id = client.stderr.readline().strip()
    os.kill(demo.running("Postgres"), signal.SIGINT)
    assert finish(client).status in (0, TRY_AGAIN_LATER)
    eventually(lambda: member.ssh("ls").status == 0)
    eventually(lambda: member.ssh("operation", operation_id, "--wait").status == 0, 40)
    assert member.capsuls() == {"web": "running"}
    assert len(member.ssh.ask("operations")["operations"]) == 1
