"""What Prometheus remembers of a capsul. The questions are configuration, so another exporter can be asked about."""

import asyncio
import logging
import math
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import httpx

from capsul.errors import BadRequest, Unavailable
from capsul.machines import Series
from capsul.rules import CAPSUL_ID

log = logging.getLogger(__name__)

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "cpu": "percent",
        "memory": "bytes",
        "disk_read": "bytes_per_second",
        "disk_write": "bytes_per_second",
        "net_rx": "bytes_per_second",
        "net_tx": "bytes_per_second",
    }
)
"""The six figures. `cpu` is in percent of all the capsul's processors together: 100 is all of them busy. It can
pass 100 a little, for the time that the host spends on the capsul's behalf counts too."""

QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "cpu": (
            'max(100 * rate(capsul_cpu_seconds_total{capsul="$capsul"}[$window])'
            ' / max_over_time(capsul_vcpus{capsul="$capsul"}[$window]))'
        ),
        "memory": 'max(avg_over_time(capsul_memory_used_bytes{capsul="$capsul"}[$window]))',
        "disk_read": 'max(rate(capsul_disk_read_bytes_total{capsul="$capsul"}[$window]))',
        "disk_write": 'max(rate(capsul_disk_written_bytes_total{capsul="$capsul"}[$window]))',
        "net_rx": 'max(rate(capsul_network_received_bytes_total{capsul="$capsul"}[$window]))',
        "net_tx": 'max(rate(capsul_network_sent_bytes_total{capsul="$capsul"}[$window]))',
    }
)
"""PromQL over our own exporter. Each must give one series at most. The larger one is taken where there are two: a
capsul that moved has one for each host, one that two workers watch has one for each of them."""


@dataclass(frozen=True)
class Span:
    """How far back, and how far apart the points are, in seconds."""

    length: int
    step: int


SPANS: Mapping[str, Span] = MappingProxyType(
    {
        "5m": Span(300, 2),
        "1h": Span(3_600, 20),
        "1d": Span(86_400, 480),
        "7d": Span(604_800, 3_600),
        "30d": Span(2_592_000, 14_400),
    }
)
"""Each gives some 150 points: as many as a wide terminal can show."""


class Metrics:
    """Asks one Prometheus.

    `queries` are PromQL templates, one for each figure, in which `$capsul` and `$window` are filled in (`$$` is a
    dollar sign). The window is four times `scrape_seconds`, so that a rate survives a lost scrape, or the distance
    of the points where that is longer, so that nothing falls between two points.

    Raises:
        ValueError: a figure has no query, or a template uses another name.
    """

    def __init__(
        self,
        base_url: str,
        queries: Mapping[str, str] = QUERIES,
        *,
        scrape_seconds: float = 15,
        deadline: float = 5.0,
    ) -> None:
        self._templates = {name: _template(name, queries) for name in UNITS}
        self._least_window = math.ceil(4 * scrape_seconds)
        self._deadline = deadline
        # Proxies of the environment are for the world outside. Certificates are only read where they are needed.
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=deadline, trust_env=False, verify=urlsplit(base_url).scheme == "https"
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def capsul_series(self, capsul_id: str, span: str, now: float | None = None) -> dict[str, Series]:
        """All six figures of a capsul, up to `now` (unix seconds; the present by default).

        Where Prometheus has nothing there is no point: a capsul that was off leaves a gap, and a figure that its
        host does not give has no points at all.

        Raises:
            BadRequest: there is no such span, or the id is none.
            Unavailable: Prometheus is away, too slow, or does not understand the questions.
        """
        if span not in SPANS:
            raise BadRequest(f"There is no range {span!r:.40}. Choose one of: {', '.join(SPANS)}")
        if not CAPSUL_ID.fullmatch(capsul_id):
            raise BadRequest("That is not the id of a capsul.")
        end = int(time.time() if now is None else now)
        try:
            async with asyncio.timeout(self._deadline):
                answers = await _all([self._points(name, capsul_id, SPANS[span], end) for name in UNITS])
        except TimeoutError as error:
            raise Unavailable("The metrics server does not answer in time. Try again in a minute.") from error
        return {name: Series(unit, points) for (name, unit), points in zip(UNITS.items(), answers, strict=True)}

    async def _points(self, name: str, capsul_id: str, span: Span, end: int) -> tuple[tuple[int, float], ...]:
        window = max(self._least_window, span.step)
        question = {
            "query": self._templates[name].substitute(capsul=capsul_id, window=f"{window}s"),
            "start": str(end - span.length),
            "end": str(end),
            "step": str(span.step),
            "timeout": f"{self._deadline * 1000:.0f}ms",
        }
        try:
            response = await self._client.post("/api/v1/query_range", data=question)
        except httpx.HTTPError as error:
            log.warning("Prometheus at %s: %s", self._client.base_url, error)
            raise Unavailable("The metrics server is away. Try again in a minute.") from error
        return _read(name, response)


async def _all(questions: list[Any]) -> list[Any]:
    """All answers, asked for at once; the first failure ends the others."""
    tasks = [asyncio.ensure_future(question) for question in questions]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _read(name: str, response: httpx.Response) -> tuple[tuple[int, float], ...]:
    """The points of Prometheus' answer: https://prometheus.io/docs/prometheus/latest/querying/api/."""
    try:
        answer = response.json()
        if answer["status"] != "success":
            raise ValueError(answer.get("error", "no reason given"))
        result = answer["data"]["result"]
        if len(result) > 1:
            raise ValueError(f"{len(result)} series where one was expected")
        values = [(int(at), float(value)) for series in result for at, value in series["values"]]
    except (ValueError, KeyError, TypeError) as error:
        log.warning("Prometheus, asked for %s, answers %s: %s", name, response.status_code, error)
        raise Unavailable("The metrics server gives no sensible answer. Try again in a minute.") from error
    # A division by nothing is no measurement.
    return tuple((at, value) for at, value in values if math.isfinite(value))


def _template(name: str, queries: Mapping[str, str]) -> string.Template:
    if name not in queries:
        raise ValueError(f"there is no query for {name}")
    template = string.Template(queries[name])
    if not template.is_valid() or not set(template.get_identifiers()) <= {"capsul", "window"}:
        raise ValueError(f"the query for {name} may use $capsul and $window only: {queries[name]}")
    return template
