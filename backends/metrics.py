"""What Prometheus remembers of a capsul. The questions are configuration, so another exporter can be asked about."""

import asyncio
import logging
import math
import string
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from capsul.errors import BadRequest, Unavailable
from capsul.machines import Series
from capsul.rules import CAPSUL_ID

log = logging.getLogger(__name__)

Points = tuple[tuple[int, float], ...]
_Answer = TypeVar("_Answer")

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

CPU_OF_MANY = (
    'max by (capsul) (100 * rate(capsul_cpu_seconds_total{capsul=~"$capsuls"}[$window])'
    ' / max_over_time(capsul_vcpus{capsul=~"$capsuls"}[$window]))'
)
"""PromQL for the `cpu` of several capsuls in one question: a series for each, which its label `capsul` names."""

_MOST_AT_ONCE = 200
"""Ids in one question: it stays short, and so does the answer."""
_POINTS_OF_MANY = 30
"""Many capsuls are shown small."""


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
    dollar sign); in `cpu_of_many` it is `$capsuls`, a regular expression. The window is four times `scrape_seconds`,
    so that a rate survives a lost scrape, or the distance of the points where that is longer, so that nothing falls
    between two points.

    Raises:
        ValueError: a figure has no query, or a template uses another name.
    """

    def __init__(
        self,
        base_url: str,
        queries: Mapping[str, str] = QUERIES,
        *,
        cpu_of_many: str = CPU_OF_MANY,
        scrape_seconds: float = 15,
        deadline: float = 5.0,
    ) -> None:
        self._templates = {name: _template(name, queries) for name in UNITS}
        self._cpu_of_many = _checked("cpu of many", cpu_of_many, "capsuls")
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
        _check(span, [capsul_id])
        end = int(time.time() if now is None else now)
        answers = await self._in_time([self._points(name, capsul_id, SPANS[span], end) for name in UNITS])
        return {name: Series(unit, points) for (name, unit), points in zip(UNITS.items(), answers, strict=True)}

    async def cpu_of(self, capsul_ids: Sequence[str], span: str, now: float | None = None) -> dict[str, Series]:
        """The `cpu` of many capsuls, at some thirty points each, up to `now`; of a capsul without figures it is empty.

        The points lie at multiples of their distance, so that asking again a little later moves none of them.

        Raises:
            As `capsul_series` does.
        """
        _check(span, capsul_ids)
        step = max(SPANS[span].length // _POINTS_OF_MANY, 1)
        end = int(time.time() if now is None else now) // step * step
        coarse, ids = Span(SPANS[span].length, step), list(dict.fromkeys(capsul_ids))
        some = [ids[first : first + _MOST_AT_ONCE] for first in range(0, len(ids), _MOST_AT_ONCE)]
        answers = await self._in_time([self._cpu_of_some(these, coarse, end) for these in some])
        found = {capsul_id: points for answer in answers for capsul_id, points in answer.items()}
        return {capsul_id: Series(UNITS["cpu"], found.get(capsul_id, ())) for capsul_id in ids}

    async def _in_time(self, questions: list[Coroutine[Any, Any, _Answer]]) -> list[_Answer]:
        try:
            async with asyncio.timeout(self._deadline):
                return await _all(questions)
        except TimeoutError as error:
            raise Unavailable("The metrics server does not answer in time. Try again in a minute.") from error

    async def _points(self, name: str, capsul_id: str, span: Span, end: int) -> Points:
        found = await self._ask(name, self._templates[name], {"capsul": capsul_id}, span, end)
        if len(found) > 1:
            raise _nonsense(name, f"{len(found)} series where one was expected")
        return found[0][1] if found else ()

    async def _cpu_of_some(self, capsul_ids: Sequence[str], span: Span, end: int) -> dict[str, Points]:
        # The ids are letters, digits and hyphens: in a regular expression each means itself.
        found = await self._ask("cpu of many", self._cpu_of_many, {"capsuls": "|".join(capsul_ids)}, span, end)
        points = {labels.get("capsul", ""): points for labels, points in found}
        if len(points) < len(found):
            raise _nonsense("cpu of many", "two series of one capsul")
        return points

    async def _ask(
        self, name: str, template: string.Template, capsuls: Mapping[str, str], span: Span, end: int
    ) -> list[tuple[Mapping[str, str], Points]]:
        """The labels and points of each series of the answer."""
        window = max(self._least_window, span.step)
        question = {
            "query": template.substitute(capsuls, window=f"{window}s"),
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


def _check(span: str, capsul_ids: Sequence[str]) -> None:
    """Raises BadRequest for a span that is not offered, and for what is no id."""
    if span not in SPANS:
        raise BadRequest(f"There is no range {span!r:.40}. Choose one of: {', '.join(SPANS)}")
    if not all(CAPSUL_ID.fullmatch(capsul_id) for capsul_id in capsul_ids):
        raise BadRequest("That is not the id of a capsul.")


async def _all(questions: list[Coroutine[Any, Any, _Answer]]) -> list[_Answer]:
    """All answers, asked for at once; the first failure ends the others."""
    tasks = [asyncio.ensure_future(question) for question in questions]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _read(name: str, response: httpx.Response) -> list[tuple[Mapping[str, str], Points]]:
    """Prometheus' answer: https://prometheus.io/docs/prometheus/latest/querying/api/."""
    try:
        answer = response.json()
        if answer["status"] != "success":
            raise ValueError(answer.get("error", "no reason given"))
        return [(dict(series["metric"]), _measured(series["values"])) for series in answer["data"]["result"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _nonsense(name, f"{response.status_code}, {error}") from error


def _measured(values: Sequence[tuple[Any, Any]]) -> Points:
    points = [(int(at), float(value)) for at, value in values]
    # A division by nothing is no measurement.
    return tuple((at, value) for at, value in points if math.isfinite(value))


def _nonsense(name: str, why: str) -> Unavailable:
    log.warning("Prometheus, asked for %s, answers: %s", name, why)
    return Unavailable("The metrics server gives no sensible answer. Try again in a minute.")


def _template(name: str, queries: Mapping[str, str]) -> string.Template:
    if name not in queries:
        raise ValueError(f"there is no query for {name}")
    return _checked(name, queries[name], "capsul")


def _checked(name: str, query: str, placeholder: str) -> string.Template:
    template = string.Template(query)
    if not template.is_valid() or not set(template.get_identifiers()) <= {placeholder, "window"}:
        raise ValueError(f"the query for {name} may use ${placeholder} and $window only: {query}")
    return template
