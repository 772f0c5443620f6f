"""schema.sql is the document, migrations are the road: both must lead to the same database."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import asyncpg
import pytest
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.domain.settings import DBSettings

import capsul.models
import db
from capsul import VERSION
from capsuld.demo.postgres import PostgresServer
from db import accounts, billing, capsuls, enrolment, installation, keys, operations, sessions, topups
from db.jobs import _queuer
from db.migrate import CannotMigrate, Migration, migrate, read_migrations
from db.sql import read_queries
from tests.conftest import TestDatabase

_FOLDER = Path(db.__file__).parent

_DESCRIBE = """
SELECT 'column' AS what, c.table_schema || '.' || c.table_name || '.' || c.column_name AS name,
       concat_ws(' ', c.data_type, c.udt_name, c.is_nullable, c.column_default, c.identity_generation) AS detail
FROM information_schema.columns AS c WHERE c.table_schema IN ('capsul', 'pgqueuer')
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace IN ('capsul'::regnamespace, 'pgqueuer'::regnamespace)
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname IN ('capsul', 'pgqueuer')
UNION ALL SELECT 'function', oid::regprocedure::text,
       pg_get_functiondef(oid) || pg_get_userbyid(proowner) || coalesce(proacl::text, '')
FROM pg_proc WHERE pronamespace IN ('capsul'::regnamespace, 'pgqueuer'::regnamespace)
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'policy', tablename || '.' || policyname, concat_ws(' ', cmd, roles, qual, with_check) FROM pg_policies
UNION ALL SELECT 'table', relname,
       concat_ws(' ', relrowsecurity, relforcerowsecurity, relacl, pg_get_userbyid(relowner))
FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('capsul'::regnamespace, 'pgqueuer'::regnamespace)
UNION ALL SELECT 'grant', attrelid::regclass || '.' || attname, attacl::text
FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid::regclass::text LIKE 'capsul.%'
ORDER BY 1, 2, 3
"""


async def _describe(url: str) -> list[tuple[str, str, str]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(_DESCRIBE)]
    finally:
        await connection.close()


@pytest.fixture
async def empty_database(postgres_server: PostgresServer) -> str:
    """The URL of a database that has nothing in it."""
    name = "empty_database"
    connection = await asyncpg.connect(postgres_server.dsn("postgres"))
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return postgres_server.dsn(name)


async def test_the_schema_and_the_migrations_give_the_same_database(
    empty_database: str, fresh_database: TestDatabase
) -> None:
    connection = await asyncpg.connect(empty_database)
    await connection.execute((_FOLDER / "roles.sql").read_text())
    async with connection.transaction():
        await connection.execute("SET LOCAL ROLE capsul_owner")
        queue = QueryBuilderEnvironment(DBSettings(db_schema="pgqueuer"))
        await connection.execute(queue.build_install_query(create_schema=True))
        await connection.execute((_FOLDER / "schema.sql").read_text())
    await connection.close()
    assert await _describe(empty_database) == await _describe(fresh_database.admin_url)


async def test_the_job_queue_finds_its_tables(fresh_database: TestDatabase) -> None:
    connection = await asyncpg.connect(fresh_database.admin_url)
    await _queuer(connection).qm.verify_structure()
    assert await connection.fetchval("SELECT count(*) FROM pgqueuer.pgqueuer") == 0
    await connection.close()


async def test_a_second_migration_has_nothing_to_do(fresh_database: TestDatabase) -> None:
    assert await migrate(fresh_database.admin_url, "USD") == []


async def test_the_release_before_works_on_a_database_that_serves_it(fresh_database: TestDatabase) -> None:
    await fresh_database.admin(
        "INSERT INTO capsul_meta.migration (number, name, digest, oldest_program)"
        " VALUES (9999, '9999_expand.sql', '', $1)",
        VERSION,
    )
    assert await migrate(fresh_database.admin_url, "USD") == []


async def test_another_currency_is_refused(fresh_database: TestDatabase) -> None:
    with pytest.raises(CannotMigrate, match="USD"):
        await migrate(fresh_database.admin_url, "EUR")


async def test_a_database_too_new_for_the_program_is_refused(fresh_database: TestDatabase) -> None:
    await fresh_database.admin(
        "INSERT INTO capsul_meta.migration (number, name, digest, oldest_program)"
        " VALUES (9999, '9999_contract.sql', '', '99.0.0')"
    )
    with pytest.raises(CannotMigrate, match="newer"):
        await migrate(fresh_database.admin_url, "USD")


async def test_a_changed_migration_is_refused(fresh_database: TestDatabase) -> None:
    *earlier, last = read_migrations()
    changed = Migration(last.number, last.name, last.text + "\n-- changed")
    with pytest.raises(CannotMigrate, match="changed"):
        await migrate(fresh_database.admin_url, "USD", [*earlier, changed])


def test_every_migration_says_the_oldest_program_it_serves() -> None:
    for migration in read_migrations():
        assert re.fullmatch(r"\d+\.\d+\.\d+", migration.oldest_program), migration.name


def test_the_release_is_called_the_same_everywhere() -> None:
    assert f'version = "{VERSION}"' in (_FOLDER.parent / "pyproject.toml").read_text()


async def test_every_query_prepares(fresh_database: TestDatabase) -> None:
    connection = await asyncpg.connect(fresh_database.admin_url, server_settings={"search_path": "capsul"})
    for path in sorted((_FOLDER / "queries").glob("*.sql")):
        for name, text in read_queries(path.stem).items():
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                pytest.fail(f"{path.stem}.{name}: {error}")
    await connection.close()


_FILLED = [
    ("accounts", "with_address", "Account"),
    ("accounts", "search", "AccountSummary"),
    ("accounts", "audit_of", "AuditEntry"),
    ("accounts", "announcements", "Announcement"),
    ("keys", "of_account", "Key"),
    ("keys", "live_by_fingerprint", "Key"),
    ("keys", "lock_of_account", "LockedKey"),
    ("enrolment", "by_token", "Enrolment"),
    ("enrolment", "newest_of_key", "Enrolment"),
    ("enrolment", "complete", "Enrolled"),
    ("capsuls", "of_account", "Capsul"),
    ("capsuls", "by_reference", "Capsul"),
    ("capsuls", "sizes", "Size"),
    ("capsuls", "price_list", "Size"),
    ("capsuls", "images", "Image"),
    ("capsuls", "hosts", "Host"),
    ("capsuls", "specification", "Specification"),
    ("capsuls", "expected_on_host", "Expected"),
    ("capsuls", "lock_row", "Idle"),
    ("capsuls", "on_host_by_uuid", "Expected"),
    ("operations", "steps", "Step"),
    ("billing", "balance", "Funds"),
    ("billing", "open_segments", "Segment"),
    ("billing", "entries", "LedgerEntry"),
    ("topups", "by_id", "Topup"),
    ("topups", "by_link", "PaymentPage"),
    ("topups", "claim", "Claim"),
    ("mail", "claim", "Letter"),
    ("sessions", "open_of_account", "OpenSession"),
    ("installation", "read", "Installation"),
    ("overview", "numbers", "Numbers"),
]


async def test_every_query_that_fills_a_model_has_its_columns(fresh_database: TestDatabase) -> None:
    connection = await asyncpg.connect(fresh_database.admin_url, server_settings={"search_path": "capsul"})
    for subject, name, model in _FILLED:
        statement = await connection.prepare(read_queries(subject)[name])
        columns = {attribute.name for attribute in statement.get_attributes()}
        assert columns == {field.name for field in fields(_model(model, subject))}, f"{subject}.{name}"
    await connection.close()


def _model(name: str, subject: str) -> type:
    home = {
        "accounts": accounts,
        "keys": keys,
        "enrolment": enrolment,
        "capsuls": capsuls,
        "operations": operations,
        "sessions": sessions,
        "billing": billing,
        "topups": topups,
        "installation": installation,
    }.get(subject)
    found = getattr(home, name, None) or getattr(capsul.models, name)
    assert is_dataclass(found)
    assert isinstance(found, type)
    return found
