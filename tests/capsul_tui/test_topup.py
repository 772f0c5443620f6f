"""Buying credit: how much, how, what it gives, and what is refused."""

import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.config import Settings
from capsul.errors import Unavailable
from capsul.models import Caller, Topup
from capsul.money import MICRO
from services import Services
from services.capsuls import CreateRequest
from services.payments import Payments
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.conftest import Enrol
from tests.workers import QuickWorker


@pytest.fixture
async def me(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=10 * MICRO)


async def go_to_topup(person: Person) -> None:
    await person.press("t")
    await person.until_sees("With this topup")


async def write(person: Person, amount: str) -> None:
    """In place of what stands there."""
    await person.press("ctrl+a", "ctrl+k", *amount)


async def topups(services: Services, caller: Caller) -> list[int]:
    return [it.amount for it in await services.payments.list(caller)]


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_it_looks_like_this(
    me: Caller, open_screens: OpenScreens, text_snapshot: SnapshotAssertion, size: tuple[int, int]
) -> None:
    async with open_screens(me, size=size) as person:
        await go_to_topup(person)
        await person.until_sees("Enough for 30 months")
        assert person.screen() == text_snapshot


async def test_enter_alone_asks_for_twenty_and_goes_on_to_where_it_is_paid(
    me: Caller, open_screens: OpenScreens, services: Services
) -> None:
    async with open_screens(me) as person:
        await go_to_topup(person)
        await person.press("enter")
        await person.until_sees("Waits for 20.00 USD to be paid")
        assert await topups(services, me) == [20 * MICRO]
        await person.press("escape")
        await person.until_sees("You have no capsuls yet")


async def test_what_is_typed_is_what_is_asked_for(me: Caller, open_screens: OpenScreens, services: Services) -> None:
    async with open_screens(me) as person:
        await go_to_topup(person)
        await write(person, "7.5")
        await person.until_sees("topup 7.50")
        await person.until_sees("With this topup 17.50 USD")
        await person.press("enter")
        await person.until_sees("Waits for 7.50 USD to be paid")
        assert await topups(services, me) == [7_500_000]


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("0.99", "A topup is 1 to 1000."),
        ("1001", "A topup is 1 to 1000."),
        ("-5", "An amount is a positive number such as 20 or 20.00."),
        ("7,50", "An amount is a positive number such as 20 or 20.00."),
        ("1.001", "An amount is a positive number such as 20 or 20.00."),
        ("[red]20", "An amount is a positive number such as 20 or 20.00."),
        ("", "An amount is a positive number such as 20 or 20.00."),
    ],
)
async def test_a_bad_amount_is_refused_in_a_sentence_and_is_still_there(
    me: Caller, open_screens: OpenScreens, services: Services, amount: str, sentence: str
) -> None:
    async with open_screens(me) as person:
        await go_to_topup(person)
        await write(person, amount)
        await person.until_sees("With this topup -")
        await person.press("enter")
        await person.until_sees(sentence)
        assert person.sees(f"How much? {amount}")
        assert person.sees("1 to 1000 USD.")
        assert await topups(services, me) == []
        await write(person, "20")
        await person.until_gone(sentence)


