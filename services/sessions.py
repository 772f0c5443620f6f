"""The open screens of an account: where somebody is signed in, and how to end that from elsewhere."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from capsul.errors import NotFound
from capsul.models import Caller, OpenSession
from capsul.rules import plain_text
from db import sessions
from db.database import Database
from services.access import as_member
from services.audit import note

_LONGEST_CLIENT = 100
_LONGEST_TERMINAL = 60


class Sessions:
    """Open screens. The gate says when one begins and ends, and once a minute that those it holds are there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, caller: Caller, gate: UUID, client: str, terminal: str) -> str:
        """The id of the new session: the connection's, with more behind it for all but its first one.

        `client` is what the client calls itself, `terminal` the terminal's type and size.
        """
        client, terminal = plain_text(client)[:_LONGEST_CLIENT], plain_text(terminal)[:_LONGEST_TERMINAL]
        session_id = caller.session_id
        async with self._database.door() as connection:
            while not await sessions.begin(
                connection, session_id, caller.account_id, caller.key_id, caller.source, client, terminal, gate
            ):
                session_id = f"{caller.session_id}-{secrets.token_hex(2)}"
        return session_id

    async def ended(self, session_id: str) -> None:
        """It is over, by whomever. Says nothing about one that was over before."""
        async with self._database.door() as connection:
            await sessions.ended(connection, session_id)

    async def alive(self, gate: UUID) -> None:
        """All sessions of the gate are there still. One that nobody has said this of for 3 minutes counts as over."""
        async with self._database.door() as connection:
            await sessions.alive(connection, gate)

    async def list(self, caller: Caller) -> list[OpenSession]:
        """The account's open ones, newest first."""
        async with as_member(self._database, caller, "look") as connection:
            return await sessions.open_of_account(connection, caller.account_id)

    async def ask_to_end(self, caller: Caller, session_id: str) -> None:
        """The gate that holds it is told, and ends it.

        Raises:
            NotFound: no such session of the account is open.
        """
        async with as_member(self._database, caller, "keys") as connection:
            if not await sessions.ask_to_end(connection, caller.account_id, session_id):
                raise NotFound("You have no such open session (see: sessions).")
            await note(connection, caller, "session ended", session_id)

    async def asked_to_end(self, session_id: str) -> bool:
        """For the gate, when it was told of a change: whether somebody wants this one to end."""
        async with self._database.door() as connection:
            return await sessions.asked_to_end(connection, session_id)

    async def asked_of(self, gate: UUID) -> Sequence[str]:
        """For the gate: which of the open ones it holds somebody wants to end."""
        async with self._database.door() as connection:
            return await sessions.asked_of(connection, gate)
