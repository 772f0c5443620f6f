"""Home, as members find it."""

from tests.capsul_tui.conftest import OpenScreens
from tests.conftest import Enrol


async def test_a_new_member_sees_address_balance_and_what_to_do_first(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol("me@example.org", credit=20_000_000)) as person:
        assert person.sees("me@example.org")
        assert person.sees("Balance 20.00 USD")
        assert person.sees("You have no capsuls yet. Press c to create one.")
