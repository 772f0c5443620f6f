"""Hosts for tests: a private libvirt daemon with its test driver and QEMU, and what makes capsuls for them."""

import asyncio
import itertools
import secrets
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import libvirt
import pytest

from backends.hypervisor import HostSettings, Hypervisor, LibvirtEvents, Patience
from capsul.machines import CapsulSpec
from capsuld.demo.libvirtd import LibvirtDaemon, what_qemu_lacks
from capsuld.demo.processes import give_to_nobody
from capsuld.demo.tiny_image import tiny_image

Driver = Literal["test", "qemu"]

QUICK = Patience(
    open=3.0, look=5.0, keepalive_interval=1, keepalive_count=2, first_pause=0.05, longest_pause=0.2, poll=1.0
)
"""Patience for hosts on the same machine, some of which are made to fail."""

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Host:
    """One host to test on, with settings of one test's own and a second road to libvirt, to check by."""

    driver: Driver
    settings: HostSettings
    events: LibvirtEvents
    raw: Any
    """A libvirt connection of the test's own."""

    def hypervisor(self, **changes: Any) -> Hypervisor:
        """Us, or with `changes` to the settings somebody else, who wants to work on this host."""
        return Hypervisor(replace(self.settings, **changes), self.events)

    def spec(self, **changes: Any) -> CapsulSpec:
        """A new capsul of the smallest kind."""
        number = next(_NUMBERS)
        plain = CapsulSpec(
            uuid=uuid.uuid4(),
            capsul_id="c-" + "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(10)),
            account_id=uuid.uuid4(),
            installation_id=self.settings.installation_id,
            epoch=self.settings.epoch,
            size_id="nano",
            vcpus=1,
            memory_mib=128,
            disk_gib=1,
            image=Path(tiny_image()).name if self.driver == "qemu" else "tiny.qcow2",
            mac=f"52:54:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
        )
        return replace(plain, **changes)

    def domain(self, capsul: uuid.UUID) -> Any:
        """The capsul's domain as libvirt has it."""
        return self.raw.lookupByUUID(capsul.bytes)

    def has(self, capsul: uuid.UUID) -> bool:
        return capsul.bytes in [domain.UUID() for domain in self.raw.listAllDomains()]

    def volumes(self) -> set[str]:
        """Names of what lies in our pool."""
        pool = self.raw.storagePoolLookupByName(self.settings.pool)
        pool.refresh()
        return {volume.name() for volume in pool.listAllVolumes()}


@pytest.fixture(scope="session")
def libvirt_events() -> Iterator[LibvirtEvents]:
    """The one event loop that libvirt can have in this process."""
    with LibvirtEvents() as events:
        yield events


@pytest.fixture(scope="session")
def libvirtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibvirtDaemon]:
    """A daemon that all tests share. Whoever wants to see one fail starts another."""
    with LibvirtDaemon(tmp_path_factory.mktemp("libvirt") / "state") as daemon:
        yield daemon


@pytest.fixture(scope="session", params=["test", "qemu"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Each kind of hypervisor in turn."""
    name: Driver = request.param
    if name == "qemu" and (lacking := what_qemu_lacks()):
        pytest.skip(f"QEMU cannot be used here: {', '.join(lacking)}")
    return name


@pytest.fixture(scope="session")
def raw_connection(libvirtd: LibvirtDaemon, libvirt_events: LibvirtEvents, driver: Driver) -> Iterator[Any]:
    """Stays open for the whole run: the test driver forgets all when its last connection closes."""
    libvirt_events.require_running()
    connection = libvirt.open(libvirtd.uri(driver))
    yield connection
    connection.close()


def host_settings(driver: Driver, uri: str, folder: Path, **changes: Any) -> HostSettings:
    """Settings of an installation of its own, with a pool of its own below `folder`, for the daemon to make."""
    give_to_nobody(folder)
    plain = HostSettings(
        name="host-1",
        uri=uri,
        installation_id=uuid.uuid4(),
        epoch=3,
        disk_path=str(folder / "disks"),
        image_path=str(tiny_image().parent) if driver == "qemu" else "/images",
        virt_type=driver,
        pool=f"capsul-{uuid.uuid4()}",
        patience=QUICK,
    )
    return replace(plain, **changes)


@pytest.fixture
def host(
    driver: Driver, libvirtd: LibvirtDaemon, libvirt_events: LibvirtEvents, raw_connection: Any, tmp_path: Path
) -> Iterator[Host]:
    """A host on which the test is an installation of its own. What it leaves there is cleared away."""
    host = Host(driver, host_settings(driver, libvirtd.uri(driver), tmp_path), libvirt_events, raw_connection)
    before = {domain.UUID() for domain in raw_connection.listAllDomains()}
    yield host
    for domain in raw_connection.listAllDomains():
        if domain.UUID() not in before:
            clear_away(domain)
    for pool in raw_connection.listAllStoragePools():
        if pool.name() == host.settings.pool:
            if pool.isActive():
                pool.destroy()
            pool.undefine()


def clear_away(domain: Any) -> None:
    if domain.isActive():
        domain.destroy()
    domain.undefine()


@pytest.fixture
async def hypervisor(host: Host) -> AsyncIterator[Hypervisor]:
    """The thing under test, connected to the host."""
    async with host.hypervisor() as hypervisor:
        yield hypervisor


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Returns when the condition holds, for what nobody announces.

    Raises:
        TimeoutError: it did not hold within so many seconds.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  there is no event to wait for: threads, processes and files tell nobody
            await asyncio.sleep(0.01)


def threads_named(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())
