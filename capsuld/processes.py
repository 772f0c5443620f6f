"""The three processes of the program, each built from its parts: gate, web and worker."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import structlog
from prometheus_client import CollectorRegistry

from backends.exporter import CapsulCollector, serve_metrics
from backends.hypervisor import HostSettings, Hypervisor, LibvirtEvents
from backends.mail import post_from
from backends.metrics import Metrics
from capsul.config import Settings
from capsul.errors import CapsulError
from capsul.models import Host
from db import installation, mail
from db.changes import Changes
from db.database import Database, Login
from db.installation import Installation
from db.jobs import Jobs
from db.migrate import require_migrated
from httpgate.app import create_app
from httpgate.server import serve
from services import Services, build_services
from services.work.hosts import Hosts
from services.work.letters import LetterWork
from services.work.operations import OperationWork
from services.work.reconcile import Reconciler
from services.work.topups import TopupWork, read_sandbox
from sshgate.server import SshGate

_WORKER_CONNECTIONS = 24
"""Every operation under way keeps one for its lock beside those it works with."""

_log = structlog.get_logger()


class CannotStart(CapsulError):
    """The process cannot start."""

    code = "cannot_start"


async def gate(settings: Settings) -> None:
    """The SSH door, until a signal ends it."""
    async with _services(settings, "capsul_gate") as services, SshGate(services):
        await _until_told()


async def web(settings: Settings) -> None:
    """The web door, until a signal ends it."""
    async with _services(settings, "capsul_web") as services:
        app = create_app(services, settings, settings.host_keys)
        # Cancelled, it lets requests under way come to their end.
        await _first(serve(app, settings.http_host, settings.http_port), _until_told())


async def worker(settings: Settings) -> None:
    """Jobs, hosts and counters, until a signal ends it."""
    async with _database(settings, "capsul_work", _WORKER_CONNECTIONS) as (database, this):
        with LibvirtEvents() as events:
            async with Hosts(database, lambda host: _connect(host, settings, this, events)) as hosts:
                await hosts.refresh()
                registry = CollectorRegistry()
                deadline = max(1.0, settings.scrape_seconds - 1)
                registry.register(CapsulCollector(hosts.by_name, asyncio.get_running_loop(), deadline=deadline))
                with serve_metrics(registry, settings.metrics_host, settings.metrics_port):
                    _log.info("ready", hosts=sorted(hosts.by_name), report_only=bool(this.report_only_since))
                    await _first(_until_told(), _work(settings, database, hosts, this))


async def _work(settings: Settings, database: Database, hosts: Hosts, this: Installation) -> None:
    if not this.same_cluster and this.report_only_since is None:
        async with database.worker() as connection:
            await installation.go_report_only(connection)
    if not this.same_cluster or this.report_only_since:
        _log.error("this database was restored from a backup: nothing is done until somebody says `capsul resume`")
        await asyncio.Event().wait()
    operation_work = OperationWork(database, hosts, settings.shutdown_seconds)
    reconciler = Reconciler(database, hosts, operation_work, settings.operation_seconds)
    jobs = Jobs(
        work={
            "operation": operation_work.carry_out,
            "topup": TopupWork(database, {"sandbox": read_sandbox}, settings).converge,
            "mail": LetterWork(database, post_from(settings), settings).send,
        },
        chores={
            ("look at hosts", "* * * * *"): reconciler.look_at_all,
            ("enqueue lost work", "* * * * *"): reconciler.enqueue_lost_work,
            ("forget old tokens", "17 4 * * *"): lambda: _forget_old_tokens(database),
        },
    )
    await reconciler.enqueue_lost_work()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reconciler.follow_all())
        password = settings.database_password
        tasks.create_task(jobs.run(settings.database, "capsul_work", password.get_secret_value() if password else None))


def _connect(host: Host, settings: Settings, this: Installation, events: LibvirtEvents) -> Hypervisor:
    return Hypervisor(
        HostSettings(
            name=host.id,
            uri=host.uri,
            installation_id=this.id,
            epoch=this.epoch,
            disk_path=str(settings.disk_path),
            image_path=str(settings.image_path),
            virt_type=settings.virt_type,
        ),
        events,
    )


async def _forget_old_tokens(database: Database) -> None:
    async with database.worker() as connection:
        await mail.sweep(connection)


@asynccontextmanager
async def _services(settings: Settings, login: Login) -> AsyncIterator[Services]:
    password = settings.database_password.get_secret_value() if settings.database_password else None
    async with (
        _database(settings, login, 10) as (database, _),
        Changes.listen(settings.database, login, password) as changes,
    ):
        metrics = Metrics(settings.prometheus_url, scrape_seconds=settings.scrape_seconds)
        try:
            yield build_services(database, changes, metrics, settings)
        finally:
            await metrics.close()


@asynccontextmanager
async def _database(settings: Settings, login: Login, connections: int) -> AsyncIterator[tuple[Database, Installation]]:
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


async def _until_told() -> None:
    """Returns at SIGTERM or SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()


async def _first(*things: Awaitable[None]) -> None:
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
