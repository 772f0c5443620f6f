"""What holds for every request: headers, sizes, times, the log, and what happens when something breaks."""

import asyncio
import re
import time
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from capsul.config import Settings
from capsul.errors import TooMany
from capsul.models import Topup
from httpgate import forms
from httpgate.boundary import Boundary
from httpgate.limits import RateLimit, source_of
from httpgate.pages import Pages
from tests.httpgate.conftest import Begin, serving

LOCAL = [ip_network("127.0.0.0/8")]


@pytest.fixture
def log_lines() -> Iterator[list[Any]]:
    """What is logged from here on."""
    with structlog.testing.capture_logs() as lines:
        yield lines


# -------------------------------------------------------------------------------------------------- headers


async def test_every_answer_forbids_scripts_frames_and_referrers(
    browser: httpx.AsyncClient, begin: Begin, topup: Topup
) -> None:
    mailed = await begin()
    paths = [
        "/",
        mailed.path,
        f"/lock/{'x' * 43}",
        f"/p/{topup.link}",
        "/healthz",
        "/style.css",
        "/icon.svg",
        "/nothing",
    ]
    for path in paths:
        headers = (await browser.get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "script-src" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "server" not in headers


async def test_pages_behind_a_secret_are_kept_by_nobody(browser: httpx.AsyncClient, begin: Begin, topup: Topup) -> None:
    mailed = await begin()
    for path in (mailed.path, f"/lock/{'x' * 43}", f"/p/{topup.link}", f"/enrol/{'x' * 43}"):
        assert (await browser.get(path)).headers["Cache-Control"] == "no-store"
    posted = await browser.post(mailed.path, data={"code": "AAAA-AAAA"})
    assert posted.headers["Cache-Control"] == "no-store"


async def test_pages_need_nothing_from_elsewhere(browser: httpx.AsyncClient, begin: Begin, topup: Topup) -> None:
    mailed = await begin()
    for path in ("/", mailed.path, f"/p/{topup.link}"):
        page = (await browser.get(path)).text
        assert "<script" not in page
        assert " style=" not in page
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)


# ---------------------------------------------------------------------------------------------------- bodies


async def test_a_huge_body_is_refused(browser: httpx.AsyncClient, begin: Begin) -> None:
    page = await browser.post((await begin()).path, data={"code": "A" * 2_000_000})
    assert page.status_code == 413


async def test_a_body_without_an_announced_end_is_refused_when_it_is_too_much(
    browser: httpx.AsyncClient, begin: Begin
) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"code=" + b"A" * 10_000

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    page = await browser.post((await begin()).path, content=endless(), headers=headers)
    assert page.status_code == 413


async def test_a_body_of_another_kind_is_refused_and_uses_up_no_try(browser: httpx.AsyncClient, begin: Begin) -> None:
    mailed = await begin()
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", "", "garbage"):
        page = await browser.post(mailed.path, content=b'{"code": "AAAA-AAAA"}', headers={"Content-Type": kind})
        assert (kind, page.status_code) == (kind, 415)
    assert "3 tries left" in (await browser.get(mailed.path)).text


async def test_a_form_with_very_many_fields_is_refused(browser: httpx.AsyncClient, begin: Begin) -> None:
    page = await browser.post((await begin()).path, data={f"field{n}": "x" for n in range(1000)})
    assert page.status_code == 400


async def test_a_body_that_does_not_arrive_is_not_waited_for(
    browser: httpx.AsyncClient, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "SECONDS", 0.2)
    host, port = browser.base_url.host, browser.base_url.port
    reader, writer = await asyncio.open_connection(host, port)
    path = (await begin()).path
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ncode=".encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    await asyncio.wait_for(reader.read(), 5)
    writer.close()


# ------------------------------------------------------------------------------------------------------- log


