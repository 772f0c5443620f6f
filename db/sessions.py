"""Who has the screens open."""

from uuid import UUID

from capsul.models import OpenSession
from db.database import Connection
from db.rows import many
from db.sql import read_queries

_SQL = read_queries("sessions")


async def begin(
    connection: Connection,
    session_id: str,
    account_id: UUID,
    key_id: UUID,
    source: str,
    client: str,
    terminal: str,
    gate: UUID,
) -> bool:
    """False when the id is taken."""
    made = await connection.fetchval(_SQL["begin"], session_id, account_id, key_id, source, client, terminal, gate)
    return made is not None


async def ended(connection: Connection, session_id: str) -> None:
    await connection.execute(_SQL["ended"], session_id)


async def alive(connection: Connection, gate: UUID) -> None:
    """All that the gate holds."""
    await connection.execute(_SQL["alive"], gate)


async def open_of_account(connection: Connection, account_id: UUID) -> list[OpenSession]:
    """Newest first."""
    return await many(connection, OpenSession, _SQL["open_of_account"], account_id)


async def ask_to_end(connection: Connection, account_id: UUID, session_id: str) -> bool:
    """False when no such session of the account is open."""
    return await connection.fetchval(_SQL["ask_to_end"], account_id, session_id) is not None


async def asked_to_end(connection: Connection, session_id: str) -> bool:
    return bool(await connection.fetchval(_SQL["asked_to_end"], session_id))


async def asked_of(connection: Connection, gate: UUID) -> list[str]:
    """Ids of those that somebody wants to end."""
    return [row["id"] for row in await connection.fetch(_SQL["asked_of"], gate)]


async def sweep(connection: Connection) -> None:
    """Forgets what ended a month ago."""
    await connection.execute(_SQL["sweep"])
