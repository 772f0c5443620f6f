"""Operations: what is wanted, step by step, and what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from capsul.models import Operation, OperationKind, OperationState, Step
from db.database import Connection
from db.rows import many, one
from db.sql import read_queries

_SQL = read_queries("operations")


@dataclass(frozen=True)
class Claim:
    """An attempt at an operation."""

    id: str
    account_id: UUID
    capsul_id: str
    kind: OperationKind
    attempts: int
    deadline_at: datetime
    seconds_left: float


async def by_id(connection: Connection, operation_id: str) -> Operation | None:
    """With its steps."""
    operation = await one(connection, Operation, _SQL["by_id"], operation_id)
    if operation is None:
        return None
    return (await _with_steps(connection, [operation]))[0]


async def recent(
    connection: Connection,
    account_id: UUID | None,
    since: datetime | None = None,
    state: OperationState | None = None,
    limit: int = 100,
) -> list[Operation]:
    """Newest first, with their steps."""
    found = await many(connection, Operation, _SQL["recent"], account_id, since, state, limit)
    return await _with_steps(connection, found)


async def of_capsul(connection: Connection, account_id: UUID, capsul_id: str, limit: int) -> list[Operation]:
    """Newest first, with their steps."""
    return await _with_steps(
        connection, await many(connection, Operation, _SQL["of_capsul"], account_id, capsul_id, limit)
    )


async def of_note(connection: Connection, account_id: UUID) -> list[Operation]:
    """What has not ended, and what failed in the last hour: newest first, with their steps."""
    return await _with_steps(connection, await many(connection, Operation, _SQL["of_note"], account_id))


async def _with_steps(connection: Connection, operations: list[Operation]) -> list[Operation]:
    if not operations:
        return []
    steps = await many(connection, Step, _SQL["steps"], [operation.id for operation in operations])
    return [
        replace(operation, steps=tuple(step for step in steps if step.operation_id == operation.id))
        for operation in operations
    ]


async def by_idempotency_key(connection: Connection, account_id: UUID, key: str) -> tuple[str, bytes] | None:
    """The id and the request hash of the operation that used the key."""
    row = await connection.fetchrow(_SQL["by_idempotency_key"], account_id, key)
    return None if row is None else (row["id"], row["request_hash"])


async def unfinished_of(connection: Connection, capsul_id: str) -> tuple[str, OperationKind] | None:
    """The id and kind of the capsul's operation that has not ended."""
    row = await connection.fetchrow(_SQL["unfinished_of"], capsul_id)
    return None if row is None else (row["id"], row["kind"])


async def insert(
    connection: Connection,
    account_id: UUID,
    capsul_id: str,
    kind: OperationKind,
    idempotency_key: str | None,
    request_hash: bytes,
    fingerprint: str,
    session_id: str,
    lasts: timedelta,
) -> str:
    """Writes what is wanted and, in the same transaction, the job that points to it.

    Raises:
        Busy: another operation on the capsul is under way.
        Conflict: the idempotency key is used at this moment by somebody else.
    """
    operation_id: str = await connection.fetchval(
        _SQL["insert"],
        account_id,
        capsul_id,
        kind,
        idempotency_key,
        request_hash,
        fingerprint,
        session_id,
        lasts,
    )
    await enqueue(connection, operation_id)
    return operation_id


async def insert_nothing_to_do(
    connection: Connection,
    account_id: UUID,
    capsul_id: str,
    kind: OperationKind,
    idempotency_key: str,
    request_hash: bytes,
    fingerprint: str,
    session_id: str,
) -> None:
    """Remembers the key of a request that found everything as it wanted it, so that it never does anything later."""
    await connection.execute(
        _SQL["insert_nothing_to_do"],
        account_id,
        capsul_id,
        kind,
        idempotency_key,
        request_hash,
        fingerprint,
        session_id,
    )


async def enqueue(connection: Connection, operation_id: str) -> None:
    """One job at a time for each: more are ignored."""
    await connection.execute(_SQL["enqueue"], operation_id)


async def claim(connection: Connection, operation_id: str) -> Claim | None:
    """None when it has ended."""
    return await one(connection, Claim, _SQL["claim"], operation_id)


class Overtaken(Exception):
    """A later attempt at the operation has begun, or it has ended: this one must touch nothing more."""


async def begin_step(connection: Connection, claim: Claim, name: str) -> bool:
    """False when an earlier attempt has done it. Raises Overtaken."""
    state = await connection.fetchval(_SQL["begin_step"], claim.id, name, claim.attempts)
    if state is None:
        raise Overtaken
    return bool(state != "done")


async def end_step(connection: Connection, operation_id: str, name: str, state: str) -> None:
    await connection.execute(_SQL["end_step"], operation_id, name, state)


async def fail_open_steps(connection: Connection, operation_id: str) -> None:
    await connection.execute(_SQL["fail_open_steps"], operation_id)


async def finish(connection: Connection, claim: Claim, state: OperationState, reason: str = "") -> None:
    """Raises Overtaken."""
    if await connection.fetchval(_SQL["finish"], claim.id, state, reason, claim.attempts) is None:
        raise Overtaken


async def without_job(connection: Connection) -> list[str]:
    """Unfinished operations that no job points to."""
    return [row["id"] for row in await connection.fetch(_SQL["without_job"])]