async def test_no_token_no_link_and_no_code_is_ever_logged(
    browser: httpx.AsyncClient, begin: Begin, topup: Topup, log_lines: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    mailed = await begin()
    with caplog.at_level("DEBUG"):
        await browser.get(mailed.path)
        await browser.post(mailed.path, data={"code": "AAAA-AAAA"})
        await browser.post(mailed.path, data={"code": mailed.code})
        await browser.get(f"/lock/{'y' * 43}")
        await browser.post(f"/p/{topup.link}", data={"action": "fail"})
        await browser.get(f"/nothing/{mailed.token}")
    ours = repr(log_lines) + repr(
        [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    )
    for secret in (mailed.token, mailed.code, "AAAA-AAAA", topup.link, "y" * 43):
        assert secret not in ours
    seen = [(line["route"], line["method"], line["status"]) for line in log_lines if line["event"] == "request"]
    assert seen == [
        ("enrol", "GET", 200),
        ("enrol", "POST", 422),
        ("enrol", "POST", 200),
        ("lock", "GET", 404),
        ("pay", "POST", 303),
        ("none", "GET", 404),
    ]


# ------------------------------------------------------------------------------------------------------ bugs


async def test_a_bug_becomes_a_page_with_a_reference_that_the_log_has(
    settings: Settings, log_lines: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: Request) -> Response:
        raise ZeroDivisionError("the inner workings")

    pages = Pages(settings)
    app = Starlette(
        routes=[Route("/broken/{token}", broken, name="broken")],
        middleware=[Middleware(Boundary, pages=pages, trusted=[])],
    )
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
        page = await client.get(f"/broken/{'t' * 43}")
    assert page.status_code == 500
    assert "inner workings" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    (bug,) = [line for line in log_lines if line["event"] == "bug"]
    assert bug["reference"] in page.text
    assert isinstance(bug["exc_info"], ZeroDivisionError)
    assert "t" * 43 not in repr(log_lines) + caplog.text.replace(f"{address}/broken", "")


# -------------------------------------------------------------------------------------------- where and how often


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}


def test_the_nearest_address_that_is_no_proxy_of_ours_is_the_source() -> None:
    assert source_of(scope("127.0.0.1", "203.0.113.9"), []) == "127.0.0.1"
    assert source_of(scope("127.0.0.1", "203.0.113.9"), LOCAL) == "203.0.113.9"
    assert source_of(scope("127.0.0.1", "10.0.0.1, 203.0.113.9"), LOCAL) == "203.0.113.9"
    assert source_of(scope("127.0.0.1", "10.0.0.1", "203.0.113.9"), LOCAL) == "203.0.113.9"
    assert source_of(scope("127.0.0.1", "203.0.113.9, 127.0.0.2"), LOCAL) == "203.0.113.9"
    assert source_of(scope("198.51.100.1", "203.0.113.9"), LOCAL) == "198.51.100.1"


@pytest.mark.parametrize("claim", ["unknown", "", ",", "203.0.113.9:443", "<script>", "999.1.1.1", "\xff"])
def test_a_claim_that_is_no_address_is_not_believed(claim: str) -> None:
    assert source_of(scope("127.0.0.1", claim), LOCAL) == "127.0.0.1"


def test_an_ipv4_address_in_ipv6_clothes_is_an_ipv4_address() -> None:
    assert source_of(scope("::ffff:192.0.2.1"), []) == "192.0.2.1"
    assert source_of(scope("fe80::1%eth0"), []) == "fe80::1"
    assert source_of(scope(None), []) == "0.0.0.0"  # noqa: S104 - nothing listens there


def test_a_limit_refills_with_time() -> None:
    now = [0.0]
    limit = RateLimit(most=3, seconds=30, exempt=[], clock=lambda: now[0])
    for _ in range(3):
        limit.spend("192.0.2.1")
    with pytest.raises(TooMany) as refusal:
        limit.spend("192.0.2.1")
    assert refusal.value.retry_after == 10
    limit.spend("192.0.2.2")
    now[0] = 10.0
    limit.spend("192.0.2.1")
    with pytest.raises(TooMany):
        limit.spend("192.0.2.1")


def test_a_whole_ipv6_network_counts_as_one() -> None:
    limit = RateLimit(most=1, seconds=60, exempt=[], clock=time.monotonic)
    limit.spend("2001:db8::1")
    with pytest.raises(TooMany):
        limit.spend("2001:db8::ffff:1")
    limit.spend("2001:db8:0:1::1")


def test_exempt_networks_have_no_limit() -> None:
    limit = RateLimit(most=1, seconds=60, exempt=LOCAL)
    for _ in range(100):
        limit.spend("127.0.0.1")


def test_a_limit_does_not_grow_for_ever() -> None:
    limit = RateLimit(most=1, seconds=60, exempt=[])
    for number in range(20_000):
        limit.spend(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit) <= 10_000
