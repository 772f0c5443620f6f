"""The lines of the ledger as a member reads them: page by page, each with what was left after it."""

import random
from datetime import datetime, timedelta
from itertools import accumulate

import pytest

from capsul.models import Caller, LedgerEntry
from db import accounts, billing
from db.billing import Posting, wallet
from db.database import Database
from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase

_DOLLAR = 1_000_000


async def _move(
    database: Database, member: Caller, kind: str, amount: int, reference: str = "", ago: timedelta = timedelta()
) -> int:
    """Adds to a wallet, or takes from it. The transfer's id."""
    mine = wallet(member.account_id, kind)
    debit, credit = ("promo", mine) if amount > 0 else (mine, "promo")
    async with database.operator() as connection:
        at: datetime = await accounts.now(connection) - ago
        posting = Posting(f"t:{random.random()}", debit, credit, abs(amount), "gift", reference)  # noqa: S311
        return await billing.post(connection, posting, at)


@pytest.fixture
async def owner(enrol: Enrol, gate_database: Database) -> Caller:
    """A member whose wallets have been used in turns, in rows and hardly at all; a neighbour did the same."""
    member, neighbour = await enrol(), await enrol()
    dice = random.Random(7)  # noqa: S311
    kinds = ["gift"] * 6 + ["paid"] * 9 + dice.choices(["gift", "paid"], k=15) + ["paid"] * 10
    for kind in kinds:
        amount = dice.choice([1, -1]) * dice.randrange(1, 5 * _DOLLAR)
        await _move(gate_database, member, kind, amount)
        await _move(gate_database, neighbour, kind, amount)
    return member


async def _whole(services: Services, owner: Caller) -> list[LedgerEntry]:
    return await services.billing.ledger(owner, limit=1000)


async def test_each_entry_says_what_was_left_in_all_after_it(services: Services, owner: Caller) -> None:
    whole = await _whole(services, owner)
    assert len(whole) == 40
    assert [entry.total for entry in whole] == [*accumulate(entry.amount for entry in reversed(whole))][::-1]
    assert whole[0].total == (await services.billing.balance(owner)).balance


@pytest.mark.parametrize("size", [1, 3, 7, 40])
async def test_the_pages_of_the_ledger_are_the_whole_of_it(services: Services, owner: Caller, size: int) -> None:
    pages: list[LedgerEntry] = []
    before = None
    while page := await services.billing.ledger(owner, limit=size, before=before):
        pages += page
        before = page[-1].id
    assert pages == await _whole(services, owner)


async def test_what_is_posted_late_makes_no_total_wrong(
    services: Services, owner: Caller, gate_database: Database
) -> None:
    await _move(gate_database, owner, "paid", 3 * _DOLLAR)
    await _move(gate_database, owner, "gift", -_DOLLAR, ago=timedelta(days=2))
    await _move(gate_database, owner, "paid", 5 * _DOLLAR)
    whole = await _whole(services, owner)
    late = await services.billing.ledger(owner, since=whole[0].at - timedelta(days=1))
    assert late == [whole[0], *whole[2:]]


async def test_an_entry_says_what_it_was_about(
    services: Services, enrol: Enrol, gate_database: Database, fresh_database: TestDatabase
) -> None:
    me, neighbour = await enrol(credit=9 * _DOLLAR), await enrol(credit=9 * _DOLLAR)
    mine = await services.capsuls.create(me, CreateRequest("tiny", "nano", "web"))
    theirs = await services.capsuls.create(neighbour, CreateRequest("tiny", "nano", "secret"))
    topup = await services.payments.topup(me, 5 * _DOLLAR)
    for reference in (mine.capsul.id, theirs.capsul.id, topup.id, "c-nothing", ""):
        await _move(gate_database, me, "gift", -1, reference)
    abouts = [entry.about for entry in await services.billing.ledger(me)]
    assert abouts[::-1] == ["", "web", "", "topup by sandbox", "", ""]


async def test_an_empty_ledger_has_no_entries(services: Services, enrol: Enrol) -> None:
    assert await services.billing.ledger(await enrol()) == []
