"""Asks every part of a running installation whether it works, from the host's shell."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import httpx

from capsul.config import Settings
from capsul.errors import CapsulError
from db import capsuls, installation
from db.database import Database
from db.migrate import require_migrated

_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """What one part answered."""

    what: str
    fine: bool
    detail: str


async def check(settings: Settings) -> list[Finding]:
    """Every part, all at the same time."""
    parts: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "database": _database,
        "hosts": _hosts,
        "ssh door": _ssh_door,
        "web door": lambda s: _http(f"http://{s.http_host}:{s.http_port}/healthz"),
        "worker": lambda s: _http(f"http://{s.metrics_host}:{s.metrics_port}/metrics"),
        "prometheus": lambda s: _http(f"{s.prometheus_url}/-/ready"),
    }
    return list(await asyncio.gather(*(_find(what, ask(settings)) for what, ask in parts.items())))


async def _find(what: str, answer: Awaitable[str]) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS):
            return Finding(what, True, await answer)
    except (CapsulError, OSError, httpx.HTTPError, TimeoutError) as error:
        return Finding(what, False, str(error) or "no answer in time")


async def _database(settings: Settings) -> str:
    async with _worker_login(settings) as database:
        await require_migrated(database)
        async with database.worker() as connection:
            this = await installation.read(connection)
    if this is None:
        raise CapsulError("no installation; run: capsul migrate")
    if not this.same_cluster or this.report_only_since:
        raise CapsulError("restored from a backup, nothing is done; run: capsul resume")
    return f"installation {this.id}, epoch {this.epoch}, {this.currency}"


async def _hosts(settings: Settings) -> str:
    async with _worker_login(settings) as database, database.worker() as connection:
        hosts = await capsuls.hosts(connection)
    away = [f"{host.id} ({host.trouble})" for host in hosts if not host.reachable]
    if away or not hosts:
        raise CapsulError(f"away: {', '.join(away)}" if away else "none; run: capsul host add")
    return ", ".join(f"{host.id} {host.committed_memory_mib}/{host.memory_mib} MiB promised" for host in hosts)


async def _ssh_door(settings: Settings) -> str:
    host = "127.0.0.1" if settings.ssh_host == "0.0.0.0" else settings.ssh_host  # noqa: S104 - compared, not bound
    reader, writer = await asyncio.open_connection(host, settings.ssh_port)
    try:
        return (await reader.readline()).decode(errors="replace").strip()
    finally:
        writer.close()


async def _http(url: str) -> str:
    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
        response = await client.get(url)
    response.raise_for_status()
    return f"{response.status_code} from {url}"


def _worker_login(settings: Settings) -> AbstractAsyncContextManager[Database]:
    password = settings.database_password.get_secret_value() if settings.database_password else None
    return Database.connect(settings.database, "capsul_work", password, most_connections=1)
