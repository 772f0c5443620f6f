"""What was done with the account, as its owner reads it."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import PublicKey
from capsul_tui.screens.activity import ActivityScreen
from capsul_tui.widgets.table import Table
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import without_places
from tests.conftest import Enrol, TestDatabase

_LAPTOP = PublicKey("SHA256:" + "l" * 43, "ssh-ed25519 LLLL", "laptop")


async def at_activity(person: Person) -> None:
    """Goes to the screen of what was done."""
    await person.app.push_screen(ActivityScreen(person.app.visit))
    await person.until_sees("When (UTC)")


async def entries(database: TestDatabase, count: int) -> None:
    """So many entries more, of the only account there is."""
    await database.admin(
        "INSERT INTO audit (account_id, actor, action, target)"
        " SELECT id, 'worker', 'thing ' || n || '.', 'c-' || n FROM account, generate_series(1, $1) AS n",
        count,
    )


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_the_newest_is_first_with_who_did_it_by_which_key_from_where(
    enrol: Enrol,
    open_screens: OpenScreens,
    services: Services,
    fresh_database: TestDatabase,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = await enrol("me@example.org", fingerprint="SHA256:" + "m" * 43)
    await services.keys.rename(me, me.fingerprint, "desk")
    await services.keys.add(me, [_LAPTOP])
    await services.keys.remove(me, _LAPTOP.fingerprint)
    await fresh_database.admin(
        "INSERT INTO audit (account_id, actor, fingerprint, source, action, target, reason)"
        " VALUES ($1, 'operator', $2, '2001:db8::1', 'credit given', 'me@example.org', 'for the trouble yesterday')",
        me.account_id,
        "SHA256:" + "o" * 43,
    )
    await fresh_database.admin("UPDATE audit SET at = timestamptz '2026-01-02 03:04Z' + id * interval '1 minute'")
    async with open_screens(me, size=size) as person:
        await at_activity(person)
        await person.until_sees("key removed")
        assert without_places(person.screen()) == text_snapshot


async def test_what_is_done_elsewhere_appears_and_the_cursor_stays_on_its_entry(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    await services.keys.rename(me, me.fingerprint, "desk")
    async with open_screens(me) as person:
        await at_activity(person)
        await person.until_sees("key renamed")
        table = person.app.screen.query_one(Table)
        here = table.current
        await services.keys.add(me, [_LAPTOP])
        await person.until_sees("key added, pending")
        assert table.current == here


async def test_older_entries_come_with_m_and_at_the_end_of_the_list(
    enrol: Enrol, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    await entries(fresh_database, 250)
    async with open_screens(me) as person:
        await at_activity(person)
        await person.until_sees("thing 250.")
        await person.press("m")
        await person.until(lambda: person.app.screen.query_one(Table).count == (200, 200))
        await person.press("G")
        await person.until_sees("▌")
        assert person.sees("thing 51."), "the cursor stays where it was while more comes"
        await person.until_gone("m More")
        await person.press("G")
        await person.until_sees("thing 1.")


async def test_a_filter_finds_an_entry_by_its_reason_and_stays_when_there_is_news(
    enrol: Enrol, open_screens: OpenScreens, services: Services, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    await entries(fresh_database, 3)
    await fresh_database.admin("UPDATE audit SET reason = 'because of rain' WHERE action = 'thing 2.'")
    async with open_screens(me) as person:
        await at_activity(person)
        await person.until_sees("thing 3.")
        await person.press("slash")
        await person.type("rain")
        await person.press("enter")
        await person.until_gone("thing 3.")
        await services.keys.add(me, [_LAPTOP])
        await person.until_sees("thing 2.")
        assert not person.sees("key added")
        await person.press("escape")
        await person.until_sees("key added")


async def test_enter_shows_an_entry_in_full(
    enrol: Enrol, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    await fresh_database.admin(
        "INSERT INTO audit (account_id, actor, fingerprint, session_id, source, action, target, reason)"
        " VALUES ($1, 'operator', $2, 'feedfeedfeed', '2001:db8::1', 'credit given', 'me', $3)",
        me.account_id,
        "SHA256:" + "o" * 43,
        "[b]for the trouble\x1b[2J that there was yesterday, with the host that had no room any more[/b]",
    )
    async with open_screens(me) as person:
        await at_activity(person)
        await person.until_sees("credit given")
        await person.press("enter")
        await person.until_sees("feedfeedfeed")
        assert person.sees("SHA256:" + "o" * 43)
        assert person.sees("[b]for the trouble [2J that there was yesterday,")
        assert person.sees("operator")
        await person.press("q")
        await person.until_gone("feedfeedfeed")
