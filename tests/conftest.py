"""What every test may ask for: a database of its own, the services over it, and people who have enrolled.

One Postgres cluster a run; the schema is built once, as a template, and each test gets a copy.
"""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest

from backends.metrics import Metrics
from capsul.config import Settings
from capsul.models import Caller, Guest
from capsuld.demo.postgres import PostgresServer
from db.changes import Changes
from db.database import Database
from db.migrate import migrate
from services import Services, build_services

pytest_plugins = [
    "tests.hosts",
    "tests.payers",
    "tests.workers",
    "tests.capsul_tui.snapshots",
    "tests.capsul_tui.seats",
]

Enrol = Callable[..., Awaitable[Caller]]

_NUMBERS = itertools.count(1)
_TEMPLATE = "template_capsul"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A private cluster. Nothing in it survives the run."""
    folder = tmp_path_factory.mktemp("postgres")
    with PostgresServer(folder / "data", fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer) -> str:
    """The name of a database that has been migrated and is never written to again."""

    async def build() -> None:
        connection = await asyncpg.connect(postgres_server.dsn("postgres"))
        await connection.execute(f'CREATE DATABASE "{_TEMPLATE}"')
        await connection.close()
        await migrate(postgres_server.dsn(_TEMPLATE), "USD")
        await _offer(postgres_server.dsn(_TEMPLATE))

    asyncio.run(build())
    return _TEMPLATE


async def _offer(url: str) -> None:
    """One small host, one image and the demo's small size, as an operator would set them up."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO capsul.host (id, uri, memory_mib, disk_gib, reachable)"
        " VALUES ('host-1', 'test:///default', 4096, 1000, true);"
        "INSERT INTO capsul.image (id, name, version, volume, login_user)"
        " VALUES ('tiny', 'Tiny Linux', '1', 'tiny.qcow2', 'root');"
        "INSERT INTO capsul.size (id, vcpus, memory_mib, disk_gib, price_month, currency)"
        " VALUES ('nano', 1, 128, 1, 1000000, 'USD')"
    )
    await connection.close()


@dataclass(frozen=True)
class TestDatabase:
    """A database of one test. `url` is without a user; `admin` may do anything."""

    __test__ = False

    name: str
    server: PostgresServer

    @property
    def url(self) -> str:
        return self.server.dsn(self.name).replace("postgres@", "", 1)

    @property
    def admin_url(self) -> str:
        return self.server.dsn(self.name)

    async def admin(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Runs a query as the superuser: for looking, and for what nobody may do."""
        connection = await asyncpg.connect(self.admin_url, server_settings={"search_path": "capsul"})
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def shift_clock(self, by: timedelta) -> None:
        """Moves capsul_now() on."""
        await self.admin("UPDATE clock SET shift = shift + $1", by)


@pytest.fixture
async def fresh_database(postgres_server: PostgresServer, template_database: str) -> AsyncIterator[TestDatabase]:
    """A migrated database that nobody else sees."""
    name = f"test_{next(_NUMBERS)}_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(postgres_server.dsn("postgres"))
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_database}" STRATEGY file_copy')
    await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO capsul_gate, capsul_web, capsul_work')
    database = TestDatabase(name, postgres_server)
    # A copy is another database, as a restored backup would be; this one is meant.
    await database.admin("UPDATE installation SET cluster_identity = cluster_identity()")
    yield database
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture
def settings(fresh_database: TestDatabase, tmp_path: Path) -> Settings:
    """As the demo has them, over this test's database. `settings.model_copy(update=…)` for others."""
    return Settings(
        public_url="http://capsul.test",
        database=fresh_database.url,
        ssh_public_host="capsul.test",
        host_keys=tmp_path / "host_keys",
        maildir=tmp_path / "mail",
        sandbox=True,
        sandbox_unconfirmed=20,
        virt_type="test",
        operation_seconds=60,
    )


@pytest.fixture
async def gate_database(settings: Settings) -> AsyncIterator[Database]:
    """As the gate logs in."""
    async with Database.connect(settings.database, "capsul_gate") as database:
        yield database


@pytest.fixture
async def changes(settings: Settings) -> AsyncIterator[Changes]:
    async with Changes.listen(settings.database, "capsul_gate") as listening:
        yield listening


@pytest.fixture
def services(gate_database: Database, changes: Changes, settings: Settings) -> Services:
    """The verbs as the gate has them."""
    return build_services(gate_database, changes, Metrics(settings.prometheus_url), settings)


@pytest.fixture
def enrol(services: Services, fresh_database: TestDatabase) -> Enrol:
    """`await enrol("me@example.org")`: a new key, enrolled by a mailed link; `credit` is a gift in micro-units.

    `fingerprint` and `public_key` enrol a real key instead of an invented one; `operator` makes it an operator's.
    """

    async def enrolled(
        email: str = "",
        *,
        fingerprint: str = "",
        public_key: str = "ssh-ed25519 AAAA",
        credit: int = 0,
        operator: bool = False,
        source: str = "192.0.2.7",
    ) -> Caller:
        number = next(_NUMBERS)
        guest = Guest(
            fingerprint=fingerprint or "SHA256:" + sha256(str(number).encode()).hexdigest()[:43],
            public_key=public_key,
            source=source,
            session_id=f"test-{number}",
        )
        begun = await services.enrolment.begin(guest, email or f"member-{number}@example.org")
        token = secrets.token_urlsafe()
        await fresh_database.admin(
            "INSERT INTO mailed_token (token_hash, purpose, enrolment_id, expires_at) VALUES ($1, 'enrol', $2, $3)",
            sha256(token.encode()).digest(),
            begun.id,
            begun.expires_at,
        )
        submitted = await services.enrolment.submit(token, begun.code, source)
        assert submitted.outcome == "enrolled"
        assert submitted.enrolled is not None
        if operator:
            await fresh_database.admin("UPDATE ssh_key SET operator = true WHERE id = $1", submitted.enrolled.key_id)
        if credit:
            await fresh_database.admin(
                "SELECT post_transfer($1, 'promo', $2, $3, 'gift', '', 'for a test', capsul_now(), NULL)",
                f"test:{number}",
                f"wallet:{submitted.enrolled.account_id}:gift",
                credit,
            )
        key = await services.accounts.identify(guest.fingerprint, source)
        assert key is not None
        return services.accounts.caller(key, f"test-{number}", source)

    return enrolled
