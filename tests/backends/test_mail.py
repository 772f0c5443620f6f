"""The post against a real SMTP server and a real Maildir."""

import asyncio
import email
import email.policy
import mailbox
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backends.letters import write_letter
from backends.mail import MaildirPost, MailRefused, SmtpPost, post_from
from capsul.config import Settings
from capsul.errors import Unavailable


class Sink:
    """Takes every letter, or answers at one of the stages as it is told."""

    def __init__(self, *, mail: str = "250 OK", rcpt: str = "250 OK", data: str = "250 OK") -> None:
        self.answers = {"mail": mail, "rcpt": rcpt, "data": data}
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.users: list[bytes] = []

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.answers["mail"]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers["rcpt"]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        return self.answers["data"]

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.users.append(data.login)
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def listening(sink: Sink, **options: Any) -> Iterator[int]:
    """A mail server on a free port of the loopback interface."""
    controller = Controller(sink, hostname="127.0.0.1", port=_free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def letter(to: str = "member@example.org", provider: str = "Capsul") -> EmailMessage:
    facts = {"subject": "Hello", "text": "The servers move on Sunday."}
    return write_letter("operator_note", to, facts, settings(provider_name=provider))


def settings(**changes: Any) -> Settings:
    fixed = {"public_url": "https://capsul.example", "database": "postgresql:///x", "host_keys": "keys"}
    return Settings(**(fixed | {"mail_from": "post@capsul.example"} | changes))


# ---------------------------------------------------------------------------------------------- by SMTP


async def test_a_letter_arrives_at_the_mail_server() -> None:
    sink = Sink()
    with listening(sink) as port:
        await SmtpPost("127.0.0.1", port).send(letter())
    (envelope,) = sink.envelopes
    assert envelope.mail_from == "post@capsul.example"
    assert envelope.rcpt_tos == ["member@example.org"]
    assert isinstance(envelope.content, bytes)
    assert b"The servers move on Sunday." in envelope.content


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
async def test_a_final_no_is_told_apart_at_every_stage(stage: str) -> None:
    sink = Sink(**{stage: "550 no such user here"})
    with listening(sink) as port, pytest.raises(MailRefused) as refusal:
        await SmtpPost("127.0.0.1", port).send(letter())
    assert "550 no such user here" in refusal.value.detail
    assert "550" not in refusal.value.message


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
async def test_not_now_is_told_apart_at_every_stage(stage: str) -> None:
    sink = Sink(**{stage: "451 greylisted, come back"})
    with listening(sink) as port, pytest.raises(Unavailable) as delay:
        await SmtpPost("127.0.0.1", port).send(letter())
    assert "greylisted" in str(delay.value)
    assert "greylisted" not in delay.value.message


async def test_a_refused_connection_means_later() -> None:
    with pytest.raises(Unavailable):
        await SmtpPost("127.0.0.1", _free_port()).send(letter())


async def test_a_name_that_does_not_resolve_means_later() -> None:
    with pytest.raises(Unavailable):
        await SmtpPost("mail.invalid", 25).send(letter())


async def test_a_silent_server_does_not_hold_the_post_for_ever() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable):
            await SmtpPost("127.0.0.1", server.sockets[0].getsockname()[1], seconds=0.3).send(letter())


async def test_a_server_that_hangs_up_means_later() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable):
            await SmtpPost("127.0.0.1", server.sockets[0].getsockname()[1]).send(letter())


async def test_a_server_that_turns_everybody_away_does_not_cost_us_the_letter() -> None:
    async def turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 your network is not welcome\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(turn_away, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable):
            await SmtpPost("127.0.0.1", server.sockets[0].getsockname()[1]).send(letter())


async def test_letters_beyond_ascii_before_the_at_sign_arrive() -> None:
    sink = Sink()
    with listening(sink, enable_SMTPUTF8=True) as port:
        await SmtpPost("127.0.0.1", port).send(letter("jörg@bücher.example"))
    assert sink.envelopes[0].rcpt_tos == ["jörg@xn--bcher-kva.example"]
    assert "SMTPUTF8" in sink.envelopes[0].mail_options


