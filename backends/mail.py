"""Hands letters to a mail server, or puts them into a Maildir where there is none."""

import asyncio
import mailbox
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Protocol

import aiosmtplib

from capsul.config import Settings
from capsul.errors import CapsulError, Unavailable
from capsul.rules import plain_text

Security = Literal["none", "starttls", "tls"]

_LONGEST_DETAIL = 500
_AUTHENTICATION_REQUIRED = 530


class MailRefused(CapsulError):
    """The mail server will not take this letter; trying again would not help."""

    code = "mail_refused"

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = _for_logs(detail)
        """For logs and operators, never for customers: may hold addresses and names of servers."""

    def __str__(self) -> str:
        return f"{self.message} ({self.detail})"


class MailAway(Unavailable):
    """Mail cannot be sent at the moment. It is kept and tried again."""

    code = "mail_away"

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = _for_logs(detail)
        """For logs and operators, never for customers: may hold addresses and names of servers."""

    def __str__(self) -> str:
        return f"{self.message} ({self.detail})"


class Post(Protocol):
    """Takes a letter with From and To on its way."""

    async def send(self, message: EmailMessage) -> None:
        """Returns once somebody else has taken responsibility for the letter.

        Raises:
            MailRefused: it will never be taken.
            Unavailable: not now; the same letter may go through later, or already have.
        """


def post_from(settings: Settings) -> Post:
    """The post that the settings ask for: the Maildir where one is named, else SMTP."""
    if settings.maildir is not None:
        return MaildirPost(settings.maildir)
    password = settings.smtp_password
    return SmtpPost(
        settings.smtp_host,
        settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=None if password is None else password.get_secret_value(),
    )


class SmtpPost:
    """One connection per letter: there are few, and a server that went away is noticed by the next one.

    `seconds` is how long a letter may take from the first packet to the last. `tls` replaces the system's idea
    of whom to trust.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security = "none",
        user: str | None = None,
        password: str | None = None,
        seconds: float = 30.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._user = user
        self._password = password
        self._seconds = seconds
        self._tls = tls

    async def send(self, message: EmailMessage) -> None:
        """See Post."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0]) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailAway(f"{self._host}:{self._port}: {error or type(error).__name__}") from error

    async def _send(self, message: EmailMessage) -> None:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._seconds,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            tls_context=self._tls,
            username=self._user,
            password=self._password,
        )
        async with client:
            try:
                await client.send_message(message)
            except aiosmtplib.SMTPNotSupported as error:
                # Past the greeting this is about one thing: an address that is not ASCII before its @.
                raise MailRefused(str(error)) from error


class MaildirPost:
    """Delivers into a Maildir: each letter appears whole or not at all. For trials and tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # mailbox.Maildir names files by a counter that threads would share.
        self._one_at_a_time = asyncio.Lock()

    async def send(self, message: EmailMessage) -> None:
        """See Post."""
        async with self._one_at_a_time:
            try:
                await asyncio.to_thread(self._deliver, message)
            except OSError as error:
                raise MailAway(f"{self._folder}: {error}") from error

    def _deliver(self, message: EmailMessage) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        mailbox.Maildir(self._folder, create=True).add(message)


def _refused(error: aiosmtplib.SMTPResponseException) -> CapsulError:
    """What an answer of the server means for this letter.

    Only words about the letter itself are final. A server that does not let us in, whatever its reason, is a
    matter of our configuration: the letter can wait until that is right.
    """
    about_us = isinstance(
        error,
        aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPHeloError | aiosmtplib.SMTPConnectResponseError,
    )
    detail = f"{error.code} {error.message}"
    if error.code < 500 or about_us or error.code == _AUTHENTICATION_REQUIRED:
        return MailAway(detail)
    return MailRefused(detail)


def _for_logs(text: str) -> str:
    return plain_text(text)[:_LONGEST_DETAIL]
