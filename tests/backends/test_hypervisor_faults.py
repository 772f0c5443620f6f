"""Hosts that die, hang, stay away and come back: nobody waits for ever, and all is read anew afterwards."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import libvirt
import pytest

from backends.hypervisor import HostUnreachable, Hypervisor, LibvirtEvents
from capsul.machines import OFF, CapsulSpec, HostEvent, HostLost, PowerState, Resync
from capsuld.demo.libvirtd import LibvirtDaemon
from tests.hosts import QUICK, Driver, Host, host_settings, threads_named, until

DEAF = 1000
"""Keep-alive probes that may be missed by a host that shall only ever be given up by deadlines."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[LibvirtDaemon]:
    """A daemon that may be killed."""
    with LibvirtDaemon(tmp_path / "libvirt") as daemon:
        yield daemon


@pytest.fixture
def frail(daemon: LibvirtDaemon, driver: Driver, libvirt_events: LibvirtEvents, tmp_path: Path) -> Host:
    """A host on that daemon, of either kind. It has no second road: the test driver must be seen to forget."""
    return Host(driver, host_settings(driver, daemon.uri(driver), tmp_path), libvirt_events, None)


@pytest.fixture
def simple(daemon: LibvirtDaemon, libvirt_events: LibvirtEvents, tmp_path: Path) -> Host:
    """A host on that daemon, where only the connection matters."""
    return Host("test", host_settings("test", daemon.uri("test"), tmp_path), libvirt_events, None)


@contextmanager
def hung(daemon: LibvirtDaemon) -> Iterator[None]:
    """The daemon neither answers nor goes away."""
    assert daemon.process.pid is not None
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)


def kill(daemon: LibvirtDaemon) -> None:
    assert daemon.process.pid is not None
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.process.wait_until(lambda: daemon.process.pid is None, 10, "dying", alive=False)


async def next_of(events: AsyncIterator[HostEvent], kind: type[Any], seconds: float = 20) -> Any:
    """The next event of this kind."""
    async with asyncio.timeout(seconds):
        while True:
            event = await anext(events)
            if isinstance(event, kind):
                return event


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def make_running(hypervisor: Hypervisor, spec: CapsulSpec) -> None:
    await hypervisor.prepare_disk(spec)
    await hypervisor.define(spec)
    await hypervisor.start(spec.uuid)


async def test_a_killed_daemon_is_noticed_at_once_and_found_again(daemon: LibvirtDaemon, frail: Host) -> None:
    async with frail.hypervisor() as hypervisor:
        events = hypervisor.events()
        await next_of(events, Resync)
        spec = frail.spec()
        await make_running(hypervisor, spec)
        kill(daemon)
        lost = await next_of(events, HostLost, 2)
        assert lost.host == "host-1"
        with pytest.raises(HostUnreachable):
            await hypervisor.observe_all()
        daemon.up()
        await next_of(events, Resync)
        kept = {"qemu": [PowerState.RUNNING], "test": []}[frail.driver]
        assert [seen.state for seen in await hypervisor.observe_all()] == kept
        await make_running(hypervisor, spec)
        assert await hypervisor.state_of(spec.uuid) is PowerState.RUNNING


