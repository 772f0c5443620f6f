"""Sends what is to be mailed. The token of a link is made here, as the letter is written, and kept nowhere."""

import secrets
from uuid import UUID

import structlog

from backends.letters import UnknownLetter, write_letter
from backends.mail import MailRefused, Post
from capsul.config import Settings
from capsul.errors import Unavailable
from capsul.models import Letter
from capsul.rules import when
from db import mail
from db.database import Database
from services.accounts import hash_token

_MOST_ATTEMPTS = 10_000
"""With pauses of half a minute, that is a mail server away for more than three days."""

_log = structlog.get_logger()


class LetterWork:
    """The work function for jobs that point to mail."""

    def __init__(self, database: Database, post: Post, settings: Settings) -> None:
        self._database = database
        self._post = post
        self._settings = settings

    async def send(self, mail_id: str) -> None:
        """One attempt.

        Raises:
            Unavailable: the mail server or the database is away.
        """
        async with self._database.worker() as connection:
            letter = await mail.claim(connection, int(mail_id))
        if letter is None:
            return
        facts = await self._facts(letter)
        if facts is None:
            await self._failed(letter, "it is about something that is over", give_up=True)
            return
        try:
            await self._post.send(write_letter(letter.kind, letter.recipient, facts, self._settings))
        except (MailRefused, UnknownLetter) as refused:
            await self._failed(letter, str(refused), give_up=True)
        except Unavailable as away:
            await self._failed(letter, str(away), give_up=letter.attempts >= _MOST_ATTEMPTS)
            raise
        else:
            async with self._database.worker() as connection:
                await mail.sent(connection, letter.id)
            _log.info("letter sent", mail=letter.id, kind=letter.kind)

    async def _facts(self, letter: Letter) -> dict[str, str] | None:
        """What the letter is written from; None when there is no use in it any more."""
        token = secrets.token_urlsafe(24)
        if letter.kind == "enrol":
            return await self._enrolment_facts(UUID(letter.facts["enrolment_id"]), token)
        if letter.account_id is not None:
            async with self._database.worker() as connection:
                await mail.make_token(connection, hash_token(token), account_id=letter.account_id)
            return {**letter.facts, "lock_link": f"{self._settings.public_url}/lock/{token}"}
        return letter.facts

    async def _enrolment_facts(self, enrolment_id: UUID, token: str) -> dict[str, str] | None:
        async with self._database.worker() as connection:
            asked = await mail.enrolment(connection, enrolment_id)
            if asked is None:
                return None
            await mail.make_token(connection, hash_token(token), enrolment_id=enrolment_id)
        fingerprint, source, created_at, _ = asked
        return {
            "link": f"{self._settings.public_url}/enrol/{token}",
            "fingerprint": fingerprint,
            "source": source,
            "requested_at": when(created_at),
            "minutes": str(self._settings.enrolment_minutes),
        }

    async def _failed(self, letter: Letter, why: str, *, give_up: bool) -> None:
        async with self._database.worker() as connection:
            await mail.failed(connection, letter.id, why, give_up=give_up)
        _log.warning("letter not sent", mail=letter.id, kind=letter.kind, why=why, given_up=give_up)
