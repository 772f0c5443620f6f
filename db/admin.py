"""For the shell of the host: a connection that may do what no running process may."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from db.database import Connection
from db.errors import connecting, translated


@asynccontextmanager
async def as_owner(url: str) -> AsyncIterator[Connection]:
    """One transaction as the owner of everything. `url` is of whoever migrates.

    Raises:
        DatabaseAway: Postgres does not answer.
    """
    with connecting():
        connection = await asyncpg.connect(
            url, timeout=10, server_settings={"search_path": "capsul,pg_temp", "timezone": "UTC"}
        )
    with translated():
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL ROLE capsul_owner")
                yield connection
        finally:
            await connection.close()
