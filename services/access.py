"""One transaction as the caller, and only after the caller's key was found to allow it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from capsul.errors import NotPermitted
from capsul.models import Caller
from capsul.rules import Permission, check_permission
from db import accounts
from db.database import Connection, Database


@asynccontextmanager
async def as_member(database: Database, caller: Caller, permission: Permission) -> AsyncIterator[Connection]:
    """The caller's own rows.

    Raises:
        NotPermitted: the key's scope or a locked account forbids it.
    """
    async with database.member(caller.account_id) as connection:
        check_permission(caller, permission, await accounts.now(connection))
        if permission != "look" and await accounts.state(connection, caller.account_id) != "active":
            raise NotPermitted("This account is locked. Please write to the operators.")
        yield connection


@asynccontextmanager
async def as_operator(database: Database, caller: Caller) -> AsyncIterator[Connection]:
    """Every account's rows.

    Raises:
        NotPermitted: the key is not an operator's.
    """
    async with database.operator() as connection:
        check_permission(caller, "operate", await accounts.now(connection))
        yield connection
