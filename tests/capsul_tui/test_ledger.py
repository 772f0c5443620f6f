"""The ledger: every movement, what it was for, and what was left after it."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from capsul.money import MICRO
from capsul_tui.screens.ledger import LedgerScreen
from services import Services
from services.capsuls import CreateRequest
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import masked
from tests.conftest import Enrol, TestDatabase
from tests.payers import Payer
from tests.workers import QuickWorker


@pytest.fixture
async def me(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=10 * MICRO)


async def look(person: Person) -> None:
    person.app.call_later(person.app.push_screen, LedgerScreen(person.app.visit))
    await person.until_sees("Ledger")
    await person.until_sees("● live")


async def charge(database: TestDatabase, caller: Caller, micro: int, reference: str = "", *, times: int = 1) -> None:
    """As the meter will, for what a capsul has used."""
    await database.admin(
        "SELECT post_transfer('test-usage:' || n, $1, 'revenue:capsuls', $2, 'usage', $3, '', capsul_now(), NULL)"
        " FROM generate_series(1, $4) AS n",
        f"wallet:{caller.account_id}:gift",
        micro,
        reference,
        times,
    )


async def history(services: Services, payer: Payer, database: TestDatabase, caller: Caller) -> str:
    """A gift is there; a topup that is taken back, one that stays, and a capsul that costs. Gives the capsul's id."""
    for units, buttons in ((15, ["pay unconfirmed", "double-spend"]), (20, ["pay"])):
        topup = await services.payments.topup(caller, units * MICRO)
        for button in buttons:
            await payer.press(caller, topup.id, button)
    made = await services.capsuls.create(caller, CreateRequest("tiny", "nano", name="web"))
    await charge(database, caller, 1_488, made.capsul.id)
    return made.capsul.id


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_it_looks_like_this(
    me: Caller,
    open_screens: OpenScreens,
    services: Services,
    payer: Payer,
    fresh_database: TestDatabase,
    text_snapshot: SnapshotAssertion,
    size: tuple[int, int],
) -> None:
    await history(services, payer, fresh_database, me)
    async with open_screens(me, size=size) as person:
        await look(person)
        await person.until_sees("-0.001488")
        assert masked(person.screen()) == text_snapshot


async def test_one_line_in_full_looks_like_this(
    me: Caller,
    open_screens: OpenScreens,
    services: Services,
    payer: Payer,
    fresh_database: TestDatabase,
    text_snapshot: SnapshotAssertion,
) -> None:
    await history(services, payer, fresh_database, me)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("-0.001488")
        await person.press("G", "enter")
        await person.until_sees("Balance after")
        assert masked(person.screen()) == text_snapshot


async def test_nothing_has_moved_yet(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol()) as person:
        await look(person)
        await person.until_sees("No money has moved yet. Press t to top up.")
        await person.press("enter", "t")
        await person.until_sees("How much?")


async def test_the_header_says_what_there_is_what_is_available_what_burns_and_until_when(
    me: Caller,
    open_screens: OpenScreens,
    services: Services,
    worker: QuickWorker,
    fresh_database: TestDatabase,
) -> None:
    del worker
    made = await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
    assert made.operation is not None
    await services.operations.wait(me, made.operation.id, 10)
    await fresh_database.admin("UPDATE price_segment SET started_at = started_at - interval '672 hours'")
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("Balance 10.00 USD, all of it a gift")
        assert person.sees("Available 8.99 USD") or person.sees("Available 9.00 USD")
        assert person.sees("all of it a gift")
        assert person.sees("Burns 0.0015 USD an hour")
        assert person.sees("Lasts until 20")
        assert person.sees("$ ssh capsul.test ledger --csv")


