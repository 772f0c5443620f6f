"""Enrolments: a guest's key on the way to an account."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from capsul.models import Enrolled, Enrolment, Guest
from db.database import Connection
from db.rows import one
from db.sql import read_queries

_SQL = read_queries("enrolment")


@dataclass(frozen=True)
class Recent:
    """How many enrolments one source has begun in the last hour."""

    same_address: int
    any_address: int


async def recent(connection: Connection, source: str, normalised: str) -> Recent:
    found = await one(connection, Recent, _SQL["recent"], source, normalised)
    return found or Recent(0, 0)


async def take_turns(connection: Connection, fingerprint: str, source: str) -> None:
    """One at a time for each key and each network, until the transaction ends."""
    await connection.execute(_SQL["take_turns"], fingerprint, source)


async def waiting_of_key(connection: Connection, fingerprint: str) -> Enrolment | None:
    return await one(connection, Enrolment, _SQL["waiting_of_key"], fingerprint)


async def newest_of_key(connection: Connection, fingerprint: str) -> Enrolment | None:
    return await one(connection, Enrolment, _SQL["newest_of_key"], fingerprint)


async def begin(
    connection: Connection, guest: Guest, address: str, normalised: str, code: str, lasts: timedelta
) -> Enrolment:
    """Replaces whatever this key was waiting for."""
    await connection.execute(_SQL["replace_waiting"], guest.fingerprint)
    begun = await one(
        connection,
        Enrolment,
        _SQL["begin"],
        guest.fingerprint,
        guest.public_key,
        address,
        normalised,
        guest.source,
        code,
        lasts,
    )
    assert begun is not None  # noqa: S101 - INSERT … RETURNING returns its row
    return begun


async def queue_letter(connection: Connection, enrolment: Enrolment) -> None:
    mail_id = await connection.fetchval(_SQL["queue_letter"], enrolment.address, str(enrolment.id))
    await connection.execute(_SQL["enqueue_letter"], str(mail_id))


async def by_token(connection: Connection, token_hash: bytes) -> Enrolment | None:
    """What the token leads to, whatever became of it; None when it never was or is too old."""
    return await one(connection, Enrolment, _SQL["by_token"], token_hash)


async def lock_waiting(connection: Connection, enrolment_id: UUID) -> str | None:
    """The code to compare with, held until the transaction ends; None when the enrolment is over."""
    code: str | None = await connection.fetchval(_SQL["lock_waiting"], enrolment_id)
    return code


async def use_up_a_try(connection: Connection, enrolment_id: UUID) -> int:
    """Tries left; at none the enrolment is over."""
    left: int = await connection.fetchval(_SQL["use_up_a_try"], enrolment_id)
    return left


async def complete(connection: Connection, enrolment_id: UUID, terms: str, key_name: str, wait: timedelta) -> Enrolled:
    """Raises RuleBroken when it is over, the account is locked or the key lives elsewhere."""
    done = await one(connection, Enrolled, _SQL["complete"], enrolment_id, terms, key_name, wait)
    assert done is not None  # noqa: S101 - the function returns a row or raises
    return done
