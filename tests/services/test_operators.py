"""What operators may do, what of it members see, and what stops an operator's stolen key."""

import pytest

from capsul.errors import Conflict, NotFound, NotPermitted, RuleBroken, Unavailable
from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase

_DOLLAR = 1_000_000


async def test_a_member_is_no_operator(services: Services, enrol: Enrol) -> None:
    member = await enrol()
    for forbidden in (
        services.operators.hosts(member),
        services.operators.accounts(member),
        services.operators.capsuls(member),
        services.operators.operations(member),
        services.operators.retry(member, "o-aaaaaaaaaa"),
        services.operators.credit(member, str(member.account_id), _DOLLAR, "for me"),
        services.operators.lock(member, str(member.account_id), "why not"),
        services.operators.unlock(member, str(member.account_id), "why not"),
        services.operators.announce(member, "hello"),
        services.operators.audit(member),
        services.operators.verify_ledger(member),
    ):
        with pytest.raises(NotPermitted, match="operator"):
            await forbidden


async def test_the_key_of_a_locked_operator_operates_no_more(services: Services, enrol: Enrol) -> None:
    operator, other = await enrol("op@example.org", operator=True), await enrol(operator=True)
    await services.operators.lock(other, "op@example.org", "stolen")
    for forbidden in (
        services.operators.unlock(operator, "op@example.org", "it was me"),
        services.operators.credit(operator, "op@example.org", _DOLLAR, "for me"),
    ):
        with pytest.raises(NotPermitted, match="locked"):
            await forbidden


async def test_the_same_credit_twice_is_given_and_written_down_once(services: Services, enrol: Enrol) -> None:
    operator, member = await enrol(operator=True), await enrol("me@example.org")
    for _ in range(2):
        await services.operators.credit(operator, "me@example.org", _DOLLAR, "welcome", "k")
    with pytest.raises(Conflict):
        await services.operators.credit(operator, "me@example.org", 2 * _DOLLAR, "welcome", "k")
    assert (await services.billing.balance(member)).balance == _DOLLAR
    given = [entry for entry in await services.accounts.activity(member) if entry.action == "credit given"]
    assert [(entry.actor, entry.reason) for entry in given] == [("operator", "welcome")]


async def test_a_member_sees_what_operators_did_to_the_account(services: Services, enrol: Enrol) -> None:
    operator, member = await enrol(operator=True), await enrol("me@example.org")
    await services.operators.lock(operator, "me@example.org", "asked to")
    assert ("account locked", "asked to") in [
        (entry.action, entry.reason) for entry in await services.accounts.activity(member)
    ]
    seen = await services.operators.audit(operator, "me@example.org")
    assert "account locked" in [entry.action for entry in seen]


async def test_a_credit_needs_a_reason_and_an_account(services: Services, enrol: Enrol) -> None:
    operator = await enrol("op@example.org", operator=True)
    with pytest.raises(RuleBroken):
        await services.operators.credit(operator, "op@example.org", _DOLLAR, "  ")
    with pytest.raises(NotFound):
        await services.operators.credit(operator, "nobody@example.org", _DOLLAR, "why")


async def test_an_announcement_reaches_everybody(services: Services, enrol: Enrol) -> None:
    operator = await enrol(operator=True)
    await services.operators.announce(operator, "  Host 1 is moved on Sunday.  ")
    assert [said.text for said in await services.accounts.announcements()] == ["Host 1 is moved on Sunday."]
    with pytest.raises(RuleBroken):
        await services.operators.announce(operator, "")


async def test_members_change_nothing_in_a_restored_backup(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    member = await enrol(credit=5 * _DOLLAR)
    await fresh_database.admin("UPDATE installation SET report_only_since = capsul_now()")
    for refused in (
        services.capsuls.create(member, CreateRequest("tiny", "nano")),
        services.payments.topup(member, 5 * _DOLLAR),
    ):
        with pytest.raises(Unavailable, match="backup"):
            await refused
    assert (await services.billing.balance(member)).balance == 5 * _DOLLAR
