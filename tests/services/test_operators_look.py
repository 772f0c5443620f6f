"""What operators are shown: all about an account, what was announced, and the topups that need a person."""

from datetime import timedelta

import pytest

from capsul.errors import NotFound, NotPermitted
from capsul.models import Caller, Numbers
from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase

_DOLLAR = 1_000_000


@pytest.fixture
async def operator(enrol: Enrol) -> Caller:
    return await enrol("op@example.org", operator=True)


async def test_a_member_is_shown_none_of_it(services: Services, enrol: Enrol) -> None:
    member = await enrol()
    for forbidden in (
        services.operators.board(member),
        services.operators.operation(member, "o-aaaaaaaaaa"),
        services.operators.account(member, str(member.account_id)),
        services.operators.announcements(member),
        services.operators.end_announcement(member, 1),
        services.operators.topups_that_need_a_person(member),
    ):
        with pytest.raises(NotPermitted, match="operator"):
            await forbidden


async def test_an_account_is_shown_to_operators_as_its_owner_sees_it(
    services: Services, enrol: Enrol, operator: Caller
) -> None:
    me, neighbour = await enrol("me@example.org", credit=9 * _DOLLAR), await enrol(credit=9 * _DOLLAR)
    for member in (me, neighbour):
        await services.capsuls.create(member, CreateRequest("tiny", "nano"))
    for reference in ("Me@example.org", str(me.account_id).upper()):
        seen = await services.operators.account(operator, reference)
        assert [seen.summary] == await services.operators.accounts(operator, "me@example.org")
        assert list(seen.keys) == await services.keys.list(me)
        assert list(seen.capsuls) == await services.capsuls.list(me)
        assert seen.balance == await services.billing.balance(me)
        assert list(seen.entries) == await services.billing.ledger(me)
        assert list(seen.operations) == await services.operations.list(me)
        assert list(seen.audit) == await services.accounts.activity(me)


async def test_of_an_accounts_past_the_newest_twenty_are_shown(
    services: Services, enrol: Enrol, operator: Caller
) -> None:
    await enrol("me@example.org")
    for number in range(25):
        await services.operators.credit(operator, "me@example.org", _DOLLAR, f"number {number}")
    seen = await services.operators.account(operator, "me@example.org")
    assert (len(seen.entries), len(seen.audit)) == (20, 20)
    assert (seen.entries[0].note, seen.entries[0].total) == ("number 24", 25 * _DOLLAR)


@pytest.mark.parametrize("reference", ["nobody@example.org", "00000000-0000-0000-0000-000000000000", "", "op@"])
async def test_an_account_that_is_not_there_is_not_found(services: Services, operator: Caller, reference: str) -> None:
    with pytest.raises(NotFound, match="admin accounts"):
        await services.operators.account(operator, reference)


async def test_an_announcement_that_was_ended_is_shown_to_operators_only(services: Services, operator: Caller) -> None:
    first = await services.operators.announce(operator, "We move on Sunday.")
    second = await services.operators.announce(operator, "We have moved.")
    ended = await services.operators.end_announcement(operator, first.id)
    assert ended.ends_at is not None
    assert await services.accounts.announcements() == [second]
    assert await services.operators.announcements(operator) == [second, ended]
    assert await services.operators.announcements(operator, limit=1) == [second]
    noted = [entry for entry in await services.operators.audit(operator) if entry.action == "announcement ended"]
    assert [entry.target for entry in noted] == [str(first.id)]


async def test_only_what_is_said_still_can_be_ended(services: Services, operator: Caller) -> None:
    said = await services.operators.announce(operator, "We move on Sunday.")
    await services.operators.end_announcement(operator, said.id)
    for missing in (said.id, said.id + 1):
        with pytest.raises(NotFound, match="admin announcements"):
            await services.operators.end_announcement(operator, missing)


async def _troubles(services: Services, operator: Caller) -> list[tuple[str, str]]:
    found = await services.operators.topups_that_need_a_person(operator)
    assert all(trouble.email == "me@example.org" for trouble in found)
    return [(trouble.topup.id, trouble.why) for trouble in found]


async def test_news_that_nobody_looks_at_needs_a_person_after_five_minutes(
    services: Services, enrol: Enrol, operator: Caller, fresh_database: TestDatabase
) -> None:
    topup = await services.payments.topup(await enrol("me@example.org"), 5 * _DOLLAR)
    await fresh_database.shift_clock(timedelta(hours=1))
    assert await services.payments.press_sandbox(topup.link, "pay")
    assert await _troubles(services, operator) == []
    await fresh_database.shift_clock(timedelta(minutes=4))
    # More news of the same does not make it wait from the beginning.
    assert await services.payments.press_sandbox(topup.link, "pay")
    await fresh_database.shift_clock(timedelta(minutes=2))
    [(topup_id, why)] = await _troubles(services, operator)
    assert (topup_id, "news" in why) == (topup.id, True)
    await fresh_database.admin("UPDATE topup SET sync_done = sync_wanted, state = 'paid'")
    assert await _troubles(services, operator) == []


