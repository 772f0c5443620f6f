"""One account: what is seen of it, and what is done to it."""

import asyncpg
import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.operator.conftest import DOLLAR, MINE, calm, go, in_state
from tests.conftest import Enrol, TestDatabase


@pytest.fixture
async def me(enrol: Enrol, operator: Caller) -> Caller:
    del operator
    return await enrol("me@example.org", credit=9 * DOLLAR, fingerprint=MINE)


async def open_mine(person: Person) -> None:
    await go(person, "1", "▌me@example.org")
    await person.press("enter")
    await person.until_sees("OPERATOR / me@example.org")
    await person.until_sees("Balance 9.00 USD")


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_an_account_whole(
    me: Caller,
    operator: Caller,
    services: Services,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    await in_state(services, fresh_database, me, "web", "done")
    await in_state(services, fresh_database, me, "db", "failed")
    # Nothing burns, so that the picture does not depend on the moment.
    await fresh_database.admin("UPDATE price_segment SET price_month = 0")
    await services.keys.rename(me, me.fingerprint, "laptop")
    async with open_screens(operator, size=size) as person:
        await open_mine(person)
        pictures = [person.screen()]
        for name in ("Keys", "Ledger", "Operations", "Activity"):
            await person.press("tab")
            await person.until_sees(f"▸{name} ")
            pictures.append(person.screen())
        assert calm("\n".join(pictures), me, operator) == text_snapshot


async def test_sections_are_gone_through_both_ways_and_by_a_click(
    me: Caller, operator: Caller, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("shift+tab")
        await person.until_sees("▸Activity ")
        await person.press("l")
        await person.until_sees("▸Capsuls 0")
        assert person.sees("There are no capsuls.")
        assert await person.pilot.click("SectionsBar", offset=(24, 0))
        await person.until_sees("▸Ledger 1")
        assert person.sees("for a test")


async def test_an_account_is_locked_with_a_reason_and_unlocked_with_another(
    me: Caller, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("L")
        await person.until_sees("Lock me@example.org?")
        await person.type("it's spam")
        assert person.sees('$ ssh capsul.test admin lock me@example.org "\\"it\'s spam\\""')
        await person.press("enter")
        await person.until_sees("me@example.org is locked.")
        await person.until_sees("State locked")
        await person.press("U")
        await person.until_sees("Unlock me@example.org?")
        await person.type("settled")
        await person.press("enter")
        await person.until_sees("me@example.org is unlocked.")
        await person.until_sees("State active")
    done = [(it.action, it.reason) for it in await services.accounts.activity(me) if it.actor == "operator"]
    assert done == [("account active", "settled"), ("account locked", "it's spam")]


async def test_without_a_reason_nothing_is_locked(
    me: Caller, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("L")
        await person.until_sees("Lock me@example.org?")
        await person.press("space", "enter")
        await person.until(lambda: person.screen().count("Say why") == 2)
        await person.press("escape")
        await person.until_gone("Lock me@example.org?")
        assert person.sees("State active")
    assert (await services.accounts.whoami(me))[0].state == "active"


async def test_what_is_so_already_is_not_asked_for(me: Caller, operator: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        assert person.sees("L Lock")
        assert not person.sees("U Unlock")
        await person.press("U")
        await person.until_sees("The account is active: there is nothing to unlock.")


async def test_credit_is_given_once_with_a_reason_and_the_balance_foretold(
    me: Caller, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("g")
        await person.until_sees("Give credit to me@example.org")
        await person.type("7.50")
        await person.until_sees("There are 9.00 USD now, and 16.50 USD with it.")
        await person.press("enter")
        await person.type("for yesterday")
        await person.until_sees("$ ssh capsul.test admin credit me@example.org 7.50 for yesterday")
        await person.press("enter")
        await person.until_sees("7.50 USD given to me@example.org.")
        await person.until_sees("Balance 16.50 USD")
    assert (await services.billing.balance(me)).balance == 16_500_000
    assert [it.note for it in await services.billing.ledger(me)] == ["for yesterday", "for a test"]


@pytest.mark.parametrize(("amount", "refusal"), [("-5", "An amount is a positive number"), ("x", "An amount is")])
async def test_an_amount_that_is_none_is_refused_and_what_was_typed_stays(
    me: Caller, operator: Caller, open_screens: OpenScreens, amount: str, refusal: str
) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("g")
        await person.until_sees("Give credit to")
        await person.type(amount)
        await person.press("enter")
        await person.type("because")
        await person.press("enter")
        await person.until_sees(refusal)
        assert person.sees("because")
        await person.press("backspace", "backspace", "2")
        await person.until_sees("There are 9.00 USD now, and 11.00 USD with it.")


async def test_credit_without_a_reason_is_not_given(
    me: Caller, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("g")
        await person.until_sees("Give credit to")
        await person.type("5")
        await person.press("enter", "enter")
        await person.until_sees("Say why: the member sees the reason in the ledger.")
        await person.press("escape")
        await person.until_gone("Give credit to")
    assert (await services.billing.balance(me)).balance == 9 * DOLLAR


async def test_what_happens_to_an_account_is_seen_without_a_key(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await open_mine(person)
        await in_state(services, fresh_database, me, "web", "running")
        await person.until_sees("▸Capsuls 1 Keys 1 Ledger 1 Operations 1")
        await fresh_database.admin("SELECT change_state(id, 'unreachable', 'its host is away') FROM capsul")
        await person.until_sees("web unreachable its host is")
        await services.operators.lock(operator, "me@example.org", "asked to")
        await person.until_sees("State locked")


async def test_an_operation_is_opened_from_its_account_and_leads_back_to_it(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await in_state(services, fresh_database, me, "web", "failed")
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("tab", "tab", "tab", "enter")
        await person.until_sees("OPERATOR / Operation create web")
        depth = len(person.app.screen_stack)
        await person.press("a")
        await person.until_sees("OPERATOR / me@example.org")
        assert len(person.app.screen_stack) == depth - 1


async def test_what_members_named_their_things_is_shown_as_it_is(
    me: Caller, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    await services.keys.rename(me, me.fingerprint, "[red]laptop[/]")
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("tab")
        await person.until_sees("[red]laptop[/]")


async def test_credit_whose_answer_was_lost_is_asked_for_again_with_what_was_typed(
    me: Caller, operator: Caller, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    lost = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'capsul_gate' AND wait_event_type = 'Lock'"
    )
    async with open_screens(operator) as person:
        await open_mine(person)
        await person.press("g")
        await person.until_sees("Give credit to me@example.org")
        await person.type("5")
        await person.press("enter")
        await person.type("sorry")
        locked = await asyncpg.connect(fresh_database.admin_url, server_settings={"search_path": "capsul"})
        async with locked.transaction():
            await locked.execute("LOCK TABLE transfer")
            await person.press("enter")
            await person.until_sees("giving credit …")
            assert await fresh_database.admin(lost)
            await person.until_sees("Give credit to me@example.org")
        await locked.close()
        await person.until_sees("sorry")
        await person.until_sees("The database is away for a moment.")
        await person.press("enter")
        await person.until_sees("5.00 USD given to me@example.org.")
    assert (await services.billing.balance(me)).balance == 14 * DOLLAR


async def test_everything_of_giving_credit_is_seen_on_a_small_screen(
    me: Caller, operator: Caller, open_screens: OpenScreens, text_snapshot: SnapshotAssertion
) -> None:
    async with open_screens(operator, size=(60, 20)) as person:
        await open_mine(person)
        await person.press("g")
        await person.until_sees("Give credit to me@example.org")
        await person.type("7.50")
        await person.press("enter")
        await person.type("for yesterday")
        await person.until_sees("16.50 USD with it.")
        assert person.sees("esc Give up")
        assert calm(person.screen(), me, operator) == text_snapshot
