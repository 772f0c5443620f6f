"""What happens to our capsuls is heard, in order, by everybody who listens."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from backends.hypervisor import Hypervisor
from capsul.machines import CapsulSpec, HostEvent, LifecycleEvent, LifecycleKind, Resync
from tests.hosts import Host


async def heard_until(events: AsyncIterator[HostEvent], last: LifecycleKind) -> list[LifecycleEvent]:
    """The events of capsuls, up to the first of the kind `last`."""
    heard = []
    async with asyncio.timeout(20):
        async for event in events:
            assert isinstance(event, LifecycleEvent)
            heard.append(event)
            if event.kind is last:
                break
    return heard


async def live(hypervisor: Hypervisor, spec: CapsulSpec) -> None:
    await hypervisor.prepare_disk(spec)
    await hypervisor.define(spec)
    await hypervisor.start(spec.uuid)
    await hypervisor.kill(spec.uuid)
    await hypervisor.undefine(spec.uuid)


async def test_listening_begins_with_how_things_stand(hypervisor: Hypervisor) -> None:
    await hypervisor.observe_all()
    first = await anext(hypervisor.events())
    assert isinstance(first, Resync)
    assert first.host == "host-1"


async def test_a_capsuls_life_is_heard_in_order(host: Host, hypervisor: Hypervisor) -> None:
    await hypervisor.observe_all()
    spec = host.spec()
    events = hypervisor.events()
    await anext(events)
    await live(hypervisor, spec)
    heard = await heard_until(events, LifecycleKind.UNDEFINED)
    assert {(event.uuid, event.capsul_id) for event in heard} == {(spec.uuid, spec.capsul_id)}
    # Drivers differ in what else they tell (QEMU says that a starting capsul is resumed, and that it stops).
    main = [LifecycleKind.DEFINED, LifecycleKind.STARTED, LifecycleKind.STOPPED, LifecycleKind.UNDEFINED]
    assert [event.kind for event in heard if event.kind in main] == main
    stopped = next(event for event in heard if event.kind is LifecycleKind.STOPPED)
    assert stopped.reason == "powered off"
    assert [event.at for event in heard] == sorted(event.at for event in heard)


async def test_every_listener_hears_the_same(host: Host, hypervisor: Hypervisor) -> None:
    await hypervisor.observe_all()
    listeners = [hypervisor.events() for _ in range(3)]
    for events in listeners:
        await anext(events)
    await live(hypervisor, host.spec())
    one, another, third = [await heard_until(events, LifecycleKind.UNDEFINED) for events in listeners]
    assert one == another == third


async def test_what_another_worker_does_is_heard_too(host: Host, hypervisor: Hypervisor) -> None:
    await hypervisor.observe_all()
    events = hypervisor.events()
    await anext(events)
    spec = host.spec()
    async with host.hypervisor() as colleague:
        await live(colleague, spec)
    heard = await heard_until(events, LifecycleKind.UNDEFINED)
    assert {event.capsul_id for event in heard} == {spec.capsul_id}


async def test_an_operator_pausing_a_capsul_is_heard(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.prepare_disk(spec)
    await hypervisor.define(spec)
    await hypervisor.start(spec.uuid)
    events = hypervisor.events()
    await anext(events)
    host.domain(spec.uuid).suspend()
    host.domain(spec.uuid).resume()
    heard = await heard_until(events, LifecycleKind.PAUSED)
    assert heard[-1].uuid == spec.uuid


@pytest.mark.parametrize("driver", ["test"], indirect=True)  # QEMU does not start two hundred in no time
async def test_a_crowd_of_events_is_heard_whole(host: Host, hypervisor: Hypervisor) -> None:
    crowd = 200
    await hypervisor.observe_all()
    events = hypervisor.events()
    await anext(events)
    specs = [host.spec() for _ in range(crowd)]
    await asyncio.gather(*(hypervisor.define(spec) for spec in specs))
    await asyncio.gather(*(hypervisor.start(spec.uuid) for spec in specs))
    heard: set[tuple[str, LifecycleKind]] = set()
    async with asyncio.timeout(30):
        while len(heard) < 2 * crowd:
            event = await anext(events)
            assert isinstance(event, LifecycleEvent), event
            heard.add((event.capsul_id, event.kind))
    wanted = {(spec.capsul_id, kind) for spec in specs for kind in (LifecycleKind.DEFINED, LifecycleKind.STARTED)}
    assert heard == wanted
