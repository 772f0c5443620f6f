"""The web door as a member's browser meets it: real services as the web process logs in, uvicorn on a free port."""

import asyncio
import base64
import hashlib
import secrets
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Protocol

import httpx
import pytest
from starlette.types import ASGIApp

from backends.metrics import Metrics
from capsul.config import Settings
from capsul.models import Caller, Enrolment, Guest, Topup
from db.changes import Changes
from db.database import Database
from httpgate.app import create_app
from httpgate.server import serve
from services import Services, build_services
from tests.conftest import Enrol, TestDatabase

Door = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

HOST_KEY_BLOB = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + bytes(range(32))
HOST_KEY = base64.b64encode(HOST_KEY_BLOB).decode()
HOST_KEY_FINGERPRINT = "SHA256:" + base64.b64encode(hashlib.sha256(HOST_KEY_BLOB).digest()).decode().rstrip("=")


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The address of a server that runs while the block lasts."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, ready=ready, stop=stop, grace=2))
    try:
        yield f"http://127.0.0.1:{await ready}"
    finally:
        stop.set()
        await task


@pytest.fixture
async def web_services(settings: Settings) -> AsyncIterator[Services]:
    """The verbs as the web process has them: under its own login."""
    async with (
        Database.connect(settings.database, "capsul_web") as database,
        Changes.listen(settings.database, "capsul_web") as changes,
    ):
        yield build_services(database, changes, Metrics(settings.prometheus_url), settings)


@pytest.fixture
def door(web_services: Services, settings: Settings) -> Door:
    """`async with door() as client`: a browser without a cookie jar's memory; `door(name=value)` changes settings."""
    settings.host_keys.mkdir(exist_ok=True)
    (settings.host_keys / "ssh_host_ed25519_key.pub").write_text(f"ssh-ed25519 {HOST_KEY} capsul\n")

    @asynccontextmanager
    async def opened(**changes: object) -> AsyncIterator[httpx.AsyncClient]:
        configured = settings.model_copy(update=changes)
        app = create_app(web_services, configured, configured.host_keys)
        async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
            yield client

    return opened


@pytest.fixture
async def browser(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the door, from where no limit applies."""
    async with door(unlimited_networks=[ip_network("127.0.0.0/8")]) as client:
        yield client


@dataclass(frozen=True)
class Mailed:
    """An enrolment that waits, and the token in its mail."""

    enrolment: Enrolment
    guest: Guest
    token: str

    @property
    def path(self) -> str:
        return f"/enrol/{self.token}"

    @property
    def code(self) -> str:
        return self.enrolment.code


class Begin(Protocol):
    async def __call__(self, email: str = ..., *, guest: Guest | None = ...) -> Mailed: ...


@pytest.fixture
def begin(services: Services, fresh_database: TestDatabase) -> Begin:
    """`await begin("me@example.org")`: a guest has asked, and the mail is on its way."""

    async def begun(email: str = "me@example.org", *, guest: Guest | None = None) -> Mailed:
        guest = guest or new_guest()
        enrolment = await services.enrolment.begin(guest, email)
        token = secrets.token_urlsafe()
        await fresh_database.admin(
            "INSERT INTO mailed_token (token_hash, purpose, enrolment_id, expires_at) VALUES ($1, 'enrol', $2, $3)",
            hashlib.sha256(token.encode()).digest(),
            enrolment.id,
            enrolment.expires_at,
        )
        return Mailed(enrolment, guest, token)

    return begun


def new_guest() -> Guest:
    """Somebody with a key that nobody has seen."""
    number = secrets.token_hex(8)
    fingerprint = base64.b64encode(hashlib.sha256(number.encode()).digest()).decode().rstrip("=")
    return Guest(f"SHA256:{fingerprint}", f"ssh-ed25519 {number}", "192.0.2.44", f"session-{number}")


@pytest.fixture
def lock_token(fresh_database: TestDatabase) -> Callable[[Caller], Awaitable[str]]:
    """The token of the link that a mail about a new key has."""

    async def made(caller: Caller) -> str:
        token = secrets.token_urlsafe()
        await fresh_database.admin(
            "INSERT INTO mailed_token (token_hash, purpose, account_id, expires_at)"
            " VALUES ($1, 'lock', $2, capsul_now() + $3)",
            hashlib.sha256(token.encode()).digest(),
            caller.account_id,
            timedelta(days=7),
        )
        return token

    return made


@pytest.fixture
async def topup(services: Services, enrol: Enrol) -> Topup:
    """Twenty, to be paid through the sandbox."""
    return await services.payments.topup(await enrol(), 20_000_000)
