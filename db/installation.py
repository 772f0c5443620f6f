"""Which installation this is, and whether it may act."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Connection
from db.rows import one
from db.sql import read_queries

_SQL = read_queries("installation")


@dataclass(frozen=True)
class Installation:
    id: UUID
    epoch: int
    currency: str
    same_cluster: bool
    """False when the database runs elsewhere than where it was last written: a restored backup."""
    report_only_since: datetime | None


async def read(connection: Connection) -> Installation | None:
    return await one(connection, Installation, _SQL["read"])


async def go_report_only(connection: Connection) -> None:
    """Nothing is done to hosts, money or members until somebody resumes."""
    await connection.execute(_SQL["go_report_only"])


async def resume(connection: Connection) -> int | None:
    """The new epoch; None when there is nothing to resume from."""
    epoch: int | None = await connection.fetchval(_SQL["resume"])
    return epoch


async def ills(connection: Connection) -> list[str]:
    """What is not as it should be, in words that anybody may read."""
    return [row["ills"] for row in await connection.fetch(_SQL["ills"])]
