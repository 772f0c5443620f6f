"""What anybody may ask, with or without an account: help, and the way in."""

import platform
import re
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Annotated

from cyclopts import Parameter

from sshgate.commands import documents
from sshgate.commands.arguments import Words
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.documents import Document
from sshgate.commands.help import EXITS, exits, summary
from sshgate.commands.json_text import SCHEMA

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
        return Reply(document, manual.overview(context.ssh, context.identity, context.style))
    return Reply(document, manual.explain(found, context.ssh, context.style))


async def version(*, context: Given) -> Reply:
    """Show which version answers."""
    about = program_version()
    return Reply(
        {"version": about, "document_schema": SCHEMA, "provider": context.services.settings.provider_name},
        f"{context.services.settings.provider_name}: capsul {about}\n",
    )


async def enrol(
    email: Annotated[str, Parameter(name="EMAIL", help="Your e-mail address.")], /, *, context: Given
) -> Reply:
    """Make this key yours: of a new account, or of the account that has the address.

    We send a mail. Its link leads to a page that asks for the code which this command prints. The code is not in
    the mail: only who has both the mailbox and this terminal can enrol the key.
    """
    it = await context.services.enrolment.begin(context.guest, email)
    say = context.style.say
    minutes = context.services.settings.enrolment_minutes
    sent = (
        f"We have sent a mail to {it.address}. Follow its link within {minutes} minutes of asking for it first, and "
        "type the code there."
    )
    otherwise = f"Without a browser, with the token of that mail: {context.ssh} confirm TOKEN"
    return Reply({"enrolment": documents.enrolment(it)}, f"Your code: {it.code}\n\n{say(sent)}{say(otherwise)}")


async def confirm(
    word: Annotated[
        str,
        Parameter(
            name="TOKEN|CODE",
            # One token in sixty-four begins with a hyphen.
            allow_leading_hyphen=True,
            help="The token of our mail, or the code of a pending key.",
        ),
    ],
    /,
    *,
    context: Given,
) -> Reply:
    """Finish enrolling this key.

    With the token of our mail, after `enrol`. With a code, when somebody has put this key on an account's list.
    """
    if _CODE.fullmatch(word):
        key = await context.services.keys.confirm(context.guest, word)
        done = context.style.say(f"This key is on the account's list now, as {key.name}.")
        return Reply({"key": documents.key(key)}, done)
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
        document,
        context.style.say(f"{welcome}{waits if enrolled.waits else ''}"),
        hint=f"Add some credit: {context.ssh} topup 20",
    )


def program_version() -> str:
    """The installed program's; from a bare source tree there is none."""
    try:
        return installed_version("capsul-over-ssh")
    except PackageNotFoundError:
        return f"from source (Python {platform.python_version()})"


COMMANDS = (
    Command(("help",), help_, "[COMMAND]", (), ("help", "help create"), for_guests=True),
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
