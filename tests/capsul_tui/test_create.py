"""Making a capsul: what is chosen, what it costs, what is refused, and that it is made once."""

import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from capsul.money import MICRO
from services import Services
from services.capsuls import CreateRequest
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.conftest import Enrol, TestDatabase
from tests.workers import QuickWorker


@pytest.fixture
async def me(enrol: Enrol, fresh_database: TestDatabase) -> Caller:
    caller = await enrol("me@example.org", credit=30 * MICRO)
    await fresh_database.admin("UPDATE ssh_key SET name = 'laptop'")
    return caller


async def add_key(database: TestDatabase, me: Caller, name: str, scope: str = "full") -> None:
    """One more live key on the list."""
    await database.admin(
        "INSERT INTO ssh_key (account_id, fingerprint, public_key, name, scope, state, proved_at)"
        " VALUES ($1, 'SHA256:' || rpad($2, 43, 'x'), 'ssh-ed25519 ' || $2, $2, $3, 'live', capsul_now())",
        me.account_id,
        name,
        scope,
    )


async def go_to_create(person: Person) -> None:
    await person.press("c")
    await person.until_sees("Room")


async def go_to_last_line(person: Person) -> None:
    """From the first list."""
    await person.press("enter", "enter", "enter", "enter")


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_it_looks_like_this(
    me: Caller,
    open_screens: OpenScreens,
    fresh_database: TestDatabase,
    text_snapshot: SnapshotAssertion,
    size: tuple[int, int],
) -> None:
    await add_key(fresh_database, me, "ci", "machines")
    for image in ("debian", "alpine"):
        await fresh_database.admin(
            "INSERT INTO image (id, name, version, volume, login_user) VALUES ($1, initcap($1), '13', $1, 'root')",
            image,
        )
    async with open_screens(me, size=size) as person:
        await go_to_create(person)
        await person.until_sees("Create it")
        seen = re.sub(r"until \d{4}-\d\d-\d\d \(\d+ days\)", "until 2030-01-01 (999 days)", person.screen())
        fingerprint = re.escape(me.fingerprint[:15])
        assert re.sub(fingerprint, "SHA256:aaaaaaaa", seen) == text_snapshot


async def test_enter_goes_on_from_choice_to_choice_and_on_the_last_line_makes_it(
    me: Caller, open_screens: OpenScreens, services: Services, worker: QuickWorker
) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await person.press("enter", "enter", "enter")
        await person.type("web")
        await person.press("enter")
        await person.until_sees("Create web: Tiny Linux 1, nano")
        assert await services.capsuls.list(me) == []
        await person.press("enter")
        await person.until_sees("web is running. Press Enter to open it.")
        [made] = await services.capsuls.list(me)
        assert (made.name, made.image_id, made.size_id) == ("web", "tiny", "nano")
        await person.press("escape")
        await person.until_sees("Balance")


async def test_without_a_name_one_is_made_up(
    me: Caller, open_screens: OpenScreens, services: Services, worker: QuickWorker
) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await go_to_last_line(person)
        await person.press("enter")
        await person.until_sees("is running")
        assert (await services.capsuls.list(me))[0].name.startswith("capsul-")


