"""What a member finds on coming in."""

from dataclasses import replace
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


async def test_the_details_of_a_capsul_say_what_was_promised_by_which_key_and_what_was_done(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    me = await enrol(credit=9 * _DOLLAR)
    asked = await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
    await services.capsuls.create(me, CreateRequest("tiny", "nano", name="other"))
    await fresh_database.admin("UPDATE size SET memory_mib = 256, price_month = 2000000")
    await fresh_database.admin("UPDATE ssh_key SET state = 'removed' WHERE id = $1", me.key_id)
    for reference in ("web", asked.capsul.id):
        seen = await services.overview.of_capsul(me, reference)
        assert seen.capsul == await services.capsuls.show(me, "web")
        promised = seen.promise
        assert (promised.image_name, promised.memory_mib) == ("Tiny Linux", 128)
        assert (promised.key_fingerprint, promised.key_state) == (me.fingerprint, "removed")
        assert [operation.id for operation in seen.operations] == [asked.operation.id if asked.operation else ""]


async def test_nobody_is_told_the_details_of_a_strangers_capsul(services: Services, enrol: Enrol) -> None:
    me, stranger = await enrol(credit=9 * _DOLLAR), await enrol()
    asked = await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
    with pytest.raises(NotFound):
        await services.overview.of_capsul(stranger, asked.capsul.id)


async def test_an_offer_says_of_each_size_what_a_quote_would_say(services: Services, enrol: Enrol) -> None:
    me = await enrol(credit=9 * _DOLLAR)
    await services.capsuls.create(me, CreateRequest("tiny", "nano", name="web"))
    offer, quote = await services.overview.offer(me), await services.capsuls.quote(me, CreateRequest("tiny", "nano"))
    assert offer.refusal == ""
    assert list(offer.images) == await services.capsuls.images(me)
    assert [it.size for it in offer.sizes] == await services.capsuls.sizes(me)
    assert list(offer.keys) == await services.keys.list(me)
    assert offer.names == frozenset({"web"})
    assert offer.available == quote.available
    # Each was asked for at its own moment.
    assert offer.hours_left == pytest.approx(quote.hours_left_before, abs=1)
    size = next(it for it in offer.sizes if it.size.id == "nano")
    assert size.needed == _DOLLAR
    assert size.hours_left == pytest.approx(quote.hours_left_after, abs=1)


async def test_an_offer_says_why_a_key_may_make_nothing(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    assert "scope is read" in (await services.overview.offer(replace(me, scope="read"))).refusal
    await fresh_database.admin("UPDATE account SET state = 'locked'")
    assert "locked" in (await services.overview.offer(me)).refusal
