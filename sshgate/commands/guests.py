"""What anybody may ask, with or without an account: help, and the way in."""

import platform
import re
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Annotated

from cyclopts import Parameter

from capsul.models import Guest
from sshgate.commands import documents
from sshgate.commands.arguments import Words
from sshgate.commands.context import Command, Context, Given, Reply
from sshgate.commands.documents import Document, time
from sshgate.commands.help import EXITS, exits, summary
from sshgate.commands.json_text import SCHEMA
from sshgate.commands.text import Cell, fields, when

_CODE = re.compile(r"[A-Za-z0-9]{4}[- ]?[A-Za-z0-9]{4}")


async def help_(
    *words: Annotated[Words, Parameter(name="COMMAND", help="The command to explain.")], context: Given
) -> Reply:
    """Explain the commands, or one of them.

    `COMMAND --help` says the same.
    """
    manual = context.manual
    found = manual.find(words)
    document: Document = {
        "commands": [
            {"name": it.name, "summary": summary(it), "usage": f"{it.name} {it.usage}".rstrip(), "exits": exits(it)}
            for it in found
        ],
        "exit_statuses": {str(code): meaning for code, meaning in EXITS.items()},
    }
    if not words:
        return Reply(document, manual.overview(context.ssh, context.identity))
    return Reply(document, "\n".join(manual.page(it, context.ssh) for it in found))


async def version(*, context: Given) -> Reply:
    """Show which version answers."""
    about = program_version()
    return Reply(
        {"version": about, "document_schema": SCHEMA, "provider": context.services.settings.provider_name},
        f"{context.services.settings.provider_name}: capsul {about}\n",
    )


async def doctor(*, context: Given) -> Reply:
    """Show what we see of you: the key, the connection, the terminal, and what is in your way."""
    document = await _examine(context)
    connection, it = context.connection, context.identity
    fingerprint = it.fingerprint if isinstance(it, Guest) else it.key.fingerprint
    pairs: list[tuple[str, Cell]] = [
        ("Key", fingerprint),
        ("It is", "not enrolled: you are a guest" if isinstance(it, Guest) else f"enrolled, as {it.key.name}"),
        ("Waits until", None if isinstance(it, Guest) else when(it.key.waits_until)),
        ("You come from", connection.source),
        ("Your client", connection.client),
        ("Cipher", connection.cipher),
        ("Compression", connection.compression),
        ("Terminal", _terminal(context)),
    ]
    text = fields(pairs, context.colours) + f"\nFor your ~/.ssh/config:\n\n{_ssh_config(context)}"
    hint = f"Enrol this key: {context.ssh} enrol YOU@EXAMPLE.ORG" if isinstance(it, Guest) else ""
    return Reply(document, text, hint=hint)


async def enrol(
    email: Annotated[str, Parameter(name="EMAIL", help="Your e-mail address.")], /, *, context: Given
) -> Reply:
    """Make this key yours: of a new account, or of the account that has the address.

    We send a mail. Its link leads to a page that asks for the code which this command prints. The code is not in
    the mail: only who has both the mailbox and this terminal can enrol the key.
    """
    it = await context.services.enrolment.begin(context.guest, email)
    minutes = context.services.settings.enrolment_minutes
    text = (
        f"Your code: {it.code}\n\n"
        f"We have sent a mail to {it.address}. Follow its link within {minutes} minutes and type the code there.\n"
        f"Without a browser: {context.ssh} confirm TOKEN (the token is in the mail).\n"
    )
    return Reply({"enrolment": documents.enrolment(it)}, text)


async def confirm(
    word: Annotated[str, Parameter(name="TOKEN|CODE", help="The token of our mail, or the code of a pending key.")],
    /,
    *,
    context: Given,
) -> Reply:
    """Finish enrolling this key.

    With the token of our mail, after `enrol`. With a code, when somebody has put this key on an account's list.
    """
    if _CODE.fullmatch(word):
        key = await context.services.keys.confirm(context.guest, word)
        return Reply({"key": documents.key(key)}, f"This key is on the account's list now, as {key.name}.\n")
    token = word.rstrip("/").rpartition("/")[2]
    enrolled = await context.services.enrolment.confirm_token(context.guest, token)
    document: Document = {
        "enrolled": {
            "account": str(enrolled.account_id),
            "is_new": enrolled.is_new,
            "waits": enrolled.waits,
        }
    }
    welcome = "Welcome! Your account is made." if enrolled.is_new else "This key opens your account now."
    waits = " For a while it may only look, top up and stop; any older key of yours can approve it at once."
    return Reply(
        document, f"{welcome}{waits if enrolled.waits else ''}\n", hint=f"Add some credit: {context.ssh} topup 20"
    )


def program_version() -> str:
    """The installed program's; from a bare source tree there is none."""
    try:
        return installed_version("capsul-over-ssh")
    except PackageNotFoundError:
        return f"from source (Python {platform.python_version()})"


async def _examine(context: Context) -> Document:
    connection, it, terminal = context.connection, context.identity, context.terminal
    fingerprint, line = (
        (it.fingerprint, it.public_key) if isinstance(it, Guest) else (it.key.fingerprint, it.key.public_key)
    )
    begun = await context.services.enrolment.status(fingerprint) if isinstance(it, Guest) else None
    return {
        "key": {"fingerprint": fingerprint, "type": line.split()[0], "enrolled": not isinstance(it, Guest)},
        "waits_until": None if isinstance(it, Guest) else time(it.key.waits_until),
        "enrolment": documents.enrolment(begun) if begun else None,
        "source": connection.source,
        "client": connection.client,
        "cipher": connection.cipher,
        "compression": connection.compression,
        "terminal": {"kind": terminal.kind, "columns": terminal.columns, "rows": terminal.rows} if terminal else None,
        "ssh_config": _ssh_config(context),
    }


def _terminal(context: Context) -> str:
    if context.terminal is None:
        return "none (ssh -t gives one)"
    it = context.terminal
    return f"{it.kind}, {it.columns} by {it.rows}, {'in colour' if context.colours else 'without colour'}"


def _ssh_config(context: Context) -> str:
    settings = context.services.settings
    return (
        f"Host {settings.ssh_public_host}\n"
        f"    Port {settings.ssh_public_port or settings.ssh_port}\n"
        "    # The key that you have enrolled:\n"
        "    IdentityFile ~/.ssh/id_ed25519\n"
        "    IdentitiesOnly yes\n"
    )


COMMANDS = (
    Command(("help",), help_, "[COMMAND]", (), ("help", "help create"), for_guests=True),
    Command(("doctor",), doctor, "", (), ("doctor", "doctor --json"), for_guests=True),
    Command(("enrol",), enrol, "EMAIL", (), ("enrol you@example.org",), (3,), for_guests=True),
    Command(
        ("confirm",),
        confirm,
        "TOKEN|CODE",
        (),
        ("confirm ABCD-2345", "confirm TOKEN"),
        (3, 4, 77),
        for_guests=True,
    ),
    Command(("version",), version, "", (), ("version",), for_guests=True),
)
