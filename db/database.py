"""A pool of connections, and transactions in which the process is exactly one of the working roles."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from typing import Any, Literal, TypeAlias, cast
from uuid import UUID

import asyncpg

from db.errors import connecting, translated

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Login = Literal["capsul_gate", "capsul_web", "capsul_work"]

_BECOME = "SELECT set_config('role', $1, true), set_config('capsul.account_id', $2, true)"

NOTICE_DEATH = {
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "50000",
}
"""Lets the server notice within a minute that the machine at the other end is gone, and its locks with it."""

_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"


async def _reset(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    # What a transaction sets ends with it, so there is nothing to undo after a whole one; asyncpg's own reset would
    # cost each of them one more round trip.
    if connection.is_in_transaction():
        await connection.reset()


class _LoopOfNobody:
    """The running loop, with timers, tasks and connections that hold on to nothing.

    All remember the context that they were made in; asyncpg's last for minutes after the query that made them, and
    would keep whole sessions, screens and all, that have long been left.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, delay: float, callback: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
        """As the loop does it, in a context of its own."""
        return self._loop.call_later(delay, callback, *arguments, context=Context())

    def create_task(self, work: Coroutine[Any, Any, Any], **named: Any) -> "asyncio.Task[Any]":
        """As the loop does it, in a context of its own."""
        return self._loop.create_task(work, **{**named, "context": Context()})

    async def create_connection(self, *arguments: Any, **named: Any) -> Any:
        """As the loop does it, in a context of its own."""
        return await self.create_task(self._loop.create_connection(*arguments, **named))

    async def create_unix_connection(self, *arguments: Any, **named: Any) -> Any:
        """As the loop does it, in a context of its own."""
        return await self.create_task(self._loop.create_unix_connection(*arguments, **named))


class Database:
    """Opens transactions; query functions take the connection they yield."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, url: str, login: Login, password: str | None = None, *, most_connections: int = 10
    ) -> AsyncIterator["Database"]:
        """A database for one process, under its own login. Closed with the block.

        Raises:
            DatabaseAway: Postgres does not answer.
        """
        with connecting():
            pool = await asyncpg.create_pool(
                url,
                user=login,
                password=password,
                min_size=1,
                max_size=most_connections,
                timeout=5,
                command_timeout=30,
                loop=cast("asyncio.AbstractEventLoop", _LoopOfNobody()),
                reset=_reset,
                server_settings={
                    "search_path": "capsul,pg_temp",
                    "application_name": login,
                    "timezone": "UTC",
                    **NOTICE_DEATH,
                },
            )
        try:
            yield cls(pool)
        finally:
            await pool.close()

    def door(self) -> AbstractAsyncContextManager[Connection]:
        """Keys, enrolment and payment pages: before anybody is known."""
        return self._transaction("capsul_door", "")

    def member(self, account_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """Sees and changes the rows of one account."""
        return self._transaction("capsul_member", str(account_id))

    def operator(self) -> AbstractAsyncContextManager[Connection]:
        """Sees every account."""
        return self._transaction("capsul_operator", "")

    def worker(self) -> AbstractAsyncContextManager[Connection]:
        """Carries out what is wanted."""
        return self._transaction("capsul_worker", "")

    @asynccontextmanager
    async def any_role(self) -> AsyncIterator[Connection]:
        """As the bare login: sees nothing but which migrations there were."""
        async with self._connection() as connection:
            with translated():
                yield connection

    @asynccontextmanager
    async def exclusively(self, what: str) -> AsyncIterator[bool]:
        """True for one holder at a time, of all processes; False at once for the others.

        Held by a connection of its own: it ends with the process, and within a minute with its machine. It can end
        before the block does, with the connection; whoever must not be doubled has a fence as well.
        """
        async with self._connection() as connection:
            with translated():
                mine = bool(await connection.fetchval(_TRY_LOCK, what))
            try:
                yield mine
            finally:
                if mine and not connection.is_closed():
                    with translated():
                        await connection.execute(_UNLOCK, what)

    @asynccontextmanager
    async def _transaction(self, role: str, account_id: str) -> AsyncIterator[Connection]:
        async with self._connection() as connection:
            with translated():
                async with connection.transaction():
                    await connection.execute(_BECOME, role, account_id)
                    yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with connecting():
            connection = await self._pool.acquire(timeout=10)
        try:
            yield connection
        finally:
            await self._pool.release(connection)
