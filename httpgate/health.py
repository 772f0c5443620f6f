"""Says whether this door can serve, and what else is not as it should be."""

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capsul.errors import Unavailable
from httpgate.host_keys import read_host_keys
from services import Services

_PATIENCE = 3.0
"""Seconds the database may take; whoever asks will not wait much longer."""


class Health:
    """For load balancers and monitors: no names, no numbers, nothing that helps a stranger."""

    def __init__(self, services: Services, host_keys: Path) -> None:
        self._services = services
        self._host_keys = host_keys

    async def show(self, request: Request) -> Response:
        """GET /healthz: 503 only when nobody can be served; `ills` names the rest."""
        try:
            async with asyncio.timeout(_PATIENCE):
                ills = await self._ills()
        except (Unavailable, TimeoutError):
            headers = {"Retry-After": "10"}
            return JSONResponse({"schema": 1, "status": "down", "ills": ["database away"]}, 503, headers)
        return JSONResponse({"schema": 1, "status": "ill" if ills else "ok", "ills": ills})

    async def _ills(self) -> list[str]:
        checks = {
            "no size on offer": bool(await self._services.capsuls.price_list()),
            "no payment method enabled": bool(self._services.payments.methods()),
            "no SSH host key to show": bool(read_host_keys(self._host_keys, "", 22)),
        }
        return [*(ill for ill, well in checks.items() if not well), *await self._services.accounts.ills()]
