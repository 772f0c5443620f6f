"""What is asked whenever somebody comes in: members, and operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from capsul.models import Account, Key, Numbers
from db.database import Connection
from db.rows import one
from db.sql import read_queries

_SQL = read_queries("overview")


@dataclass(frozen=True)
class ComingIn:
    """Who comes in, and how many screens of theirs are open."""

    account: Account
    key: Key
    sessions: int


def _coming_in(
    *,
    account_id: UUID,
    account_state: str,
    email: str,
    account_created_at: datetime,
    sessions: int,
    networks: Sequence[str],
    **key: Any,
) -> ComingIn:
    account = Account(account_id, account_state, email, account_created_at)
    return ComingIn(account, Key(account_id=account_id, networks=tuple(networks), **key), sessions)


async def coming_in(connection: Connection, account_id: UUID, key_id: UUID) -> ComingIn | None:
    """None when the key was removed."""
    return await one(connection, _coming_in, _SQL["coming_in"], account_id, key_id)


async def numbers(connection: Connection) -> Numbers:
    """For operators: how much there is of everything."""
    found = await one(connection, Numbers, _SQL["numbers"])
    assert found is not None  # noqa: S101 - counting always gives a row
    return found
