"""Capsuls, and what they are made of: sizes, images, hosts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from capsul.models import Capsul, CapsulState, Host, Image, Promise, Size
from db.database import Connection
from db.rows import many, one
from db.sql import read_queries

_SQL = read_queries("capsuls")


@dataclass(frozen=True)
class Specification:
    """All that a host must be told to make a capsul."""

    id: str
    uuid: UUID
    account_id: UUID
    size_id: str
    desired: str
    state: CapsulState
    host_id: str | None
    vcpus: int
    memory_mib: int
    disk_gib: int
    volume: str
    installation_id: UUID
    epoch: int


@dataclass(frozen=True)
class Expected:
    """What should be on a host, for the reconciler."""

    id: str
    uuid: UUID
    desired: str
    state: CapsulState


@dataclass(frozen=True)
class Idle:
    """A capsul that no operation is working on, locked."""

    id: str
    account_id: UUID
    desired: str
    state: CapsulState
    state_since: datetime
    reason: str
    ended: bool


async def of_account(
    connection: Connection,
    account_id: UUID | None,
    *,
    ended: bool = False,
    since: datetime | None = None,
    limit: int = 1000,
) -> list[Capsul]:
    """Oldest first; of every account the role may see when account_id is None."""
    return await many(connection, Capsul, _SQL["of_account"], account_id, ended, since, limit)


async def by_reference(connection: Connection, account_id: UUID, reference: str) -> Capsul | None:
    """By id, or by the name of one that lives."""
    return await one(connection, Capsul, _SQL["by_reference"], account_id, reference)


async def promise(connection: Connection, capsul_id: str) -> Promise | None:
    """What it was made of, and by whose key."""
    return await one(connection, Promise, _SQL["promise"], capsul_id)


async def sizes(connection: Connection) -> list[Size]:
    return await many(connection, Size, _SQL["sizes"])


async def price_list(connection: Connection) -> list[Size]:
    """Sizes on offer; `fits` says nothing here."""
    return await many(connection, Size, _SQL["price_list"])


async def images(connection: Connection) -> list[Image]:
    return await many(connection, Image, _SQL["images"])


async def insert(
    connection: Connection,
    account_id: UUID,
    name: str,
    image_id: str,
    size_id: str,
    authorized_keys: list[str],
    user_data: str,
    created_by: UUID,
) -> str:
    """The new id. Raises BadName or NameTaken."""
    capsul_id: str = await connection.fetchval(
        _SQL["insert"], account_id, name, image_id, size_id, authorized_keys, user_data, created_by
    )
    return capsul_id


async def reserve_room(connection: Connection, capsul_id: str) -> str:
    """The host that has room. Raises NoCapacity."""
    host_id: str = await connection.fetchval(_SQL["reserve_room"], capsul_id)
    return host_id


async def release_room(connection: Connection, capsul_id: str) -> None:
    """Once only, however often it is called."""
    await connection.execute(_SQL["release_room"], capsul_id)


async def change_state(
    connection: Connection, capsul_id: str, state: CapsulState, reason: str = "", desired: str | None = None
) -> None:
    """The one way to do it: opens and closes the price segment in the same breath."""
    await connection.execute(_SQL["change_state"], capsul_id, state, reason, desired)


async def rename(connection: Connection, capsul_id: str, name: str) -> None:
    """Raises BadName or NameTaken."""
    await connection.execute(_SQL["rename"], capsul_id, name)


async def lock(connection: Connection, capsul_id: str) -> CapsulState | None:
    """Its state, which nobody else changes until the transaction ends."""
    state: CapsulState | None = await connection.fetchval(_SQL["lock"], capsul_id)
    return state


async def specification(connection: Connection, capsul_id: str) -> Specification | None:
    return await one(connection, Specification, _SQL["specification"], capsul_id)


async def expected_on_host(connection: Connection, host_id: str) -> list[Expected]:
    return await many(connection, Expected, _SQL["expected_on_host"], host_id)


async def lock_idle(connection: Connection, capsul_id: str) -> Idle | None:
    """Nobody changes it until the transaction ends; None while an operation is under way: then that decides."""
    idle = await one(connection, Idle, _SQL["lock_row"], capsul_id)
    return None if await connection.fetchval(_SQL["is_busy"], capsul_id) else idle


async def on_host_by_uuid(connection: Connection, host_id: str, uuid: UUID) -> Expected | None:
    """What should be on the host under this id, or has not been cleared away yet."""
    return await one(connection, Expected, _SQL["on_host_by_uuid"], host_id, uuid)


async def hosts(connection: Connection) -> list[Host]:
    return await many(connection, Host, _SQL["hosts"])


async def note_host(connection: Connection, host_id: str, reachable: bool, trouble: str = "") -> None:
    await connection.execute(_SQL["note_host"], host_id, reachable, trouble)


async def put_host(connection: Connection, host_id: str, uri: str, memory_mib: int, disk_gib: int) -> None:
    await connection.execute(_SQL["put_host"], host_id, uri, memory_mib, disk_gib)


async def put_image(
    connection: Connection, image_id: str, name: str, version: str, volume: str, login_user: str
) -> None:
    await connection.execute(_SQL["put_image"], image_id, name, version, volume, login_user)


async def put_size(
    connection: Connection, size_id: str, vcpus: int, memory_mib: int, disk_gib: int, price_month: int
) -> None:
    """price_month in micro-units."""
    await connection.execute(_SQL["put_size"], size_id, vcpus, memory_mib, disk_gib, price_month)
