"""A session goes by what its key may do now, whether anybody was told of the change or not."""

from dataclasses import replace

import pytest

from capsul.errors import NotPermitted
from capsul_tui.app import BROKEN, CapsulApp
from tests.capsul_tui.conftest import OpenScreens
from tests.capsul_tui.test_home import away
from tests.conftest import Enrol, TestDatabase


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks ten times a second whether the key is still good."""
    monkeypatch.setattr(CapsulApp, "LOOK_UP_SECONDS", 0.1)


@pytest.mark.usefixtures("hurried")
async def test_a_key_that_expires_ends_the_screens_although_nobody_tells(
    enrol: Enrol, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    async with open_screens(await enrol()) as person:
        await fresh_database.admin("UPDATE ssh_key SET expires_at = capsul_now()")
        await person.until(lambda: person.app.return_value == BROKEN)
        assert isinstance(person.app.problem, NotPermitted)
        assert person.app.problem.message == "This key does not open the account any more."


@pytest.mark.usefixtures("hurried")
async def test_nobody_is_shown_out_because_the_database_is_away(
    enrol: Enrol, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    async with open_screens(await enrol()) as person:
        async with away(fresh_database):
            # The pool of connections may try for ten seconds.
            await person.until(lambda: person.sees("not up to date since"))
        await person.until_sees("● live")
        assert person.app.return_code is None


async def test_a_key_that_becomes_an_operators_is_one_at_once_and_hears_of_everything(
    enrol: Enrol, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    async with open_screens(me) as person:
        assert not person.app.is_operator()
        await fresh_database.admin("UPDATE ssh_key SET operator = true")
        await person.until(person.app.is_operator)
        assert person.app.visit.caller == replace(me, operator=True)
