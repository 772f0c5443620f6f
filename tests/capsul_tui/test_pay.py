"""A link to pay, as text and as a code, and what becomes of it while one looks."""

import asyncio
import base64
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller, Topup
from capsul.money import MICRO
from capsul_tui.screens.pay import PayScreen
from capsul_tui.session import ScreensSession
from capsul_tui.visit import Visit
from services import Services
from services.capsuls import CreateRequest
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import masked
from tests.conftest import Enrol, TestDatabase
from tests.payers import Payer
from tests.workers import QuickWorker

_LINK = "http://capsul.test/p/AbCd1234"
_SMALL = (60, 20)


@pytest.fixture
async def me(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=10 * MICRO)


@pytest.fixture
async def topup(me: Caller, services: Services, fresh_database: TestDatabase) -> Topup:
    """Of 20, with a link that is the same in every run, as its code then is."""
    begun = await services.payments.topup(me, 20 * MICRO)
    await fresh_database.admin("UPDATE topup SET link = 'AbCd1234'")
    return replace(begun, link="AbCd1234")


async def look_at(person: Person, topup: Topup) -> None:
    person.app.call_later(person.app.push_screen, PayScreen(person.app.visit, topup.id))
    await person.until_sees(topup.id)
    await person.until_sees("● live")


def blocks(person: Person) -> int:
    """Lines in which a QR code is."""
    return sum("▀" in line and "▄" in line for line in person.screen().splitlines())


@pytest.mark.parametrize("size", [*SIZES, _SMALL])
async def test_while_it_waits_it_looks_like_this(
    me: Caller, topup: Topup, open_screens: OpenScreens, text_snapshot: SnapshotAssertion, size: tuple[int, int]
) -> None:
    async with open_screens(me, size=size) as person:
        await look_at(person, topup)
        await person.until_sees("Waits for")
        assert masked(person.screen()) == text_snapshot


@pytest.mark.parametrize("size", SIZES)
async def test_once_paid_it_looks_like_this(
    me: Caller,
    topup: Topup,
    open_screens: OpenScreens,
    payer: Payer,
    text_snapshot: SnapshotAssertion,
    size: tuple[int, int],
) -> None:
    await payer.press(me, topup.id, "pay")
    async with open_screens(me, size=size) as person:
        await look_at(person, topup)
        await person.until_sees("Paid: 20.00 USD")
        assert masked(person.screen()) == text_snapshot


async def test_the_link_stands_alone_on_its_line_beside_nothing_else(
    me: Caller, topup: Topup, open_screens: OpenScreens
) -> None:
    async with open_screens(me) as person:
        await look_at(person, topup)
        await person.until_sees(_LINK)
        assert [line.strip() for line in person.screen().splitlines() if _LINK in line] == [_LINK]
        assert blocks(person) > 8
        assert person.sees("Not real money: this is the sandbox.")
        assert person.sees("You may leave")


async def test_on_a_small_terminal_a_key_shows_the_code_and_the_words_again(
    me: Caller, topup: Topup, open_screens: OpenScreens
) -> None:
    async with open_screens(me, size=_SMALL) as person:
        await look_at(person, topup)
        await person.until_sees("c QR code")
        assert not blocks(person)
        await person.press("c")
        await person.until(lambda: blocks(person) > 8)
        await person.press("c")
        await person.until_sees(_LINK)
        assert not blocks(person)


async def test_a_code_appears_by_itself_where_a_terminal_grows(
    me: Caller, topup: Topup, open_screens: OpenScreens
) -> None:
    async with open_screens(me, size=_SMALL) as person:
        await look_at(person, topup)
        await person.until_sees("c QR code")
        await person.pilot.resize_terminal(80, 24)
        await person.until(lambda: blocks(person) > 8)
        assert person.sees(_LINK)
        assert not person.sees("c QR code")


@pytest.mark.parametrize(("size", "has_room"), [((80, 24), False), ((120, 40), True)])
async def test_without_unicode_a_code_is_shown_only_where_all_of_it_has_room(
    me: Caller, topup: Topup, open_screens: OpenScreens, size: tuple[int, int], has_room: bool
) -> None:
    async with open_screens(me, size=size, environment={"LANG": "C", "NO_COLOR": "1"}) as person:
        person.app.call_later(person.app.push_screen, PayScreen(person.app.visit, topup.id))
        await person.until_sees(_LINK)
        assert person.sees("##########") == has_room
        assert not person.sees("c QR code")
        assert not person.sees("No room")