async def test_a_payment_that_stays_unconfirmed_needs_a_person_after_two_hours(
    services: Services, enrol: Enrol, operator: Caller, fresh_database: TestDatabase
) -> None:
    topup = await services.payments.topup(await enrol("me@example.org"), 5 * _DOLLAR)
    await fresh_database.shift_clock(timedelta(hours=5))
    await fresh_database.admin("UPDATE topup SET state = 'unconfirmed'")
    await fresh_database.shift_clock(timedelta(minutes=119))
    assert await _troubles(services, operator) == []
    await fresh_database.shift_clock(timedelta(minutes=2))
    [(topup_id, why)] = await _troubles(services, operator)
    assert (topup_id, "2 hours" in why) == (topup.id, True)


async def test_money_taken_back_after_it_was_spent_needs_a_person_until_it_is_settled(
    services: Services, enrol: Enrol, operator: Caller, fresh_database: TestDatabase
) -> None:
    me = await enrol("me@example.org", credit=9 * _DOLLAR)
    topup = await services.payments.topup(me, 5 * _DOLLAR)
    await fresh_database.admin("UPDATE topup SET state = 'reversed'")
    assert await _troubles(services, operator) == []
    paid = "UPDATE ledger_account SET balance = $1 WHERE code = $2"
    await fresh_database.admin(paid, -1, f"wallet:{me.account_id}:paid")
    [(topup_id, why)] = await _troubles(services, operator)
    assert (topup_id, "owes" in why) == (topup.id, True)
    await fresh_database.admin(paid, 0, f"wallet:{me.account_id}:paid")
    assert await _troubles(services, operator) == []


@pytest.mark.parametrize("state", ["failed", "expired"])
async def test_credit_for_a_payment_that_came_to_nothing_needs_a_person(
    services: Services, enrol: Enrol, operator: Caller, fresh_database: TestDatabase, state: str
) -> None:
    topup = await services.payments.topup(await enrol("me@example.org"), 5 * _DOLLAR)
    await fresh_database.admin("UPDATE topup SET state = $1", state)
    assert await _troubles(services, operator) == []
    await fresh_database.admin("UPDATE topup SET credited = 1")
    [(topup_id, why)] = await _troubles(services, operator)
    assert (topup_id, "credit stands" in why) == (topup.id, True)


async def test_what_waits_longest_comes_first(
    services: Services, enrol: Enrol, operator: Caller, fresh_database: TestDatabase
) -> None:
    me = await enrol("me@example.org")
    first, second = [await services.payments.topup(me, 5 * _DOLLAR) for _ in range(2)]
    for topup in (second, first):
        await fresh_database.admin("UPDATE topup SET state = 'failed', credited = 1 WHERE id = $1", topup.id)
        await fresh_database.shift_clock(timedelta(minutes=1))
    assert [topup_id for topup_id, _ in await _troubles(services, operator)] == [second.id, first.id]


async def test_the_board_counts_what_there_is_and_shows_what_ails(
    services: Services, enrol: Enrol, operator: Caller, fresh_database: TestDatabase
) -> None:
    me = await enrol("me@example.org", credit=9 * _DOLLAR)
    ids = []
    for state in ("queued", "running", "failed", "done"):
        accepted = await services.capsuls.create(me, CreateRequest("tiny", "nano"))
        assert accepted.operation is not None
        ids.append(accepted.operation.id)
        await fresh_database.admin("UPDATE operation SET state = $2 WHERE id = $1", accepted.operation.id, state)
    await services.operators.lock(operator, "me@example.org", "asked to")
    await services.operators.announce(operator, "We move on Sunday.")
    seen = await services.operators.board(operator)
    assert seen.numbers == Numbers(accounts=2, locked=1, capsuls=4, queued=1, running=1, failed=1)
    assert [it.id for it in seen.failures] == [ids[2]]
    assert list(seen.hosts) == await services.operators.hosts(operator)
    assert [it.text for it in seen.announcements] == ["We move on Sunday."]
    assert seen.topups == ()
    await fresh_database.shift_clock(timedelta(hours=25))
    later = await services.operators.board(operator)
    assert (later.numbers.failed, later.failures) == (0, ())


async def test_operators_see_anybodys_operation_with_its_steps(
    services: Services, enrol: Enrol, operator: Caller
) -> None:
    me = await enrol(credit=9 * _DOLLAR)
    accepted = await services.capsuls.create(me, CreateRequest("tiny", "nano"))
    assert accepted.operation is not None
    seen = await services.operators.operation(operator, accepted.operation.id)
    assert seen == await services.operations.show(me, accepted.operation.id)
    with pytest.raises(NotFound):
        await services.operators.operation(operator, "o-aaaaaaaaaa")
