"""Accounts, their addresses, what was done with them, and announcements."""

import json
from datetime import datetime
from uuid import UUID

from capsul.models import Account, AccountSummary, Announcement, AuditEntry
from db.database import Connection
from db.rows import many, one
from db.sql import read_queries

_SQL = read_queries("accounts")


async def now(connection: Connection) -> datetime:
    """The only clock there is for money, deadlines and tokens: capsul_now()."""
    at: datetime = await connection.fetchval(_SQL["now"])
    return at


async def with_address(connection: Connection, account_id: UUID) -> Account | None:
    return await one(connection, Account, _SQL["with_address"], account_id)


async def state(connection: Connection, account_id: UUID) -> str | None:
    """active, locked or closed."""
    value: str | None = await connection.fetchval(_SQL["state"], account_id)
    return value


async def write_audit(
    connection: Connection,
    account_id: UUID | None,
    actor: str,
    action: str,
    *,
    fingerprint: str | None = None,
    session_id: str | None = None,
    source: str | None = None,
    target: str = "",
    reason: str = "",
) -> None:
    await connection.execute(
        _SQL["write_audit"], account_id, actor, fingerprint, session_id, source, action, target, reason
    )


async def audit_of(
    connection: Connection, account_id: UUID | None, since: datetime | None, limit: int
) -> list[AuditEntry]:
    """Newest first; of every account the role may see when account_id is None."""
    return await many(connection, AuditEntry, _SQL["audit_of"], account_id, since, limit)


async def lock_by_token(connection: Connection, token_hash: bytes) -> UUID | None:
    """The account that the token has locked, if the token was good."""
    account_id: UUID | None = await connection.fetchval(_SQL["lock_by_token"], token_hash)
    return account_id


async def lock_token_is_good(connection: Connection, token_hash: bytes) -> bool:
    return bool(await connection.fetchval(_SQL["lock_token_is_good"], token_hash))


async def mail_account(connection: Connection, account_id: UUID, kind: str, facts: dict[str, str]) -> None:
    """Queues a letter to every address of the account."""
    await connection.execute(_SQL["mail_account"], account_id, kind, json.dumps(facts))


async def search(connection: Connection, part: str, limit: int) -> list[AccountSummary]:
    return await many(connection, AccountSummary, _SQL["search"], part, limit)


async def summary(connection: Connection, account_id: UUID) -> AccountSummary:
    """Of an account that exists."""
    found = await one(connection, AccountSummary, _SQL["summary"], account_id)
    assert found is not None  # noqa: S101 - accounts are never deleted
    return found


async def by_address_or_id(connection: Connection, reference: str) -> UUID | None:
    account_id: UUID | None = await connection.fetchval(_SQL["by_address_or_id"], reference)
    return account_id


async def set_state(connection: Connection, account_id: UUID, new_state: str) -> bool:
    return await connection.fetchval(_SQL["set_state"], account_id, new_state) is not None


async def announce(connection: Connection, text: str) -> Announcement:
    announcement = await one(connection, Announcement, _SQL["announce"], text)
    assert announcement is not None  # noqa: S101 - INSERT … RETURNING returns its row
    return announcement


async def end_announcement(connection: Connection, announcement_id: int) -> Announcement | None:
    """None when there is none, or it has ended."""
    return await one(connection, Announcement, _SQL["end_announcement"], announcement_id)


async def all_announcements(connection: Connection, limit: int) -> list[Announcement]:
    """Newest first, with those that have ended."""
    return await many(connection, Announcement, _SQL["all_announcements"], limit)


async def announcements(connection: Connection) -> list[Announcement]:
    """What is said now, newest first."""
    return await many(connection, Announcement, _SQL["announcements"])


async def make(connection: Connection, terms: str, address: str, normalised: str) -> UUID:
    """A new account with wallets, from the host's shell: members come by enrolment."""
    account_id: UUID = await connection.fetchval(_SQL["make_account"], terms)
    await connection.execute(_SQL["make_address"], account_id, address, normalised)
    await connection.execute(_SQL["open_wallets"], account_id)
    return account_id
