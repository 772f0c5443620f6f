"""The link by which a member whose account is in danger closes it."""

from collections.abc import Awaitable, Callable

import httpx

from capsul.models import Caller
from tests.conftest import Enrol, TestDatabase

MakeToken = Callable[[Caller], Awaitable[str]]


async def account_state(fresh_database: TestDatabase, caller: Caller) -> str:
    (row,) = await fresh_database.admin("SELECT state FROM account WHERE id = $1", caller.account_id)
    state: str = row["state"]
    return state


async def test_only_the_button_locks_the_account(
    browser: httpx.AsyncClient, enrol: Enrol, lock_token: MakeToken, fresh_database: TestDatabase
) -> None:
    caller = await enrol()
    path = f"/lock/{await lock_token(caller)}"
    for _ in range(3):
        assert (await browser.get(path)).status_code == 200
        assert (await browser.head(path)).status_code == 200
    assert await account_state(fresh_database, caller) == "active"
    page = await browser.post(path)
    assert page.status_code == 200
    assert "The account is locked" in page.text
    assert await account_state(fresh_database, caller) == "locked"


async def test_a_form_that_is_sent_along_changes_nothing(
    browser: httpx.AsyncClient, enrol: Enrol, lock_token: MakeToken, fresh_database: TestDatabase
) -> None:
    caller = await enrol()
    page = await browser.post(f"/lock/{await lock_token(caller)}", data={"account": "another"})
    assert page.status_code == 200
    assert await account_state(fresh_database, caller) == "locked"


async def test_an_unknown_token_locks_nobody(
    browser: httpx.AsyncClient, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    caller = await enrol()
    for token in ("x" * 43, "x", "%00" * 20):
        assert (await browser.get(f"/lock/{token}")).status_code == 404
        page = await browser.post(f"/lock/{token}")
        assert page.status_code == 404
        assert "<strong>not</strong> locked" in page.text
    assert await account_state(fresh_database, caller) == "active"


async def test_a_token_that_enrols_does_not_lock(
    browser: httpx.AsyncClient, enrol: Enrol, lock_token: MakeToken, fresh_database: TestDatabase
) -> None:
    caller = await enrol()
    token = await lock_token(caller)
    assert (await browser.get(f"/enrol/{token}")).status_code == 404
    assert (await browser.post(f"/enrol/{token}", data={"code": "AAAA-AAAA"})).status_code == 404
    await fresh_database.admin("UPDATE mailed_token SET expires_at = capsul_now() - interval '1 second'")
    assert (await browser.post(f"/lock/{token}")).status_code == 404
    assert await account_state(fresh_database, caller) == "active"
