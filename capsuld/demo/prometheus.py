"""Runs a private Prometheus on the loopback interface, scraping the product."""

import http.client
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from capsuld.demo.cache import CACHE, cached, dependencies, unpack
from capsuld.demo.processes import GuardedProcess, ServiceError, as_child, find_tool, make_runtime_folder

RETENTION = "35d"
CONFIGURATION = """\
global:
  scrape_interval: {seconds}s
  scrape_timeout: {seconds}s
scrape_configs:
  - job_name: capsul
    static_configs:
      - targets: [{targets}]
"""


class PrometheusServer:
    """A Prometheus that keeps `state_dir` and scrapes `targets` ("host:port") every `seconds` seconds.

    The program is the machine's own, or Debian's, fetched once into `cache` and never installed: installing it
    would start a service.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        port: int,
        targets: Sequence[str],
        seconds: int = 2,
        log: Path | None = None,
        cache: Path = CACHE,
        restart: bool = False,
        keep_open: Sequence[int] = (),
    ) -> None:
        self.state_dir = state_dir
        self.port = port
        self.targets = targets
        self.seconds = seconds
        self.log = log or state_dir.with_name(f"{state_dir.name}.log")
        self.cache = cache
        self.restart = restart
        self.keep_open = keep_open
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and return when it answers queries; raises `ServiceError`."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        configuration = self.state_dir / "prometheus.yml"
        targets = ", ".join(f'"{target}"' for target in self.targets)
        configuration.write_text(CONFIGURATION.format(seconds=self.seconds, targets=targets), encoding="utf-8")
        command = [
            str(prometheus_program(self.cache)),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self.state_dir / 'series'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]
        self._process = GuardedProcess(
            "Prometheus",
            as_child(command),
            runtime=make_runtime_folder(),
            log=self.log,
            restart=self.restart,
            keep_open=self.keep_open,
        )
        try:
            self._process.start()
            self._wait_until_ready()
        except BaseException:
            self._process.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def down(self) -> None:
        """End the server; `up` brings it back with its series."""
        self.process.down()

    def up(self) -> None:
        self.process.up()
        self._wait_until_ready()

    @property
    def process(self) -> GuardedProcess:
        if self._process is None:
            raise ServiceError("Prometheus is not started")
        return self._process

    def _wait_until_ready(self) -> None:
        self.process.wait_until(lambda: answers(self.port, "/-/ready"), 60)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def prometheus_program(cache: Path = CACHE) -> Path:
    """The machine's Prometheus, or the one in the cache, fetched on first use (some 20 MB)."""
    return program("prometheus", cache)


def promtool_program(cache: Path = CACHE) -> Path:
    """Prometheus' own tool, which writes series of the past; found or fetched like Prometheus."""
    return program("promtool", cache)


def program(name: str, cache: Path) -> Path:
    if installed := find_tool(name):
        return Path(installed)
    return cached(cache / name, lambda draft: fetch(name, draft))


def fetch(name: str, program: Path) -> None:
    """Take this one program out of Debian's packages; the tool has a package of its own since Debian 13."""
    folder = program.with_name(f"{program.name}.package")
    package = name if name in dependencies("prometheus") else "prometheus"
    try:
        unpack([package], folder)
        (folder / "usr/bin" / name).rename(program)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answers(port: int, path: str) -> bool:
    """Whether an HTTP server of this machine answers 200 there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
