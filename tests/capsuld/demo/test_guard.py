"""What a guard promises: its service ends with the owner, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capsuld.demo.processes import (
    GuardedProcess,
    ServiceError,
    as_child,
    free_port,
    is_alive,
    make_runtime_folder,
    port_is_taken,
)
from capsuld.demo.product import ROOT
from tests.capsuld.demo.conftest import wait_for

ORPHAN_MAKER = "setsid sh -c 'echo $$ > {orphan}; exec sleep 1000' & echo $$ > {service}; exec sleep 1000"
OWNER = """
import sys, time
from pathlib import Path
from capsuld.demo.processes import GuardedProcess, as_child
process = GuardedProcess("trial", as_child(["sh", "-c", sys.argv[1]]), runtime=Path(sys.argv[2]), log=Path(sys.argv[3]))
process.start()
time.sleep(1000)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def runtime() -> Path:
    return make_runtime_folder()


@pytest.fixture
def stubborn(runtime: Path, log: Path) -> Iterator[GuardedProcess]:
    """A service that ignores its stop signal."""
    command = as_child(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done"])
    with GuardedProcess("stubborn", command, runtime=runtime, log=log, grace=0.3) as process:
        wait_for(lambda: log.exists() and "deaf" in log.read_text())
        yield process


def pid_in(path: Path) -> int:
    wait_for(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())


def test_a_killed_owner_leaves_neither_service_nor_orphan_nor_folder(tmp_path: Path, runtime: Path, log: Path) -> None:
    script = ORPHAN_MAKER.format(orphan=tmp_path / "orphan", service=tmp_path / "service")
    owner = subprocess.Popen([sys.executable, "-c", OWNER, script, str(runtime), str(log)], cwd=ROOT)
    pids = [pid_in(tmp_path / "service"), pid_in(tmp_path / "orphan")]
    owner.kill()
    owner.wait()
    wait_for(lambda: not any(map(is_alive, pids)), 10)
    wait_for(lambda: not runtime.exists(), 10)


def test_a_killed_guard_takes_its_service_along(runtime: Path, log: Path) -> None:
    process = GuardedProcess("trial", as_child(["sleep", "1000"]), runtime=runtime, log=log)
    process.start()
    service, guard = process.pid, process.guard_pid
    assert service is not None
    assert guard is not None
    os.kill(guard, signal.SIGKILL)
    wait_for(lambda: not is_alive(service), 5)
    process.stop()


def test_a_service_that_will_not_stop_is_killed(stubborn: GuardedProcess) -> None:
    service = stubborn.pid
    assert service is not None
    stubborn.stop()
    assert not is_alive(service)


def test_a_service_that_dies_is_started_again_when_asked(runtime: Path, log: Path) -> None:
    command = as_child(["sleep", "1000"])
    with GuardedProcess("trial", command, runtime=runtime, log=log, restart=True) as process:
        first = process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: process.pid not in (None, first), 10)


def test_a_service_that_dies_at_once_says_its_last_words(runtime: Path, log: Path) -> None:
    command = as_child(["sh", "-c", "echo out of paper; exit 3"])
    words = r"printer ended while getting ready: out of paper .*log"
    with (
        GuardedProcess("printer", command, runtime=runtime, log=log) as process,
        pytest.raises(ServiceError, match=words),
    ):
        process.wait_until(lambda: False, 10)


def test_what_a_service_left_behind_outlives_its_going_down(tmp_path: Path, runtime: Path, log: Path) -> None:
    script = ORPHAN_MAKER.format(orphan=tmp_path / "orphan", service=tmp_path / "service")
    with GuardedProcess("trial", as_child(["sh", "-c", script]), runtime=runtime, log=log) as process:
        orphan = pid_in(tmp_path / "orphan")
        process.down()
        assert process.pid is None
        assert is_alive(orphan)
    assert not is_alive(orphan)


def test_a_runtime_folder_is_private_and_short_wherever_temporary_files_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / ("long" * 20)
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    folder = make_runtime_folder()
    assert len(str(folder)) <= 40
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()


def test_a_free_port_is_not_taken_until_somebody_listens() -> None:
    port = free_port()
    assert not port_is_taken(port)
    with subprocess.Popen(
        [sys.executable, "-c", f"import socket; s = socket.create_server(('127.0.0.1', {port})); input()"],
        stdin=subprocess.PIPE,
    ):
        wait_for(lambda: port_is_taken(port))
