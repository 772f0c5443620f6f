"""What is said to everybody: saying it, seeing it as members do, ending it."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens
from tests.capsul_tui.masks import masked
from tests.capsul_tui.operator.conftest import go
from tests.conftest import Enrol


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_announcements_with_those_that_have_ended(
    operator: Caller,
    services: Services,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    first = await services.operators.announce(operator, "The network is slow tonight.")
    await services.operators.end_announcement(operator, first.id)
    await services.operators.announce(
        operator, "We move to the new rack on Sunday at noon. Capsuls are away for ten minutes, and come back alone."
    )
    async with open_screens(operator, size=size) as person:
        await go(person, "4", "Announcements: 1 shown now")
        assert masked(person.screen()) == text_snapshot


async def test_an_announcement_is_previewed_confirmed_and_said(
    enrol: Enrol, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "4", "Nothing was ever said. Press a to say something.")
        await person.press("a")
        await person.until_sees("Say to everybody")
        await person.type("We move on Sunday.")
        await person.until_sees("UTC: We move on Sunday.")
        assert person.sees("$ ssh capsul.test admin announce We move on Sunday.")
        await person.press("enter")
        await person.until_sees("Say this to everybody?")
        await person.press("y")
        await person.until_sees("Said to everybody.")
        await person.until_sees("Announcements: 1 shown now")
        preview = next(line for line in person.screen().splitlines() if "UTC: We move on Sunday." in line)
    async with open_screens(await enrol("me@example.org")) as member:
        await member.until_sees("We move on Sunday.")
        assert member.sees(preview.lstrip("█ "))
    assert [it.text for it in await services.accounts.announcements()] == ["We move on Sunday."]


async def test_what_is_not_confirmed_is_not_said_and_not_lost(
    operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "4", "Nothing was ever said")
        await person.press("a")
        await person.until_sees("Say to everybody")
        await person.type("Half a sent")
        await person.press("enter")
        await person.until_sees("Say this to everybody?")
        await person.press("enter")
        await person.until_sees("UTC: Half a sent")
        await person.type("ence")
        await person.until_sees("UTC: Half a sentence")
        await person.press("escape")
        await person.until_gone("Say to everybody")
    assert await services.accounts.announcements() == []


async def test_nothing_is_no_announcement(operator: Caller, open_screens: OpenScreens) -> None:
    async with open_screens(operator) as person:
        await go(person, "4", "Nothing was ever said")
        await person.press("a")
        await person.until_sees("Say to everybody")
        await person.press("space", "enter")
        await person.until_sees("Say something: nobody is helped by an empty line.")


async def test_what_is_too_long_is_refused_with_the_reason_and_not_lost(
    operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator, size=(120, 40)) as person:
        await go(person, "4", "Nothing was ever said")
        await person.press("a")
        await person.until_sees("Say to everybody")
        person.app.screen.query_one("Line").insert_text_at_cursor("word " * 201)  # type: ignore[attr-defined]
        await person.press("enter")
        await person.until_sees("That is 1004 characters, and 1000 is the most.")
        assert person.sees("word word word")
    assert await services.accounts.announcements() == []


async def test_an_announcement_is_ended_after_a_yes(
    operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    said = await services.operators.announce(operator, "We move on Sunday.")
    async with open_screens(operator) as person:
        await go(person, "4", "Announcements: 1 shown now")
        await person.press("e")
        await person.until_sees("End this announcement?")
        assert person.sees(f"$ ssh capsul.test admin announcements end {said.id}")
        await person.press("enter")
        await person.until_gone("End this announcement?")
        assert person.sees("Announcements: 1 shown now")
        await person.press("e")
        await person.until_sees("End this announcement?")
        await person.press("y")
        await person.until_sees("It has ended: nobody is shown it any more.")
        await person.until_sees("Announcements: none shown now")
        await person.press("e")
        await person.until_sees("It has ended: nobody is shown it.")
    assert await services.accounts.announcements() == []


async def test_what_another_operator_ended_meanwhile_is_refused_with_the_reason(
    operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    said = await services.operators.announce(operator, "We move on Sunday.")
    async with open_screens(operator) as person:
        await go(person, "4", "Announcements: 1 shown now")
        await person.press("e")
        await person.until_sees("End this announcement?")
        await services.operators.end_announcement(operator, said.id)
        await person.press("y")
        await person.until_sees("There is no such announcement that has not ended")


async def test_what_another_operator_says_appears_without_a_key(
    operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "4", "Nothing was ever said")
        await services.operators.announce(operator, "[b]We[/b] move on Sunday.")
        await person.until_sees("now [b]We[/b] move on Sunday.")
