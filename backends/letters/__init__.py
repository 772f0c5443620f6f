"""Writes the letters we send: facts in, one plain-text mail out.

The words stand in the `.txt` files beside this one: a line `Subject: ...`, an empty line, the text. Paragraphs are
filled to a readable width; indented lines (links, commands, fingerprints) are left as they are.
"""

import email.policy
import re
import textwrap
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid

import jinja2

from backends.mail import MailRefused
from capsul.config import Settings
from capsul.rules import plain_text

WIDTH = 72
"""Columns a paragraph is filled to."""

_LONGEST_LINE = 998
_ADDRESS = re.compile(r"""[^\s<>()\[\]\\,;:"@]+@[^\s<>()\\,;:"@]+""")

_FACTS: dict[str, frozenset[str]] = {
    "enrol": frozenset({"link", "fingerprint", "source", "requested_at", "minutes"}),
    "key_added": frozenset({"fingerprint", "source", "added_at", "lock_link"}),
    "key_removed": frozenset({"fingerprint", "source", "removed_at"}),
    "operator_note": frozenset({"subject", "text"}),
}
"""Which letters there are, and what each cannot be written without."""

_OPTIONAL = ("waits_until", "lock_link")
_MANY_LINES = frozenset({"text"})


class UnknownLetter(ValueError):
    """There is no such letter, or facts that it needs are missing: a bug of whoever asked for it."""


def write_letter(kind: str, recipient: str, facts: dict[str, str], settings: Settings) -> EmailMessage:
    """The letter, ready to be sent.

    `enrol` needs link, fingerprint, source, requested_at and minutes; `key_added` fingerprint, source, added_at and
    lock_link, and takes waits_until; `key_removed` fingerprint, source and removed_at, and takes lock_link;
    `operator_note` subject and text. Times are text as it shall be read. Facts may hold anything: what could not be
    shown safely is left out.

    Raises:
        UnknownLetter: no such kind, or a fact is missing.
        MailRefused: nobody can be written to at this address.
    """
    subject, body = _words(kind, recipient, facts, settings)
    to = _address(recipient)
    letter = EmailMessage(policy=email.policy.default.clone(utf8=not to.addr_spec.isascii()))
    letter["From"] = Address(plain_text(settings.provider_name), addr_spec=settings.mail_from)
    letter["To"] = to
    if _ADDRESS.fullmatch(settings.contact):
        letter["Reply-To"] = Address(addr_spec=settings.contact)
    letter["Subject"] = subject
    letter["Date"] = datetime.now(UTC)
    letter["Message-ID"] = make_msgid(domain=settings.mail_from.rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body, cte=_encoding(body))
    return letter


def _words(kind: str, recipient: str, facts: dict[str, str], settings: Settings) -> tuple[str, str]:
    """Subject and text."""
    missing = _FACTS[kind] - facts.keys() if kind in _FACTS else None
    if missing is None or missing:
        raise UnknownLetter(f"{kind}: {'no such letter' if missing is None else f'without {sorted(missing)}'}")
    known = dict.fromkeys(_OPTIONAL, "") | {name: _clean(name, value) for name, value in facts.items()}
    known["token"] = known.get("link", "").rpartition("/")[2]
    text = (
        _templates()
        .get_template(f"{kind}.txt")
        .render(
            known,
            recipient=plain_text(recipient),
            provider=plain_text(settings.provider_name),
            contact=plain_text(settings.contact),
            ssh_command=settings.ssh_command,
        )
    )
    subject, _, body = text.removeprefix("Subject: ").partition("\n\n")
    return subject, _fill(body)


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("backends", "letters"),
        autoescape=False,  # noqa: S701 - plain text: there is no markup to escape from
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _clean(name: str, value: str) -> str:
    """The fact without anything that is not text; only a fact that is prose may have lines."""
    lines = value.splitlines() if name in _MANY_LINES else [value]
    # Who writes the lines must not be able to look like us: nothing of theirs is ever indented.
    return "\n".join(plain_text(line).strip() for line in lines)


def _fill(body: str) -> str:
    """The text with its paragraphs filled."""
    paragraphs = re.split(r"\n\s*\n", body.strip("\n"))
    return "\n\n".join(p if p.startswith(("    ", "-- ")) else _filled(p) for p in paragraphs) + "\n"


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _address(recipient: str) -> Address:
    """The address as mail carries it: the part after the @ in ASCII.

    Raises:
        MailRefused: it is no address.
    """
    if not _ADDRESS.fullmatch(recipient) or recipient != plain_text(recipient):
        raise MailRefused(f"not an address: {recipient!r}")
    name, _, domain = recipient.rpartition("@")
    try:
        return Address(username=name, domain=domain if domain.isascii() else domain.encode("idna").decode())
    except UnicodeError as error:
        raise MailRefused(f"not an address: {recipient!r}") from error


def _encoding(body: str) -> str:
    """Readable as it is wherever that can be: 8-bit text is encoded again if a server on the way needs that."""
    if any(len(line.encode()) > _LONGEST_LINE for line in body.splitlines()):
        return "quoted-printable"
    return "7bit" if body.isascii() else "8bit"
