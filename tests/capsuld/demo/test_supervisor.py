"""The demo as a person starts it: ready with one line, gone without a trace, back on the same state."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from capsuld.demo.processes import is_alive
from capsuld.demo.product import ROOT, greets
from capsuld.demo.prometheus import answers
from tests.capsuld.demo.conftest import wait_for

COMMAND = [sys.executable, "-m", "capsuld.demo.supervisor", "--hypervisor", "test"]
READY = r"READY ssh=127\.0\.0\.1:(\d+) http=http://127\.0\.0\.1:(\d+) mail=(/\S+/mail) state=(/\S+)\n"


@contextmanager
def running_demo(state: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that was told to start; killed at the end if it still runs."""
    command = [*COMMAND, "--state", str(state), "--ssh-port", "0", "--http-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def ready(demo: subprocess.Popen[str]) -> tuple[int, int]:
    """Ports of SSH and HTTP, once the demo says that it is ready."""
    assert demo.stdout is not None
    line = demo.stdout.readline()
    match = re.fullmatch(READY, line)
    assert match is not None, line
    assert match[3] == f"{match[4]}/mail"
    return int(match[1]), int(match[2])


def descendants(pid: int) -> set[int]:
    """Pids of everything that this process has started and that runs."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def none_is_alive(pids: set[int]) -> bool:
    return not any(map(is_alive, pids))


@dataclass(frozen=True)
class ReadyDemo:
    process: subprocess.Popen[str]
    state: Path
    ssh: int
    http: int


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyDemo]:
    """One that several tests look at, below a folder with a long name."""
    state = tmp_path_factory.mktemp("demo") / ("long" * 30) / "state"
    with running_demo(state) as process:
        yield ReadyDemo(process, state, *ready(process))


def test_a_ready_demo_answers_at_both_doors(demo: ReadyDemo) -> None:
    assert greets(demo.ssh)
    assert answers(demo.http, "/healthz")


def test_a_second_demo_on_the_same_state_is_refused_in_a_sentence(demo: ReadyDemo) -> None:
    command = [*COMMAND, "--state", str(demo.state), "--ssh-port=0", "--http-port=0"]
    second = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert second.returncode == 1
    assert second.stdout == ""
    assert f"another demo, process {demo.process.pid}, keeps {demo.state}" in second.stderr


def test_a_gate_that_dies_is_started_again(demo: ReadyDemo) -> None:
    [gate] = [pid for pid in descendants(demo.process.pid) if command_of(pid)[1:] == ["-m", "capsuld", "gate"]]
    os.kill(gate, signal.SIGKILL)
    wait_for(lambda: not is_alive(gate))
    wait_for(lambda: greets(demo.ssh), 60)


def command_of(pid: int) -> list[str]:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text().split("\0")[:-1]
    except FileNotFoundError:
        return []


def test_no_trace_is_left_of_a_killed_demo_nor_of_the_next_when_it_is_told_to_stop(tmp_path: Path) -> None:
    with running_demo(tmp_path) as first:
        ready(first)
        [key] = (tmp_path / "host_keys").glob("*.pub")
        kept = key.read_text()
        started = descendants(first.pid)
        first.kill()
        wait_for(lambda: none_is_alive(started), 30)
    with running_demo(tmp_path) as second:
        ready(second)
        assert key.read_text() == kept
        started = descendants(second.pid)
        assert len(started) > 6
        second.send_signal(signal.SIGINT)
        assert second.wait(30) == 0
        assert none_is_alive(started)


def test_a_taken_port_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        demo = subprocess.run(
            [*COMMAND, "--state", str(tmp_path), "--ssh-port", str(port)], capture_output=True, text=True, cwd=ROOT
        )
    assert demo.returncode == 1
    assert demo.stdout == ""
    assert f"port {port} is taken; choose another by --ssh-port" in demo.stderr
