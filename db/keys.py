"""Keys: who may come in, and by what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from capsul.models import Key, KeyLimits, PublicKey, Scope
from db.database import Connection
from db.rows import many, one
from db.sql import read_queries

_SQL = read_queries("keys")


@dataclass(frozen=True)
class LockedKey:
    """As much of a key as is needed to decide whether it may go."""

    id: UUID
    fingerprint: str
    scope: Scope
    operator: bool
    state: str
    waits: bool | None
    expired: bool


def _key(*, networks: Sequence[str], **fields: Any) -> Key:
    return Key(networks=tuple(networks), **fields)


async def live_by_fingerprint(connection: Connection, fingerprint: str, source: str) -> Key | None:
    return await one(connection, _key, _SQL["live_by_fingerprint"], fingerprint, source)


async def remember_use(connection: Connection, key_id: UUID, source: str) -> None:
    await connection.execute(_SQL["remember_use"], key_id, source)


async def of_account(connection: Connection, account_id: UUID) -> list[Key]:
    return await many(connection, _key, _SQL["of_account"], account_id)


async def add_pending(
    connection: Connection, account_id: UUID, added: PublicKey, name: str, limits: KeyLimits, code: str
) -> Key:
    """Raises RuleBroken when the account has it already."""
    key = await one(
        connection,
        _key,
        _SQL["add_pending"],
        account_id,
        added.fingerprint,
        added.line,
        name,
        limits.scope,
        code,
        [str(network) for network in limits.networks],
        limits.expires_at,
    )
    assert key is not None  # noqa: S101 - INSERT … RETURNING returns its row
    return key


async def pending_by_code(connection: Connection, fingerprint: str, code: str) -> tuple[UUID, UUID] | None:
    """The account and the id of a key that waits for this code."""
    row = await connection.fetchrow(_SQL["pending_by_code"], fingerprint, code)
    return None if row is None else (row["account_id"], row["id"])


async def make_live(connection: Connection, key_id: UUID) -> bool:
    """Raises RuleBroken when the fingerprint is live elsewhere. False when it waits no more."""
    return await connection.fetchval(_SQL["make_live"], key_id) is not None


async def add_operator(connection: Connection, account_id: UUID, fingerprint: str, public_key: str, name: str) -> UUID:
    """The account that has the key now: another one's, if it was enrolled there before."""
    owner: UUID = await connection.fetchval(_SQL["add_operator"], account_id, fingerprint, public_key, name)
    return owner


async def lock_of_account(connection: Connection, account_id: UUID) -> list[LockedKey]:
    return await many(connection, LockedKey, _SQL["lock_of_account"], account_id)


async def remove(connection: Connection, key_id: UUID) -> None:
    await connection.execute(_SQL["remove"], key_id)


async def rename(connection: Connection, key_id: UUID, name: str) -> None:
    await connection.execute(_SQL["rename"], key_id, name)


async def stop_waiting(connection: Connection, key_id: UUID) -> None:
    await connection.execute(_SQL["stop_waiting"], key_id)
