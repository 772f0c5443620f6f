"""The hosts: how full they are, whether they answer, and what ails them."""

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Caller
from tests.capsul_tui.conftest import SIZES, OpenScreens
from tests.capsul_tui.masks import masked
from tests.capsul_tui.operator.conftest import go
from tests.conftest import TestDatabase

_MORE = """
INSERT INTO host (id, uri, memory_mib, disk_gib, committed_memory_mib, committed_disk_gib, reachable, accepts_new,
                  seen_at, trouble)
VALUES ('host-2', 'qemu+ssh://host-2/system', 131072, 4000, 104857, 2900, false, true,
        capsul_now() - interval '2 hours', 'cannot connect to host-2: Connection refused'),
       ('host-3', 'qemu+ssh://host-3/system', 65536, 2000, 62000, 500, true, false, NULL, '')
"""


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_hosts_with_bars_and_what_is_known_of_the_one_under_the_cursor(
    operator: Caller,
    fresh_database: TestDatabase,
    open_screens: OpenScreens,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    await fresh_database.admin(_MORE)
    async with open_screens(operator, size=size) as person:
        await go(person, "2", "host-3")
        await person.press("j")
        await person.until_sees("▌host-2")
        await person.until_sees("not since")
        assert masked(person.screen()) == text_snapshot


async def test_a_host_that_goes_away_is_seen_without_a_key(
    operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(operator) as person:
        await go(person, "2", "host-1 reachable")
        assert person.sees("Answers yes")
        await fresh_database.admin("UPDATE host SET reachable = false, trouble = 'no route to it'")
        await person.until_sees("host-1 unreachable")
        await person.until_sees("Answers never since it was added")
        assert person.sees("Trouble no route to it")
        await fresh_database.admin("UPDATE host SET committed_memory_mib = 3072, accepts_new = false")
        await person.until_sees("75 % 3 of 4 GiB")
        assert person.sees("no new ones come")


async def test_without_hosts_the_screen_says_what_that_means(
    operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await fresh_database.admin("DELETE FROM host")
    async with open_screens(operator) as person:
        await go(person, "2", "There are no hosts: nothing can be created.")


async def test_hosts_are_filtered_by_words(
    operator: Caller, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    await fresh_database.admin(_MORE)
    async with open_screens(operator) as person:
        await go(person, "2", "host-3")
        await person.press("slash")
        await person.type("refused")
        await person.until_sees("1 of 3 have “refused”.")
        await person.until_sees("Host host-2")
        await fresh_database.admin("UPDATE host SET trouble = 'Connection refused again' WHERE id = 'host-2'")
        await person.until_sees("Trouble Connection refused again")
        assert not person.sees("host-3")
