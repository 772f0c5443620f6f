"""Keeps rows and hosts in agreement: compares what is wanted with what is seen, repairs what is safe.

It never trusts the order of news: whatever is heard, the host is asked anew. It touches nothing that an operation
is working on, and destroys nothing for lack of a row.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from backends.hypervisor import HostClaimed, HostUnavailable, Hypervisor
from capsul.machines import HostEvent, HostLost, LifecycleEvent, LifecycleKind, PowerState, Resync
from capsul.rules import plain_text
from db import accounts, capsuls, mail, operations, topups
from db.capsuls import Expected, Idle
from db.database import Connection, Database
from services.work.hosts import Hosts
from services.work.operations import OFF, OperationWork

SHUT_DOWN = "shut down"
"""How a host says that a guest has gone down by itself."""
_FROM_WITHIN = "shut down from within"
_PAUSED = "paused on its host"

_log = structlog.get_logger()


class Reconciler:
    """Looks after every host: at each event, after each reconnect, and whenever it is told to look."""

    def __init__(self, database: Database, hosts: Hosts, work: OperationWork, repair_seconds: int) -> None:
        self._database = database
        self._hosts = hosts
        self._work = work
        self._lasts = timedelta(seconds=repair_seconds)

    async def follow_all(self) -> None:
        """Follows every host, also those that come later, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            following: set[str] = set()
            while True:
                for host in self._hosts.all():
                    if host.name not in following:
                        following.add(host.name)
                        tasks.create_task(self.follow(host))
                await self._hosts.more.wait()
                self._hosts.more.clear()

    async def follow(self, host: Hypervisor) -> None:
        """What happens on the host, for ever. Begins with a look at all of it."""
        async for event in host.events():
            try:
                await self._hear(host, event)
            except Exception:  # noqa: BLE001 - missed news is made up for by the next look at the whole host
                _log.exception("an event of a host was not taken in", host=host.name)

    async def look_at_all(self) -> None:
        """Every host, new ones too, at the same time: trouble with one is not another's."""
        await self._hosts.refresh()
        await asyncio.gather(*(self._look_in_peace(host) for host in self._hosts.all()))

    async def look_at(self, host: Hypervisor) -> None:
        """Compares all that should be on the host with all that is."""
        asked_at = await self._now()
        try:
            await self._hosts.ours(host.name)
            observed = {seen.uuid: seen for seen in await host.observe_all()}
        except (HostUnavailable, HostClaimed) as away:
            await self._note_away(host, away.detail)
            return
        async with self._database.worker() as connection:
            expected = await capsuls.expected_on_host(connection, host.name)
            known = {capsul.uuid for capsul in expected}
            strangers = sorted(seen.capsul_id for uuid, seen in observed.items() if uuid not in known)
            trouble = f"capsuls that no row knows: {', '.join(strangers)}" if strangers else ""
            await capsuls.note_host(connection, host.name, True, trouble)
        for capsul in expected:
            seen = observed.get(capsul.uuid)
            state, why = (seen.state, seen.reason) if seen else (PowerState.ABSENT, "")
            await self._settle_one(capsul, state, why, asked_at)

    async def enqueue_lost_work(self) -> None:
        """Whatever is to be done and has no job, because the one it had was lost with a worker, gets one."""
        async with self._database.worker() as connection:
            for operation_id in await operations.without_job(connection):
                await operations.enqueue(connection, operation_id)
            for mail_id in await mail.without_job(connection):
                await mail.enqueue(connection, mail_id)
            for topup_id in await topups.with_news(connection):
                await topups.enqueue(connection, topup_id)

    async def _now(self) -> datetime:
        async with self._database.worker() as connection:
            return await accounts.now(connection)

    async def _look_in_peace(self, host: Hypervisor) -> None:
        try:
            await self.look_at(host)
        except Exception:  # noqa: BLE001 - one host's trouble, ours or its, must not keep the others from being looked at
            _log.exception("a host was not looked at", host=host.name)

    async def _settle_one(self, capsul: Expected, seen: PowerState, why: str, asked_at: datetime) -> None:
        try:
            async with self._database.worker() as connection:
                superfluous = await self._settle(connection, capsul, seen, why, asked_at)
                specification = await capsuls.specification(connection, capsul.id)
            if superfluous and specification is not None:
                await self._work.clear_away(specification)
        except Exception:  # noqa: BLE001 - one capsul's trouble must not keep the others from being settled
            _log.exception("a capsul was not settled", capsul=capsul.id)

    async def _hear(self, host: Hypervisor, event: HostEvent) -> None:
        match event:
            case HostLost():
                # Often a moment only: what its capsuls do is called unreachable by the next look, if it fails.
                async with self._database.worker() as connection:
                    await capsuls.note_host(connection, host.name, False, plain_text(event.reason))
            case Resync():
                await self.look_at(host)
            case LifecycleEvent():
                await self._hear_of_capsul(host, event)

    async def _hear_of_capsul(self, host: Hypervisor, event: LifecycleEvent) -> None:
        asked_at = await self._now()
        seen = await host.state_of(event.uuid)
        async with self._database.worker() as connection:
            capsul = await capsuls.on_host_by_uuid(connection, host.name, event.uuid)
            if capsul is not None:
                await self._take_in(connection, capsul, seen, event, asked_at)

    async def _take_in(
        self, connection: Connection, capsul: Expected, seen: PowerState, event: LifecycleEvent, asked_at: datetime
    ) -> None:
        idle = await _lock_unchanged(connection, capsul, asked_at)
        if idle is None or idle.ended or idle.desired == "destroyed":
            return
        if seen is PowerState.RUNNING and idle.state != "running":
            await capsuls.change_state(connection, capsul.id, "running", "", "running")
        elif seen in OFF and idle.state != "stopped":
            # Who shuts down from within means it; what went off otherwise is started again by the next look.
            meant = event.kind is LifecycleKind.STOPPED and event.reason == SHUT_DOWN
            reason = _FROM_WITHIN if meant else (event.reason or "found off")
            await capsuls.change_state(connection, capsul.id, "stopped", reason, "stopped" if meant else None)

    async def _settle(
        self, connection: Connection, capsul: Expected, seen: PowerState, why: str, asked_at: datetime
    ) -> bool:
        """Makes the row say what is seen, and starts what should run. True when it should not be there at all."""
        idle = await _lock_unchanged(connection, capsul, asked_at)
        if idle is None:
            return False
        if idle.ended or idle.desired == "destroyed":
            return True
        if seen is PowerState.RUNNING and idle.state != "running":
            await capsuls.change_state(connection, capsul.id, "running", "", "running")
        elif seen is PowerState.PAUSED and idle.reason != _PAUSED:
            await capsuls.change_state(connection, capsul.id, idle.state, _PAUSED)
        elif seen in OFF and idle.desired == "running" and why == SHUT_DOWN:
            await capsuls.change_state(connection, capsul.id, "stopped", _FROM_WITHIN, "stopped")
        elif seen in OFF and idle.desired == "running":
            await self._start_again(connection, idle)
        elif seen in OFF and idle.state != "stopped":
            await capsuls.change_state(connection, capsul.id, "stopped")
        return False

    async def _start_again(self, connection: Connection, idle: Idle) -> None:
        await capsuls.change_state(connection, idle.id, "starting", "found off, started again")
        await operations.insert(connection, idle.account_id, idle.id, "start", None, b"", "", "", self._lasts)
        await accounts.write_audit(
            connection, idle.account_id, "worker", "capsul start", target=idle.id, reason="found off"
        )

    async def _note_away(self, host: Hypervisor, detail: str) -> None:
        async with self._database.worker() as connection:
            await capsuls.note_host(connection, host.name, False, plain_text(detail))
            expected = await capsuls.expected_on_host(connection, host.name)
        for capsul in expected:
            if capsul.state in ("running", "stopped"):
                async with self._database.worker() as connection:
                    if await capsuls.lock_idle(connection, capsul.id):
                        await capsuls.change_state(connection, capsul.id, "unreachable", "its host does not answer")


async def _lock_unchanged(connection: Connection, capsul: Expected, asked_at: datetime) -> Idle | None:
    """The row, locked; None when an operation decides about it, or it changed after the host was asked."""
    idle = await capsuls.lock_idle(connection, capsul.id)
    if idle is None or idle.state == "held" or idle.state_since >= asked_at:
        return None
    return idle
