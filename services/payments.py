"""Topups: asked for by members, shown to payers, made good by the worker."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime

from capsul.config import Settings
from capsul.errors import BadRequest, Conflict, NotFound, RuleBroken, Unavailable
from capsul.models import Caller, PaymentPage, Topup
from capsul.money import MICRO
from db import billing, topups
from db.changes import Changes
from db.database import Database
from services.access import as_member
from services.audit import note
from services.waiting import wait_until

LEAST = 1 * MICRO
MOST = 1_000 * MICRO

SANDBOX_ACTIONS = {
    "pay": "paid",
    "pay unconfirmed": "unconfirmed",
    "double-spend": "double-spent",
    "fail": "failed",
}
"""The sandbox page's buttons, and what the provider's side becomes by each."""


class Payments:
    """Money on its way in."""

    def __init__(self, database: Database, changes: Changes, settings: Settings) -> None:
        self._database = database
        self._changes = changes
        self._settings = settings

    def methods(self) -> tuple[str, ...]:
        """The enabled ones; the first is the default."""
        return ("sandbox",) if self._settings.sandbox else ()

    def url(self, topup: Topup) -> str:
        """Ours and short, so that its QR code fits a terminal."""
        return f"{self._settings.public_url}/p/{topup.link}"

    async def topup(
        self, caller: Caller, amount: int, method: str | None = None, idempotency_key: str | None = None
    ) -> Topup:
        """Asks for `amount` micro-units. Credits nothing: that takes a payment.

        Raises:
            BadRequest: the method is not one we know.
            RuleBroken: the amount is out of range.
            Unavailable: no payment method is enabled.
            Conflict: the idempotency key was used for another request.
        """
        if method not in (None, "card", "crypto", "sandbox"):
            raise BadRequest("A method is card, crypto or sandbox.")
        async with as_member(self._database, caller, "pay") as connection:
            provider = self._provider(method)
            digest = hashlib.sha256(f"{provider}|{amount}".encode()).digest()
            if not LEAST <= amount <= MOST:
                raise RuleBroken(f"A topup is {LEAST // MICRO} to {MOST // MICRO}.")
            if idempotency_key is not None:
                await billing.take_turns(connection, caller.account_id)
                known = await topups.by_idempotency_key(connection, caller.account_id, idempotency_key)
                if known is not None:
                    return self._first_answer(await topups.by_id(connection, known[0]), known[1] == digest)
            topup = await topups.insert(connection, caller.account_id, provider, amount, idempotency_key, digest)
            await note(connection, caller, "topup begun", topup.id)
            return topup

    async def list(self, caller: Caller, since: datetime | None = None, limit: int = 100) -> list[Topup]:
        """Newest first."""
        async with as_member(self._database, caller, "look") as connection:
            return await topups.of_account(connection, caller.account_id, since, limit)

    async def show(self, caller: Caller, topup_id: str) -> Topup:
        """Raises NotFound."""
        async with as_member(self._database, caller, "look") as connection:
            topup = await topups.by_id(connection, topup_id)
        if topup is None:
            raise NotFound("You have no such topup (see: topups).")
        return topup

    async def wait(
        self,
        caller: Caller,
        topup_id: str,
        patience: float,
        progress: Callable[[Topup], Awaitable[None]] | None = None,
    ) -> Topup:
        """The topup once it waits no more, or as it stands after `patience` seconds. Raises NotFound."""
        return await wait_until(
            self._changes,
            frozenset({"topup"}),
            topup_id,
            lambda: self.show(caller, topup_id),
            lambda topup: topup.state != "waiting",
            patience,
            progress,
        )

    async def page(self, link: str) -> PaymentPage | None:
        """What whoever has the short link may see. Credits nothing."""
        async with self._database.door() as connection:
            return await topups.by_link(connection, link)

    async def press_sandbox(self, link: str, action: str) -> PaymentPage | None:
        """One of the sandbox page's buttons: changes the provider's side, and says that there is news of the topup.

        Raises:
            BadRequest: there is no such button.
        """
        state = SANDBOX_ACTIONS.get(action)
        if state is None:
            raise BadRequest("There is no such button.")
        if not self._settings.sandbox:
            return None
        async with self._database.door() as connection:
            if not await topups.press_sandbox(connection, link, state):
                return None
            return await topups.by_link(connection, link)

    def _provider(self, method: str | None) -> str:
        enabled = self.methods()
        if not enabled:
            raise Unavailable("No payment method is enabled at the moment. Please write to the operators.")
        if method is None:
            return enabled[0]
        if method not in enabled:
            raise RuleBroken(f"Payment by {method} is not enabled here. There is: {', '.join(enabled)}.")
        return method

    @staticmethod
    def _first_answer(topup: Topup | None, same_request: bool) -> Topup:
        if not same_request or topup is None:
            raise Conflict
        return topup
