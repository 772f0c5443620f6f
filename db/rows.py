"""From records to models: the columns of a query carry the names of the fields."""

from collections.abc import Callable
from typing import TypeVar

from db.database import Connection

Model = TypeVar("Model")


async def many(connection: Connection, model: Callable[..., Model], query: str, *arguments: object) -> list[Model]:
    """Each row as a model."""
    return [model(**dict(record)) for record in await connection.fetch(query, *arguments)]


async def one(connection: Connection, model: Callable[..., Model], query: str, *arguments: object) -> Model | None:
    """The first row as a model, if there is one."""
    record = await connection.fetchrow(query, *arguments)
    return None if record is None else model(**dict(record))
