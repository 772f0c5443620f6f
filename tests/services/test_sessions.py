"""Open screens: seen from anywhere, ended from anywhere, and never believed longer than their gate lives."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from capsul.errors import NotFound, NotPermitted
from capsul.models import Caller
from db import sessions
from db.database import Database
from services import Services
from tests.conftest import Enrol, TestDatabase

_GATE = uuid4()
_CLIENT, _TERMINAL = "SSH-2.0-OpenSSH_9.2p1", "xterm-256color 80x24"


async def _begin(services: Services, caller: Caller) -> str:
    return await services.sessions.begin(caller, _GATE, _CLIENT, _TERMINAL)


async def test_an_open_session_says_by_which_key_from_where_and_with_what(services: Services, enrol: Enrol) -> None:
    me, neighbour = await enrol(), await enrol()
    await _begin(services, neighbour)
    session_id = await _begin(services, me)
    [mine] = await services.sessions.list(me)
    assert session_id == mine.id == me.session_id
    assert (mine.fingerprint, mine.source) == (me.fingerprint, me.source)
    assert (mine.client, mine.terminal) == (_CLIENT, _TERMINAL)


async def test_further_sessions_of_a_connection_have_ids_of_their_own(services: Services, enrol: Enrol) -> None:
    me = await enrol()
    ids = [await _begin(services, me) for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(one.startswith(me.session_id) for one in ids)
    assert len(await services.sessions.list(me)) == 3


async def test_what_a_client_says_of_itself_is_harmless_and_short(services: Services, enrol: Enrol) -> None:
    me = await enrol()
    await services.sessions.begin(me, _GATE, "evil\x1b[2J" + "x" * 1000, "xterm\n\x00" + "y" * 1000)
    [mine] = await services.sessions.list(me)
    assert (mine.client[:9], len(mine.client)) == ("evil [2Jx", 100)
    assert (mine.terminal[:8], len(mine.terminal)) == ("xterm  y", 60)


async def test_a_session_that_has_ended_is_not_listed(services: Services, enrol: Enrol) -> None:
    me = await enrol()
    await services.sessions.ended(await _begin(services, me))
    assert await services.sessions.list(me) == []


async def test_a_session_whose_gate_is_silent_counts_as_over(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    session_id = await _begin(services, me)
    await fresh_database.shift_clock(timedelta(minutes=2))
    await services.sessions.alive(_GATE)
    await fresh_database.shift_clock(timedelta(minutes=2))
    assert len(await services.sessions.list(me)) == 1
    await services.sessions.alive(uuid4())
    await fresh_database.shift_clock(timedelta(minutes=2))
    assert await services.sessions.list(me) == []
    with pytest.raises(NotFound):
        await services.sessions.ask_to_end(me, session_id)


async def test_the_gate_finds_that_a_session_shall_end(services: Services, enrol: Enrol) -> None:
    me = await enrol()
    session_id = await _begin(services, me)
    assert not await services.sessions.asked_to_end(session_id)
    assert await services.sessions.asked_of(_GATE) == []
    await services.sessions.ask_to_end(me, session_id)
    assert await services.sessions.asked_to_end(session_id)
    assert await services.sessions.asked_of(_GATE) == [session_id]
    assert await services.sessions.asked_of(uuid4()) == []
    assert [entry.target for entry in await services.accounts.activity(me) if entry.action == "session ended"] == [
        session_id
    ]


async def test_nobody_ends_a_neighbours_session(services: Services, enrol: Enrol) -> None:
    me, neighbour = await enrol(), await enrol()
    session_id = await _begin(services, neighbour)
    for missing in (session_id, "000000000000"):
        with pytest.raises(NotFound, match="see: sessions"):
            await services.sessions.ask_to_end(me, missing)
    assert not await services.sessions.asked_to_end(session_id)
    assert not await services.sessions.asked_to_end("000000000000")


async def test_a_key_that_may_not_change_keys_ends_no_session(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    session_id = await _begin(services, me)
    await fresh_database.admin("UPDATE ssh_key SET scope = 'machines'")
    key = await services.accounts.identify(me.fingerprint, me.source)
    assert key is not None
    robot = services.accounts.caller(key, "robot", me.source)
    assert len(await services.sessions.list(robot)) == 1
    with pytest.raises(NotPermitted):
        await services.sessions.ask_to_end(robot, session_id)


async def test_a_session_is_never_of_another_accounts_key(services: Services, enrol: Enrol) -> None:
    me, neighbour = await enrol(), await enrol()
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await _begin(services, replace(me, account_id=neighbour.account_id))


async def test_a_session_is_forgotten_a_month_after_it_ended(
    services: Services, enrol: Enrol, fresh_database: TestDatabase, work_database: Database
) -> None:
    me = await enrol()
    await services.sessions.ended(await _begin(services, me))
    for days, left in ((29, 1), (2, 0)):
        await fresh_database.shift_clock(timedelta(days=days))
        async with work_database.worker() as connection:
            await sessions.sweep(connection)
        assert len(await fresh_database.admin("SELECT FROM session")) == left
