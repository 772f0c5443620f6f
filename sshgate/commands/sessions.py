"""The screens that are open: where your account is signed in now."""

from collections.abc import Iterable
from typing import Annotated

from cyclopts import Parameter

from capsul.models import OpenSession
from capsul.text import when
from sshgate.commands import documents
from sshgate.commands.arguments import Limit, Since
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.style import Style
from sshgate.commands.tables import Column, table
from sshgate.commands.text import key_cell, more_than

_TITLES = (
    "SINCE (UTC)",
    "KEY",
    "FROM",
    Column("CLIENT", yields=1),
    Column("TERMINAL", yields=2),
    Column("FINGERPRINT", yields=3),
    "ID",
)


async def sessions(*, context: Given, since: Since = None, limit: Limit = 100) -> Reply:
    """List where your account has its screens open now, newest first.

    A command, such as this one, is over at once and is not listed.
    """
    mine = await context.services.sessions.list(context.caller)
    found = [it for it in mine if since is None or it.started_at >= since][:limit]
    return Reply(
        {"sessions": [documents.session(it) for it in found]}, _table(found, context.style), more_than(found, limit)
    )


async def end(
    session_id: Annotated[str, Parameter(name="ID", help="The session's id (see: sessions).")], /, *, context: Given
) -> Reply:
    """End a session of your account, wherever it is.

    Its key still opens your account: to keep somebody out, take the key off your list (see: keys rm).
    """
    await context.services.sessions.ask_to_end(context.caller, session_id)
    return Reply({"session": session_id}, context.style.say(f"Session {session_id} is told to end."))


def _table(found: Iterable[OpenSession], style: Style) -> str:
    rows = [
        (
            when(it.started_at),
            it.key_name,
            it.source,
            it.client or None,
            it.terminal or None,
            key_cell(it.fingerprint),
            it.id,
        )
        for it in found
    ]
    return table(_TITLES, rows, style)


COMMANDS = (
    Command(("sessions",), sessions, "[--since T] [--limit N]", (), ("sessions", "sessions --json")),
    Command(("sessions", "end"), end, "ID", (), ("sessions end ID",), (4,)),
)
