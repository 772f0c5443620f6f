"""The pages that mail leads to: enrol a key, lock an account. Looking changes nothing; only a button does."""

import re

from starlette.requests import Request
from starlette.responses import Response

from capsul.models import Enrolment
from httpgate.forms import read_form
from httpgate.limits import RateLimit
from httpgate.pages import Pages
from services import Services
from services.enrolment import Submitted

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_LONGEST_CODE = 64


class Links:
    """What can be done with a mailed link."""

    def __init__(self, services: Services, pages: Pages, limit: RateLimit) -> None:
        self._enrolment = services.enrolment
        self._accounts = services.accounts
        self._settings = services.settings
        self._pages = pages
        self._limit = limit

    async def show_enrolment(self, request: Request) -> Response:
        """GET /enrol/{token}: whose key it would be, and a field for the code. Changes nothing."""
        found = await self._find(request)
        if found is not None and found.state == "waiting":
            return self._ask(found, found.tries_left)
        return self._over(found, 200 if found is not None and found.state == "enrolled" else 410)

    async def enrol(self, request: Request) -> Response:
        """POST /enrol/{token}: the right code enrols, a wrong one uses up a try, an empty field does neither."""
        self._limit.spend(request.scope["source"])
        code = (await read_form(request)).get("code", "")[:_LONGEST_CODE]
        found = await self._find(request)
        if found is None:
            return self._over(None, 404)
        if not code.strip() and found.state == "waiting":
            return self._ask(found, found.tries_left, trouble="empty")
        done = await self._enrolment.submit(request.path_params["token"], code, request.scope["source"])
        return await self._answer(request, found, done)

    async def _answer(self, request: Request, found: Enrolment, done: Submitted) -> Response:
        if done.enrolled is not None:
            return self._enrolled(found, waits=done.enrolled.waits)
        if done.outcome == "wrong" and done.tries_left > 0:
            return self._ask(found, done.tries_left, trouble="wrong")
        return self._over(await self._find(request), 410)

    def _ask(self, found: Enrolment, tries_left: int, trouble: str | None = None) -> Response:
        status = 200 if trouble is None else 422
        return self._pages.page("enrol", status, enrolment=found, tries_left=tries_left, trouble=trouble)

    def _over(self, found: Enrolment | None, status: int) -> Response:
        """What became of a request that takes no codes (any more)."""
        if found is None:
            return self._pages.page("ended", 404, why="unknown", minutes=self._settings.enrolment_minutes)
        if found.state == "enrolled" and status == 200:
            return self._enrolled(found, waits=False)
        return self._pages.page("ended", status, why=found.state, minutes=self._settings.enrolment_minutes)

    def _enrolled(self, found: Enrolment, *, waits: bool) -> Response:
        hours = self._settings.recovery_wait_hours if waits else 0
        return self._pages.page("enrolled", enrolment=found, wait_hours=hours)

    async def _find(self, request: Request) -> Enrolment | None:
        token = request.path_params["token"]
        return await self._enrolment.page(token) if _TOKEN.fullmatch(token) else None

    async def show_lock(self, request: Request) -> Response:
        """GET /lock/{token}: what the button would do. Changes nothing."""
        token = request.path_params["token"]
        if not _TOKEN.fullmatch(token) or not await self._accounts.can_lock(token):
            return self._pages.page("ended", 404, why="lock", minutes=self._settings.enrolment_minutes)
        return self._pages.page("lock")

    async def lock(self, request: Request) -> Response:
        """POST /lock/{token}: the account does nothing more until an operator unlocks it."""
        self._limit.spend(request.scope["source"])
        token = request.path_params["token"]
        if not _TOKEN.fullmatch(token) or not await self._accounts.lock_by_token(token):
            return self._pages.page("ended", 404, why="lock", minutes=self._settings.enrolment_minutes)
        return self._pages.page("locked")
