"""Figures over time from a real Prometheus: right units, honest gaps, and a clear word when it is away."""

import asyncio
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from backends.exporter import CapsulCollector, serve_metrics
from backends.metrics import QUERIES, SPANS, UNITS, Metrics
from capsul.errors import BadRequest, Unavailable
from capsul.machines import CapsulStats, Series
from capsuld.demo.cache import CACHE, cached, unpack
from capsuld.demo.processes import find_tool, free_port, run
from capsuld.demo.prometheus import PrometheusServer

CAPSUL = "c-aaaaaaaaaa"
NOW = 1_750_000_000
DAY = 86_400
OFF_BETWEEN = (NOW - 10 * DAY, NOW - 8 * DAY)
"""When the remembered capsul was off."""


def promtool() -> str:
    """Prometheus' own tool, the machine's or Debian's, to write a past that never was."""

    def fetch(program: Path) -> None:
        folder = program.with_name(f"{program.name}.package")
        try:
            unpack(["prometheus"], folder)
            (folder / "usr/bin/promtool").rename(program)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return find_tool("promtool") or str(cached(CACHE / "promtool", fetch))


def moments() -> list[int]:
    """When the past was measured: every two minutes for 31 days, every 15 seconds for the last two hours."""
    long_ago = range(NOW - 31 * DAY, NOW - 7200, 120)
    lately = range(NOW - 7200, NOW + 1, 15)
    return [at for at in (*long_ago, *lately) if not OFF_BETWEEN[0] <= at <= OFF_BETWEEN[1]]


def lines_of(name: str, kind: str, value: Callable[[int], int]) -> list[str]:
    suffix = "_total" if kind == "counter" else ""
    labels = f'{{capsul="{CAPSUL}",host="host-1"}}'
    return [f"# TYPE {name} {kind}", *(f"{name}{suffix}{labels} {value(at)} {at}" for at in moments())]


def past() -> str:
    """31 days of one capsul in OpenMetrics: half of two processors, 64 MiB used, 1,000 bytes a second read."""
    began = NOW - 40 * DAY
    lines = [
        *lines_of("capsul_cpu_seconds", "counter", lambda at: at - began),
        *lines_of("capsul_vcpus", "gauge", lambda at: 2),
        *lines_of("capsul_memory_used_bytes", "gauge", lambda at: 64 * 2**20),
        *lines_of("capsul_disk_read_bytes", "counter", lambda at: (at - began) * 1000),
    ]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus that remembers 31 days."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "past.om").write_text(past())
    series = folder / "state/series"
    series.mkdir(parents=True)
    # In blocks of two hours, as by default, the whole past would be read four hundred times.
    into_blocks = ["tsdb", "create-blocks-from", "--max-block-duration=800h", "openmetrics"]
    run([promtool(), *into_blocks, str(folder / "past.om"), str(series)])
    with PrometheusServer(folder / "state", port=free_port(), targets=[]) as server:
        yield server


@pytest.fixture
async def metrics(remembering: PrometheusServer) -> AsyncIterator[Metrics]:
    async with closing(Metrics(remembering.url)) as metrics:
        yield metrics


@asynccontextmanager
async def closing(metrics: Metrics) -> AsyncIterator[Metrics]:
    try:
        yield metrics
    finally:
        await metrics.close()


@pytest.mark.parametrize("span", list(SPANS))
async def test_every_range_gives_enough_points_to_draw_and_not_too_many(metrics: Metrics, span: str) -> None:
    points = (await metrics.capsul_series(CAPSUL, span, NOW))["memory"].points
    assert 120 <= len(points) <= 300
    assert points[-1][0] == NOW
    assert points[0][0] == NOW - SPANS[span].length
    assert {value for _, value in points} == {64 * 2**20}


