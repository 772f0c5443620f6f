"""The front page, health, and what there is nowhere."""

import asyncpg
import httpx

from capsul.config import Settings
from httpgate.host_keys import read_host_keys
from tests.conftest import TestDatabase
from tests.httpgate.conftest import HOST_KEY, HOST_KEY_FINGERPRINT, Door


async def test_the_front_page_says_what_it_costs(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/")
    assert page.status_code == 200
    assert "nano" in page.text
    assert "1.00" in page.text
    assert "0.00148" in page.text  # a 672nd of it
    assert "128 MiB" in page.text
    assert "A stopped capsul costs the same" in page.text


async def test_the_front_page_says_how_to_begin_and_whom_to_ask(door: Door) -> None:
    async with door(ssh_public_port=2222, contact="help@capsul.test", provider_name="Tiny <Cloud>") as client:
        page = await client.get("/")
    assert "ssh -p 2222 capsul.test enrol" in page.text
    assert 'href="mailto:help@capsul.test"' in page.text
    assert "Tiny &lt;Cloud&gt;" in page.text


async def test_the_front_page_shows_our_host_keys(door: Door) -> None:
    async with door(ssh_public_port=2222) as client:
        page = await client.get("/")
    assert HOST_KEY_FINGERPRINT in page.text
    assert f"[capsul.test]:2222 ssh-ed25519 {HOST_KEY}" in page.text


async def test_host_keys_made_after_the_start_are_shown(door: Door, settings: Settings) -> None:
    async with door() as client:
        file = settings.host_keys / "ssh_host_ed25519_key.pub"
        kept = file.read_text()
        file.unlink()
        assert "cannot be shown" in (await client.get("/")).text
        file.write_text(kept)
        assert f"capsul.test ssh-ed25519 {HOST_KEY}" in (await client.get("/")).text


def test_only_what_is_a_public_key_is_shown(settings: Settings) -> None:
    settings.host_keys.mkdir()
    for name, content in {
        "a.pub": "",
        "b.pub": "ssh-ed25519 !!!!",
        "c.pub": f"ssh-rsa {HOST_KEY}",
        "d.pub": f"ssh-ed25519-cert-v01@openssh.com {HOST_KEY}",
        "e": f"ssh-ed25519 {HOST_KEY}",
        "f.pub": f"ssh-ed25519 {HOST_KEY} root@build-host",
    }.items():
        (settings.host_keys / name).write_text(content)
    (key,) = read_host_keys(settings.host_keys, "capsul.test", 22)
    assert key.known_hosts == f"capsul.test ssh-ed25519 {HOST_KEY}"
    assert key.fingerprint == HOST_KEY_FINGERPRINT


async def take_away(fresh_database: TestDatabase) -> None:
    """No process of ours gets into the database, and whoever was in it is out."""
    await fresh_database.admin(f'ALTER DATABASE "{fresh_database.name}" CONNECTION LIMIT 0')
    await fresh_database.admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
        fresh_database.name,
    )


async def give_back(fresh_database: TestDatabase) -> None:
    await fresh_database.admin(f'ALTER DATABASE "{fresh_database.name}" CONNECTION LIMIT -1')


async def test_a_well_door_says_so(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"schema": 1, "status": "ok", "ills": []}


async def test_ills_that_keep_nobody_out_are_listed_with_200(
    browser: httpx.AsyncClient, settings: Settings, fresh_database: TestDatabase
) -> None:
    (settings.host_keys / "ssh_host_ed25519_key.pub").unlink()
    await fresh_database.admin("UPDATE size SET on_offer = false")
    answer = await browser.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ill"
    assert set(answer.json()["ills"]) == {"no size on offer", "no SSH host key to show"}


async def test_ills_of_hosts_and_of_the_worker_are_listed_without_names(
    browser: httpx.AsyncClient, fresh_database: TestDatabase
) -> None:
    await fresh_database.admin("UPDATE host SET reachable = false")
    await fresh_database.admin(
        "INSERT INTO mail (kind, recipient, created_at) VALUES ('enrol', 'me@example.org', now() - interval '1 hour')"
    )
    answer = await browser.get("/healthz")
    assert answer.status_code == 200
    assert set(answer.json()["ills"]) == {"a host does not answer", "letters wait"}


async def test_health_is_503_while_the_database_is_away_and_well_again_after(
    browser: httpx.AsyncClient, fresh_database: TestDatabase
) -> None:
    await take_away(fresh_database)
    answer = await browser.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    await give_back(fresh_database)
    assert (await browser.get("/healthz")).status_code == 200


async def test_a_database_that_hangs_counts_as_away(browser: httpx.AsyncClient, fresh_database: TestDatabase) -> None:
    blocker = await asyncpg.connect(fresh_database.admin_url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE capsul.size IN ACCESS EXCLUSIVE MODE")
        assert (await browser.get("/healthz", timeout=10)).status_code == 503
    await blocker.close()


async def test_pages_say_try_again_while_the_database_is_away(
    browser: httpx.AsyncClient, fresh_database: TestDatabase
) -> None:
    await take_away(fresh_database)
    for path in ("/", f"/enrol/{'x' * 43}", "/p/11111111"):
        page = await browser.get(path)
        assert page.status_code == 503
        assert int(page.headers["Retry-After"]) > 0
        assert "database is away" in page.text
    assert "ssh capsul.test enrol" in (await browser.get("/")).text


async def test_there_is_nothing_else(browser: httpx.AsyncClient) -> None:
    for path in (
        "/metrics",
        "/webhooks/stripe",
        "/webhooks/btcpay",
        "/enrol",
        "/enrol/",
        "/p/",
        "/healthz/",
        "/admin",
        "/.env",
        "//x",
    ):
        for method in ("GET", "POST"):
            page = await browser.request(method, str(browser.base_url) + path)
            assert (path, page.status_code) == (path, 404)
            assert "There is nothing at this address" in page.text


async def test_a_verb_nobody_understands_is_refused_with_those_we_do(browser: httpx.AsyncClient) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        page = await browser.request(method, f"/enrol/{'x' * 43}")
        assert page.status_code == 405
        assert {verb.strip() for verb in page.headers["Allow"].split(",")} == {"GET", "HEAD", "POST"}


async def test_head_is_get_without_a_body(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/healthz", "/style.css", "/icon.svg", "/nothing"):
        head, get = await browser.head(path), await browser.get(path)
        assert head.status_code == get.status_code
        assert head.content == b""
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert head.headers["Content-Length"] == str(len(get.content))


async def test_pages_live_below_a_path_where_the_public_url_has_one(door: Door) -> None:
    async with door(public_url="https://example.org/capsul") as client:
        page = await client.get("/")
    assert 'href="/capsul/style.css"' in page.text
