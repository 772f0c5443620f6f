"""What every kind of hypervisor must do: each verb in any state, any number of times, and nothing to strangers."""

import asyncio
from dataclasses import replace
from pathlib import Path

import libvirt
import pytest

from backends.hypervisor import (
    CapsulAbsent,
    DiskMismatch,
    HostBusy,
    Hypervisor,
    HypervisorFailed,
    LibvirtEvents,
    StillRunning,
)
from capsul.machines import OFF, CapsulSpec, PowerState
from tests.hosts import Host, host_settings


@pytest.fixture
async def defined(host: Host, hypervisor: Hypervisor) -> CapsulSpec:
    """A capsul that is off, with its disk."""
    spec = host.spec()
    await hypervisor.prepare_disk(spec)
    await hypervisor.define(spec)
    return spec


@pytest.fixture
async def running(defined: CapsulSpec, hypervisor: Hypervisor) -> CapsulSpec:
    await hypervisor.start(defined.uuid)
    return defined


async def test_a_disk_is_made_once(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    assert await hypervisor.prepare_disk(spec)
    assert not await hypervisor.prepare_disk(spec)
    assert host.volumes() == {f"{spec.uuid}.qcow2", f"{spec.uuid}.console.log"}


async def test_a_disk_has_the_size_asked_for_and_lies_over_the_image(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec(disk_gib=25)
    await hypervisor.prepare_disk(spec)
    volume = host.raw.storagePoolLookupByName(host.settings.pool).storageVolLookupByName(f"{spec.uuid}.qcow2")
    assert volume.info()[1] == 25 * 1024**3
    assert f"<path>{host.settings.image_path}/{spec.image}</path>" in volume.XMLDesc()


async def test_a_disk_that_is_there_and_differs_is_left_alone(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.prepare_disk(spec)
    with pytest.raises(DiskMismatch):
        await hypervisor.prepare_disk(replace(spec, disk_gib=2))
    assert not await hypervisor.prepare_disk(spec)


@pytest.mark.parametrize("driver", ["qemu"], indirect=True)  # the test driver makes no files
async def test_a_disk_that_is_half_made_is_waited_for_and_never_touched(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.prepare_disk(host.spec())
    name = f"<name>{spec.uuid}.qcow2</name>"
    half = f"<volume>{name}<capacity>196608</capacity><target><format type='qcow2'/></target></volume>"
    pool = host.raw.storagePoolLookupByName(host.settings.pool)
    before = pool.createXML(half).XMLDesc()
    with pytest.raises(HostBusy):
        await hypervisor.prepare_disk(spec)
    assert pool.storageVolLookupByName(f"{spec.uuid}.qcow2").XMLDesc() == before


async def test_a_pool_of_our_name_at_another_place_is_not_used(host: Host, hypervisor: Hypervisor) -> None:
    await hypervisor.prepare_disk(host.spec())
    async with host.hypervisor(disk_path=host.settings.disk_path + "-other") as elsewhere:
        with pytest.raises(HypervisorFailed) as failure:
            await elsewhere.prepare_disk(host.spec())
    assert "pool" in failure.value.detail


async def test_a_stopped_pool_is_started_again(host: Host, hypervisor: Hypervisor, defined: CapsulSpec) -> None:
    host.raw.storagePoolLookupByName(host.settings.pool).destroy()
    assert not await hypervisor.prepare_disk(defined)


async def test_define_the_same_twice_changes_nothing(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    assert await hypervisor.define(spec)
    before = host.domain(spec.uuid).XMLDesc()
    assert not await hypervisor.define(spec)
    assert host.domain(spec.uuid).XMLDesc() == before


async def test_define_brings_the_description_up_to_date(
    host: Host, hypervisor: Hypervisor, defined: CapsulSpec
) -> None:
    assert await hypervisor.define(replace(defined, vcpus=2, memory_mib=256))
    assert host.domain(defined.uuid).info()[1:4] == [256 * 1024, 256 * 1024, 2]


async def test_a_capsul_is_known_to_its_host_by_its_own_id_and_name(host: Host, defined: CapsulSpec) -> None:
    domain = host.domain(defined.uuid)
    assert domain.name() == defined.capsul_id
    assert domain.isPersistent()
    assert not domain.autostart(), "whether it may run is for us to decide, after the host has come up too"


async def test_start_twice(hypervisor: Hypervisor, defined: CapsulSpec) -> None:
    assert await hypervisor.start(defined.uuid)
    assert not await hypervisor.start(defined.uuid)
    assert await hypervisor.state_of(defined.uuid) is PowerState.RUNNING


async def test_start_lets_a_paused_one_go_on(host: Host, hypervisor: Hypervisor, running: CapsulSpec) -> None:
    host.domain(running.uuid).suspend()
    assert await hypervisor.state_of(running.uuid) is PowerState.PAUSED
    assert await hypervisor.start(running.uuid)
    assert await hypervisor.state_of(running.uuid) is PowerState.RUNNING


async def test_kill_twice(hypervisor: Hypervisor, running: CapsulSpec) -> None:
    assert await hypervisor.kill(running.uuid)
    assert not await hypervisor.kill(running.uuid)
    assert await hypervisor.state_of(running.uuid) is PowerState.STOPPED


async def test_a_killed_capsul_starts_again(hypervisor: Hypervisor, running: CapsulSpec) -> None:
    await hypervisor.kill(running.uuid)
    assert await hypervisor.start(running.uuid)
    assert await hypervisor.state_of(running.uuid) is PowerState.RUNNING


async def test_kill_takes_a_paused_one_too(host: Host, hypervisor: Hypervisor, running: CapsulSpec) -> None:
    host.domain(running.uuid).suspend()
    assert await hypervisor.kill(running.uuid)
    assert await hypervisor.state_of(running.uuid) is PowerState.STOPPED


async def test_shutdown_and_reset_of_what_is_off_change_nothing(hypervisor: Hypervisor, defined: CapsulSpec) -> None:
    assert not await hypervisor.shutdown(defined.uuid)
    assert not await hypervisor.reset(defined.uuid)
    assert await hypervisor.state_of(defined.uuid) is PowerState.STOPPED


async def test_reset_leaves_it_running(hypervisor: Hypervisor, running: CapsulSpec) -> None:
    assert await hypervisor.reset(running.uuid)
    assert await hypervisor.state_of(running.uuid) is PowerState.RUNNING


async def test_what_runs_is_neither_forgotten_nor_robbed_of_its_disk(
    host: Host, hypervisor: Hypervisor, running: CapsulSpec
) -> None:
    with pytest.raises(StillRunning):
        await hypervisor.undefine(running.uuid)
    with pytest.raises(StillRunning):
        await hypervisor.delete_disk(running.uuid)
    assert await hypervisor.state_of(running.uuid) is PowerState.RUNNING
    assert host.domain(running.uuid).isPersistent()
    assert f"{running.uuid}.qcow2" in host.volumes()


async def test_undefine_twice(host: Host, hypervisor: Hypervisor, defined: CapsulSpec) -> None:
    assert await hypervisor.undefine(defined.uuid)
    assert not await hypervisor.undefine(defined.uuid)
    assert not host.has(defined.uuid)
    assert await hypervisor.state_of(defined.uuid) is PowerState.ABSENT


async def test_deleting_a_disk_twice_leaves_others_alone(
    host: Host, hypervisor: Hypervisor, defined: CapsulSpec
) -> None:
    neighbour = host.spec()
    await hypervisor.prepare_disk(neighbour)
    assert await hypervisor.delete_disk(defined.uuid)
    assert not await hypervisor.delete_disk(defined.uuid)
    assert host.volumes() == {f"{neighbour.uuid}.qcow2", f"{neighbour.uuid}.console.log"}


async def test_what_never_was_is_absent_and_off(host: Host, hypervisor: Hypervisor) -> None:
    nobody = host.spec().uuid
    assert await hypervisor.state_of(nobody) is PowerState.ABSENT
    assert not await hypervisor.shutdown(nobody)
    assert not await hypervisor.kill(nobody)
    assert not await hypervisor.reset(nobody)
    assert not await hypervisor.undefine(nobody)
    assert not await hypervisor.delete_disk(nobody)
    with pytest.raises(CapsulAbsent):
        await hypervisor.start(nobody)


async def test_two_workers_may_do_the_same_at_the_same_time(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    async with host.hypervisor() as other:
        both = (hypervisor, other) * 3
        disks = await asyncio.gather(*(each.prepare_disk(spec) for each in both))
        await asyncio.gather(*(each.define(spec) for each in both))
        starts = await asyncio.gather(*(each.start(spec.uuid) for each in both))
        kills = await asyncio.gather(*(each.kill(spec.uuid) for each in both))
        forgets = await asyncio.gather(*(each.undefine(spec.uuid) for each in both))
        deletions = await asyncio.gather(*(each.delete_disk(spec.uuid) for each in both))
    assert disks.count(True) == 1
    assert starts.count(True) == 1
    assert any(kills)
    assert any(forgets)
    assert any(deletions)
    assert not host.has(spec.uuid)
    assert host.volumes() == set()


async def test_observing_names_every_capsul_of_ours_and_its_state(
    host: Host, hypervisor: Hypervisor, running: CapsulSpec
) -> None:
    idle = host.spec()
    await hypervisor.define(idle)
    seen = {observed.uuid: observed for observed in await hypervisor.observe_all()}
    assert seen.keys() == {running.uuid, idle.uuid}
    assert seen[running.uuid].state is PowerState.RUNNING
    assert seen[idle.uuid].state is PowerState.STOPPED
    assert seen[idle.uuid].capsul_id == idle.capsul_id
    assert seen[idle.uuid].installation_id == host.settings.installation_id
    assert seen[idle.uuid].epoch == host.settings.epoch


async def test_a_killed_capsul_says_why_it_is_off(hypervisor: Hypervisor, running: CapsulSpec) -> None:
    await hypervisor.kill(running.uuid)
    observed = (await hypervisor.observe_all())[0]
    assert (observed.state, observed.reason) == (PowerState.STOPPED, "powered off")


async def test_only_what_runs_has_counters(hypervisor: Hypervisor, running: CapsulSpec) -> None:
    assert [stats.uuid for stats in await hypervisor.stats_all()] == [running.uuid]
    await hypervisor.kill(running.uuid)
    assert await hypervisor.stats_all() == []


async def test_facts_tell_the_configured_type_beside_those_on_offer(host: Host, hypervisor: Hypervisor) -> None:
    facts = await hypervisor.facts()
    assert facts.virt_type == host.settings.virt_type
    assert host.settings.virt_type in facts.offered_virt_types
    assert facts.vcpus >= 1
    assert facts.memory_bytes >= 2**30
    assert facts.hypervisor.startswith(host.driver.upper())


async def test_waiting_ends_without_the_state_when_the_time_is_up(hypervisor: Hypervisor, running: CapsulSpec) -> None:
    assert not await hypervisor.wait_for(running.uuid, OFF, deadline=0.2)


async def test_waiting_for_what_is_so_already_returns_at_once(hypervisor: Hypervisor, running: CapsulSpec) -> None:
    assert await hypervisor.wait_for(running.uuid, {PowerState.RUNNING}, deadline=0)


async def test_an_event_ends_the_waiting_long_before_the_next_look(host: Host, running: CapsulSpec) -> None:
    async with host.hypervisor(patience=replace(host.settings.patience, poll=100.0)) as patient:
        waiting = asyncio.create_task(patient.wait_for(running.uuid, OFF, deadline=60))
        await patient.kill(running.uuid)
        assert await asyncio.wait_for(waiting, 20)


async def test_errors_of_libvirt_never_leave(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.define(spec)
    with pytest.raises(HypervisorFailed) as failure:
        await hypervisor.define(host.spec(capsul_id=spec.capsul_id))
    assert isinstance(failure.value.__cause__, libvirt.libvirtError)
    assert spec.capsul_id not in failure.value.message, "what customers read has no internals"
    assert spec.capsul_id in str(failure.value), "what operators read has them"


async def test_a_driver_that_knows_no_keep_alive_does_all_the_rest(
    libvirt_events: LibvirtEvents, tmp_path: Path
) -> None:
    settings = host_settings("test", "test:///default", tmp_path)
    host = Host("test", settings, libvirt_events, None)
    spec = host.spec()
    async with host.hypervisor() as hypervisor:
        await hypervisor.prepare_disk(spec)
        await hypervisor.define(spec)
        await hypervisor.start(spec.uuid)
        assert [seen.state for seen in await hypervisor.observe_all()] == [PowerState.RUNNING]
        assert await hypervisor.read_log(spec.uuid) == b""
