"""What we see of somebody: the key, the connection, the terminal, and what is in the way."""

from collections.abc import Sequence

from capsul.models import Enrolment, Guest
from capsul.obstacles import Obstacle, in_the_way_of_guest, in_the_way_of_member
from sshgate.commands import documents
from sshgate.commands.context import Command, Context, Given, Reply
from sshgate.commands.documents import Document, time
from sshgate.commands.text import Cell, fields, key_in_words
from sshgate.terminal import why_no_colours


async def doctor(*, context: Given) -> Reply:
    """Show what we see of you: the key, the connection, the terminal, and what is in your way."""
    it, begun = context.identity, None
    if isinstance(it, Guest):
        begun = await context.services.enrolment.status(it.fingerprint)
        obstacles = in_the_way_of_guest(it, begun, context.ssh)
    else:
        obstacles = in_the_way_of_member(
            await context.services.overview.of(context.caller), context.ssh, context.services.settings.contact
        )
    say = context.style.say
    in_the_way = "".join(say(obstacle.message) for obstacle in obstacles) or "Nothing is in your way.\n"
    config = f"For your ~/.ssh/config:\n\n{_ssh_config(context)}"
    return Reply(
        _document(context, obstacles, begun), f"{fields(_facts(context), context.style)}\n{in_the_way}\n{config}"
    )


def _facts(context: Context) -> list[tuple[str, Cell]]:
    connection, it, terminal = context.connection, context.identity, context.terminal
    no_colours = why_no_colours(terminal, context.environment)
    return [
        ("Key", it.fingerprint if isinstance(it, Guest) else it.key.fingerprint),
        ("It is", "not enrolled: you are a guest" if isinstance(it, Guest) else f"enrolled: {key_in_words(it.key)}"),
        ("You come from", connection.source),
        ("Your client", connection.client),
        ("Cipher", connection.cipher),
        ("Compression", "none (ssh -C asks for it)" if connection.compression == "none" else connection.compression),
        ("Terminal", f"{terminal.columns} columns, {terminal.rows} rows" if terminal else "none (ssh -t asks for one)"),
        ("TERM", (terminal.kind or "empty") if terminal else None),
        ("Colours", f"no: {no_colours}" if no_colours else "yes"),
        ("You have sent", ", ".join(f"{name}={value}" for name, value in context.environment.items()) or None),
    ]


def _document(context: Context, obstacles: Sequence[Obstacle], begun: Enrolment | None) -> Document:
    connection, it, terminal = context.connection, context.identity, context.terminal
    fingerprint, line = (
        (it.fingerprint, it.public_key) if isinstance(it, Guest) else (it.key.fingerprint, it.key.public_key)
    )
    return {
        "key": {"fingerprint": fingerprint, "type": line.split()[0], "enrolled": not isinstance(it, Guest)},
        "waits_until": None if isinstance(it, Guest) else time(it.key.waits_until),
        "enrolment": documents.enrolment(begun) if begun else None,
        "obstacles": [documents.obstacle(it) for it in obstacles],
        "source": connection.source,
        "client": connection.client,
        "cipher": connection.cipher,
        "compression": connection.compression,
        "terminal": {"kind": terminal.kind, "columns": terminal.columns, "rows": terminal.rows} if terminal else None,
        "colours": why_no_colours(terminal, context.environment) is None,
        "environment": dict(context.environment),
        "ssh_config": _ssh_config(context),
    }


def _ssh_config(context: Context) -> str:
    settings = context.services.settings
    return (
        f"Host {settings.ssh_public_host}\n"
        f"    Port {settings.ssh_public_port or settings.ssh_port}\n"
        "    # The key that you have enrolled:\n"
        "    IdentityFile ~/.ssh/id_ed25519\n"
        "    IdentitiesOnly yes\n"
    )


COMMANDS = (Command(("doctor",), doctor, "", (), ("doctor", "doctor --json"), for_guests=True),)
