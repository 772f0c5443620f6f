"""Who is calling, and what an account has done."""

import hashlib
from datetime import datetime

from capsul.errors import NotFound
from capsul.models import Account, Announcement, AuditEntry, Caller, Key
from db import accounts, installation, keys
from db.database import Database
from services.access import as_member


class Accounts:
    """Accounts and the keys that open them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def identify(self, fingerprint: str, source: str) -> Key | None:
        """The live key with this fingerprint, if it may come in from this address now.

        The caller has made sure that the key was proved, or asks only in order to go on asking.
        """
        async with self._database.door() as connection:
            return await keys.live_by_fingerprint(connection, fingerprint, source)

    async def signed_in(self, key: Key, source: str) -> None:
        """Remembers that the key was used."""
        async with self._database.door() as connection:
            await keys.remember_use(connection, key.id, source)

    def caller(self, key: Key, session_id: str, source: str) -> Caller:
        """Who asks, once the key is proved."""
        return Caller(
            account_id=key.account_id,
            key_id=key.id,
            fingerprint=key.fingerprint,
            scope=key.scope,
            operator=key.operator,
            waits_until=key.waits_until,
            session_id=session_id,
            source=source,
        )

    async def whoami(self, caller: Caller) -> tuple[Account, Key]:
        """Raises NotFound when the key has been removed meanwhile."""
        async with as_member(self._database, caller, "look") as connection:
            account = await accounts.with_address(connection, caller.account_id)
            mine = [key for key in await keys.of_account(connection, caller.account_id) if key.id == caller.key_id]
        if account is None or not mine:
            raise NotFound
        return account, mine[0]

    async def activity(self, caller: Caller, since: datetime | None = None, limit: int = 100) -> list[AuditEntry]:
        """What was done with the account, newest first."""
        async with as_member(self._database, caller, "look") as connection:
            return await accounts.audit_of(connection, caller.account_id, since, limit)

    async def announcements(self) -> list[Announcement]:
        """What the operators say to everybody now, newest first."""
        async with self._database.door() as connection:
            return await accounts.announcements(connection)

    async def can_lock(self, token: str) -> bool:
        """Whether a mailed link still leads to locking an account. Changes nothing."""
        async with self._database.door() as connection:
            return await accounts.lock_token_is_good(connection, hash_token(token))

    async def lock_by_token(self, token: str) -> bool:
        """Locks the account whose mail had the token. False when the token is not good (any more)."""
        async with self._database.door() as connection:
            account_id = await accounts.lock_by_token(connection, hash_token(token))
            if account_id is None:
                return False
            await accounts.write_audit(connection, account_id, "guest", "account locked", reason="by a mailed link")
            return True

    async def ills(self) -> list[str]:
        """What of the installation is not as it should be, in words that anybody may read."""
        async with self._database.door() as connection:
            return await installation.ills(connection)


def hash_token(token: str) -> bytes:
    """What is kept of a mailed token: SHA-256."""
    return hashlib.sha256(token.encode()).digest()
