"""The worker as a process: jobs, hosts and counters."""

import asyncio

import structlog
from prometheus_client import CollectorRegistry

from backends.exporter import CapsulCollector, serve_metrics
from backends.hypervisor import HostSettings, Hypervisor, LibvirtEvents
from backends.mail import post_from
from capsul.config import Settings
from capsul.models import Host
from capsuld.process import first_of, open_database, run_process
from db import installation, mail, sessions
from db.database import Database
from db.installation import Installation
from db.jobs import Jobs
from services.work.hosts import Hosts
from services.work.letters import LetterWork
from services.work.operations import OperationWork
from services.work.reconcile import Reconciler
from services.work.topups import TopupWork, read_sandbox

_CONNECTIONS = 24
"""Every operation under way keeps one for its lock beside those it works with."""

_log = structlog.get_logger()


def run() -> None:
    """Run the worker: operations, payments, mail, metrics."""
    run_process("worker", _worker)


async def _worker(settings: Settings, told: asyncio.Event) -> None:
    async with open_database(settings, "capsul_work", _CONNECTIONS) as (database, this):
        with LibvirtEvents() as events:
            async with Hosts(database, lambda host: _connect(host, settings, this, events)) as hosts:
                await hosts.refresh()
                registry = CollectorRegistry()
                deadline = max(1.0, settings.scrape_seconds - 1)
                registry.register(CapsulCollector(hosts.by_name, asyncio.get_running_loop(), deadline=deadline))
                with serve_metrics(registry, settings.metrics_host, settings.metrics_port):
                    _log.info("ready", hosts=sorted(hosts.by_name), report_only=bool(this.report_only_since))
                    await first_of(told.wait(), _work(settings, database, hosts, this))


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
        await sessions.sweep(connection)
