"""A Prometheus that hangs or talks nonsense is never taken for one that measured something."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backends.metrics import Metrics
from capsul.errors import Unavailable

CAPSUL = "c-aaaaaaaaaa"
NOW = 1_750_000_000


@asynccontextmanager
async def closing(metrics: Metrics) -> AsyncIterator[Metrics]:
    try:
        yield metrics
    finally:
        await metrics.close()


@asynccontextmanager
async def pretending(answer: str, *, together: int = 1) -> AsyncIterator[str]:
    """The address of something that answers every question alike, once so many have been asked; "" is never."""
    enough = asyncio.Event()
    count = 0

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        await reader.readuntil(b"\r\n\r\n")
        count += 1
        if count >= together and answer:
            enough.set()
        await enough.wait()
        body = answer.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        enough.set()
        server.close()


def success(*series: list[list[object]]) -> str:
    result = [{"metric": {}, "values": values} for values in series]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


async def test_a_prometheus_that_hangs_is_given_up_at_the_deadline() -> None:
    async with pretending("") as url, closing(Metrics(url, deadline=0.3)) as metrics:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await metrics.capsul_series(CAPSUL, "1h")
        with pytest.raises(Unavailable):
            await metrics.cpu_of([CAPSUL], "5m")
        assert time.monotonic() - started < 2


async def test_all_six_are_asked_at_once() -> None:
    async with pretending(success([[NOW, "1"]]), together=6) as url, closing(Metrics(url)) as metrics:
        series = await metrics.capsul_series(CAPSUL, "1h", NOW)
    assert [each.points for each in series.values()] == [((NOW, 1.0),)] * 6


@pytest.mark.parametrize(
    "answer",
    [
        "<html>sign in</html>",
        "[]",
        "{}",
        '{"status": "error", "error": "parse error"}',
        '{"status": "success", "data": {"result": [{"values": [["x", "y"]]}]}}',
        '{"status": "success", "data": {"result": [{"value": [1, "1"]}]}}',
        success([[NOW, "1"]], [[NOW, "2"]]),
    ],
    ids=["a page", "a list", "nothing", "an error", "words for numbers", "another shape", "two series"],
)
async def test_an_answer_that_makes_no_sense_is_never_shown_as_figures(answer: str) -> None:
    async with pretending(answer) as url, closing(Metrics(url)) as metrics:
        with pytest.raises(Unavailable, match="no sensible answer"):
            await metrics.capsul_series(CAPSUL, "1h", NOW)
        with pytest.raises(Unavailable, match="no sensible answer"):
            await metrics.cpu_of([CAPSUL], "5m", NOW)
