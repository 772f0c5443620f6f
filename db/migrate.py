"""Brings a database to the schema this program knows: numbered files, forward only, each in one transaction."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from capsul import VERSION
from capsul.errors import CapsulError
from db.database import Database
from db.errors import connecting, translated

_FOLDER = Path(__file__).parent
_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")
_OLDEST_PROGRAM = re.compile(r"-- Oldest program that works with this: (\d+\.\d+\.\d+)\.\n")
_ONE_AT_A_TIME = 7_236_091_544_120
"""Advisory lock: several starters migrate one after the other. The number means nothing."""

_HISTORY = """
CREATE SCHEMA IF NOT EXISTS capsul_meta;
CREATE TABLE IF NOT EXISTS capsul_meta.migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    oldest_program text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT USAGE ON SCHEMA capsul_meta TO PUBLIC;
GRANT SELECT ON capsul_meta.migration TO PUBLIC;
"""

_APPLIED = "SELECT number, name, digest, oldest_program FROM capsul_meta.migration ORDER BY number"


class CannotMigrate(CapsulError):
    """The database cannot be brought to the schema of this program."""

    code = "cannot_migrate"


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def oldest_program(self) -> str:
        """The oldest release that works on a database that has had this migration."""
        found = _OLDEST_PROGRAM.match(self.text)
        if found is None:
            raise CannotMigrate(f"{self.name} does not say the oldest program that works with it.")
        return found[1]


def read_migrations(folder: Path = _FOLDER / "migrations") -> list[Migration]:
    """The migrations in their order."""
    return [
        Migration(int(match[1]), path.name, path.read_text())
        for path in sorted(folder.glob("*.sql"))
        if (match := _FILE_NAME.fullmatch(path.name))
    ]


async def migrate(url: str, currency: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Applies what is missing and returns the names; an empty list when the database is up to date.

    `url` is of a login that may create roles and act as capsul_owner: a superuser, or the database's owner once
    an administrator has made the roles of roles.sql.

    Raises:
        CannotMigrate: the database is newer than this program, an applied file was changed, or the database keeps
            its money in another currency.
        DatabaseAway: Postgres does not answer.
    """
    with connecting():
        connection = await asyncpg.connect(url, timeout=10)
    with translated():
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _ONE_AT_A_TIME)
            await connection.execute((_FOLDER / "roles.sql").read_text())
            await connection.execute("SET ROLE capsul_owner")
            applied = await _apply_missing(connection, read_migrations() if migrations is None else migrations)
            await _install(connection, currency)
            return applied
        finally:
            await connection.close()


async def require_migrated(database: Database) -> None:
    """Raises CannotMigrate unless the database has a schema that this program works with."""
    async with database.any_role() as connection:
        try:
            rows = await connection.fetch(_APPLIED)
        except asyncpg.UndefinedTableError:
            rows = []
    if _missing(rows, read_migrations()):
        raise CannotMigrate("The database is older than this program. Run: capsul migrate")


async def _apply_missing(connection: asyncpg.Connection, migrations: Sequence[Migration]) -> list[str]:
    await connection.execute(_HISTORY)
    missing = _missing(await connection.fetch(_APPLIED), migrations)
    for migration in missing:
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(
                "INSERT INTO capsul_meta.migration (number, name, digest, oldest_program) VALUES ($1, $2, $3, $4)",
                migration.number,
                migration.name,
                migration.digest,
                migration.oldest_program,
            )
    return [migration.name for migration in missing]


def _missing(applied: Sequence[asyncpg.Record], migrations: Sequence[Migration]) -> list[Migration]:
    """What the database has not had. Raises CannotMigrate when what it has had does not go with this program."""
    known = {migration.number: migration for migration in migrations}
    for row in applied:
        if row["number"] not in known:
            _check_still_served(row["name"], row["oldest_program"])
        elif known[row["number"]].digest != row["digest"]:
            raise CannotMigrate(f"{row['name']} was changed after this database had it. Restore the file as it was.")
    had = {row["number"] for row in applied}
    return [migration for migration in migrations if migration.number not in had]


def _check_still_served(name: str, oldest_program: str) -> None:
    """A migration of a later release serves the release before it: expand first, contract later."""
    if _version(VERSION) < _version(oldest_program):
        raise CannotMigrate(
            f"The database is newer than this program: it has had {name}, which needs release {oldest_program} "
            f"or newer; this is {VERSION}."
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


async def _install(connection: asyncpg.Connection, currency: str) -> None:
    """Gives the installation its identity, once, and its price list: the sizes of the original Capsul."""
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = capsul, pg_temp")
        await connection.execute((_FOLDER / "install.sql").read_text().replace(":currency", f"'{_code(currency)}'"))
        kept = await connection.fetchval("SELECT currency FROM installation")
    if kept != currency:
        raise CannotMigrate(f"This database keeps its money in {kept}; the configuration says {currency}.")


def _code(currency: str) -> str:
    if not re.fullmatch("[A-Z]{3}", currency):
        raise CannotMigrate(f"{currency!r} is not a currency: three capitals, such as USD.")
    return currency