@pytest.mark.parametrize("span", list(SPANS))
async def test_rates_are_right_at_every_range(metrics: Metrics, span: str) -> None:
    series = await metrics.capsul_series(CAPSUL, span, NOW)
    assert series["cpu"].points, "percent of both processors: one of two is busy"
    # Where the capsul was off, a window holds less than a whole one's growth; beside that every point is exact.
    exact = [value for at, value in series["cpu"].points if not near_the_gap(at, span)]
    assert exact == pytest.approx([50.0] * len(exact))
    read = [value for at, value in series["disk_read"].points if not near_the_gap(at, span)]
    assert read == pytest.approx([1000.0] * len(read))


def near_the_gap(at: int, span: str) -> bool:
    return OFF_BETWEEN[0] <= at <= OFF_BETWEEN[1] + SPANS[span].step


async def test_all_six_are_there_with_their_units_though_empty(metrics: Metrics) -> None:
    series = await metrics.capsul_series(CAPSUL, "1h", NOW)
    assert {name: each.unit for name, each in series.items()} == dict(UNITS)
    assert series["net_rx"] == Series("bytes_per_second", ())
    assert series["disk_write"].points == ()


async def test_a_capsul_nobody_has_measured_has_six_empty_series(metrics: Metrics) -> None:
    series = await metrics.capsul_series("c-zzzzzzzzzz", "30d", NOW)
    assert {name: each.points for name, each in series.items()} == dict.fromkeys(UNITS, ())


async def test_a_gap_stays_a_gap(metrics: Metrics) -> None:
    points = (await metrics.capsul_series(CAPSUL, "30d", NOW))["memory"].points
    begins, ends = OFF_BETWEEN
    step = SPANS["30d"].step
    assert [at for at, _ in points if begins + step < at < ends] == []
    holes = [(before, after) for (before, _), (after, _) in pairwise(points) if after - before > step]
    assert len(holes) == 1
    assert holes[0][1] - holes[0][0] >= ends - begins - step


async def test_what_is_no_number_is_no_point(remembering: PrometheusServer) -> None:
    queries = {
        **QUERIES,
        "cpu": 'max(capsul_vcpus{capsul="$capsul"} / 0)',
        "memory": 'max(0 * capsul_vcpus{capsul="$capsul"} / 0)',
    }
    async with closing(Metrics(remembering.url, queries)) as metrics:
        series = await metrics.capsul_series(CAPSUL, "1h", NOW)
    assert series["cpu"].points == ()
    assert series["memory"].points == ()
    assert series["disk_read"].points != ()


async def test_one_question_gives_the_cpu_of_many_and_an_empty_series_of_those_nobody_measured(
    metrics: Metrics,
) -> None:
    strangers = [f"c-zzzzzzzz{letter}{other}" for letter in "abcdefghijklmnop" for other in "abcdefghijklmnop"]
    found = await metrics.cpu_of([CAPSUL, *strangers], "5m", NOW)
    assert list(found) == [CAPSUL, *strangers], "more than fit into one question"
    assert [value for _, value in found[CAPSUL].points] == pytest.approx([50.0] * len(found[CAPSUL].points))
    assert {found[stranger] for stranger in strangers} == {Series("percent", ())}


@pytest.mark.parametrize("span", list(SPANS))
async def test_small_graphs_of_many_are_few_points_that_stay_where_they_are(metrics: Metrics, span: str) -> None:
    now, later = [(await metrics.cpu_of([CAPSUL], span, at))[CAPSUL].points for at in (NOW - 1, NOW)]
    step = SPANS[span].length // 30
    assert 20 <= len(now) <= 31
    assert {at % step for at, _ in (*now, *later)} == {0}


async def test_of_no_capsuls_nothing_is_asked() -> None:
    async with closing(Metrics("http://127.0.0.1:1")) as metrics:
        assert await metrics.cpu_of([], "5m") == {}


