"""Screens are on the account's list of sessions while they last, and end when their key or their owner says so."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn
from uuid import UUID

import asyncssh
import pytest
from structlog.testing import capture_logs

from capsul.errors import CapsulError, Unavailable
from capsul.models import Caller, OpenSession
from capsul_tui.app import CapsulApp
from db.database import Database
from services import Services
from services.sessions import Sessions
from sshgate.roster import EndedFromElsewhereError, Roster
from sshgate.server import SshGate
from tests.conftest import Enrol, TestDatabase
from tests.sshgate.conftest import KeyFile, OpenGate, Ssh, eventually
from tests.sshgate.liars import connect, honest
from tests.sshgate.onlooker import at_screens, shell

Listed = Callable[[int], Awaitable[list[OpenSession]]]


@pytest.fixture
def listed(services: Services, fresh_database: TestDatabase) -> Listed:
    """`await listed(count)`: the open sessions of the first account, newest first, once there are so many."""

    async def until(count: int) -> list[OpenSession]:
        [row] = await fresh_database.admin("SELECT * FROM ssh_key ORDER BY created_at LIMIT 1")
        me = Caller(row["account_id"], row["id"], row["fingerprint"], "full", False, None, "looks", "192.0.2.7")
        with services.changes.watch(frozenset({"session"})) as changes:
            async with asyncio.timeout(20):
                while len(found := await services.sessions.list(me)) != count:
                    await changes.get()
        return found

    return until


async def test_the_screens_are_listed_while_they_last(gate: SshGate, member: KeyFile, listed: Listed) -> None:
    async with at_screens(gate.port, member, columns=100, rows=30) as person:
        await person.sees("Balance")
        [session] = await listed(1)
        assert (session.fingerprint, session.source) == (member.fingerprint, "127.0.0.1")
        assert session.client.startswith("SSH-2.0-AsyncSSH")
        assert session.terminal == "xterm-256color 100x30"
        person.press("q")
        assert (await person.end())[0] == 0
        await listed(0)


async def test_two_terminals_of_one_connection_are_two_sessions(gate: SshGate, member: KeyFile, listed: Listed) -> None:
    key = honest(asyncssh.read_private_key(member.path))
    async with connect(gate.port, [key]) as connection, shell(connection) as one, shell(connection) as other:
        await one.sees("Balance")
        await other.sees("Balance")
        assert len({session.id for session in await listed(2)}) == 2
        one.press("q")
        await one.end()
        await listed(1)


async def test_a_connection_that_breaks_is_listed_no_more(gate: SshGate, member: KeyFile, listed: Listed) -> None:
    key = honest(asyncssh.read_private_key(member.path))
    async with connect(gate.port, [key]) as connection, shell(connection) as person:
        await person.sees("Balance")
        await listed(1)
        connection.abort()
        await listed(0)


async def test_a_session_ended_from_another_one_is_told_and_its_terminal_is_given_back(
    gate: SshGate, ssh: Ssh, member: KeyFile, listed: Listed
) -> None:
    async with at_screens(gate.port, member) as staying:
        await staying.sees("Balance")
        await listed(1)
        async with at_screens(gate.port, member) as going:
            await going.sees("Balance")
            newest = (await listed(2))[0]
            assert (await ssh("sessions", "end", newest.id)).status == 0
            assert await going.end() == (0, "This session was ended from another one of yours.\r\n")
        await listed(1)
        staying.press("q")
        assert (await staying.end())[0] == 0


async def test_the_screen_of_sessions_knows_which_one_it_is_in(gate: SshGate, member: KeyFile, listed: Listed) -> None:
    key = honest(asyncssh.read_private_key(member.path))
    async with connect(gate.port, [key]) as connection, shell(connection) as one, shell(connection) as other:
        await one.sees("Balance")
        await listed(2)
        await other.sees("Balance")
        other.press("5")
        await other.sees("this one")
        assert other.screen.count("this one") == 1


async def test_a_guest_is_listed_once_they_have_become_a_member(
    gate: SshGate, new_key: Callable[..., KeyFile], enrol: Enrol, listed: Listed, fresh_database: TestDatabase
) -> None:
    key = new_key("guest")
    async with at_screens(gate.port, key) as person:
        await person.sees("e-mail address")
        assert await fresh_database.admin("SELECT FROM session") == []
        line = " ".join(key.line.split()[:2])
        await enrol("late@example.org", fingerprint=key.fingerprint, public_key=line)
        await person.sees("Balance")
        [session] = await listed(1)
        assert session.fingerprint == key.fingerprint


async def test_a_removed_key_ends_its_screens_and_the_reason_stands_below_them(
    gate: SshGate, member: KeyFile, listed: Listed, fresh_database: TestDatabase
) -> None:
    async with at_screens(gate.port, member) as person:
        await person.sees("Balance")
        await listed(1)
        await fresh_database.admin("UPDATE ssh_key SET state = 'removed', removed_at = capsul_now()")
        assert await person.end() == (77, "The key of this session was removed.\r\n")
        await listed(0)


async def test_a_key_that_expires_ends_its_screens_although_nobody_tells(
    gate: SshGate, member: KeyFile, fresh_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CapsulApp, "LOOK_UP_SECONDS", 0.2)
    async with at_screens(gate.port, member) as person:
        await person.sees("Balance")
        await fresh_database.admin("UPDATE ssh_key SET expires_at = capsul_now()")
        assert await person.end() == (77, "This key does not open the account any more.\r\n")


async def test_screens_do_what_the_key_may_do_now(gate: SshGate, member: KeyFile, fresh_database: TestDatabase) -> None:
    async with at_screens(gate.port, member) as person:
        await person.sees("Balance")
        person.press("4")
        await person.sees("this session")
        await fresh_database.admin("UPDATE ssh_key SET scope = 'read'")
        await person.sees("look only")
        person.press("Dy")
        await person.sees("This key's scope is read: it may not do that.")
        await fresh_database.admin("UPDATE ssh_key SET scope = 'full'")
        await person.sees("May everything")
        person.press("Dy")
        await person.sees("This is your last key that may do everything.")


async def test_the_gate_closes_its_sessions_when_it_goes_down(
    open_gate: OpenGate, member: KeyFile, listed: Listed
) -> None:
    async with open_gate() as gate:
        async with at_screens(gate.port, member) as person:
            await person.sees("Balance")
            await listed(1)
            closing = asyncio.create_task(gate.__aexit__(None, None, None))
            status, said = await person.end()
            assert status == 75
            assert "The server is going down for a moment." in said
        await closing
        await listed(0)


class IllSessions(Sessions):
    """A list that cannot be written to."""

    async def begin(self, caller: Caller, gate: UUID, client: str, terminal: str) -> NoReturn:
        raise Unavailable


async def test_nobody_is_kept_out_or_thrown_out_for_lack_of_a_row(
    open_gate: OpenGate, services: Services, gate_database: Database, member: KeyFile
) -> None:
    ill = replace(services, sessions=IllSessions(gate_database))
    with capture_logs() as log:
        async with open_gate(instead=ill) as gate, at_screens(gate.port, member) as person:
            await person.sees("Balance")
            person.press("5")
            await person.sees("Nobody has the screens open.")
            person.press("\x03")
            assert (await person.end())[0] == 0
    assert [it["log_level"] for it in log if it["event"] == "the list of open sessions is not kept"] == ["warning"]


class ForgetfulSessions(Sessions):
    """Once, the end of a session cannot be written down."""

    failures = 1

    async def ended(self, session_id: str) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable
        await super().ended(session_id)


@pytest.fixture
def roster_over(services: Services, gate_database: Database) -> Callable[..., Roster]:
    """`roster_over(sessions)`: one that says ten times a second who is there."""

    def over(sessions: Sessions | None = None) -> Roster:
        roster = Roster(replace(services, sessions=sessions or services.sessions), alive_seconds=0.1)
        roster.start()
        return roster

    return over


def _nothing(why: CapsulError) -> None:
    del why


async def test_an_end_that_could_not_be_written_down_is_written_down_later(
    roster_over: Callable[..., Roster], gate_database: Database, enrol: Enrol, listed: Listed
) -> None:
    me, roster = await enrol(), roster_over(ForgetfulSessions(gate_database))
    attendance = roster.attend(_nothing)
    attendance.begin(me, "a client", "xterm 80x24")
    await listed(1)
    await eventually(lambda: bool(attendance.session_id))
    attendance.end()
    await listed(0)
    await roster.close()


async def test_a_session_that_is_over_before_it_is_listed_does_not_stay_there(
    roster_over: Callable[..., Roster], enrol: Enrol, fresh_database: TestDatabase
) -> None:
    me, roster = await enrol(), roster_over()
    attendance = roster.attend(_nothing)
    attendance.begin(me, "a client", "xterm 80x24")
    attendance.end()
    await roster.close()
    [row] = await fresh_database.admin("SELECT ended_at FROM session")
    assert row["ended_at"] is not None


async def test_the_gate_says_that_its_sessions_are_there_until_it_dies(
    roster_over: Callable[..., Roster], enrol: Enrol, fresh_database: TestDatabase, services: Services
) -> None:
    me, roster = await enrol(), roster_over()
    roster.attend(_nothing).begin(me, "a client", "xterm 80x24")
    await eventually_listed(services, me, 1)
    await fresh_database.shift_clock(timedelta(minutes=4))
    await eventually_listed(services, me, 1)
    await roster.close()
    await fresh_database.shift_clock(timedelta(minutes=4))
    assert await services.sessions.list(me) == []


async def eventually_listed(services: Services, me: Caller, count: int) -> None:
    """That somebody is there still, nobody is told."""
    async with asyncio.timeout(10):
        while len(await services.sessions.list(me)) != count:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)


async def test_a_wish_to_end_that_nobody_heard_of_is_found_within_a_minute(
    roster_over: Callable[..., Roster], enrol: Enrol, fresh_database: TestDatabase, services: Services
) -> None:
    me, roster = await enrol(), roster_over()
    why: list[CapsulError] = []
    roster.attend(why.append).begin(me, "a client", "xterm 80x24")
    await eventually_listed(services, me, 1)
    await fresh_database.admin("ALTER TABLE session DISABLE TRIGGER USER")
    await services.sessions.ask_to_end(me, me.session_id)
    await eventually(lambda: bool(why))
    assert isinstance(why[0], EndedFromElsewhereError)
    await roster.close()
