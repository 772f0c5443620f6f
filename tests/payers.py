"""Somebody who pays, or does not: at the sandbox, with the worker's part done at once."""

from collections.abc import AsyncIterator

import pytest

from capsul.config import Settings
from capsul.models import Caller, Topup
from db.database import Database
from services import Services
from services.work.topups import TopupWork, read_sandbox


class Payer:
    """Presses the sandbox's buttons, and lets the books follow."""

    def __init__(self, services: Services, work: TopupWork) -> None:
        self._services = services
        self._work = work

    async def press(self, caller: Caller, topup_id: str, *buttons: str) -> Topup:
        """The topup, as it is after them."""
        topup = await self._services.payments.show(caller, topup_id)
        for button in buttons:
            assert await self._services.payments.press_sandbox(topup.link, button) is not None
        await self._work.converge(topup_id)
        return await self._services.payments.show(caller, topup_id)


@pytest.fixture
async def payer(services: Services, settings: Settings) -> AsyncIterator[Payer]:
    async with Database.connect(settings.database, "capsul_work") as database:
        yield Payer(services, TopupWork(database, {"sandbox": read_sandbox}, settings))