async def test_a_server_without_smtputf8_can_never_reach_such_an_address() -> None:
    with listening(Sink(), enable_SMTPUTF8=False) as port, pytest.raises(MailRefused):
        await SmtpPost("127.0.0.1", port).send(letter("jörg@example.org"))


async def test_words_beyond_ascii_arrive_whole() -> None:
    sink = Sink()
    with listening(sink) as port:
        await SmtpPost("127.0.0.1", port).send(letter(provider="Grüne Wölkchen"))
    raw = sink.envelopes[0].content
    assert isinstance(raw, bytes)
    arrived = email.message_from_bytes(raw, policy=email.policy.default)
    assert arrived["From"].addresses[0].display_name == "Grüne Wölkchen"
    assert "Grüne Wölkchen" in arrived.get_content()


# ------------------------------------------------------------------------------------ encrypted, with a login


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module")
def trust(certificate: Path) -> ssl.SSLContext:
    public = x509.load_pem_x509_certificate(certificate.read_bytes())
    return ssl.create_default_context(cadata=public.public_bytes(serialization.Encoding.DER))


async def test_starttls_encrypts_and_logs_in(server_tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    sink = Sink()
    login: dict[str, Any] = {"tls_context": server_tls, "require_starttls": True, "authenticator": sink.authenticate}
    with listening(sink, **login) as port:
        post = SmtpPost("127.0.0.1", port, security="starttls", user="us", password="right", tls=trust)
        await post.send(letter())
    assert sink.encrypted == [True]
    assert sink.users == [b"us"]


async def test_a_wrong_password_of_ours_does_not_cost_us_the_letter(
    server_tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    sink = Sink()
    login: dict[str, Any] = {"tls_context": server_tls, "require_starttls": True, "authenticator": sink.authenticate}
    with listening(sink, **login) as port:
        post = SmtpPost("127.0.0.1", port, security="starttls", user="us", password="wrong", tls=trust)
        with pytest.raises(Unavailable):
            await post.send(letter())
    assert sink.envelopes == []


async def test_a_certificate_nobody_vouches_for_is_not_trusted(server_tls: ssl.SSLContext) -> None:
    sink = Sink()
    with listening(sink, tls_context=server_tls) as port, pytest.raises(Unavailable):
        await SmtpPost("127.0.0.1", port, security="starttls").send(letter())
    assert sink.envelopes == []


async def test_starttls_is_never_done_without() -> None:
    sink = Sink()
    with listening(sink) as port, pytest.raises(Unavailable):
        await SmtpPost("127.0.0.1", port, security="starttls").send(letter())
    assert sink.envelopes == []


# ---------------------------------------------------------------------------------------------- by Maildir


async def test_a_maildir_letter_is_read_by_the_standard_library(tmp_path: Path) -> None:
    await MaildirPost(tmp_path / "new" / "place").send(letter(provider="Grüne Wölkchen"))
    (found,) = mailbox.Maildir(tmp_path / "new" / "place")
    arrived = email.message_from_bytes(found.as_bytes(), policy=email.policy.default)
    assert arrived["To"] == "member@example.org"
    assert "Grüne Wölkchen" in arrived.get_content()


async def test_twenty_letters_at_once_are_twenty_files(tmp_path: Path) -> None:
    post = MaildirPost(tmp_path / "mail")
    await asyncio.gather(*(post.send(letter(f"member{n}@example.org")) for n in range(20)))
    files = list((tmp_path / "mail" / "new").iterdir())
    assert len(files) == 20
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []


async def test_a_maildir_that_cannot_be_written_means_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file is in the way")
    with pytest.raises(Unavailable):
        await MaildirPost(tmp_path / "mail").send(letter())


# ------------------------------------------------------------------------------------------- from settings


def test_a_named_maildir_wins_over_smtp(tmp_path: Path) -> None:
    assert isinstance(post_from(settings(maildir=tmp_path)), MaildirPost)


async def test_smtp_is_used_as_the_settings_say() -> None:
    sink = Sink()
    with listening(sink) as port:
        await post_from(settings(smtp_host="127.0.0.1", smtp_port=port)).send(letter())
    assert len(sink.envelopes) == 1
