"""The list of topups: what came of each, and the way to each."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from capsul.money import MICRO
from capsul_tui.screens.topups import TopupsScreen
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import masked
from tests.conftest import Enrol, TestDatabase
from tests.payers import Payer


@pytest.fixture
async def me(enrol: Enrol) -> Caller:
    return await enrol("me@example.org")


async def look(person: Person) -> None:
    person.app.call_later(person.app.push_screen, TopupsScreen(person.app.visit))
    await person.until_sees("Topups")
    await person.until_sees("● live")


async def some(services: Services, payer: Payer, caller: Caller) -> list[str]:
    """One of each outcome, the oldest first."""
    ids = []
    for units, buttons in (
        (20, ["pay"]),
        (1000, ["fail"]),
        (15, ["pay unconfirmed", "double-spend"]),
        (30, ["pay unconfirmed"]),
        (5, []),
    ):
        topup = await services.payments.topup(caller, units * MICRO)
        await payer.press(caller, topup.id, *buttons[:1])
        await payer.press(caller, topup.id, *buttons[1:])
        ids.append(topup.id)
    return ids


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_it_looks_like_this(
    me: Caller,
    open_screens: OpenScreens,
    services: Services,
    payer: Payer,
    text_snapshot: SnapshotAssertion,
    size: tuple[int, int],
) -> None:
    await some(services, payer, me)
    async with open_screens(me, size=size) as person:
        await look(person)
        await person.until_sees("unconfirmed")
        assert masked(person.screen()) == text_snapshot


async def test_without_any_it_says_how_to_begin(me: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("You have not bought any credit yet. Press t to top up.")
        await person.press("t")
        await person.until_sees("How much?")


async def test_enter_shows_the_one_under_the_cursor_and_esc_comes_back(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    ids = await some(services, payer, me)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("unconfirmed")
        await person.press("j", "enter")
        await person.until_sees("Seen, not confirmed yet: 30.00 USD")
        assert person.sees(ids[3])
        await person.press("escape")
        await person.until_sees("Credited")
        await person.press("escape")
        await person.until_sees("You have no capsuls yet")


async def test_a_new_one_and_what_becomes_of_it_appear_without_a_key(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    ids = await some(services, payer, me)
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("unconfirmed")
        await person.press("j", "j")
        topup = await services.payments.topup(me, 7 * MICRO)
        await person.until_sees("7.00 USD")
        await payer.press(me, topup.id, "pay")
        await person.until_sees("7.00 USD 7.00 USD")
        await person.press("enter")
        await person.until_sees("Taken back")
        assert person.sees(ids[2]), "the cursor stayed on its topup"


async def test_the_filter_finds_by_state_and_by_id(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    ids = await some(services, payer, me)
    async with open_screens(me, size=(60, 20)) as person:
        await look(person)
        await person.until_sees("unconfirmed")
        await person.press("slash", *"reversed", "enter")
        await person.until_gone("unconfirmed")
        assert person.sees("15.00 USD")
        await person.press("escape")
        await person.until_sees("unconfirmed")
        await person.press("slash", *ids[0], "enter")
        await person.until_gone("unconfirmed")
        assert person.sees("20.00 USD")


async def test_at_the_end_of_many_more_are_read(
    me: Caller, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    await fresh_database.admin(
        "INSERT INTO topup (account_id, provider, currency, amount, created_at)"
        " SELECT $1, 'sandbox', 'USD', n * 1000000, capsul_now() - n * interval '1 h'"
        " FROM generate_series(1, 250) AS n",
        me.account_id,
    )
    async with open_screens(me) as person:
        await look(person)
        await person.until_sees("1.00 USD")
        for last in ("100.00 USD", "200.00 USD", "250.00 USD"):
            await person.press("G")
            await person.until_sees(last)


async def test_two_screens_of_one_account_show_the_same(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    async with open_screens(me) as one, open_screens(me, size=(120, 40)) as other:
        await look(one)
        await look(other)
        topup = await services.payments.topup(me, 7 * MICRO)
        await payer.press(me, topup.id, "pay")
        for person in (one, other):
            await person.until_sees("paid 7.00 USD 7.00 USD")
