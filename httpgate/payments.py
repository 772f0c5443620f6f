"""The short payment link: how a topup stands, and, where the provider is the sandbox, its buttons.

Nothing here credits anything: a button changes the provider's side and says that there is news; the worker looks.
"""

import asyncio
import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from capsul.models import PaymentPage
from httpgate.forms import read_form
from httpgate.limits import RateLimit
from httpgate.pages import Pages
from services import Services

_LINK = re.compile(r"[A-Za-z0-9]{8}")
PATIENCE = 1.5
"""Seconds given to the worker before the page is shown again, so that it mostly shows what the button did."""


class Payments:
    """What whoever has the link may see and press."""

    def __init__(self, services: Services, pages: Pages, limit: RateLimit) -> None:
        self._payments = services.payments
        self._changes = services.changes
        self._pages = pages
        self._limit = limit

    async def show(self, request: Request) -> Response:
        """GET /p/{link}: never credits."""
        return self._pages.page("payment", topup=await self._find(request))

    async def press(self, request: Request) -> Response:
        """POST /p/{link}: one of the sandbox's buttons, then back to the page."""
        self._limit.spend(request.scope["source"])
        before = await self._find(request)
        action = (await read_form(request)).get("action", "")
        with self._changes.watch(frozenset({"topup"})) as told:
            if await self._payments.press_sandbox(before.link, action) is None:
                raise HTTPException(405, "This payment has no buttons here.", headers={"Allow": "GET, HEAD"})
            try:
                async with asyncio.timeout(PATIENCE):
                    while await self._find(request) == before:
                        await told.get()
            except TimeoutError:
                pass  # Nothing changed, or not yet: the page says how it stands either way.
        return RedirectResponse(request.url.path, 303)

    async def _find(self, request: Request) -> PaymentPage:
        link = request.path_params["link"]
        topup = await self._payments.page(link) if _LINK.fullmatch(link) else None
        if topup is None:
            raise HTTPException(404)
        return topup
