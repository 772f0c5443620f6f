"""A member's figures are of the member's own capsuls."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

from backends.metrics import Metrics
from capsul.errors import Unavailable
from capsul.machines import Series
from capsul.models import Caller
from db.database import Database
from services import Services
from services.capsuls import CreateRequest
from services.metrics import CapsulMetrics
from tests.conftest import Enrol


@contextmanager
def remembering(questions: list[str]) -> Iterator[str]:
    """The address of something that keeps what Prometheus would be asked, and has measured nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            questions.extend(parse_qs(body)["query"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"status": "success", "data": {"result": []}}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def questions() -> list[str]:
    return []


@pytest.fixture
async def figures(gate_database: Database, questions: list[str]) -> AsyncIterator[CapsulMetrics]:
    with remembering(questions) as url:
        metrics = Metrics(url)
        yield CapsulMetrics(gate_database, metrics)
        await metrics.close()


async def a_capsul_of(owner: Caller, services: Services) -> str:
    await services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    return (await services.capsuls.list(owner))[0].id


async def test_only_what_is_the_callers_is_asked_about(
    services: Services, enrol: Enrol, figures: CapsulMetrics, questions: list[str]
) -> None:
    owner, stranger = await enrol(credit=10_000_000), await enrol(credit=10_000_000)
    mine, theirs = await a_capsul_of(owner, services), await a_capsul_of(stranger, services)
    assert await figures.sparks(owner, [theirs, mine, "no id at all"]) == {mine: Series("percent", ())}
    assert len(questions) == 1
    assert mine in questions[0]
    assert theirs not in questions[0]


async def test_who_has_none_of_them_asks_nothing(enrol: Enrol, figures: CapsulMetrics, questions: list[str]) -> None:
    assert await figures.sparks(await enrol(), ["c-aaaaaaaaaa"]) == {}
    assert questions == []


async def test_without_prometheus_it_is_unavailable(services: Services, enrol: Enrol, gate_database: Database) -> None:
    owner = await enrol(credit=10_000_000)
    mine = await a_capsul_of(owner, services)
    metrics = Metrics("http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        await CapsulMetrics(gate_database, metrics).sparks(owner, [mine])
    await metrics.close()
