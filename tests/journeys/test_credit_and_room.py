"""What there must be before a capsul is made: credit and room; and that asking twice makes one."""

import asyncio
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from tests.journeys.conftest import NewMember
from tests.journeys.demo import Demo
from tests.journeys.people import Answer, Member, finish, smallest

SIZE_MIB = 128
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'capsul_gate' AND wait_event_type = 'Lock'"
ROOM = "UPDATE capsul.host SET memory_mib = committed_memory_mib + $1 RETURNING memory_mib"


def test_without_credit_a_create_is_exit_5_and_leaves_nothing(new_member: NewMember) -> None:
    poor = new_member()
    answer = poor.ssh(*smallest("web"), "--json")
    assert (answer.status, answer.out, answer.error["code"]) == (5, "", "insufficient_credit")
    assert poor.capsuls() == {}
    assert poor.ssh.ask("operations")["operations"] == []


@pytest.fixture
def one_slot(demo: Demo, member: Member) -> Iterator[None]:
    """A host with room for one capsul of the smallest size."""
    [host] = demo.admin("SELECT memory_mib FROM capsul.host")
    demo.admin(ROOM, SIZE_MIB)
    yield
    demo.admin("UPDATE capsul.host SET memory_mib = $1", host["memory_mib"])


@pytest.mark.usefixtures("one_slot")
def test_without_room_a_create_is_exit_6_and_leaves_nothing(demo: Demo, member: Member) -> None:
    demo.admin(ROOM, SIZE_MIB - 1)
    answer = member.ssh(*smallest("web"), "--json")
    assert (answer.status, answer.out, answer.error["code"]) == (6, "", "no_capacity")
    assert member.capsuls() == {}
    assert member.ssh.ask("operations")["operations"] == []


@pytest.mark.usefixtures("one_slot")
def test_of_six_who_want_the_last_slot_exactly_one_gets_it(demo: Demo, new_member: NewMember) -> None:
    members = [new_member(credit=5) for _ in range(2)]
    answers = in_the_same_moment(
        demo, [(member, smallest(f"web-{number}")) for number in range(3) for member in members]
    )
    assert sorted(answer.status for answer in answers) == [0, 6, 6, 6, 6, 6]
    assert sum(len(member.capsuls()) for member in members) == 1
    [host] = demo.admin("SELECT committed_memory_mib - memory_mib AS over FROM capsul.host")
    assert host["over"] == 0


@pytest.mark.usefixtures("one_slot")
def test_the_room_of_a_destroyed_capsul_can_be_had_again(member: Member) -> None:
    member.create("first")
    assert member.ssh(*smallest("second")).status == 6
    member.ssh.ask("destroy", "first", "--confirm", "first", "--wait")
    member.create("second")


def test_the_same_idempotency_key_from_four_connections_at_once_makes_one_capsul(demo: Demo, member: Member) -> None:
    line = [*smallest("web"), "--idempotency-key", "once", "--wait", "--json"]
    answers = in_the_same_moment(demo, [(member, line)] * 4)
    assert {answer.status for answer in answers} == {0}
    assert len({answer.document["capsul"]["id"] for answer in answers}) == 1
    assert len({answer.document["operation"]["id"] for answer in answers}) == 1
    assert len(member.ssh.ask("operations")["operations"]) == 1
    other = member.ssh(*smallest("other"), "--idempotency-key", "once", "--json")
    assert (other.status, other.error["code"]) == (7, "conflict")


def test_the_same_idempotency_key_from_four_connections_at_once_makes_one_topup(demo: Demo, member: Member) -> None:
    line = ["topup", "7", "--idempotency-key", "once", "--json"]
    answers = in_the_same_moment(demo, [(member, line)] * 4, lock="LOCK TABLE capsul.topup IN SHARE MODE")
    assert len({answer.document["topup"]["id"] for answer in answers}) == 1
    assert member.ssh("topup", "8", "--idempotency-key", "once").status == 7


@pytest.fixture
def dear_size(demo: Demo) -> str:
    """A size as small as the smallest for which one unit must be there, and two for two of them."""
    demo.admin(
        "INSERT INTO capsul.size (id, vcpus, memory_mib, disk_gib, price_month, currency)"
        " VALUES ('dear', 1, 128, 1, 27000000, 'USD') ON CONFLICT (id) DO NOTHING"
    )
    return "dear"


def test_credit_for_one_capsul_makes_one_of_four_that_are_asked_for_at_once(
    demo: Demo, new_member: NewMember, dear_size: str
) -> None:
    member = new_member(credit=1)
    lines = [["create", "--image", "tiny", "--size", dear_size, "--name", f"web-{number}"] for number in range(4)]
    answers = in_the_same_moment(demo, [(member, line) for line in lines])
    assert sorted(answer.status for answer in answers) == [0, 5, 5, 5]
    assert len(member.capsuls()) == 1


def in_the_same_moment(
    demo: Demo, requests: Sequence[tuple[Member, Sequence[str]]], lock: str = "SELECT FROM capsul.host FOR UPDATE"
) -> list[Answer]:
    """What comes of requests that all meet: a lock is held until each of them waits, for it or for another."""
    return [finish(process) for process in asyncio.run(start_behind(demo, requests, lock))]


async def start_behind(
    demo: Demo, requests: Sequence[tuple[Member, Sequence[str]]], lock: str
) -> "list[subprocess.Popen[str]]":
    locker, looker = await demo.connect(), await demo.connect()
    try:
        async with asyncio.timeout(30), locker.transaction():
            await locker.execute(lock)
            under_way = [member.ssh.start(*line) for member, line in requests]
            while await looker.fetchval(WAITING) < len(requests):  # noqa: ASYNC110 - Postgres tells nobody
                await asyncio.sleep(0.02)
        return under_way
    finally:
        await locker.close()
        await looker.close()
