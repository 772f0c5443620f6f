"""Who did what."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens
from tests.capsul_tui.operator.conftest import DOLLAR, MINE, calm, go
from tests.conftest import Enrol


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_what_was_done_by_whom_and_why(
    enrol: Enrol,
    operator: Caller,
    services: Services,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = await enrol("me@example.org", fingerprint=MINE)
    await services.operators.lock(operator, "me@example.org", "sends spam")
    await services.operators.unlock(operator, "me@example.org", "settled")
    async with open_screens(operator, size=size) as person:
        await go(person, "6", "sends spam")
        assert calm(person.screen(), me, operator) == text_snapshot


async def test_what_is_done_appears_without_a_key_and_opens_the_account(
    enrol: Enrol, operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    await enrol("me@example.org")
    async with open_screens(operator) as person:
        await go(person, "6", "OPERATOR / Audit")
        await services.operators.credit(operator, "me@example.org", DOLLAR, "for yesterday")
        await person.until_sees("credit given")
        await person.press("g", "enter")
        await person.until_sees("OPERATOR / me@example.org")


async def test_what_was_done_to_no_account_opens_none(
    operator: Caller, services: Services, open_screens: OpenScreens
) -> None:
    await services.operators.announce(operator, "We move on Sunday.")
    async with open_screens(operator) as person:
        await go(person, "6", "announced")
        await person.press("enter")
        await person.until_sees("That was done to no account.")
