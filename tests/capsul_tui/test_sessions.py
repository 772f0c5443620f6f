"""Open sessions, as their owner sees and ends them."""

from dataclasses import replace
from uuid import uuid4

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from capsul_tui.screens.sessions import SessionsScreen
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import without_places
from tests.conftest import Enrol, TestDatabase

_CLIENT, _TERMINAL = "SSH-2.0-OpenSSH_9.2p1 Debian-2", "xterm-256color 120x40"


async def begin(services: Services, me: Caller, session_id: str) -> str:
    """Somebody opens the screens with the same key."""
    return await services.sessions.begin(replace(me, session_id=session_id), uuid4(), _CLIENT, _TERMINAL)


async def at_sessions(person: Person) -> None:
    """Goes to the screen of sessions."""
    await person.app.push_screen(SessionsScreen(person.app.visit))
    await person.until_sees("$ ssh capsul.test sessions")


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_the_list_says_which_session_is_this_one_and_where_the_others_are(
    enrol: Enrol,
    open_screens: OpenScreens,
    services: Services,
    fresh_database: TestDatabase,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = replace(await enrol("me@example.org", fingerprint="SHA256:" + "m" * 43), session_id="aaaaaaaaaaaa")
    await begin(services, me, "aaaaaaaaaaaa")
    await begin(services, replace(me, source="2001:db8::7"), "bbbbbbbbbbbb")
    await fresh_database.admin(
        "UPDATE session SET started_at = timestamptz '2026-01-02 03:04Z' + (id < 'b')::int * interval '1 hour'"
    )
    await fresh_database.admin("UPDATE ssh_key SET name = 'desk'")
    async with open_screens(me, size=size) as person:
        await at_sessions(person)
        await person.until_sees("this one")
        assert person.sees("2001:db8::7")
        assert without_places(person.screen()) == text_snapshot


async def test_a_session_that_begins_or_ends_elsewhere_comes_and_goes_by_itself(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    async with open_screens(me) as person:
        await at_sessions(person)
        await person.until_sees("Nobody has the screens open.")
        await begin(services, me, "bbbbbbbbbbbb")
        await person.until_sees("bbbbbbbbbbbb")
        await services.sessions.ended("bbbbbbbbbbbb")
        await person.until_sees("Nobody has the screens open.")


async def test_a_session_elsewhere_is_asked_to_end_after_a_yes(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    await begin(services, me, "bbbbbbbbbbbb")
    async with open_screens(me) as person:
        await at_sessions(person)
        await person.until_sees("bbbbbbbbbbbb")
        await person.press("x")
        await person.until_sees("End session bbbbbbbbbbbb?")
        assert person.sees("Its key still")
        assert person.sees("$ ssh capsul.test sessions end bbbbbbbbbbbb")
        await person.press("enter")
        await person.until_gone("End session")
        assert not await services.sessions.asked_to_end("bbbbbbbbbbbb")
        await person.press("x", "y")
        await person.until_sees("Session bbbbbbbbbbbb is told to end.")
        assert await services.sessions.asked_to_end("bbbbbbbbbbbb")


async def test_a_session_that_is_over_already_is_refused_in_words(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    await begin(services, me, "bbbbbbbbbbbb")
    async with open_screens(me) as person:
        await at_sessions(person)
        await person.until_sees("bbbbbbbbbbbb")
        await person.press("x")
        await person.until_sees("End session bbbbbbbbbbbb?")
        await services.sessions.ended("bbbbbbbbbbbb")
        await person.press("y")
        await person.until_sees("You have no such open session")


async def test_nobody_ends_their_own_session_from_the_list(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    await begin(services, me, me.session_id)
    async with open_screens(me) as person:
        await at_sessions(person)
        await person.until_sees("this one")
        await person.press("x")
        await person.until_sees("That is the session you are in. ctrl+c leaves it.")
        assert not await services.sessions.asked_to_end(me.session_id)


async def test_enter_shows_all_about_a_session_whatever_its_client_says(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    await services.sessions.begin(replace(me, session_id="bbbbbbbbbbbb"), uuid4(), "[red]\x1b[2Jevil[/]", _TERMINAL)
    async with open_screens(me) as person:
        await at_sessions(person)
        await person.until_sees("bbbbbbbbbbbb")
        await person.press("enter")
        await person.until_sees("Session bbbbbbbbbbbb")
        assert person.sees("[red] [2Jevil[/]")
        assert person.sees(_TERMINAL)
        await person.press("escape")
        await person.until_gone(_TERMINAL)