async def test_a_proposed_amount_stands_there_already(me: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(me) as person:
        person.app.open_topup(3_250_000)
        await person.until_sees("How much? 3.25")


async def test_it_says_until_when_that_would_last_with_what_runs_now(
    me: Caller, open_screens: OpenScreens, services: Services, worker: QuickWorker
) -> None:
    async with open_screens(me) as person:
        await go_to_topup(person)
        await person.until_sees("Burns nothing")
        accepted = await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
        assert accepted.operation is not None
        await services.operations.wait(me, accepted.operation.id, 10)
        await person.until_sees("Burns 0.0015 USD an hour")
        before = re.search(r"Lasts +until (\S+)", person.screen())
        after = re.search(r"Lasts then +until (\S+)", person.screen())
        assert before
        assert after
        assert after[1] > before[1]
        assert not person.sees("Enough for")


async def test_a_balance_that_changes_is_seen_without_a_key(
    me: Caller, open_screens: OpenScreens, services: Services, enrol: Enrol
) -> None:
    operator = await enrol(operator=True)
    async with open_screens(me) as person:
        await go_to_topup(person)
        await write(person, "30")
        await services.operators.credit(operator, "me@example.org", 5 * MICRO, "for patience")
        await person.until_sees("Balance 15.00 USD")
        assert person.sees("With this topup 45.00 USD")
        assert person.sees("How much? 30"), "what was typed is not lost"


async def test_a_key_that_may_only_look_is_told_so(me: Caller, open_screens: OpenScreens, services: Services) -> None:
    async with open_screens(replace(me, scope="read")) as person:
        await go_to_topup(person)
        await person.press("enter")
        await person.until_sees("This key's scope is read: it may not do that.")
        assert await topups(services, me) == []


async def test_help_says_what_enter_does_and_what_it_does_not(me: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(me) as person:
        await go_to_topup(person)
        await person.press("f1")
        await person.until_sees("Nothing is charged by pressing Enter")


class TestWithoutAnyMethod:
    """Nobody can pay anything: no provider is enabled."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"sandbox": False, "contact": "help@capsul.test"})

    async def test_it_says_so_and_whom_to_write_to(self, me: Caller, open_screens: OpenScreens) -> None:
        async with open_screens(me) as person:
            await person.press("t")
            await person.until_sees("No payment method is enabled at the moment. Write to help@capsul.test")
            await person.until_sees("Balance 10.00 USD")
            assert not person.sees("How much?")
            await person.press("enter")
            await person.press("escape")
            await person.until_sees("You have no capsuls yet")


class Forgetful(Payments):
    """Does what is asked, but the first answer is lost on its way."""

    async def topup(
        self, caller: Caller, amount: int, method: str | None = None, idempotency_key: str | None = None
    ) -> Topup:
        was_asked = bool(await self.list(caller))
        topup = await super().topup(caller, amount, method, idempotency_key)
        if not was_asked:
            raise Unavailable
        return topup


class TestWhenAnAnswerIsLost:
    """The person cannot know whether it was done."""

    @pytest.fixture
    def services(self, services: Services) -> Services:
        ours = services.payments
        return replace(services, payments=Forgetful(ours._database, ours._changes, ours._settings))

    async def test_enter_again_is_the_same_topup(
        self, me: Caller, open_screens: OpenScreens, services: Services
    ) -> None:
        async with open_screens(me) as person:
            await go_to_topup(person)
            await person.press("enter")
            await person.until_sees("Something we depend on is away. Please try again in a minute.")
            await person.press("enter")
            await person.until_sees("Waits for 20.00 USD to be paid")
            assert await topups(services, me) == [20 * MICRO]

    async def test_another_amount_is_another_topup(
        self, me: Caller, open_screens: OpenScreens, services: Services
    ) -> None:
        async with open_screens(me) as person:
            await go_to_topup(person)
            await person.press("enter")
            await person.until_sees("Something we depend on is away. Please try again in a minute.")
            await write(person, "30")
            await person.press("enter")
            await person.until_sees("Waits for 30.00 USD to be paid")
            assert await topups(services, me) == [30 * MICRO, 20 * MICRO]


class TwoWays(Payments):
    """A provider more than there is yet."""

    def methods(self) -> tuple[str, ...]:
        return (*super().methods(), "card")


class TestWithTwoMethods:
    """One can be chosen."""

    @pytest.fixture
    def services(self, services: Services) -> Services:
        ours = services.payments
        return replace(services, payments=TwoWays(ours._database, ours._changes, ours._settings))

    async def test_the_arrows_choose_and_the_command_says_which(
        self, me: Caller, open_screens: OpenScreens, services: Services
    ) -> None:
        async with open_screens(me) as person:
            await go_to_topup(person)
            assert person.sees("sandbox not real money: for trying things out")
            assert person.sees("card with a credit or debit card")
            assert person.sees("topup 20 --method sandbox")
            await person.press("down")
            await person.until_sees("topup 20 --method card")
            await person.press("up", "enter")
            await person.until_sees("Waits for 20.00 USD to be paid")
            assert [it.provider for it in await services.payments.list(me)] == ["sandbox"]