async def test_a_movement_appears_without_a_key_and_the_cursor_stays_on_its_line(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer, enrol: Enrol
) -> None:
    operator = await enrol(operator=True)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("+10.00")
        topup = await services.payments.topup(me, 20 * MICRO)
        await payer.press(me, topup.id, "pay")
        await person.until_sees("Topup by sandbox +20.00 30.00")
        await services.operators.credit(operator, "me@example.org", 5 * MICRO, "[b]for patience[/b]")
        await person.until_sees("Gift: [b]for patience[/b] +5.00 35.00")
        await person.press("enter")
        await person.until_sees("Amount +10.00 USD")


async def test_a_line_leads_to_its_topup(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    topup = await services.payments.topup(me, 20 * MICRO)
    await payer.press(me, topup.id, "pay")
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("+20.00")
        await person.press("enter")
        await person.until_sees("Open it")
        await person.press("enter")
        await person.until_sees("✓ Paid: 20.00 USD")
        await person.press("escape")
        await person.until_sees("Ledger")


async def test_a_line_leads_to_its_capsul(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer, fresh_database: TestDatabase
) -> None:
    await history(services, payer, fresh_database, me)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("Usage of web")
        await person.press("enter", "o")
        await person.until_sees("Capsul / web")


async def test_a_gift_leads_nowhere(me: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("+10.00")
        await person.press("enter")
        await person.until_sees("gift, spent first and never paid back")
        assert not person.sees("Open it")
        await person.press("enter", "escape")
        await person.until_gone("spent first")


async def test_the_filter_looks_through_what_each_line_paid_for(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer, fresh_database: TestDatabase
) -> None:
    await history(services, payer, fresh_database, me)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("Usage of web")
        await person.press("slash", *"taken", "enter")
        await person.until_gone("Usage of web")
        assert person.sees("Taken back: topup by sandbox")
        assert person.sees("1 of 5 have “taken”")


async def test_older_lines_are_read_at_the_end_and_by_a_key(
    me: Caller, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    await charge(fresh_database, me, 10_000, times=250)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("The newest 100. Older ones: m, or the end of the list.")
        await person.press("m")
        await person.until_sees("The newest 200.")
        await person.press("G")
        await person.until_gone("The newest 200.")
        await person.press("G")
        await person.until_sees("Gift: for a test +10.00 10.00")
        assert not person.sees("m More")


async def test_what_was_read_stays_and_joins_what_is_new(
    me: Caller, open_screens: OpenScreens, services: Services, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    operator = await enrol(operator=True)
    await charge(fresh_database, me, 10_000, times=120)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("The newest 100.")
        await person.press("m")
        await person.until_gone("The newest")
        await person.press("G")
        await person.until_sees("Gift: for a test")
        await services.operators.credit(operator, "me@example.org", 5 * MICRO, "for patience")
        await person.until_sees("Balance 13.80 USD")
        assert person.sees("Gift: for a test"), "nothing jumped"
        await person.press("slash", *"gift", "enter")
        await person.until_sees("2 of 122 have “gift”")


async def test_after_more_news_than_a_page_nothing_is_left_out_in_between(
    me: Caller, open_screens: OpenScreens, services: Services, fresh_database: TestDatabase, enrol: Enrol
) -> None:
    operator = await enrol(operator=True)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("+10.00")
        await charge(fresh_database, me, 10_000, times=150)
        await services.operators.credit(operator, "me@example.org", 5 * MICRO, "for patience")
        await person.until_sees("The newest 100. Older ones: m, or the end of the list.")
        await person.press("m")
        await person.until_gone("The newest")
        await person.press("slash", *"gift", "enter")
        await person.until_sees("2 of 152 have “gift”")


async def test_two_screens_of_one_account_show_the_same(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    async with open_screens(me) as one, open_screens(me, size=(120, 40)) as other:
        await look(one)
        await look(other)
        topup = await services.payments.topup(me, 7 * MICRO)
        await payer.press(me, topup.id, "pay")
        for person in (one, other):
            await person.until_sees("Topup by sandbox +7.00 17.00")
