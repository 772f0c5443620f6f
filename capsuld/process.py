"""What gate, web and worker have in common: how they start, what they check first, and how they are told to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from backends.metrics import Metrics
from capsul.config import Settings, read_settings
from capsul.errors import CapsulError
from capsuld.logs import set_up_logs
from db import installation
from db.changes import Changes
from db.database import Database, Login
from db.installation import Installation
from db.migrate import require_migrated
from services import Services, build_services

Main = Callable[[Settings, asyncio.Event], Awaitable[None]]


class CannotStart(CapsulError):
    """The process cannot start."""

    code = "cannot_start"


def run_process(name: str, main: Main) -> None:
    """Runs until the main function ends. Its event is set at SIGTERM or SIGINT, from before it begins."""
    set_up_logs(name)
    asyncio.run(_run(main, read_settings()))


async def _run(main: Main, settings: Settings) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await main(settings, told)


async def first_of(*things: Awaitable[object]) -> None:
    """Returns, or raises, as the first of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(thing) for thing in things]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            if not task.done():
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


@asynccontextmanager
async def open_services(settings: Settings, login: Login) -> AsyncIterator[Services]:
    """The verbs over a login of this process. Raises as open_database does."""
    password = settings.database_password.get_secret_value() if settings.database_password else None
    async with (
        open_database(settings, login, 10) as (database, _),
        Changes.listen(settings.database, login, password) as changes,
    ):
        metrics = Metrics(settings.prometheus_url, scrape_seconds=settings.scrape_seconds)
        try:
            yield build_services(database, changes, metrics, settings)
        finally:
            await metrics.close()


@asynccontextmanager
async def open_database(
    settings: Settings, login: Login, connections: int
) -> AsyncIterator[tuple[Database, Installation]]:
    """A migrated database that keeps its money in the configured currency.

    Raises:
        CannotStart: it keeps it in another one.
        CannotMigrate: it has another schema.
        DatabaseAway: Postgres does not answer.
    """
    password = settings.database_password.get_secret_value() if settings.database_password else None
    async with Database.connect(settings.database, login, password, most_connections=connections) as database:
        await require_migrated(database)
        async with database.worker() if login == "capsul_work" else database.door() as connection:
            this = await installation.read(connection)
        if this is None:
            raise CannotStart("The database holds no installation. Run: capsul migrate")
        if this.currency != settings.currency:
            raise CannotStart(
                f"The database keeps its money in {this.currency}; the configuration says {settings.currency}."
            )
        yield database, this
