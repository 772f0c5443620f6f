"""The private Prometheus: it scrapes what it is told to, and keeps what it saw."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from capsuld.demo.processes import free_port
from capsuld.demo.prometheus import PrometheusServer
from tests.capsuld.demo.conftest import wait_for


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    registry = CollectorRegistry()
    Gauge("answer", "to the question", registry=registry).set(42)
    port = free_port()
    server, thread = start_http_server(port, "127.0.0.1", registry)
    yield f"127.0.0.1:{port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, target: str) -> Iterator[PrometheusServer]:
    state = tmp_path_factory.mktemp("state") / "prometheus"
    with PrometheusServer(state, port=free_port(), targets=[target], seconds=1) as server:
        yield server


def values(server: PrometheusServer, query: str) -> list[str]:
    """The values that an instant query finds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", f"/api/v1/query?{urlencode({'query': query})}")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return [series["value"][1] for series in answer["data"]["result"]]


def test_it_scrapes_its_target(prometheus: PrometheusServer) -> None:
    wait_for(lambda: values(prometheus, 'answer{job="capsul"}') == ["42"], 20)


def test_what_it_saw_is_there_again_after_it_was_down(prometheus: PrometheusServer) -> None:
    often_enough = "count_over_time(answer[1h]) >= 3"
    wait_for(lambda: values(prometheus, often_enough), 20)
    prometheus.down()
    prometheus.up()
    assert values(prometheus, often_enough)


def test_it_listens_on_loopback_alone(prometheus: PrometheusServer) -> None:
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [address for address in listening if address.endswith(f":{prometheus.port:04X}")]
    assert set(ours) == {f"0100007F:{prometheus.port:04X}"}
