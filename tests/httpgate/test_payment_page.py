"""The short payment link, and the sandbox behind it."""

import re

import httpx
import pytest

from capsul.models import Topup
from httpgate import payments
from services.payments import SANDBOX_ACTIONS
from tests.conftest import TestDatabase
from tests.httpgate.conftest import Door


@pytest.fixture(autouse=True)
def nobody_settles(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """There is no worker here, so there is nothing to wait for."""
    if request.function is not test_the_answer_waits_a_moment_for_the_worker:
        monkeypatch.setattr(payments, "PATIENCE", 0.01)


async def sandbox_state(fresh_database: TestDatabase) -> str | None:
    rows = await fresh_database.admin("SELECT state FROM sandbox_checkout")
    return rows[0]["state"] if rows else None


async def test_the_short_link_shows_how_the_topup_stands(browser: httpx.AsyncClient, topup: Topup) -> None:
    page = await browser.get(f"/p/{topup.link}")
    assert page.status_code == 200
    assert "20.00 USD" in page.text
    assert "waiting" in page.text
    assert "Not real money" in page.text


async def test_the_sandbox_has_its_four_buttons_in_every_state(
    browser: httpx.AsyncClient, topup: Topup, fresh_database: TestDatabase
) -> None:
    for state in ("waiting", "unconfirmed", "paid", "failed", "expired", "reversed"):
        await fresh_database.admin("UPDATE topup SET state = $1", state)
        page = await browser.get(f"/p/{topup.link}")
        assert page.status_code == 200
        assert re.findall(r'<button name="action" value="([^"]*)"', page.text) == list(SANDBOX_ACTIONS)
        assert state in page.text


@pytest.mark.parametrize(("action", "becomes"), SANDBOX_ACTIONS.items())
async def test_a_button_changes_the_providers_side_and_leads_back(
    browser: httpx.AsyncClient, topup: Topup, fresh_database: TestDatabase, action: str, becomes: str
) -> None:
    answer = await browser.post(f"/p/{topup.link}", data={"action": action})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/p/{topup.link}"
    assert "set-cookie" not in answer.headers
    assert await sandbox_state(fresh_database) == becomes


async def test_the_payment_page_never_credits(
    browser: httpx.AsyncClient, topup: Topup, fresh_database: TestDatabase
) -> None:
    for action in SANDBOX_ACTIONS:
        await browser.get(f"/p/{topup.link}", params={"action": action})
        await browser.post(f"/p/{topup.link}", data={"action": action})
    (row,) = await fresh_database.admin("SELECT state, credited FROM topup")
    assert (row["state"], row["credited"]) == ("waiting", 0)
    assert await fresh_database.admin("SELECT FROM transfer") == []


async def test_looking_presses_nothing(browser: httpx.AsyncClient, topup: Topup, fresh_database: TestDatabase) -> None:
    await browser.get(f"/p/{topup.link}", params={"action": "pay"})
    await browser.head(f"/p/{topup.link}")
    assert await sandbox_state(fresh_database) is None


async def test_the_answer_waits_a_moment_for_the_worker(
    browser: httpx.AsyncClient, topup: Topup, fresh_database: TestDatabase
) -> None:
    await fresh_database.admin(
        # What the worker would do, at the moment it is told.
        "CREATE FUNCTION settle_at_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        " UPDATE capsul.topup SET state = 'paid', credited = amount WHERE id = NEW.topup_id; RETURN NEW; END $$"
    )
    await fresh_database.admin(
        "CREATE TRIGGER settle AFTER INSERT ON sandbox_checkout FOR EACH ROW EXECUTE FUNCTION settle_at_once()"
    )
    answer = await browser.post(f"/p/{topup.link}", data={"action": "pay"}, follow_redirects=True)
    assert answer.status_code == 200
    assert "Paid" in answer.text
    assert answer.history[0].elapsed.total_seconds() < 1


async def test_a_button_that_does_not_exist_is_refused(
    browser: httpx.AsyncClient, topup: Topup, fresh_database: TestDatabase
) -> None:
    forms: list[dict[str, str]] = [{}, {"action": "refund"}, {"action": "PAY"}, {"action": "\x00"}]
    for form in forms:
        assert (await browser.post(f"/p/{topup.link}", data=form)).status_code == 400
    assert await sandbox_state(fresh_database) is None


async def test_a_link_that_leads_nowhere_is_not_found(browser: httpx.AsyncClient) -> None:
    for link in ("11111111", "x", "%00%00%00%00%00%00%00%00", "a'--bcde", "éééééééé", "1" * 5000):
        assert (await browser.get(f"/p/{link}")).status_code == 404
        assert (await browser.post(f"/p/{link}", data={"action": "pay"})).status_code == 404


async def test_another_providers_payment_has_no_buttons(
    browser: httpx.AsyncClient, topup: Topup, fresh_database: TestDatabase
) -> None:
    await fresh_database.admin("UPDATE topup SET provider = 'stripe'")
    page = await browser.get(f"/p/{topup.link}")
    assert page.status_code == 200
    assert "<button" not in page.text
    assert "Not real money" not in page.text
    assert (await browser.post(f"/p/{topup.link}", data={"action": "pay"})).status_code == 405
    assert await sandbox_state(fresh_database) is None


async def test_the_page_says_nothing_of_whose_topup_it_is(browser: httpx.AsyncClient, topup: Topup) -> None:
    page = await browser.get(f"/p/{topup.link}")
    assert str(topup.account_id) not in page.text
    assert topup.id not in page.text
    assert "@example.org" not in page.text


async def test_the_buttons_can_be_pressed_only_so_often(door: Door, topup: Topup) -> None:
    async with door(unlimited_networks=[]) as client:
        answers = [(await client.post(f"/p/{topup.link}", data={"action": "x"})).status_code for _ in range(80)]
    # One a second comes back meanwhile.
    assert answers[:60] == [400] * 60
    assert 429 in answers[60:]
