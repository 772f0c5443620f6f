"""The page that the mailed link leads to."""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network

import httpx
import pytest

from services import Services
from tests.conftest import Enrol, TestDatabase
from tests.httpgate.conftest import Begin, Door


async def test_the_right_code_enrols_the_key(browser: httpx.AsyncClient, begin: Begin, services: Services) -> None:
    mailed = await begin()
    page = await browser.post(mailed.path, data={"code": mailed.code})
    assert page.status_code == 200
    assert "Your key is enrolled" in page.text
    assert await services.accounts.identify(mailed.guest.fingerprint, "192.0.2.44") is not None


@pytest.mark.parametrize(
    "change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code[:4]} {code[5:]} "]
)
async def test_a_code_may_be_typed_as_people_type(
    browser: httpx.AsyncClient, begin: Begin, change: Callable[[str], str]
) -> None:
    mailed = await begin()
    page = await browser.post(mailed.path, data={"code": change(mailed.code)})
    assert page.status_code == 200


async def test_the_page_shows_what_there_is_to_compare(browser: httpx.AsyncClient, begin: Begin) -> None:
    mailed = await begin("me@example.org")
    page = await browser.get(mailed.path)
    assert page.status_code == 200
    assert mailed.guest.fingerprint in page.text
    assert mailed.guest.source in page.text
    assert f"{mailed.enrolment.created_at:%Y-%m-%d %H:%M} UTC" in page.text
    assert "me@example.org" in page.text
    assert mailed.code not in page.text


async def test_the_form_has_one_field_and_it_is_the_code(browser: httpx.AsyncClient, begin: Begin) -> None:
    page = await browser.get((await begin()).path)
    assert re.findall(r'<(?:input|select|textarea)\b[^>]*\bname="([^"]*)"', page.text) == ["code"]
    assert re.search(r'<label for="code">', page.text)


async def test_a_link_scanner_that_prefetches_changes_nothing(
    browser: httpx.AsyncClient, begin: Begin, services: Services
) -> None:
    mailed = await begin()
    for _ in range(5):
        assert (await browser.get(mailed.path)).status_code == 200
        assert (await browser.head(mailed.path)).status_code == 200
        assert (await browser.get(mailed.path, params={"code": mailed.code})).status_code == 200
    assert await services.enrolment.status(mailed.guest.fingerprint) == mailed.enrolment
    assert await services.accounts.identify(mailed.guest.fingerprint, "192.0.2.44") is None


async def test_a_wrong_code_uses_up_a_try(browser: httpx.AsyncClient, begin: Begin, services: Services) -> None:
    mailed = await begin()
    page = await browser.post(mailed.path, data={"code": "AAAA-AAAA"})
    assert page.status_code == 422
    assert "2 tries left" in page.text
    status = await services.enrolment.status(mailed.guest.fingerprint)
    assert status is not None
    assert status.tries_left == 2
    assert await services.accounts.identify(mailed.guest.fingerprint, "192.0.2.44") is None


async def test_after_a_wrong_code_the_right_one_still_enrols(browser: httpx.AsyncClient, begin: Begin) -> None:
    mailed = await begin()
    await browser.post(mailed.path, data={"code": "AAAA-AAAA"})
    assert (await browser.post(mailed.path, data={"code": mailed.code})).status_code == 200


async def test_three_wrong_codes_end_the_enrolment(
    browser: httpx.AsyncClient, begin: Begin, services: Services
) -> None:
    mailed = await begin()
    answers = [(await browser.post(mailed.path, data={"code": "AAAA-AAAA"})).status_code for _ in range(3)]
    assert answers == [422, 422, 410]
    right = await browser.post(mailed.path, data={"code": mailed.code})
    assert right.status_code == 410
    assert "This request is over" in right.text
    assert (await browser.get(mailed.path)).status_code == 410
    assert await services.accounts.identify(mailed.guest.fingerprint, "192.0.2.44") is None


async def test_a_hostile_code_is_a_wrong_code(browser: httpx.AsyncClient, begin: Begin) -> None:
    hostile = ["\x00\x00", "é" * 10, "<script>", "A" * 5000, "'; DROP TABLE enrolment; --", "\uff11\uff12"]
    for number, code in enumerate(hostile):
        page = await browser.post((await begin(f"me-{number}@example.org")).path, data={"code": code})
        assert (code, page.status_code) == (code, 422)
        assert "2 tries left" in page.text
        assert "<script" not in page.text


async def test_an_empty_field_uses_up_no_try(browser: httpx.AsyncClient, begin: Begin, services: Services) -> None:
    mailed = await begin()
    empty: list[dict[str, str]] = [{}, {"code": ""}, {"code": "  "}, {"kode": "AAAA-AAAA"}]
    for form in empty:
        page = await browser.post(mailed.path, data=form)
        assert page.status_code == 422
        assert "The code is missing" in page.text
    status = await services.enrolment.status(mailed.guest.fingerprint)
    assert status is not None
    assert status.tries_left == 3


