"""Home, as members find it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from syrupy.assertion import SnapshotAssertion

from services import Services
from services.capsuls import CreateRequest
from tests.capsul_tui.conftest import SIZES, OpenScreens
from tests.conftest import Enrol, TestDatabase
from tests.workers import QuickWorker


async def test_a_new_member_sees_address_balance_and_what_to_do_first(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org", credit=20_000_000)) as person:
        assert person.sees("me@example.org")
        assert person.sees("Balance 20.00 USD, all of it a gift")
        assert person.sees("Lasts for ever, while nothing burns")
        assert person.sees("You have no capsuls yet. Press c to create one.")


async def test_without_credit_home_says_so_and_how_to_get_some(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("poor@example.org")) as person:
        assert person.sees("There is no credit: nothing can be created.")


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_home_at_a_glance(
    enrol: Enrol,
    services: Services,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = await enrol("me@example.org", credit=1_000_000_000)
    for name in ("web", "db", "mail"):
        await services.capsuls.create(me, CreateRequest("tiny", "nano", name))
    await fresh_database.admin("SELECT change_state(id, 'stopped', '') FROM capsul WHERE name = 'web'")
    await fresh_database.admin(
        "SELECT change_state(id, 'unreachable', 'its host is away') FROM capsul WHERE name = 'db'"
    )
    for change in (
        "UPDATE operation AS o SET state = 'failed', reason = 'no room on the disk', finished_at = capsul_now()"
        " FROM capsul AS c WHERE c.id = o.capsul_id AND c.name = 'mail'",
        "UPDATE operation AS o SET state = 'done' FROM capsul AS c WHERE c.id = o.capsul_id AND c.name = 'web'",
        "INSERT INTO announcement (text, created_at) VALUES ('We move on Sunday.', '2026-11-01 12:00Z')",
        # Nothing burns, so that the picture does not depend on the day.
        "UPDATE capsul SET price_month = 0",
        "UPDATE price_segment SET price_month = 0",
    ):
        await fresh_database.admin(change)
    async with open_screens(me, size=size) as person:
        assert person.screen() == text_snapshot


async def test_a_capsul_made_elsewhere_appears_and_goes_through_its_states_without_a_key(
    enrol: Enrol, services: Services, worker: QuickWorker, open_screens: OpenScreens
) -> None:
    me = await enrol("me@example.org", credit=20_000_000)
    worker.goes_on.clear()
    async with open_screens(me) as person:
        await services.capsuls.create(me, CreateRequest("tiny", "nano", "web"))
        await person.until_sees("web creating")
        await person.until_sees("create web")
        worker.goes_on.set()
        await person.until_sees("web running")
        await person.until_gone("create web")


async def test_credit_and_announcements_appear_without_a_key(
    enrol: Enrol, services: Services, open_screens: OpenScreens
) -> None:
    me, operator = await enrol("me@example.org"), await enrol("op@example.org", operator=True)
    async with open_screens(me) as person:
        await services.operators.credit(operator, "me@example.org", 5_000_000, "for the trouble")
        await person.until_sees("Balance 5.00 USD")
        await services.operators.announce(operator, "We move on Sunday.")
        await person.until_sees("We move on Sunday.")


async def test_the_news_of_others_draw_nothing(
    enrol: Enrol, services: Services, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    me, other = await enrol("me@example.org", credit=20_000_000), await enrol("you@example.org", credit=20_000_000)
    async with open_screens(me) as person:
        drawn: list[object] = []
        person.app.post_display_hook = lambda: drawn.append(1)  # type: ignore[method-assign]
        await services.capsuls.create(other, CreateRequest("tiny", "nano", "theirs"))
        # What comes after it on the same channel has been heard: then so was what came before.
        await fresh_database.admin("UPDATE account SET state = 'locked' WHERE id = $1", me.account_id)
        await person.until_sees("The account is locked")
        assert not person.sees("theirs")


async def test_the_cursor_stays_on_its_capsul_when_others_come_and_go(
    enrol: Enrol, services: Services, worker: QuickWorker, open_screens: OpenScreens
) -> None:
    del worker
    me = await enrol("me@example.org", credit=20_000_000)
    for name in ("one", "two"):
        await services.capsuls.create(me, CreateRequest("tiny", "nano", name))
    async with open_screens(me) as person:
        await person.until_sees("two running")
        await person.press("j")
        await person.until_sees("▌two")
        await services.capsuls.destroy(me, "one", "one")
        await person.until_gone("one running")
        assert person.sees("▌two")


async def test_a_filter_stays_while_things_change_and_goes_with_escape(
    enrol: Enrol, services: Services, worker: QuickWorker, open_screens: OpenScreens
) -> None:
    del worker
    me = await enrol("me@example.org", credit=20_000_000)
    for name in ("web", "db"):
        await services.capsuls.create(me, CreateRequest("tiny", "nano", name))
    async with open_screens(me) as person:
        await person.until_sees("db running")
        await person.press("slash")
        await person.type("web")
        await person.press("enter")
        await person.until_sees("1 of 2 have “web”. Esc shows all.")
        await services.capsuls.create(me, CreateRequest("tiny", "nano", "web2"))
        await person.until_sees("web2 running")
        assert not person.sees("db running")
        await person.press("escape")
        await person.until_sees("db running")


async def test_how_long_the_money_lasts_is_said_and_urgent_when_short(
    enrol: Enrol, services: Services, fresh_database: TestDatabase, worker: QuickWorker, open_screens: OpenScreens
) -> None:
    del worker
    me = await enrol("me@example.org", credit=1_000_000)
    await services.capsuls.create(me, CreateRequest("tiny", "nano", "web"))
    async with open_screens(me) as person:
        await person.until_sees("Burns 0.0015 USD an hour")
        assert person.sees("days)")
        await fresh_database.shift_clock(timedelta(hours=660))
        await person.press("ctrl+r")
        await person.until_sees("hours)")


@asynccontextmanager
async def away(database: TestDatabase) -> AsyncIterator[None]:
    """A while in which the database throws everybody out and lets nobody in."""
    admin = await asyncpg.connect(database.server.dsn("postgres"))
    try:
        await admin.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS false')
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database.name)
        yield
        await admin.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS true')
    finally:
        await admin.close()


async def test_while_the_database_is_away_what_was_known_stays_and_says_how_old_it_is(
    enrol: Enrol, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(await enrol("me@example.org", credit=20_000_000)) as person:
        async with away(fresh_database):
            # The pool of connections may try for ten seconds.
            await person.until(lambda: person.sees("not up to date since"))
            assert person.sees("Balance 20.00 USD")
        await person.until_sees("● live")
        assert not person.sees("not up to date")


async def test_without_the_metrics_server_home_says_so_and_all_else_works(
    enrol: Enrol, services: Services, worker: QuickWorker, open_screens: OpenScreens
) -> None:
    del worker
    me = await enrol("me@example.org", credit=20_000_000)
    await services.capsuls.create(me, CreateRequest("tiny", "nano", "web"))
    async with open_screens(me, size=(120, 40)) as person:
        await person.until_sees("web running no figures")
        assert person.sees("The metrics server is away.")
        assert person.sees("● live")


async def test_on_a_high_terminal_the_load_of_the_capsul_under_the_cursor_stands_below(
    enrol: Enrol, services: Services, open_screens: OpenScreens
) -> None:
    me = await enrol("me@example.org", credit=20_000_000)
    for name in ("one", "two"):
        await services.capsuls.create(me, CreateRequest("tiny", "nano", name))
    async with open_screens(me, size=(120, 40)) as person:
        await person.until_sees("Processors of one, last 5 minutes")
        assert person.sees("one is creating.")
        await person.press("j")
        await person.until_sees("Processors of two, last 5 minutes")
        await person.pilot.resize_terminal(80, 24)
        await person.until_gone("Processors of two")


async def test_q_leaves(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org")) as person:
        await person.press("q")
        assert person.app.return_value == 0
