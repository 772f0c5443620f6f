"""Who watches is told of what changed, by ids only, and never of what would tell too often."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest

from capsul.models import Change
from db.changes import Changes
from services import Services
from tests.conftest import Enrol, TestDatabase

_TABLES = frozenset(
    {"audit", "host", "size", "image", "ssh_key", "announcement", "session", "transfer", "ledger_account", "topup"}
)


async def _told(changes: Changes, database: TestDatabase, statement: str) -> list[Change]:
    """What one statement tells: all between two announcements."""
    with changes.watch(_TABLES) as queue:
        await _listening(queue, database)
        await _up_to_now(queue, database)
        await database.admin(statement)
        return await _up_to_now(queue, database)


async def _listening(queue: asyncio.Queue[Change], database: TestDatabase) -> None:
    """Says something until it is heard, or that something may have been missed."""
    async with asyncio.timeout(10):
        while queue.empty():
            await database.admin("INSERT INTO announcement (text) VALUES ('hello')")
            with suppress(TimeoutError):
                await asyncio.wait_for(queue.get(), 1)
                return


async def _up_to_now(queue: asyncio.Queue[Change], database: TestDatabase) -> list[Change]:
    [mark] = await database.admin("INSERT INTO announcement (text) VALUES ('until here') RETURNING id::text")
    told: list[Change] = []
    async with asyncio.timeout(10):
        while (change := await queue.get()) != Change("announcement", "", mark["id"]):
            told.append(change)
    return told


@pytest.mark.parametrize(
    ("statement", "table", "subject"),
    [
        ("UPDATE host SET committed_memory_mib = 5", "host", "host-1"),
        ("UPDATE host SET reachable = false", "host", "host-1"),
        ("UPDATE host SET accepts_new = false", "host", "host-1"),
        ("UPDATE size SET on_offer = false WHERE id = 'nano'", "size", "nano"),
        ("INSERT INTO image VALUES ('new', 'New', '1', 'new.qcow2', 'root')", "image", "new"),
        ("UPDATE image SET deprecated = true", "image", "tiny"),
    ],
)
async def test_everybody_is_told_of_what_is_for_all(
    changes: Changes, fresh_database: TestDatabase, statement: str, table: str, subject: str
) -> None:
    assert await _told(changes, fresh_database, statement) == [Change(table, "", subject)]


async def test_the_end_of_an_announcement_is_told(changes: Changes, fresh_database: TestDatabase) -> None:
    [said] = await fresh_database.admin("INSERT INTO announcement (text) VALUES ('soon over') RETURNING id::text")
    told = await _told(
        changes, fresh_database, f"UPDATE announcement SET ends_at = capsul_now() WHERE id = {said['id']}"
    )
    assert told == [Change("announcement", "", said["id"])]


async def test_an_account_is_told_of_its_keys_its_sessions_and_what_was_done(
    services: Services, changes: Changes, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    me = await enrol()
    account, key = str(me.account_id), str(me.key_id)
    assert await _told(changes, fresh_database, "UPDATE ssh_key SET name = 'laptop'") == [
        Change("ssh_key", account, key)
    ]
    session = await services.sessions.begin(me, uuid4(), "", "")
    for ends in ("end_asked_at", "ended_at"):
        assert await _told(changes, fresh_database, f"UPDATE session SET {ends} = capsul_now()") == [
            Change("session", account, session)
        ]
    [last] = await fresh_database.admin("SELECT max(id)::text AS id FROM audit")
    noted = f"INSERT INTO audit (account_id, actor, action) VALUES ('{account}', 'member', 'x')"
    assert await _told(changes, fresh_database, noted) == [Change("audit", account, str(int(last["id"]) + 1))]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE host SET seen_at = capsul_now()",
        "UPDATE ssh_key SET last_used_at = capsul_now()",
        "UPDATE session SET seen_at = capsul_now()",
        "UPDATE topup SET fence = fence + 1",
        "INSERT INTO audit (actor, action) VALUES ('guest', 'enrolment begun')",
        "SELECT post_transfer('k', 'promo', code, 1, 'gift', '', '', now(), NULL) FROM ledger_account"
        " WHERE code LIKE '%:gift' LIMIT 1",
    ],
)
async def test_nobody_is_told_of_what_happens_all_the_time(
    services: Services, changes: Changes, fresh_database: TestDatabase, enrol: Enrol, statement: str
) -> None:
    member = await enrol()
    await services.payments.topup(member, 5_000_000)
    await services.sessions.begin(member, uuid4(), "", "")
    assert await _told(changes, fresh_database, statement) == []
