"""A worker that dies at any instruction has broken nothing: the next one says the same again, and it is done."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import libvirt
import pytest

from backends.hypervisor import power, storage
from backends.hypervisor.calls import Lease
from backends.hypervisor.session import Session
from capsul.machines import CapsulSpec, PowerState
from tests.backends.counting import Counted, Counter, WorkerDied
from tests.backends.doomed_worker import arguments
from tests.hosts import Host

CHANGES = frozenset(
    {"storagePoolDefineXML", "build", "createXML", "defineXMLFlags", "create", "destroy", "undefineFlags", "delete"}
)


def live(host: Host, counter: Counter, spec: CapsulSpec) -> None:
    """A whole life of a capsul, one call to the host after the other."""
    session = Session(host.settings, Counted(host.raw, counter), asyncio.get_running_loop().create_future())
    lease = Lease()
    storage.prepare_disk(session, lease, spec)
    power.define(session, lease, spec)
    power.start(session, lease, spec.uuid)
    power.kill(session, lease, spec.uuid)
    power.undefine(session, lease, spec.uuid)
    storage.delete_disk(session, lease, spec.uuid)


def forget_pool(host: Host) -> None:
    for pool in host.raw.listAllStoragePools():
        if pool.name() == host.settings.pool:
            pool.destroy()
            pool.undefine()


def dying_at(number: int, *, after: bool) -> Counter:
    """Dies at the call of this number: before the host hears of it, or when the host has done it."""

    def die(_name: str) -> None:
        if len(counter.calls) == number:
            raise WorkerDied

    counter = Counter(after=die) if after else Counter(before=die)
    return counter


async def finish(host: Host, spec: CapsulSpec) -> None:
    """What the next worker does, with the outcome that there must be."""
    async with host.hypervisor() as successor:
        await successor.prepare_disk(spec)
        await successor.define(spec)
        await successor.start(spec.uuid)
        assert await successor.state_of(spec.uuid) is PowerState.RUNNING
        await successor.kill(spec.uuid)
        await successor.undefine(spec.uuid)
        await successor.delete_disk(spec.uuid)
        assert await successor.state_of(spec.uuid) is PowerState.ABSENT
    assert host.volumes() == set()


async def test_a_worker_may_die_at_any_call_and_the_next_one_finishes(host: Host) -> None:
    whole = Counter()
    live(host, whole, host.spec())
    assert whole.calls.count("create") == 2, "the pool and the capsul"
    for number, name in enumerate(whole.calls, start=1):
        for after in (False, True):
            if host.driver == "qemu" and not (after and name in CHANGES):
                continue  # a life takes a second there; the test driver has been through every call
            forget_pool(host)
            spec = host.spec()
            with pytest.raises(WorkerDied):
                live(host, dying_at(number, after=after), spec)
            await finish(host, spec)


async def test_a_worker_killed_while_the_capsul_starts_leaves_one_capsul(host: Host, tmp_path: Path) -> None:
    spec = host.spec()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.backends.doomed_worker", arguments(host.settings, spec)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 30) == b"starting\n"
    child.kill()
    await child.wait()
    async with host.hypervisor() as successor:
        await successor.prepare_disk(spec)
        await successor.define(spec)
        await successor.start(spec.uuid)
        assert [seen.uuid for seen in await successor.observe_all()] == [spec.uuid]
        assert await successor.state_of(spec.uuid) is PowerState.RUNNING
    assert running(host.raw) == [spec.uuid.bytes]


def running(connection: Any) -> list[bytes]:
    domains = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    return [domain.UUID() for domain in domains if domain.name() != "test"]  # the test driver's own example
