"""The first steps of every member, through the services alone."""

import pytest

from capsul.errors import Conflict, NameTaken, NoCapacity, NotEnoughCredit, NotFound
from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase


async def test_an_enrolled_key_is_known_and_has_an_account(services: Services, enrol: Enrol) -> None:
    caller = await enrol("Me@Example.org")
    account, key = await services.accounts.whoami(caller)
    assert account.email == "Me@example.org"
    assert key.fingerprint == caller.fingerprint


async def test_a_capsul_needs_credit(services: Services, enrol: Enrol) -> None:
    caller = await enrol()
    with pytest.raises(NotEnoughCredit):
        await services.capsuls.create(caller, CreateRequest("tiny", "nano"))


async def test_create_answers_at_once_with_an_operation(services: Services, enrol: Enrol) -> None:
    caller = await enrol(credit=20_000_000)
    accepted = await services.capsuls.create(caller, CreateRequest("tiny", "nano", name="web"))
    assert accepted.capsul.state == "creating"
    assert accepted.operation is not None
    assert accepted.operation.state == "queued"
    assert [capsul.name for capsul in await services.capsuls.list(caller)] == ["web"]


async def test_a_name_is_taken_once(services: Services, enrol: Enrol) -> None:
    caller = await enrol(credit=20_000_000)
    await services.capsuls.create(caller, CreateRequest("tiny", "nano", name="web"))
    with pytest.raises(NameTaken):
        await services.capsuls.create(caller, CreateRequest("tiny", "nano", name="web"))


async def test_the_same_idempotency_key_gives_the_first_answer(services: Services, enrol: Enrol) -> None:
    caller = await enrol(credit=20_000_000)
    request = CreateRequest("tiny", "nano", idempotency_key="k1")
    first = await services.capsuls.create(caller, request)
    again = await services.capsuls.create(caller, request)
    assert again.capsul.id == first.capsul.id
    with pytest.raises(Conflict):
        await services.capsuls.create(caller, CreateRequest("tiny", "f1-xs", idempotency_key="k1"))


async def test_no_host_has_room_for_too_large_a_size(services: Services, enrol: Enrol) -> None:
    caller = await enrol(credit=100_000_000)
    with pytest.raises(NoCapacity):
        await services.capsuls.create(caller, CreateRequest("tiny", "f1-xx"))
    assert await services.capsuls.list(caller) == []


async def test_a_neighbours_capsul_is_not_there(services: Services, enrol: Enrol) -> None:
    caller = await enrol(credit=20_000_000)
    neighbour = await enrol()
    accepted = await services.capsuls.create(caller, CreateRequest("tiny", "nano", name="web"))
    for reference in ("web", accepted.capsul.id):
        with pytest.raises(NotFound):
            await services.capsuls.show(neighbour, reference)


async def test_the_books_are_sound_after_gifts(services: Services, enrol: Enrol, fresh_database: TestDatabase) -> None:
    operator = await enrol("op@example.org", operator=True)
    member = await enrol("me@example.org")
    await services.operators.credit(operator, "me@example.org", 5_000_000, "welcome")
    balance = await services.billing.balance(member)
    assert (balance.balance, balance.available, balance.gift) == (5_000_000, 5_000_000, 5_000_000)
    assert await services.operators.verify_ledger(operator) == []
    assert [entry.note for entry in await services.billing.ledger(member)] == ["welcome"]