async def test_price_runway_and_command_follow_what_is_chosen(me: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await person.until_sees("at most 1.00 USD a month, running or stopped")
        assert person.sees("Lasts now for ever, while nothing burns")
        assert person.sees("$ ssh capsul.test create --image tiny --size nano")
        await person.press("enter", "j")
        await person.until_sees("0.0074 USD an hour, at most 5.00 USD a month, running or stopped")
        assert person.sees("create --image tiny --size f1-xs")
        assert re.search(r"Lasts then +until \d{4}-\d\d-\d\d \(1[67]\d days\)", person.screen())


async def test_a_name_is_judged_as_it_is_typed(me: Caller, open_screens: OpenScreens, services: Services) -> None:
    await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
    async with open_screens(me) as person:
        await go_to_create(person)
        await person.press("enter", "enter", "enter")
        await person.type("web")
        await person.until_sees("You have a capsul called web already. Choose another name, or none")
        await person.type("-")
        await person.until_sees("A name is 1 to 40 letters a-z, digits and hyphens")
        await person.type("2")
        await person.until_gone("A name is 1 to 40")
        assert person.sees("create --image tiny --size nano --name web-2")


async def test_a_name_that_was_taken_meanwhile_is_refused_and_nothing_is_lost(
    me: Caller, open_screens: OpenScreens, services: Services, worker: QuickWorker
) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await person.press("enter", "j", "enter", "enter")
        await person.type("web")
        await person.press("enter")
        await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
        await person.press("enter")
        await person.until_sees("You have a capsul")
        assert person.sees("--size f1-xs --name web")
        assert len(await services.capsuls.list(me)) == 1
        await person.type("2")
        await person.press("enter", "enter")
        await person.until_sees("web2 is running")
        assert [it.size_id for it in await services.capsuls.list(me)] == ["nano", "f1-xs"]


async def test_only_keys_that_are_marked_may_log_in(
    me: Caller, open_screens: OpenScreens, services: Services, fresh_database: TestDatabase
) -> None:
    await add_key(fresh_database, me, "phone")
    await add_key(fresh_database, me, "ci", "machines")
    async with open_screens(me) as person:
        await go_to_create(person)
        assert person.sees("[x] laptop")
        assert person.sees("[x] phone")
        assert person.sees("[ ] ci")
        await person.press("enter", "enter", "space", "j", "j", "space")
        await person.until_sees("[x] ci")
        assert person.sees("[ ] laptop")
        assert person.sees("--key SHA256:ci")
        await person.press("enter", "enter", "enter")
        await person.until_sees("Asked for")
        [row] = await fresh_database.admin("SELECT authorized_keys FROM capsul")
        assert sorted(row["authorized_keys"]) == ["ssh-ed25519 ci", "ssh-ed25519 phone"]


async def test_a_capsul_that_nobody_could_log_in_to_is_not_made(
    me: Caller, open_screens: OpenScreens, services: Services
) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await person.press("enter", "enter", "space")
        await person.until_sees("Mark one key at least")
        await person.press("enter", "enter", "enter")
        await person.until_sees("Mark one key at least")
        assert await services.capsuls.list(me) == []


async def test_without_credit_it_says_how_much_is_needed_and_t_buys_some(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    poor = await enrol("poor@example.org", credit=MICRO // 2)
    async with open_screens(poor) as person:
        await go_to_create(person)
        await person.until_sees("nano needs 1.00 USD of credit: what a day of all your capsuls costs,")
        assert person.sees("needs 1.00 USD")
        await go_to_last_line(person)
        await person.press("enter")
        await person.until_sees("This needs 1.00 USD to be available")
        assert person.sees("Press t to top up.")
        assert await services.capsuls.list(poor) == []
        await person.press("t")
        await person.until_sees("With this topup")
        await person.press("escape")
        await person.until_sees("Room")


async def test_a_size_without_room_is_shown_and_refused_in_words(
    me: Caller, open_screens: OpenScreens, services: Services
) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        assert person.sees("no room now")
        await person.press("enter", "G")
        await person.until_sees("There is no room for f1-xx now. Choose another size, or try later.")
        await person.press("enter", "enter", "enter", "enter")
        await person.until(lambda: person.screen().count("There is no room for f1-xx now") == 2)
        assert await services.capsuls.list(me) == []


async def test_pressing_twice_makes_one(
    me: Caller, open_screens: OpenScreens, services: Services, fresh_database: TestDatabase
) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await go_to_last_line(person)
        await person.press("enter", "enter", "enter")
        await person.until_sees("You may leave")
        assert len(await services.capsuls.list(me)) == 1
        [row] = await fresh_database.admin("SELECT idempotency_key FROM operation")
        assert row["idempotency_key"]


async def test_a_key_that_may_make_nothing_is_told_at_once(me: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(replace(me, scope="read")) as person:
        await person.press("c")
        await person.until_sees("This key's scope is read: it may not do that.")


async def test_what_is_on_offer_changes_without_a_key(
    me: Caller, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await person.press("enter", "j")
        await person.until_sees("--size f1-xs")
        await fresh_database.admin("UPDATE size SET price_month = 6000000 WHERE id = 'f1-xs'")
        await person.until_sees("at most 6.00 USD a month")
        await add_key(fresh_database, me, "phone")
        await person.until_sees("[x] phone")
        await fresh_database.admin("UPDATE size SET on_offer = false WHERE id = 'nano'")
        await person.until_gone("nano")
        assert person.sees("--size f1-xs")


async def test_escape_leaves_and_makes_nothing(me: Caller, open_screens: OpenScreens, services: Services) -> None:
    async with open_screens(me) as person:
        await go_to_create(person)
        await go_to_last_line(person)
        await person.press("escape")
        await person.until_sees("You have no capsuls yet")
        assert await services.capsuls.list(me) == []


async def test_names_of_keys_and_images_are_never_markup(
    me: Caller, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    await fresh_database.admin("UPDATE ssh_key SET name = '[red]evil[/red]\x1b[2J'")
    await fresh_database.admin("UPDATE image SET name = '[link=x]Tiny'")
    async with open_screens(me) as person:
        await go_to_create(person)
        assert person.sees("[red]evil[/red] [2J")
        assert person.sees("● [link=x]Tiny 1")
