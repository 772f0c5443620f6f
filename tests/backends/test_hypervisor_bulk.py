"""A host is asked once, however many capsuls it has."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import libvirt
import pytest

from backends.hypervisor import Hypervisor, LibvirtEvents
from backends.hypervisor.domain_xml import domain_xml
from capsul.machines import PowerState
from capsuld.demo.libvirtd import LibvirtDaemon
from tests.backends.counting import Counter
from tests.hosts import Host, host_settings

MANY = 1000
STRANGERS = 20


@pytest.fixture
async def crowded(libvirt_events: LibvirtEvents, tmp_path: Path) -> AsyncIterator[Host]:
    """A test-driver host with a thousand capsuls of ours, half of them running, and a few of somebody else's."""
    with LibvirtDaemon(tmp_path / "libvirt") as daemon:
        raw: Any = libvirt.open(daemon.uri("test"))
        host = Host("test", host_settings("test", daemon.uri("test"), tmp_path), libvirt_events, raw)
        for number in range(MANY + STRANGERS):
            spec = host.spec() if number < MANY else host.spec(installation_id=uuid.uuid4())
            domain = raw.defineXML(domain_xml(spec, host.settings)[0])
            if number % 2:
                domain.create()
        yield host
        raw.close()


async def test_the_state_of_a_thousand_capsuls_is_one_call(crowded: Host) -> None:
    counter = Counter()
    async with Hypervisor(crowded.settings, crowded.events, open_connection=counter.open) as hypervisor:
        first = await hypervisor.observe_all()
        assert len(first) == MANY
        counter.calls.clear()
        again = await hypervisor.observe_all()
    assert counter.calls[:1] == ["getAllDomainStats"]
    assert set(counter.calls[1:]) <= CLOSING
    assert {(each.uuid, each.state) for each in again} == {(each.uuid, each.state) for each in first}
    assert sum(each.state is PowerState.RUNNING for each in again) == MANY // 2


async def test_the_first_look_asks_each_domain_once_whose_it_is(crowded: Host) -> None:
    counter = Counter()
    async with Hypervisor(crowded.settings, crowded.events, open_connection=counter.open) as hypervisor:
        await hypervisor.observe_all()
        await hypervisor.stats_all()
    the_drivers_own_example = 1
    assert counter.calls.count("metadata") == MANY + STRANGERS + the_drivers_own_example
    assert counter.calls.count("getAllDomainStats") == 2


async def test_a_capsul_defined_over_the_connection_needs_no_asking(crowded: Host) -> None:
    counter = Counter()
    async with Hypervisor(crowded.settings, crowded.events, open_connection=counter.open) as hypervisor:
        await hypervisor.observe_all()
        events = hypervisor.events()
        await anext(events)
        spec = crowded.spec()
        await hypervisor.define(spec)
        await anext(events)  # the host's own word of it has been read too
        counter.calls.clear()
        assert spec.uuid in {each.uuid for each in await hypervisor.observe_all()}
        assert counter.calls == ["getAllDomainStats"]


CLOSING = frozenset({"domainEventDeregisterAny", "unregisterCloseCallback", "close"})