async def test_it_turns_to_paid_by_itself_and_says_what_there_is_now(
    me: Caller, topup: Topup, open_screens: OpenScreens, payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_screens(me) as person:
        rung: list[bool] = []
        monkeypatch.setattr(person.app, "bell", lambda: rung.append(True))
        await look_at(person, topup)
        await person.until_sees("Waits for 20.00 USD to be paid")
        await payer.press(me, topup.id, "pay")
        await person.until_sees("✓ Paid: 20.00 USD")
        assert person.sees("Credited 20.00 USD of 20.00 USD")
        assert person.sees("Available now 30.00 USD")
        assert person.sees("Lasts for ever, while nothing burns")
        assert not blocks(person)
        assert rung == [True]


async def test_with_something_that_burns_it_says_until_when_it_lasts(
    me: Caller, topup: Topup, open_screens: OpenScreens, payer: Payer, services: Services, worker: QuickWorker
) -> None:
    del worker
    accepted = await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
    assert accepted.operation is not None
    await services.operations.wait(me, accepted.operation.id, 10)
    await payer.press(me, topup.id, "pay")
    async with open_screens(me) as person:
        await look_at(person, topup)
        await person.until_sees("Lasts until 20")


async def test_no_bell_rings_for_what_was_paid_before(
    me: Caller, topup: Topup, open_screens: OpenScreens, payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await payer.press(me, topup.id, "pay")
    async with open_screens(me) as person:
        rung: list[bool] = []
        monkeypatch.setattr(person.app, "bell", lambda: rung.append(True))
        await look_at(person, topup)
        await person.until_sees("✓ Paid")
        assert rung == []


async def test_a_payment_that_fails_is_seen_and_so_is_the_way_on(
    me: Caller, topup: Topup, open_screens: OpenScreens, payer: Payer
) -> None:
    async with open_screens(me) as person:
        await look_at(person, topup)
        await payer.press(me, topup.id, "fail")
        await person.until_sees("✗ Failed")
        assert person.sees("nothing was credited")
        assert person.sees("Available now 10.00 USD")
        await person.press("t")
        await person.until_sees("How much?")


async def test_unconfirmed_money_is_credited_in_part_and_taken_back_by_a_double_spend(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    topup = await services.payments.topup(me, 50 * MICRO)
    async with open_screens(me) as person:
        await look_at(person, topup)
        await payer.press(me, topup.id, "pay unconfirmed")
        await person.until_sees("Seen, not confirmed yet: 50.00 USD")
        assert person.sees("20.00 USD is credited already. The rest follows once it is confirmed.")
        assert person.sees("If the payment turns out to be none, that is taken back.")
        assert person.sees("Available now 30.00 USD")
        await payer.press(me, topup.id, "double-spend")
        await person.until_sees("✗ Taken back")
        assert person.sees("Credited 0.00 USD of 50.00 USD")
        assert person.sees("Available now 10.00 USD")


async def test_unconfirmed_money_beyond_the_limit_waits(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer
) -> None:
    first, second = [await services.payments.topup(me, 20 * MICRO) for _ in range(2)]
    await payer.press(me, first.id, "pay unconfirmed")
    await payer.press(me, second.id, "pay unconfirmed")
    async with open_screens(me) as person:
        await look_at(person, second)
        await person.until_sees("The payment is on its way. It is credited once it is confirmed.")
        await payer.press(me, second.id, "pay")
        await person.until_sees("✓ Paid: 20.00 USD")


async def test_one_that_expired_says_so(
    me: Caller, topup: Topup, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    async with open_screens(me) as person:
        await look_at(person, topup)
        await fresh_database.admin("UPDATE topup SET state = 'expired'")
        await person.until_sees("✗ Expired")
        assert person.sees("Nobody paid in time")


async def test_two_screens_of_one_account_see_the_same(
    me: Caller, topup: Topup, open_screens: OpenScreens, payer: Payer
) -> None:
    async with open_screens(me) as one, open_screens(me, size=_SMALL) as other:
        await look_at(one, topup)
        await look_at(other, topup)
        await payer.press(me, topup.id, "pay")
        await one.until_sees("✓ Paid: 20.00 USD")
        await other.until_sees("✓ Paid: 20.00 USD")


async def test_somebody_elses_topup_is_not_there(
    me: Caller, topup: Topup, open_screens: OpenScreens, enrol: Enrol
) -> None:
    async with open_screens(await enrol("other@example.org")) as person:
        person.app.push_screen(PayScreen(person.app.visit, topup.id))
        await person.until_sees("You have no such topup")
        await person.press("y", "c")
        assert not person.sees("clipboard")
        assert not person.sees(_LINK)


class Paper:
    """What the terminal got."""

    def __init__(self) -> None:
        self.text = ""
        self._news = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.text += data.decode()
        self._news.set()

    def pause_reading(self) -> None:
        """Nobody types here that fast."""

    def resume_reading(self) -> None:
        """Nor was ever paused."""

    async def until(self, text: str) -> None:
        async with asyncio.timeout(10):
            while text not in self.text:
                self._news.clear()
                await self._news.wait()


@pytest.mark.parametrize(("kind", "knows_links"), [("xterm-256color", True), ("linux", False)])
async def test_the_terminal_is_given_a_link_what_goes_to_its_clipboard_and_a_bell(
    me: Caller, open_screens: OpenScreens, services: Services, payer: Payer, kind: str, knows_links: bool
) -> None:
    async with open_screens(me, kind=kind) as person:
        visit: Visit = person.app.visit
        paper = Paper()
        session = ScreensSession(visit, paper)
        running = asyncio.create_task(session.run())
        await paper.until("no capsuls yet")
        session.feed(b"t")
        await paper.until("How much?")
        session.feed(b"\r")
        await paper.until("/p/")
        begun = (await services.payments.list(me))[0]
        url = services.payments.url(begun)
        await paper.until(url)
        assert (f";{url}\x1b\\" in paper.text) == knows_links
        session.feed(b"y")
        await paper.until(f"\x1b]52;c;{base64.b64encode(url.encode()).decode()}\x07")
        await paper.until("if it takes such")
        assert "copied" not in paper.text.lower()
        before = paper.text.count("\x07")
        await payer.press(me, begun.id, "pay")
        await paper.until("Paid:")
        assert paper.text.count("\x07") == before + 1
        session.feed(b"\x03")
        await running
