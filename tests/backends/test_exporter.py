"""What Prometheus is shown: every counter there is, none that is made up, and never a scrape that hangs."""

import asyncio
import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from backends.exporter import CapsulCollector, MetricsServer, StatsSource, serve_metrics
from backends.hypervisor import HostUnreachable, LibvirtEvents
from capsul.machines import CapsulStats
from capsuld.demo.libvirtd import LibvirtDaemon
from tests.hosts import QUICK, Host, host_settings

Samples = dict[tuple[str, str, str], float]
"""Value by name, capsul and host; without a capsul for what is about a host."""

FULL = CapsulStats(uuid.uuid4(), "c-aaaaaaaaaa", 2, 12.5, 100, 200, 300, 400, 500, 600)
BARE = CapsulStats(uuid.uuid4(), "c-bbbbbbbbbb", 1, 0.0, None, None, None, None, None, None)


class Answers:
    """A host that answers at once."""

    def __init__(self, *stats: CapsulStats) -> None:
        self.stats = list(stats)
        self.asked = 0

    async def stats_all(self) -> list[CapsulStats]:
        self.asked += 1
        return self.stats


class Hangs:
    """A host that never answers."""

    async def stats_all(self) -> list[CapsulStats]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class IsAway:
    async def stats_all(self) -> list[CapsulStats]:
        raise HostUnreachable("host-3", "the host fell silent")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def server(registry: CollectorRegistry) -> Iterator[MetricsServer]:
    with serve_metrics(registry) as server:
        yield server


async def scrape(server: MetricsServer) -> Samples:
    """What a scrape over HTTP shows, after the library's own parser."""
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"http://127.0.0.1:{server.port}/metrics", timeout=20)
    assert response.status_code == 200
    return {
        (sample.name, sample.labels.get("capsul", ""), sample.labels["host"]): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def offer(registry: CollectorRegistry, hosts: Mapping[str, StatsSource], deadline: float = 0.3) -> None:
    registry.register(CapsulCollector(hosts, asyncio.get_running_loop(), deadline=deadline))


async def test_every_counter_is_shown_under_its_name(registry: CollectorRegistry, server: MetricsServer) -> None:
    offer(registry, {"host-1": Answers(FULL)})
    shown = await scrape(server)
    assert shown.pop(("capsul_host_scrape_duration_seconds", "", "host-1")) < 0.3
    assert shown == {
        ("capsul_cpu_seconds_total", "c-aaaaaaaaaa", "host-1"): 12.5,
        ("capsul_vcpus", "c-aaaaaaaaaa", "host-1"): 2,
        ("capsul_memory_used_bytes", "c-aaaaaaaaaa", "host-1"): 100,
        ("capsul_memory_limit_bytes", "c-aaaaaaaaaa", "host-1"): 200,
        ("capsul_disk_read_bytes_total", "c-aaaaaaaaaa", "host-1"): 300,
        ("capsul_disk_written_bytes_total", "c-aaaaaaaaaa", "host-1"): 400,
        ("capsul_network_received_bytes_total", "c-aaaaaaaaaa", "host-1"): 500,
        ("capsul_network_sent_bytes_total", "c-aaaaaaaaaa", "host-1"): 600,
        ("capsul_host_up", "", "host-1"): 1,
    }


async def test_what_the_hypervisor_does_not_tell_is_absent_and_a_true_zero_is_not(
    registry: CollectorRegistry, server: MetricsServer
) -> None:
    offer(registry, {"host-1": Answers(BARE)})
    names = {name: value for (name, capsul, _), value in (await scrape(server)).items() if capsul}
    assert names == {"capsul_cpu_seconds_total": 0.0, "capsul_vcpus": 1.0}


async def test_hosts_that_hang_or_are_away_are_down_and_the_others_are_shown(
    registry: CollectorRegistry, server: MetricsServer
) -> None:
    offer(registry, {"host-1": Answers(FULL), "host-2": Hangs(), "host-3": IsAway()})
    started = time.monotonic()
    shown = await scrape(server)
    assert time.monotonic() - started < 2
    assert {host: shown["capsul_host_up", "", host] for host in ("host-1", "host-2", "host-3")} == {
        "host-1": 1,
        "host-2": 0,
        "host-3": 0,
    }
    assert {host for _, capsul, host in shown if capsul} == {"host-1"}
    assert shown["capsul_host_scrape_duration_seconds", "", "host-2"] >= 0.3


async def test_registering_asks_no_host(registry: CollectorRegistry) -> None:
    source = Answers(FULL)
    offer(registry, {"host-1": source})
    assert source.asked == 0


async def test_no_labels_but_ids(registry: CollectorRegistry, server: MetricsServer) -> None:
    offer(registry, {"host-1": Answers(FULL)})
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"http://127.0.0.1:{server.port}/metrics")).text
    labels = {name for family in text_string_to_metric_families(text) for s in family.samples for name in s.labels}
    assert labels == {"capsul", "host"}


async def test_scrapes_at_the_same_time_do_not_wait_for_each_other(
    registry: CollectorRegistry, server: MetricsServer
) -> None:
    offer(registry, {"host-1": Hangs()}, deadline=0.5)
    started = time.monotonic()
    await asyncio.gather(*(scrape(server) for _ in range(6)))
    assert time.monotonic() - started < 2


def test_a_scrape_ends_although_the_loop_is_stuck(registry: CollectorRegistry) -> None:
    loop = asyncio.new_event_loop()  # never run: what is put on it never begins
    try:
        registry.register(CapsulCollector({"host-1": Answers(FULL)}, loop, deadline=0.2))
        assert registry.get_sample_value("capsul_host_up", {"host": "host-1"}) == 0
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()


def test_a_scrape_ends_although_the_loop_is_closed(registry: CollectorRegistry) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    registry.register(CapsulCollector({"host-1": Answers(FULL)}, loop))
    assert registry.get_sample_value("capsul_host_up", {"host": "host-1"}) == 0


def test_it_listens_where_it_is_told_and_stops(registry: CollectorRegistry) -> None:
    with serve_metrics(registry) as server:
        with pytest.raises(OSError, match="in use"):
            serve_metrics(registry, "127.0.0.1", server.port)
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


async def test_a_real_host_is_down_while_its_daemon_hangs(
    registry: CollectorRegistry, server: MetricsServer, libvirt_events: LibvirtEvents, tmp_path: Path
) -> None:
    with LibvirtDaemon(tmp_path / "libvirt") as daemon:
        host = Host("test", host_settings("test", daemon.uri("test"), tmp_path, patience=QUICK), libvirt_events, None)
        async with host.hypervisor() as hypervisor:
            offer(registry, {"host-1": hypervisor}, deadline=1.0)
            spec = host.spec()
            await hypervisor.prepare_disk(spec)
            await hypervisor.define(spec)
            await hypervisor.start(spec.uuid)
            shown = await scrape(server)
            assert shown["capsul_host_up", "", "host-1"] == 1
            assert {name for name, capsul, _ in shown if capsul == spec.capsul_id} == {"capsul_vcpus"}
            assert daemon.process.pid is not None
            os.kill(daemon.process.pid, signal.SIGSTOP)
            assert (await scrape(server))["capsul_host_up", "", "host-1"] == 0
            os.kill(daemon.process.pid, signal.SIGCONT)
