"""An operator at the screens that are for operators."""

import re

import pytest

from capsul.models import Caller
from services import Services
from services.capsuls import CreateRequest
from tests.capsul_tui.conftest import Person
from tests.capsul_tui.masks import masked
from tests.conftest import Enrol, TestDatabase

DOLLAR = 1_000_000
MINE, THEIRS = (f"SHA256:{letter * 43}" for letter in "mt")
"""Fingerprints that look the same in every picture."""
_CUT_ID = re.compile(r"\b([cot])-[a-z2-7]{3,10}(?=…)")


def calm(picture: str, *callers: Caller) -> str:
    """A picture for a snapshot: also the ids of these, and whatever is left of an id that was cut."""
    for caller in callers:
        account_id = str(caller.account_id)
        for length in range(len(account_id), 4, -1):
            picture = picture.replace(account_id[:length], "0" * length)
    return masked(_CUT_ID.sub(lambda found: f"{found[1]}-".ljust(len(found[0]), "a"), picture))


@pytest.fixture
async def operator(enrol: Enrol) -> Caller:
    return await enrol("op@example.org", operator=True, fingerprint=THEIRS)


async def go(person: Person, key: str, words: str) -> None:
    """From home to one of the screens, by its digit, until these words are there."""
    await person.press("O")
    await person.until_sees("OPERATOR / Board")
    await person.until_sees("who did what")
    if key != "0":
        await person.press(key)
    await person.until_sees(words)
    await person.until_sees("● live")


async def in_state(services: Services, database: TestDatabase, who: Caller, name: str, state: str) -> str:
    """The id of an operation that makes a capsul of this name, in this state."""
    accepted = await services.capsuls.create(who, CreateRequest("tiny", "nano", name))
    assert accepted.operation is not None
    reason = "The host did not answer." if state == "failed" else ""
    await database.admin(
        "UPDATE operation SET state = $2, reason = $3, finished_at = CASE WHEN $2 IN ('done', 'failed') THEN"
        " created_at + interval '1.5 s' END WHERE id = $1",
        accepted.operation.id,
        state,
        reason,
    )
    return accepted.operation.id
