"""Shows Prometheus the counters of every capsul on every host. Labels are ids; nothing here names a person."""

import asyncio
import concurrent.futures
import logging
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from capsul.errors import CapsulError
from capsul.machines import CapsulStats

log = logging.getLogger(__name__)

Family = TypeVar("Family", CounterMetricFamily, GaugeMetricFamily)

MARGIN = 0.5
"""Seconds that the asyncio loop may be late with an answer before it counts as stuck itself."""

# Our field, the name Prometheus gets, what it is. Counters get `_total` from the library.
_COUNTERS = (
    ("cpu_seconds", "capsul_cpu_seconds", "Processor time used, summed over processors."),
    ("disk_read_bytes", "capsul_disk_read_bytes", "Bytes read from disks."),
    ("disk_written_bytes", "capsul_disk_written_bytes", "Bytes written to disks."),
    ("network_received_bytes", "capsul_network_received_bytes", "Bytes received from the network."),
    ("network_sent_bytes", "capsul_network_sent_bytes", "Bytes sent to the network."),
)
_GAUGES = (
    ("memory_used_bytes", "capsul_memory_used_bytes", "Memory that the guest could not give back, by its own report."),
    ("memory_limit_bytes", "capsul_memory_limit_bytes", "Memory that the guest may use now."),
    ("vcpus", "capsul_vcpus", "Processors."),
)


class StatsSource(Protocol):
    """A host, as far as the exporter is concerned."""

    async def stats_all(self) -> list[CapsulStats]: ...


@dataclass(frozen=True)
class Answer:
    """What came of asking one host: its capsuls' counters, or None when it did not answer."""

    host: str
    stats: list[CapsulStats] | None
    seconds: float


class CapsulCollector(Collector):
    """Asks all hosts, at the same time, each time it is scraped.

    It is called on the web server's threads, and the hosts live on the asyncio loop: `loop` is where the questions
    are put. A host that has not answered after `deadline` seconds is shown as down, and the scrape goes on without
    it; keep it a second below Prometheus' scrape timeout. What a hypervisor does not tell is absent, never zero.
    """

    def __init__(
        self, hosts: Mapping[str, StatsSource], loop: asyncio.AbstractEventLoop, *, deadline: float = 5.0
    ) -> None:
        self._hosts = hosts
        self._loop = loop
        self._deadline = deadline

    def describe(self) -> Iterable[Metric]:
        """Says what there may be, so that registering asks no host."""
        return _families([])

    def collect(self) -> Iterable[Metric]:
        return _families(self._answers())

    def _answers(self) -> list[Answer]:
        waiting = _put(self._ask_all(), self._loop)
        if waiting is None:
            return self._nothing()
        try:
            return waiting.result(self._deadline + MARGIN)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            waiting.cancel()
            log.warning("a scrape went unanswered: %r", error)
            return self._nothing()

    def _nothing(self) -> list[Answer]:
        return [Answer(host, None, self._deadline + MARGIN) for host in self._hosts]

    async def _ask_all(self) -> list[Answer]:
        return await asyncio.gather(*(self._ask(host, source) for host, source in self._hosts.items()))

    async def _ask(self, host: str, source: StatsSource) -> Answer:
        started = time.monotonic()
        stats: list[CapsulStats] | None = None
        try:
            async with asyncio.timeout(self._deadline):
                stats = await source.stats_all()
        except (CapsulError, TimeoutError) as error:
            log.info("host %s gives no counters: %r", host, error)
        return Answer(host, stats, time.monotonic() - started)


def _put(
    question: Coroutine[Any, Any, list[Answer]], loop: asyncio.AbstractEventLoop
) -> concurrent.futures.Future[list[Answer]] | None:
    """None when the loop is closed: the program is about to end."""
    try:
        return asyncio.run_coroutine_threadsafe(question, loop)
    except RuntimeError:
        question.close()
        if loop.is_closed():
            return None
        raise


def _families(answers: Sequence[Answer]) -> Iterator[Metric]:
    for field, name, text in _COUNTERS:
        yield _filled(CounterMetricFamily(name, text, labels=("capsul", "host")), field, answers)
    for field, name, text in _GAUGES:
        yield _filled(GaugeMetricFamily(name, text, labels=("capsul", "host")), field, answers)
    up = GaugeMetricFamily("capsul_host_up", "Whether the host answered this scrape.", labels=("host",))
    seconds = GaugeMetricFamily(
        "capsul_host_scrape_duration_seconds", "How long the host took to answer, or not to.", labels=("host",)
    )
    for answer in answers:
        up.add_metric((answer.host,), 0.0 if answer.stats is None else 1.0)
        seconds.add_metric((answer.host,), answer.seconds)
    yield up
    yield seconds


def _filled(family: Family, field: str, answers: Sequence[Answer]) -> Family:
    for answer in answers:
        for stats in answer.stats or ():
            value = getattr(stats, field)
            if value is not None:
                family.add_metric((stats.capsul_id, answer.host), value)
    return family


class MetricsServer:
    """/metrics over HTTP, on threads of its own. Keep it on loopback: it shows every capsul there is."""

    def __init__(self, registry: CollectorRegistry, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server, self._thread = start_http_server(port, host, registry)
        self.port: int = self._server.server_port
        """The one asked for, or with 0 the one that was free."""

    def close(self) -> None:
        """Stops listening. Scrapes under way are left to end by their deadline."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve_metrics(registry: CollectorRegistry, host: str = "127.0.0.1", port: int = 0) -> MetricsServer:
    """Starts to listen; returns at once.

    Raises:
        OSError: the port is taken.
    """
    return MetricsServer(registry, host, port)
