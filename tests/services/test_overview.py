"""What a member finds on coming in."""

from datetime import timedelta
from uuid import uuid4

import pytest

from capsul.errors import NotFound
from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase

_DOLLAR = 1_000_000


async def test_an_overview_says_the_same_as_asking_for_each_thing(services: Services, enrol: Enrol) -> None:
    operator, neighbour = await enrol(operator=True), await enrol(credit=9 * _DOLLAR)
    me = await enrol("me@example.org", credit=5 * _DOLLAR)
    for member in (me, neighbour):
        await services.capsuls.create(member, CreateRequest("tiny", "nano"))
        await services.sessions.begin(member, uuid4(), "", "")
    await services.operators.announce(operator, "We move on Sunday.")
    seen = await services.overview.of(me)
    assert (seen.account, seen.key) == await services.accounts.whoami(me)
    assert seen.account.email == "me@example.org"
    assert seen.balance == await services.billing.balance(me)
    assert list(seen.capsuls) == await services.capsuls.list(me)
    assert [operation.kind for operation in seen.operations] == ["create"]
    assert list(seen.announcements) == await services.accounts.announcements()
    assert seen.sessions == 1


async def test_an_overview_shows_what_goes_on_and_what_failed_of_late(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    me = await enrol(credit=9 * _DOLLAR)
    ids = []
    for state in ("done", "failed", "running", "queued"):
        accepted = await services.capsuls.create(me, CreateRequest("tiny", "nano"))
        assert accepted.operation is not None
        ids.append(accepted.operation.id)
        await fresh_database.admin(
            "UPDATE operation SET state = $2, finished_at = CASE WHEN $2 IN ('done', 'failed') THEN capsul_now() END"
            " WHERE id = $1",
            accepted.operation.id,
            state,
        )
    await fresh_database.admin(
        "INSERT INTO operation_step (operation_id, account_id, position, name, started_at)"
        " VALUES ($1, $2, 0, 'disk', capsul_now())",
        ids[2],
        me.account_id,
    )
    shown = (await services.overview.of(me)).operations
    assert [operation.id for operation in shown] == ids[:0:-1]
    assert [[step.name for step in operation.steps] for operation in shown] == [[], ["disk"], []]
    await fresh_database.shift_clock(timedelta(minutes=61))
    assert [operation.id for operation in (await services.overview.of(me)).operations] == ids[:1:-1]


async def test_a_removed_key_is_shown_nothing(services: Services, enrol: Enrol, fresh_database: TestDatabase) -> None:
    me = await enrol()
    await fresh_database.admin("UPDATE ssh_key SET state = 'removed'")
    with pytest.raises(NotFound):
        await services.overview.of(me)
