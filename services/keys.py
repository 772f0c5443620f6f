"""The keys of an account: list, add, confirm, remove, approve."""

from collections.abc import Sequence

from capsul.errors import NotFound, RuleBroken
from capsul.models import Caller, Guest, Key, KeyLimits, PublicKey
from capsul.rules import plain_text, when
from db import accounts, keys
from db.database import Database
from db.keys import LockedKey
from services.access import LOCKED, as_member
from services.audit import note
from services.codes import new_code, normalise_code


class Keys:
    """What opens an account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, caller: Caller) -> list[Key]:
        """Live and pending ones, oldest first."""
        async with as_member(self._database, caller, "look") as connection:
            return await keys.of_account(connection, caller.account_id)

    async def add(
        self,
        caller: Caller,
        added: Sequence[PublicKey],
        limits: KeyLimits = KeyLimits(),  # noqa: B008 - frozen
    ) -> Sequence[Key]:
        """Puts keys on the list as pending: each counts once its holder has given its confirm_code.

        Raises:
            NotPermitted: only full keys may add keys.
            RuleBroken: a key is on the list already, or it would expire before it can be used.
        """
        async with as_member(self._database, caller, "keys") as connection:
            made = []
            if limits.expires_at is not None and limits.expires_at <= await accounts.now(connection):
                raise RuleBroken("That time is over: a key expires in the future.")
            for key in added:
                name = (plain_text(key.comment).strip() or "unnamed")[:60]
                made.append(await keys.add_pending(connection, caller.account_id, key, name, limits, new_code()))
                await note(connection, caller, "key added, pending", key.fingerprint)
            return made

    async def confirm(self, guest: Guest, code: str) -> Key:
        """The holder of a pending key proves that it is theirs.

        Raises:
            NotFound: no list has this key waiting with this code.
            RuleBroken: the key lives in another account.
        """
        async with self._database.door() as connection:
            found = await keys.pending_by_code(connection, guest.fingerprint, normalise_code(code))
        if found is None:
            raise NotFound("No account waits for this key with that code. See the code with: keys")
        account_id, key_id = found
        async with self._database.member(account_id) as connection:
            if await accounts.state(connection, account_id) != "active":
                raise RuleBroken(LOCKED)
            if not await keys.make_live(connection, key_id):
                raise NotFound("No account waits for this key any more.")
            await accounts.write_audit(
                connection,
                account_id,
                "member",
                "key confirmed",
                fingerprint=guest.fingerprint,
                session_id=guest.session_id,
                source=guest.source,
                target=guest.fingerprint,
            )
            at = await accounts.now(connection)
            facts = {"fingerprint": guest.fingerprint, "source": guest.source, "added_at": when(at)}
            await accounts.mail_account(connection, account_id, "key_added", facts)
            return next(key for key in await keys.of_account(connection, account_id) if key.id == key_id)

    async def remove(self, caller: Caller, fingerprint: str) -> None:
        """Ends the key's sessions too.

        Raises:
            NotFound: no such key on the list.
            RuleBroken: it is the last one that may do everything, or the last operator's.
        """
        async with as_member(self._database, caller, "keys") as connection:
            mine = await keys.lock_of_account(connection, caller.account_id)
            gone = _find(mine, fingerprint)
            _check_something_is_left(mine, gone)
            await keys.remove(connection, gone.id)
            await note(connection, caller, "key removed", fingerprint)
            at = await accounts.now(connection)
            facts = {"fingerprint": fingerprint, "source": caller.source, "removed_at": when(at)}
            await accounts.mail_account(connection, caller.account_id, "key_removed", facts)

    async def rename(self, caller: Caller, fingerprint: str, name: str) -> None:
        """Raises NotFound, or RuleBroken for a name that is empty or over 60 characters."""
        async with as_member(self._database, caller, "keys") as connection:
            key = _find(await keys.lock_of_account(connection, caller.account_id), fingerprint)
            await keys.rename(connection, key.id, plain_text(name).strip())
            await note(connection, caller, "key renamed", fingerprint)

    async def approve(self, caller: Caller, fingerprint: str) -> None:
        """Lets a waiting key do everything at once.

        Raises:
            NotFound: no such key on the list.
            RuleBroken: it does not wait.
        """
        async with as_member(self._database, caller, "keys") as connection:
            key = _find_waiting(await keys.lock_of_account(connection, caller.account_id), fingerprint)
            await keys.stop_waiting(connection, key.id)
            await note(connection, caller, "key approved", fingerprint)

    async def deny(self, caller: Caller, fingerprint: str) -> None:
        """Removes a waiting key, and ends its sessions.

        Raises:
            NotFound: no such key on the list.
            RuleBroken: it does not wait.
        """
        async with as_member(self._database, caller, "keys") as connection:
            key = _find_waiting(await keys.lock_of_account(connection, caller.account_id), fingerprint)
            await keys.remove(connection, key.id)
            await note(connection, caller, "key denied", fingerprint)


def _find(mine: Sequence[LockedKey], fingerprint: str) -> LockedKey:
    for key in mine:
        if key.fingerprint == fingerprint:
            return key
    raise NotFound("There is no such key on your list (see: keys).")


def _find_waiting(mine: Sequence[LockedKey], fingerprint: str) -> LockedKey:
    key = _find(mine, fingerprint)
    if not key.waits:
        raise RuleBroken("This key does not wait for approval.")
    return key


def _check_something_is_left(mine: Sequence[LockedKey], gone: LockedKey) -> None:
    """The last full key stays: without one nobody could ever come back but by mail."""
    full = [key for key in mine if key.state == "live" and key.scope == "full" and not key.waits and not key.expired]
    if full == [gone]:
        raise RuleBroken("This is your last key that may do everything. Add and confirm another one first: keys add")