async def test_a_hung_daemon_is_given_up_by_keep_alive_while_the_loop_goes_on(
    daemon: LibvirtDaemon, simple: Host
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async with simple.hypervisor(patience=replace(QUICK, look=30.0)) as hypervisor:
        events = hypervisor.events()
        await next_of(events, Resync)
        ticking = asyncio.create_task(tick())
        with hung(daemon):
            asked = time.monotonic()
            with pytest.raises(HostUnreachable):
                await hypervisor.observe_all()
            assert time.monotonic() - asked < 6, "interval 1 s, 2 probes: gone after 3 s"
            assert ticks > 100
            await next_of(events, HostLost)
            asked = time.monotonic()
            with pytest.raises(HostUnreachable):
                await hypervisor.observe_all()
            assert time.monotonic() - asked < 0.1, "a host that is known to be away is not asked"
        await next_of(events, Resync)
        assert await hypervisor.observe_all() == []
        ticking.cancel()


async def test_a_call_that_gets_no_answer_ends_at_its_deadline_and_threads_stay_few(
    daemon: LibvirtDaemon, simple: Host
) -> None:
    patience = replace(QUICK, look=0.3, keepalive_count=DEAF, calls_at_once=4)
    async with simple.hypervisor(name="bounded", patience=patience) as hypervisor:
        events = hypervisor.events()
        await next_of(events, Resync)
        with hung(daemon):
            asked = time.monotonic()
            outcomes = await asyncio.gather(*(hypervisor.observe_all() for _ in range(40)), return_exceptions=True)
            assert all(isinstance(outcome, HostUnreachable) for outcome in outcomes)
            assert time.monotonic() - asked < 2
            assert threads_named("bounded-call") <= 4
        await until(lambda: threads_named("bounded-call") == 0)
        assert await hypervisor.observe_all() == [], "the connection itself has survived"


async def test_a_start_that_was_given_up_does_not_happen_later(daemon: LibvirtDaemon, frail: Host) -> None:
    patience = replace(QUICK, change=0.5, keepalive_count=DEAF)
    spec = frail.spec()
    async with frail.hypervisor() as hypervisor, frail.hypervisor(name="hasty", patience=patience) as hasty:
        await hypervisor.prepare_disk(spec)
        await hypervisor.define(spec)
        await hasty.observe_all()
        with hung(daemon), pytest.raises(HostUnreachable):
            await hasty.start(spec.uuid)
        await until(lambda: threads_named("hasty-call") == 0)
        assert await hypervisor.wait_for(spec.uuid, {PowerState.STOPPED}, deadline=10)


async def test_a_host_that_hangs_while_it_is_opened_is_tried_again(daemon: LibvirtDaemon, simple: Host) -> None:
    patience = replace(QUICK, open=0.3, look=0.3, opens_at_once=2)
    with hung(daemon):
        async with simple.hypervisor(name="slow", patience=patience) as hypervisor:
            events = hypervisor.events()
            lost = await next_of(events, HostLost, 5)
            assert "does not open" in lost.reason
            with pytest.raises(HostUnreachable):
                await hypervisor.observe_all()
            await until(lambda: threads_named("slow-open-call") == 2)
            assert daemon.process.pid is not None
            os.kill(daemon.process.pid, signal.SIGCONT)
            await next_of(events, Resync)
            assert await hypervisor.observe_all() == []


async def test_a_host_that_is_away_when_we_begin_is_found_when_it_comes(daemon: LibvirtDaemon, simple: Host) -> None:
    daemon.down()
    async with simple.hypervisor() as hypervisor:
        with pytest.raises(HostUnreachable) as trouble:
            await hypervisor.observe_all()
        assert "socket" in trouble.value.detail
        assert "socket" not in trouble.value.message, "what customers read has no internals"
        events = hypervisor.events()
        await next_of(events, HostLost)
        daemon.up()
        await next_of(events, Resync)
        assert await hypervisor.observe_all() == []


async def test_nothing_is_left_behind_by_ten_lost_connections(daemon: LibvirtDaemon, simple: Host) -> None:
    async with simple.hypervisor() as hypervisor:
        events = hypervisor.events()
        held: list[tuple[int, int]] = []
        for _ in range(10):
            await next_of(events, Resync)
            await hypervisor.observe_all()
            await until(lambda: threads_named("host-1-call") == 0)
            held.append((open_files(), threading.active_count()))
            kill(daemon)
            await next_of(events, HostLost)
            daemon.up()
        await next_of(events, Resync)
    assert held[-1] == held[1], f"file descriptors and threads at each connection: {held}"


async def test_waiting_for_a_state_outlives_the_connection(daemon: LibvirtDaemon, frail: Host) -> None:
    async with frail.hypervisor() as hypervisor:
        events = hypervisor.events()
        await next_of(events, Resync)
        spec = frail.spec()
        await make_running(hypervisor, spec)
        waiting = asyncio.create_task(hypervisor.wait_for(spec.uuid, OFF, deadline=60))
        kill(daemon)
        await next_of(events, HostLost)
        assert not waiting.done()
        daemon.up()
        await next_of(events, Resync)
        await hypervisor.kill(spec.uuid)
        assert await waiting


async def test_waiting_for_a_state_ends_with_the_hosts_absence_when_the_time_is_up(
    daemon: LibvirtDaemon, simple: Host
) -> None:
    async with simple.hypervisor() as hypervisor:
        await hypervisor.observe_all()
        daemon.down()
        with pytest.raises(HostUnreachable):
            await hypervisor.wait_for(simple.spec().uuid, {PowerState.RUNNING}, deadline=0.5)


async def test_a_daemon_killed_while_a_capsul_starts_is_asked_again(daemon: LibvirtDaemon, frail: Host) -> None:
    spec = frail.spec()
    async with frail.hypervisor() as hypervisor:
        events = hypervisor.events()
        await next_of(events, Resync)
        await hypervisor.prepare_disk(spec)
        await hypervisor.define(spec)
        starting = asyncio.create_task(hypervisor.start(spec.uuid))
        await asyncio.sleep(0)
        kill(daemon)
        outcome = (await asyncio.gather(starting, return_exceptions=True))[0]
        assert outcome is True or isinstance(outcome, HostUnreachable)
        daemon.up()
        await next_of(events, Resync)
        await make_running(hypervisor, spec)
        assert await hypervisor.state_of(spec.uuid) is PowerState.RUNNING
        assert len(await hypervisor.observe_all()) == 1


async def test_no_host_is_opened_without_the_event_loop(simple: Host) -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        async with Hypervisor(simple.settings, LibvirtEvents()):
            pass


def test_a_process_has_one_event_loop_of_libvirts(libvirt_events: LibvirtEvents) -> None:
    libvirt_events.require_running()
    with pytest.raises(RuntimeError, match="already"):
        LibvirtEvents().start()


async def test_a_closed_hypervisor_says_so(simple: Host) -> None:
    async with simple.hypervisor() as hypervisor:
        await hypervisor.observe_all()
    with pytest.raises(HostUnreachable) as refusal:
        await hypervisor.observe_all()
    assert refusal.value.detail == "closed"


async def test_a_bug_of_ours_does_not_look_like_a_host_that_is_away(simple: Host) -> None:
    def broken(_uri: str) -> Any:
        raise ZeroDivisionError("our own mistake")

    async with Hypervisor(simple.settings, simple.events, open_connection=broken) as hypervisor:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await hypervisor.observe_all()


def test_libvirt_is_quiet(capfd: pytest.CaptureFixture[str], libvirt_events: LibvirtEvents) -> None:
    libvirt_events.require_running()
    with pytest.raises(libvirt.libvirtError):
        libvirt.open("test+unix:///default?socket=/nowhere")
    assert capfd.readouterr().err == ""