async def test_a_used_link_says_so_and_enrols_nobody_again(browser: httpx.AsyncClient, begin: Begin) -> None:
    mailed = await begin()
    await browser.post(mailed.path, data={"code": mailed.code})
    again = await browser.post(mailed.path, data={"code": mailed.code})
    assert again.status_code == 410
    assert "This link has been used" in again.text
    looked = await browser.get(mailed.path)
    assert looked.status_code == 200
    assert "Your key is enrolled" in looked.text


async def test_an_expired_link_is_like_one_that_never_was(
    browser: httpx.AsyncClient, begin: Begin, fresh_database: TestDatabase
) -> None:
    mailed = await begin()
    await fresh_database.shift_clock(timedelta(minutes=61))
    expired = await browser.get(mailed.path)
    unknown = await browser.get("/enrol/" + "x" * 43)
    assert expired.status_code == unknown.status_code == 404
    assert expired.text == unknown.text
    assert "ssh capsul.test enrol" in expired.text
    late = await browser.post(mailed.path, data={"code": mailed.code})
    assert late.status_code == 404


async def test_a_replaced_request_points_to_the_newer_mail(browser: httpx.AsyncClient, begin: Begin) -> None:
    first = await begin("me@example.org")
    await begin("me-too@example.org", guest=first.guest)
    page = await browser.get(first.path)
    assert page.status_code == 410
    assert "newest mail" in page.text
    assert (await browser.post(first.path, data={"code": first.code})).status_code == 410


async def test_a_token_that_cannot_be_one_is_not_found(browser: httpx.AsyncClient) -> None:
    for token in ("x", "%00" * 20, "..%2f..%2fetc", "x" * 5000, "%ff%fe" * 10, "'--" * 8, "é" * 30):
        assert (await browser.get(f"/enrol/{token}")).status_code == 404
        assert (await browser.post(f"/enrol/{token}", data={"code": "AAAA-AAAA"})).status_code == 404


async def test_markup_in_an_address_is_shown_as_text(
    browser: httpx.AsyncClient, begin: Begin, fresh_database: TestDatabase
) -> None:
    mailed = await begin()
    await fresh_database.admin("UPDATE enrolment SET address = $1", "<script>alert(1)</script>\u202e\"'&@example.org")
    page = await browser.get(mailed.path)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "\u202e" not in page.text


async def test_a_locked_account_takes_no_further_key(
    browser: httpx.AsyncClient, begin: Begin, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    await enrol("me@example.org")
    await fresh_database.admin("UPDATE account SET state = 'locked'")
    mailed = await begin("me@example.org")
    page = await browser.post(mailed.path, data={"code": mailed.code})
    assert page.status_code == 409
    assert "locked" in page.text


async def test_a_further_key_of_an_account_with_credit_is_told_to_wait(
    browser: httpx.AsyncClient, begin: Begin, enrol: Enrol
) -> None:
    await enrol("me@example.org", credit=5_000_000)
    mailed = await begin("me@example.org")
    page = await browser.post(mailed.path, data={"code": mailed.code})
    assert page.status_code == 200
    assert "24 hours" in page.text
    assert "keys approve SHA256:" in page.text


async def test_codes_cannot_be_tried_without_end_from_one_source(door: Door, begin: Begin) -> None:
    mailed = await begin()
    async with door(unlimited_networks=[]) as client:
        answers = [(await client.post(f"/enrol/{'x' * 43}", data={"code": "A"})) for _ in range(31)]
        assert [answer.status_code for answer in answers] == [404] * 30 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert (await client.get(mailed.path)).status_code == 200


async def test_a_proxys_word_counts_only_when_it_is_trusted(door: Door) -> None:
    async def tries(client: httpx.AsyncClient) -> int:
        path = f"/enrol/{'x' * 43}"
        return sum(
            [
                (
                    await client.post(path, data={"code": "A"}, headers={"X-Forwarded-For": f"198.51.100.{n}"})
                ).status_code
                == 429
                for n in range(40)
            ]
        )

    async with door(unlimited_networks=[], trusted_proxies=[]) as client:
        assert await tries(client) == 10
    async with door(unlimited_networks=[], trusted_proxies=[ip_network("127.0.0.1/32")]) as client:
        assert await tries(client) == 0


async def test_the_code_of_another_terminal_does_not_enrol(begin: Begin, browser: httpx.AsyncClient) -> None:
    mine, theirs = await begin("me@example.org"), await begin("me@example.org")
    page = await browser.post(theirs.path, data={"code": mine.code})
    assert page.status_code == 422
