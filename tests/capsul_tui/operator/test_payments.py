"""Topups that need a person."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from tests.capsul_tui.conftest import SIZES, OpenScreens
from tests.capsul_tui.operator.conftest import calm, go
from tests.conftest import Enrol, TestDatabase


async def hangs(database: TestDatabase, who: Caller) -> None:
    """Two topups with which something is wrong, five and four hours old."""
    for provider, state, amount, link, hours in (
        ("stripe", "unconfirmed", 20, "aaaaaaaa", 5),
        ("btcpay", "failed", 50, "bbbbbbbb", 4),
    ):
        await database.admin(
            "INSERT INTO topup (account_id, provider, link, currency, amount, credited, state, state_since, created_at)"
            " VALUES ($1, $2, $3, 'USD', $4, $4, $5, capsul_now() - make_interval(hours => $6),"
            " capsul_now() - make_interval(hours => $6 + 1))",
            who.account_id,
            provider,
            link,
            amount * 1_000_000,
            state,
            hours,
        )


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_what_is_wrong_and_what_to_do_about_it(
    enrol: Enrol,
    operator: Caller,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = await enrol("me@example.org")
    await hangs(fresh_database, me)
    async with open_screens(operator, size=size) as person:
        await go(person, "5", "Topups: 2 to look at")
        assert calm(person.screen(), me) == text_snapshot


async def test_nothing_to_do_is_good_news(operator: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(operator) as person:
        await go(person, "5", "Topups: none to look at")
        assert person.sees("No topup needs a person: nothing hangs, nothing is owed.")


async def test_the_facts_follow_the_cursor_and_enter_opens_the_account(
    enrol: Enrol, operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await hangs(fresh_database, await enrol("me@example.org"))
    async with open_screens(operator, size=(120, 40)) as person:
        await go(person, "5", "What is wrong It has been unconfirmed for over 2 hours.")
        await person.press("j")
        await person.until_sees("Nothing came of it, and yet credit stands on the account for it.")
        await person.press("enter")
        await person.until_sees("OPERATOR / me@example.org")


async def test_a_topup_that_comes_right_leaves_the_list_without_a_key(
    enrol: Enrol, operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await hangs(fresh_database, await enrol("me@example.org"))
    async with open_screens(operator) as person:
        await go(person, "5", "Topups: 2 to look at")
        await fresh_database.admin("UPDATE topup SET state = 'paid' WHERE provider = 'stripe'")
        await person.until_sees("Topups: 1 to look at")
        await fresh_database.admin("UPDATE topup SET credited = 0 WHERE provider = 'btcpay'")
        await person.until_sees("No topup needs a person")
