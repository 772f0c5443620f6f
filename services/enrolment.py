"""How a stranger's key becomes a key of an account: mailbox and terminal must be in the same hands."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Literal

from email_validator import EmailNotValidError, validate_email

from capsul.config import Settings
from capsul.errors import BadRequest, NotPermitted, RuleBroken, TooMany
from capsul.models import Enrolled, Enrolment, Guest
from capsul.rules import when
from db import accounts, enrolment
from db.database import Connection, Database
from services.accounts import hash_token
from services.audit import note_guest
from services.codes import new_code, same_code

_MOST_FOR_ONE_ADDRESS = 5
_MOST_FROM_ONE_SOURCE = 30

_HERE = "localhost"
"""A good mail domain on a trial installation, and one that the library knows for none."""
_STANDS_FOR_HERE = "localhost.example"


@dataclass(frozen=True)
class Submitted:
    """What came of typing a code into the page."""

    outcome: Literal["enrolled", "wrong", "over"]
    tries_left: int
    enrolled: Enrolled | None


class Enrolments:
    """From `enrol EMAIL` to a live key."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def begin(self, guest: Guest, email: str) -> Enrolment:
        """Sends a link to the address and returns the code for the terminal.

        The answer is the same whether or not the address has an account. Asking again for the same address gives
        the same code back; for another address, the first is over.

        Raises:
            BadRequest: this is not an e-mail address.
            TooMany: this source has asked too often in the last hour.
        """
        address, normalised = normalise_address(email)
        async with self._database.door() as connection:
            await enrolment.take_turns(connection, guest.fingerprint, guest.source)
            waiting = await enrolment.waiting_of_key(connection, guest.fingerprint)
            if waiting and normalise_address(waiting.address)[1] == normalised:
                return waiting
            await self._check_limits(connection, guest.source, normalised)
            begun = await enrolment.begin(
                connection, guest, address, normalised, new_code(), timedelta(minutes=self._settings.enrolment_minutes)
            )
            await enrolment.queue_letter(connection, begun)
            await note_guest(connection, guest, "enrolment begun")
            return begun

    async def status(self, fingerprint: str) -> Enrolment | None:
        """The newest enrolment of this key, whatever became of it."""
        async with self._database.door() as connection:
            return await enrolment.newest_of_key(connection, fingerprint)

    async def confirm_token(self, guest: Guest, token: str) -> Enrolled:
        """Without a browser: the key is proved by SSH, the mailbox by the token.

        Raises:
            NotPermitted: the token is unknown, too old, or was mailed for another key.
            RuleBroken: the enrolment is over, or the account is locked.
        """
        async with self._database.door() as connection:
            found = await enrolment.by_token(connection, hash_token(token))
            if found is None or found.fingerprint != guest.fingerprint:
                raise NotPermitted("That token is unknown, too old, or belongs to another key. Ask again: enrol EMAIL")
            return await self._complete(connection, found, guest.source)

    async def page(self, token: str) -> Enrolment | None:
        """What a mailed link leads to. Changes nothing: scanners follow links."""
        async with self._database.door() as connection:
            return await enrolment.by_token(connection, hash_token(token))

    async def submit(self, token: str, code: str, source: str) -> Submitted:
        """Takes the code that the terminal shows. Every wrong one uses up a try.

        Raises:
            RuleBroken: the account is locked, or the key meanwhile belongs to another.
        """
        async with self._database.door() as connection:
            found = await enrolment.by_token(connection, hash_token(token))
            expected = await enrolment.lock_waiting(connection, found.id) if found else None
            if found is None or expected is None:
                return Submitted("over", 0, None)
            if not same_code(code, expected):
                left = await enrolment.use_up_a_try(connection, found.id)
                return Submitted("wrong", left, None)
            return Submitted("enrolled", found.tries_left, await self._complete(connection, found, source))

    async def _complete(self, connection: Connection, found: Enrolment, source: str) -> Enrolled:
        if found.state != "waiting":
            raise RuleBroken("This enrolment is over. Start again with: enrol EMAIL")
        wait = timedelta(hours=self._settings.recovery_wait_hours)
        done = await enrolment.complete(
            connection, found.id, self._settings.terms_version, f"enrolled {found.created_at:%Y-%m-%d}", wait
        )
        await accounts.write_audit(
            connection,
            done.account_id,
            "guest",
            "account made" if done.is_new else "key added by mail",
            fingerprint=found.fingerprint,
            source=source,
            target=found.fingerprint,
        )
        if not done.is_new:
            at = await accounts.now(connection)
            facts = {
                "fingerprint": found.fingerprint,
                "source": found.source,
                "added_at": when(at),
                "waits_until": when(at + wait) if done.waits else "",
            }
            await accounts.mail_account(connection, done.account_id, "key_added", facts)
        return done

    async def _check_limits(self, connection: Connection, source: str, normalised: str) -> None:
        if any(ip_address(source) in network for network in self._settings.unlimited_networks):
            return
        recent = await enrolment.recent(connection, source, normalised)
        if recent.same_address >= _MOST_FOR_ONE_ADDRESS or recent.any_address >= _MOST_FROM_ONE_SOURCE:
            raise TooMany(
                "That is too many enrolments from your network. Please wait an hour, or write to the operators.",
                retry_after=3600,
            )


def normalise_address(email: str) -> tuple[str, str]:
    """The address as it is written to, and the form in which it is compared.

    Raises:
        BadRequest: it is not one.
    """
    local, _, domain = email.rpartition("@")
    here = domain.casefold() == _HERE
    try:
        # Whether mail gets there shows when it is sent. Names for tests (.test) are names like others to us.
        valid = validate_email(
            f"{local}@{_STANDS_FOR_HERE}" if here else email, check_deliverability=False, test_environment=True
        )
    except EmailNotValidError as error:
        raise BadRequest(f"That is not an e-mail address: {error}") from error
    address = f"{valid.local_part}@{_HERE}" if here else valid.normalized
    return address, address.casefold()
