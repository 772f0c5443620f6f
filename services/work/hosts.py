"""The hosts of the installation, each with its one connection."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from backends.hypervisor import Hypervisor
from capsul.errors import Unavailable
from capsul.models import Host
from db import capsuls
from db.database import Database


class Hosts:
    """Opens a connection to every host in the database, also to those that come later."""

    def __init__(self, database: Database, connect: Callable[[Host], Hypervisor]) -> None:
        self._database = database
        self._connect = connect
        self._open: dict[str, Hypervisor] = {}
        self._claimed: set[str] = set()
        self._stack = AsyncExitStack()
        self.more = asyncio.Event()
        """Set whenever a host has come."""

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def refresh(self) -> None:
        """Connects to hosts that are new."""
        async with self._database.worker() as connection:
            known = await capsuls.hosts(connection)
        for host in known:
            if host.id not in self._open:
                self._open[host.id] = await self._stack.enter_async_context(self._connect(host))
                self.more.set()

    @property
    def by_name(self) -> Mapping[str, Hypervisor]:
        """The connected ones, also those that come later."""
        return self._open

    def all(self) -> list[Hypervisor]:
        return list(self._open.values())

    async def ours(self, host_id: str | None) -> Hypervisor:
        """The host, once it is certain that no other installation works on it.

        Raises:
            HostClaimed: another one does.
            Unavailable: the host is away, or nobody has connected to it yet.
        """
        host = self._open.get(host_id or "")
        if host is None:
            raise Unavailable(f"Host {host_id} is not connected yet.", retry_after=2)
        if host.name not in self._claimed:
            await host.claim()
            self._claimed.add(host.name)
        return host
