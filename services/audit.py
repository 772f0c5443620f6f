"""Writes down who did what, in the transaction in which it is done."""

from uuid import UUID

from capsul.models import Caller, Guest
from capsul.rules import plain_text
from db import accounts
from db.database import Connection


async def note(connection: Connection, caller: Caller, action: str, target: str = "", reason: str = "") -> None:
    """What a member did, or an operator in the member's role."""
    await accounts.write_audit(
        connection,
        caller.account_id,
        "member",
        action,
        fingerprint=caller.fingerprint,
        session_id=caller.session_id,
        source=caller.source,
        target=plain_text(target),
        reason=plain_text(reason),
    )


async def note_operator(
    connection: Connection,
    caller: Caller,
    action: str,
    target: str = "",
    reason: str = "",
    account_id: UUID | None = None,
) -> None:
    """What an operator did as an operator; the owner of the account it was done to sees it too."""
    await accounts.write_audit(
        connection,
        account_id,
        "operator",
        action,
        fingerprint=caller.fingerprint,
        session_id=caller.session_id,
        source=caller.source,
        target=plain_text(target),
        reason=plain_text(reason),
    )


async def note_guest(connection: Connection, guest: Guest, action: str, target: str = "") -> None:
    """What somebody without an account did."""
    await accounts.write_audit(
        connection,
        None,
        "guest",
        action,
        fingerprint=guest.fingerprint,
        session_id=guest.session_id,
        source=guest.source,
        target=plain_text(target),
    )
