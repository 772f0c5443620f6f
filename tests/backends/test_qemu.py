"""A capsul on QEMU is a real machine: it boots, speaks on its console, counts what it uses, and can be shut down."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from backends.hypervisor import Hypervisor, HypervisorFailed
from capsul.machines import OFF, CapsulSpec, CapsulStats, LifecycleEvent, LifecycleKind, PowerState
from tests.hosts import Host

pytestmark = pytest.mark.parametrize("driver", ["qemu"], indirect=True)


@pytest.fixture
async def booted(host: Host, hypervisor: Hypervisor) -> AsyncIterator[CapsulSpec]:
    """A capsul that has come up."""
    spec = host.spec()
    await hypervisor.prepare_disk(spec)
    await hypervisor.define(spec)
    await hypervisor.start(spec.uuid)
    await wait_for_log(hypervisor, spec, b"READY")
    yield spec
    await hypervisor.kill(spec.uuid)


async def wait_for_log(hypervisor: Hypervisor, spec: CapsulSpec, word: bytes, times: int = 1) -> bytes:
    async with asyncio.timeout(60):
        while True:
            log = await hypervisor.read_log(spec.uuid)
            if log.count(word) >= times:
                return log
            await asyncio.sleep(0.1)


async def wait_for_stats(
    hypervisor: Hypervisor, spec: CapsulSpec, condition: Callable[[CapsulStats], bool]
) -> CapsulStats:
    async with asyncio.timeout(30):
        while True:
            for stats in await hypervisor.stats_all():
                if stats.uuid == spec.uuid and condition(stats):
                    return stats
            await asyncio.sleep(0.1)


async def test_it_boots_counts_what_it_uses_and_obeys_its_power_button(
    hypervisor: Hypervisor, booted: CapsulSpec
) -> None:
    stats = await wait_for_stats(hypervisor, booted, lambda stats: stats.memory_used_bytes is not None)
    assert stats.capsul_id == booted.capsul_id
    assert stats.vcpus == 1
    assert stats.cpu_seconds is not None
    assert stats.cpu_seconds > 0.5
    assert stats.memory_limit_bytes == 128 * 1024**2
    assert stats.memory_used_bytes is not None
    assert 0 < stats.memory_used_bytes < stats.memory_limit_bytes
    assert stats.disk_read_bytes is not None
    assert stats.disk_read_bytes > 1_000_000, "it has read its own kernel"
    assert stats.disk_written_bytes == 0
    assert stats.network_received_bytes is None, "user-mode networking counts nothing, and nothing is made up"
    assert stats.network_sent_bytes is None

    assert await hypervisor.shutdown(booted.uuid)
    assert await hypervisor.wait_for(booted.uuid, OFF, deadline=60)
    seen = (await hypervisor.observe_all())[0]
    assert (seen.state, seen.reason) == (PowerState.STOPPED, "shut down")


async def test_its_console_log_goes_on_after_a_restart_and_goes_with_its_disk(
    hypervisor: Hypervisor, booted: CapsulSpec
) -> None:
    await hypervisor.kill(booted.uuid)
    await hypervisor.start(booted.uuid)
    log = await wait_for_log(hypervisor, booted, b"READY", times=2)
    assert await hypervisor.read_log(booted.uuid, limit=10) == log[-10:]
    await hypervisor.kill(booted.uuid)
    await hypervisor.undefine(booted.uuid)
    assert await hypervisor.delete_disk(booted.uuid)
    assert await hypervisor.read_log(booted.uuid) == b""


async def test_an_emulator_that_dies_is_a_crash_and_is_heard(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.prepare_disk(spec)
    await hypervisor.define(spec)
    await hypervisor.start(spec.uuid)
    events = hypervisor.events()
    await anext(events)
    os.kill(emulator_of(spec), signal.SIGKILL)
    async with asyncio.timeout(20):
        while True:
            event = await anext(events)
            if isinstance(event, LifecycleEvent) and event.kind is LifecycleKind.CRASHED:
                break
    assert event.uuid == spec.uuid
    assert await hypervisor.state_of(spec.uuid) is PowerState.CRASHED
    assert await hypervisor.start(spec.uuid)


async def test_an_image_that_is_not_there_fails_at_once_and_makes_nothing(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec(image="nowhere.qcow2")
    with pytest.raises(HypervisorFailed) as failure:
        await hypervisor.prepare_disk(spec)
    assert "nowhere.qcow2" in failure.value.detail
    assert host.volumes() == set()


async def test_a_capsul_without_its_disk_does_not_start_and_says_why(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.define(spec)
    with pytest.raises(HypervisorFailed) as failure:
        await hypervisor.start(spec.uuid)
    assert str(spec.uuid) in failure.value.detail
    assert await hypervisor.state_of(spec.uuid) is PowerState.STOPPED


async def test_the_emulator_is_never_asked_for_kvm(host: Host, hypervisor: Hypervisor, booted: CapsulSpec) -> None:
    command = command_of(emulator_of(booted))
    assert b"tcg,tb-size=32" in command
    assert not [word for word in command if b"kvm" in word]


def command_of(process: int) -> list[bytes]:
    return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")


def emulator_of(spec: CapsulSpec) -> int:
    """Process id of the emulator that runs the capsul."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = command_of(int(process.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"-uuid" in words and str(spec.uuid).encode() in words:
            return int(process.name)
    raise AssertionError(f"no emulator runs {spec.capsul_id}")
