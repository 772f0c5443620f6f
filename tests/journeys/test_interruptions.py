"""Somebody goes away in the middle of a create: the client, or the worker. It is finished or undone, never doubled."""

import asyncio
import subprocess
from collections import Counter
from datetime import timedelta

import asyncpg
import libvirt
import pytest

from tests.journeys.conftest import NewMember
from tests.journeys.demo import Demo, eventually
from tests.journeys.people import MINUTE, Member, finish, smallest

LONGER_THAN_AN_OPERATION_MAY_TAKE = timedelta(seconds=601)
CAPSULS = "SELECT id, uuid::text FROM capsul.capsul WHERE account_id = $1::uuid"
COMMITTED = "SELECT committed_memory_mib AS memory, committed_disk_gib AS disk, uri FROM capsul.host"
STEP_UNDER_WAY = "SELECT name FROM capsul.operation_step WHERE operation_id = $1 AND state = 'running'"


def test_a_create_whose_client_was_cut_off_is_finished_once(demo: Demo, member: Member) -> None:
    client = member.ssh.start(*smallest("web"), "--wait")
    assert client.stderr is not None
    operation_id = client.stderr.readline().strip()
    client.kill()
    finish(client)
    assert member.ssh.ask("operation", operation_id, "--wait")["operation"]["state"] == "done"
    assert member.capsuls() == {"web": "running"}
    assert on_the_host(demo, member) == {"domains": 1, "disks": 1}


def test_a_worker_killed_in_any_step_of_a_create_leaves_every_capsul_finished_and_none_twice(
    demo: Demo, new_member: NewMember
) -> None:
    member = new_member(credit=20)
    before = committed(demo)
    under_way = [asyncio.run(kill_the_worker(demo, member, at)) for at in ("request", "disk", "definition", "boot")]
    answers = [finish(process, seconds=2 * MINUTE) for process in under_way]
    assert [answer.status for answer in answers] == [0, 0, 0, 0], answers
    assert set(member.capsuls().values()) == {"running"}
    assert len(member.ssh.ask("operations")["operations"]) == 4
    assert on_the_host(demo, member) == {"domains": 4, "disks": 4}
    assert committed(demo) == (before[0] + 4 * 128, before[1] + 4)


def test_a_create_that_ran_out_of_time_while_the_worker_was_dead_is_undone(demo: Demo, member: Member) -> None:
    before = committed(demo)
    with demo.without("worker"):
        client = member.ssh.start(*smallest("web"), "--wait", "--json")
        assert client.stderr is not None
        operation_id = client.stderr.readline().strip()
        demo.shift_clock(LONGER_THAN_AN_OPERATION_MAY_TAKE)
    answer = finish(client)
    assert answer.status == 8
    assert answer.document["operation"]["id"] == operation_id
    assert answer.document["operation"]["state"] == "failed"
    assert "time" in answer.document["operation"]["reason"]
    assert member.capsuls() == {}
    assert member.ssh.ask("balance")["hours_left"] is None
    eventually(lambda: committed(demo) == before)
    assert on_the_host(demo, member) == {"domains": 0, "disks": 0}
    member.create("web")


def test_a_create_that_cannot_succeed_gives_back_its_room_and_its_name(demo: Demo, member: Member) -> None:
    if not demo.runs_on_qemu():
        pytest.skip("the test driver makes a disk from any image")
    demo.admin(
        "INSERT INTO capsul.image (id, name, version, volume, login_user)"
        " VALUES ('lost', 'Lost', '1', 'lost.qcow2', 'root') ON CONFLICT (id) DO NOTHING"
    )
    before = committed(demo)
    answer = member.ssh("create", "--image", "lost", "--size", "nano", "--name", "web", "--wait", "--json")
    assert answer.status == 8, answer
    assert answer.document["capsul"]["state"] == "failed"
    assert answer.document["operation"]["reason"] != ""
    assert answer.error["code"] == "operation_failed"
    eventually(lambda: committed(demo) == before)
    assert member.ssh.ask("balance")["hours_left"] is None
    member.create("web")


async def kill_the_worker(demo: Demo, member: Member, at: str) -> "subprocess.Popen[str]":
    """Asks for a capsul, and kills the worker at the request or in this step of its making.

    The database tells of each change as it is committed, so that the step is only just begun.
    """
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def hear(_: object, __: int, ___: str, payload: object) -> None:
        table, _, subject = str(payload).split()
        told.put_nowait((table, subject))

    connection = await demo.connect()
    await connection.add_listener("capsul_changes", hear)
    try:
        client = member.ssh.start(*smallest(f"web-{at}"), "--wait", "--json")
        async with asyncio.timeout(60):
            while not await is_reached(connection, at, *await told.get()):
                pass
        demo.kill("worker")
        return client
    finally:
        await connection.close()


async def is_reached(connection: asyncpg.Connection, at: str, table: str, subject: str) -> bool:
    if at == "request":
        return table == "operation"
    return table == "operation_step" and await connection.fetchval(STEP_UNDER_WAY, subject) == at


def committed(demo: Demo) -> tuple[int, int]:
    """MiB of memory and GiB of disk that the host has promised."""
    [host] = demo.admin(COMMITTED)
    return host["memory"], host["disk"]


def on_the_host(demo: Demo, member: Member) -> Counter[str]:
    """How many domains and disks there are of a member's capsuls, as libvirt has it."""
    mine = demo.admin(CAPSULS, member.account_id())
    connection = libvirt.open(demo.admin(COMMITTED)[0]["uri"])
    try:
        domains = [domain.name() for domain in connection.listAllDomains()]
        disks = [volume.name() for pool in connection.listAllStoragePools() for volume in pool.listAllVolumes()]
    finally:
        connection.close()
    return Counter(
        domains=sum(domains.count(row["id"]) for row in mine),
        disks=sum(disks.count(f"{row['uuid']}.qcow2") for row in mine),
    )