@pytest.mark.parametrize(
    "hostile",
    ["", "c-", 'c-aaaaaaaaaa"}) or vector(1', "c-aaaaaaaaaa\n", ".*", "C-AAAAAAAAAA", "$window", "c-aaaaaaaaa\u0430"],
)
async def test_what_is_no_id_never_reaches_prometheus(hostile: str) -> None:
    async with closing(Metrics("http://127.0.0.1:1")) as metrics:
        with pytest.raises(BadRequest):
            await metrics.capsul_series(hostile, "1h")
        with pytest.raises(BadRequest):
            await metrics.cpu_of([CAPSUL, hostile], "1h")


async def test_a_range_that_is_not_offered_is_refused_with_those_that_are() -> None:
    async with closing(Metrics("http://127.0.0.1:1")) as metrics:
        with pytest.raises(BadRequest, match="5m, 1h, 1d, 7d, 30d"):
            await metrics.capsul_series(CAPSUL, "2h")
        with pytest.raises(BadRequest, match="5m, 1h, 1d, 7d, 30d"):
            await metrics.cpu_of([CAPSUL], "2h")


@pytest.mark.parametrize(
    "queries",
    [
        {name: query for name, query in QUERIES.items() if name != "cpu"},
        {**QUERIES, "cpu": "rate(x{a='$account'}[$window])"},
        {**QUERIES, "cpu": "100$"},
    ],
    ids=["one is missing", "an unknown name", "a stray dollar"],
)
def test_queries_that_cannot_work_are_refused_when_they_are_read(queries: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cpu"):
        Metrics("http://127.0.0.1:1", queries)


def test_a_query_for_many_may_use_the_names_of_many_only() -> None:
    with pytest.raises(ValueError, match="capsuls"):
        Metrics("http://127.0.0.1:1", cpu_of_many='x{capsul="$capsul"}')


async def test_a_prometheus_that_is_away_is_said_to_be_at_once() -> None:
    async with closing(Metrics(f"http://127.0.0.1:{free_port()}")) as metrics:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="metrics server is away"):
            await metrics.capsul_series(CAPSUL, "1h")
        with pytest.raises(Unavailable, match="metrics server is away"):
            await metrics.cpu_of([CAPSUL], "1h")
        assert time.monotonic() - started < 2


async def test_a_proxy_of_the_environment_is_not_asked(
    remembering: PrometheusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with closing(Metrics(remembering.url)) as metrics:
        assert (await metrics.capsul_series(CAPSUL, "1h", NOW))["cpu"].points


class Busy:
    """A host whose one capsul keeps one of its two processors half busy and reads 1,000,000 bytes a second."""

    async def stats_all(self) -> list[CapsulStats]:
        seconds = time.time() - 1_700_000_000
        return [
            CapsulStats(
                uuid=uuid.uuid4(),
                capsul_id=CAPSUL,
                vcpus=2,
                cpu_seconds=seconds / 2,
                memory_used_bytes=50_000_000,
                memory_limit_bytes=100_000_000,
                disk_read_bytes=int(seconds * 1_000_000),
                disk_written_bytes=0,
                network_received_bytes=None,
                network_sent_bytes=None,
            )
        ]


async def test_what_the_exporter_shows_comes_back_as_figures(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    registry.register(CapsulCollector({"host-1": Busy()}, asyncio.get_running_loop(), deadline=0.5))
    with (
        serve_metrics(registry) as exporter,
        PrometheusServer(
            tmp_path / "prometheus", port=free_port(), targets=[f"127.0.0.1:{exporter.port}"], seconds=1
        ) as prometheus,
    ):
        async with closing(Metrics(prometheus.url, scrape_seconds=1)) as metrics, asyncio.timeout(60):
            while True:
                series = await metrics.capsul_series(CAPSUL, "5m")
                if len(series["cpu"].points) >= 3:
                    break
                await asyncio.sleep(0.2)
    assert series["cpu"].points[-1][1] == pytest.approx(25, rel=0.1)
    assert series["memory"].points[-1][1] == 50_000_000
    assert series["disk_read"].points[-1][1] == pytest.approx(1_000_000, rel=0.1)
    assert series["disk_write"].points[-1][1] == 0
    assert series["net_rx"].points == ()
    assert series["net_tx"].points == ()
