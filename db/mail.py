"""Letters to be sent, and the tokens in them."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from capsul.models import Letter
from db.database import Connection
from db.rows import one
from db.sql import read_queries

_SQL = read_queries("mail")


def _letter(*, facts: str, **fields: Any) -> Letter:
    return Letter(facts={name: str(value) for name, value in json.loads(facts).items()}, **fields)


async def claim(connection: Connection, mail_id: int) -> Letter | None:
    """One more attempt; None when it was sent or given up."""
    return await one(connection, _letter, _SQL["claim"], mail_id)


async def sent(connection: Connection, mail_id: int) -> None:
    await connection.execute(_SQL["sent"], mail_id)


async def failed(connection: Connection, mail_id: int, error: str, *, give_up: bool) -> None:
    await connection.execute(_SQL["failed"], mail_id, "given up" if give_up else "queued", error)


async def enrolment(connection: Connection, enrolment_id: UUID) -> tuple[str, str, datetime, datetime] | None:
    """Fingerprint, source, when it was asked for and when it ends; None when it is over."""
    row = await connection.fetchrow(_SQL["enrolment"], enrolment_id)
    return None if row is None else (row["fingerprint"], row["source"], row["created_at"], row["expires_at"])


async def make_token(
    connection: Connection,
    token_hash: bytes,
    *,
    enrolment_id: UUID | None = None,
    account_id: UUID | None = None,
) -> None:
    """A token that enrols lives as long as its enrolment; one that locks an account, 7 days."""
    purpose = "enrol" if enrolment_id else "lock"
    if enrolment_id:
        await connection.execute(_SQL["forget_tokens"], enrolment_id)
    await connection.execute(_SQL["make_token"], token_hash, purpose, enrolment_id, account_id)


async def without_job(connection: Connection) -> list[int]:
    return [row["id"] for row in await connection.fetch(_SQL["without_job"])]


async def enqueue(connection: Connection, mail_id: int) -> None:
    """One job at a time for each: more are ignored."""
    await connection.execute(_SQL["enqueue"], str(mail_id))


async def sweep(connection: Connection) -> None:
    """Forgets what is of no use any more: tokens, enrolments and letters after a month, the job log after a week."""
    for name in ("sweep_tokens", "sweep_enrolments", "sweep_letters", "sweep_job_log"):
        await connection.execute(_SQL[name])
