"""The list of accounts: finding one among all there are."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens
from tests.capsul_tui.operator.conftest import DOLLAR, calm, go
from tests.conftest import Enrol, TestDatabase

_MANY = """
WITH made AS (
    INSERT INTO account (terms_version, created_at)
    SELECT '1', capsul_now() - make_interval(hours => number) FROM generate_series(1, 130) AS number
    RETURNING id, created_at
)
INSERT INTO email_address (account_id, address, normalised, is_primary)
SELECT id, address, address, true
FROM (SELECT id, 'person-' || row_number() OVER (ORDER BY created_at DESC) || '@example.net' AS address FROM made) AS it
"""
"""A hundred and thirty accounts, person-1 the newest."""


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_accounts_are_listed_newest_first(
    enrol: Enrol,
    operator: Caller,
    services: Services,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    others = (
        await enrol("ada@a-long-name-for-a-domain.example.org", credit=7 * DOLLAR),
        await enrol("grace@example.org"),
    )
    await services.operators.lock(operator, "grace@example.org", "asked to")
    await fresh_database.admin(
        "UPDATE account SET created_at = created_at - interval '1 day' FROM email_address AS e"
        " WHERE e.account_id = account.id AND e.address = 'op@example.org'"
    )
    async with open_screens(operator, size=size) as person:
        await go(person, "1", "grace@example.org")
        assert calm(person.screen(), operator, *others) == text_snapshot


async def test_a_search_finds_accounts_that_were_not_read_yet(
    operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await fresh_database.admin(_MANY)
    async with open_screens(operator) as person:
        await go(person, "1", "Accounts: 100 or more")
        assert not person.sees("person-125@example.net")
        await person.press("slash")
        await person.type("-125@")
        await person.until_sees("Accounts: 1 with “-125@”")
        assert person.sees("person-125@example.net")
        assert person.sees("$ ssh capsul.test admin accounts -125@")
        await person.press("enter", "escape")
        await person.until_sees("Accounts: 100 or more")


async def test_an_account_is_found_by_a_part_of_its_id(
    enrol: Enrol, operator: Caller, open_screens: OpenScreens
) -> None:
    me = await enrol("me@example.org")
    async with open_screens(operator) as person:
        await go(person, "1", "me@example.org")
        await person.press("slash")
        await person.type(str(me.account_id)[:13])
        await person.until_sees("Accounts: 1 with")
        assert person.sees("me@example.org")


async def test_a_search_without_a_hit_says_so_and_how_to_see_all_again(
    operator: Caller, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "1", "op@example.org")
        await person.press("slash")
        await person.type("nobody")
        await person.until_sees("No account has “nobody”. Esc shows all.")
        await person.press("escape")
        await person.until_sees("op@example.org active")


async def test_going_to_the_end_reads_more(
    operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await fresh_database.admin(_MANY)
    async with open_screens(operator) as person:
        await go(person, "1", "Accounts: 100 or more")
        await person.press("G")
        await person.until_sees("Accounts: 131")
        await person.press("G")
        await person.until_sees("person-130@example.net")


async def test_a_new_account_appears_without_a_key_and_leaves_the_cursor_where_it_was(
    enrol: Enrol, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    await enrol("first@example.org")
    async with open_screens(operator) as person:
        await go(person, "1", "first@example.org")
        await person.press("j")
        await person.until_sees("▌op@example.org")
        await enrol("second@example.org")
        await person.until_sees("second@example.org")
        assert person.sees("▌op@example.org")
        await services.operators.credit(operator, "first@example.org", 3 * DOLLAR, "welcome")
        await person.until_sees("first@example.org active 0 3.00 USD")


async def test_enter_opens_the_account_under_the_cursor(
    enrol: Enrol, operator: Caller, open_screens: OpenScreens
) -> None:
    await enrol("me@example.org")
    async with open_screens(operator) as person:
        await go(person, "1", "▌me@example.org")
        await person.press("enter")
        await person.until_sees("OPERATOR / me@example.org")
        await person.press("escape")
        await person.until_sees("OPERATOR / Accounts")
