"""The web door as a process."""

import asyncio

from capsul.config import Settings
from capsuld.process import first_of, open_services, run_process
from httpgate.app import create_app
from httpgate.server import serve


def run() -> None:
    """Run the web door."""
    run_process("web", _web)


async def _web(settings: Settings, told: asyncio.Event) -> None:
    async with open_services(settings, "capsul_web") as services:
        app = create_app(services, settings, settings.host_keys)
        # Cancelled, it lets requests under way come to their end.
        await first_of(serve(app, settings.http_host, settings.http_port), told.wait())
