"""The front page: what this is, what it costs, how to begin, and how to know that it is us."""

from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from capsul.config import Settings
from capsul.errors import Unavailable
from capsul.models import Size
from capsul.rules import price_per_hour
from httpgate.host_keys import HostKey, read_host_keys
from httpgate.pages import Pages
from services.capsuls import Capsuls


class Home:
    """Shows what is on offer; says how to begin even while the database is away."""

    def __init__(self, capsuls: Capsuls, pages: Pages, settings: Settings, host_keys: Path) -> None:
        self._capsuls = capsuls
        self._pages = pages
        self._settings = settings
        self._host_keys = host_keys

    async def show(self, request: Request) -> Response:
        """GET /"""
        sizes: Sequence[Size] = ()
        away: Unavailable | None = None
        try:
            sizes = await self._capsuls.price_list()
        except Unavailable as error:
            away = error
        response = self._pages.page(
            "home",
            503 if away else 200,
            sizes=sizes,
            away=away,
            currency=self._settings.currency,
            price_per_hour=price_per_hour,
            host_keys=self._read_host_keys(),
        )
        if away:
            response.headers["Retry-After"] = str(away.retry_after)
        return response

    def _read_host_keys(self) -> tuple[HostKey, ...]:
        port = self._settings.ssh_public_port or self._settings.ssh_port
        return read_host_keys(self._host_keys, self._settings.ssh_public_host, port)
