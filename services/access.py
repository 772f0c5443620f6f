"""One transaction as the caller, and only after the caller's key was found to allow it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from capsul.errors import CapsulError, NotPermitted, Unavailable
from capsul.models import Caller
from capsul.rules import Permission, check_permission
from db import accounts, installation
from db.database import Connection, Database

LOCKED = "This account is locked. Please write to the operators."


@asynccontextmanager
async def as_member(database: Database, caller: Caller, permission: Permission) -> AsyncIterator[Connection]:
    """The caller's own rows.

    Raises:
        NotPermitted: the key's scope or a locked account forbids it.
        Unavailable: the database is a restored backup that nobody has resumed yet.
    """
    async with database.member(caller.account_id) as connection:
        check_permission(caller, permission, await accounts.now(connection))
        if permission != "look":
            await _check_may_act(connection, caller)
        yield connection


@asynccontextmanager
async def as_operator(database: Database, caller: Caller) -> AsyncIterator[Connection]:
    """Every account's rows.

    Raises:
        NotPermitted: the key is not an operator's, or its account is locked.
    """
    async with database.operator() as connection:
        check_permission(caller, "operate", await accounts.now(connection))
        if await accounts.state(connection, caller.account_id) != "active":
            raise NotPermitted(LOCKED)
        yield connection


async def refusal(connection: Connection, caller: Caller, permission: Permission) -> str:
    """Why the caller may not do this kind of thing now, in a sentence; empty when they may."""
    try:
        check_permission(caller, permission, await accounts.now(connection))
        await _check_may_act(connection, caller)
    except CapsulError as error:
        return error.message
    return ""


async def _check_may_act(connection: Connection, caller: Caller) -> None:
    if await accounts.state(connection, caller.account_id) != "active":
        raise NotPermitted(LOCKED)
    this = await installation.read(connection)
    if this is None or this.report_only_since is not None:
        raise Unavailable("Nothing can be changed while the operators look at a restored backup. Try again later.")
