"""A demo in processes of its own, as `./scripts/demo` runs it, and ways to look at it and to hurt it from outside."""

import asyncio
import email
import email.policy
import html
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

from capsuld.demo.processes import as_child, port_is_taken
from capsuld.demo.product import ROOT

Seen = TypeVar("Seen")

HERE: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "cwd": ROOT, "start_new_session": True}
READY = re.compile(r"READY ssh=127\.0\.0\.1:(\d+) http=(http://127\.0\.0\.1:\d+) mail=(/.*/mail) state=(/.*)\n")
SHIFT = "UPDATE capsul.clock SET shift = shift + $1"


def eventually(look: Callable[[], Seen], seconds: float = 20) -> Seen:
    """What `look` sees once it sees something; fails after `seconds`. For what tells nobody when it comes."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return seen


class Demo:
    """One running demo, known by the line that it printed. Services are named as their guards name them:
    Postgres, Prometheus, libvirt, worker, gate, web."""

    def __init__(self, process: subprocess.Popen[str], line: str) -> None:
        found = READY.fullmatch(line)
        assert found is not None, f"not a READY line: {line!r}"
        self.process = process
        self.ssh_port = int(found[1])
        self.http = found[2]
        self.mail = Path(found[3])
        self.state = Path(found[4])
        self._guards: dict[str, tuple[int, Path]] = {}

    # What anybody can see

    def known_hosts(self) -> str:
        """The line that the front page tells people to keep."""
        page = html.unescape(httpx.get(self.http).text)
        found = re.search(rf"\[127\.0\.0\.1\]:{self.ssh_port} ssh-ed25519 [A-Za-z0-9+/=]+", page)
        assert found is not None
        return found[0]

    def letter(self, to: str, having: str = "", after: int = 0) -> str:
        """The first letter to this address with these words in it, the first `after` letters aside; waits for it."""
        return eventually(lambda: next((text for text in self.letters(to)[after:] if having in text), ""))

    def letters(self, to: str) -> list[str]:
        """Texts of all letters to this address that are there, oldest first."""
        files = sorted(self.mail.glob("new/*"), key=lambda file: file.stat().st_mtime_ns)
        messages = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
        bodies = [(str(message["to"]), message.get_body(("plain",))) for message in messages]
        texts = [(recipient, body.get_content()) for recipient, body in bodies if body is not None]
        return [text for recipient, text in texts if to == recipient]

    # What only its owner can do

    def admin(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """A query as the owner of the database: for looking, and for what no door offers."""
        return asyncio.run(self._admin(query, *arguments))

    async def _admin(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await self.connect()
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def connect(self) -> asyncpg.Connection:
        """A connection of the owner's."""
        return await asyncpg.connect(self.settings()["database"].replace("///", "//postgres@/", 1))

    def settings(self) -> dict[str, str]:
        return tomllib.loads((self.state / "capsul.toml").read_text())

    def shift_clock(self, by: timedelta) -> None:
        """Moves the demo's clock on, for good."""
        self.admin(SHIFT, by)

    def runs_on_qemu(self) -> bool:
        return self.settings()["virt_type"] == "qemu"

    # What goes wrong

    def guard(self, name: str) -> int:
        """The pid of a service's guard."""
        return self._guard(name)[0]

    def pid(self, name: str) -> int | None:
        """The pid of a service; None while it is not there."""
        _, runtime = self._guard(name)
        word, number = (runtime / "status").read_text().split()
        # A guard takes a moment to notice that its service has died.
        return int(number) if word == "running" and not is_over(int(number)) else None

    def _guard(self, name: str) -> tuple[int, Path]:
        """A guard's pid and its folder. Both stay the same for as long as the demo runs."""
        if name not in self._guards:
            self._guards[name] = self._find_guard(name)
        return self._guards[name]

    def _find_guard(self, name: str) -> tuple[int, Path]:
        for pid, words in commands():
            if f"--name={name}" in words and any(word.startswith(f"--log={self.state}/") for word in words):
                runtime = next(word.removeprefix("--runtime=") for word in words if word.startswith("--runtime="))
                return pid, Path(runtime)
        raise AssertionError(f"{name} has no guard")

    def running(self, name: str) -> int:
        """The pid of a service; waits until it is there."""
        return eventually(lambda: self.pid(name)) or 0

    def kill(self, name: str) -> None:
        """Kills a service without a warning. Its guard starts it again."""
        os.kill(self.running(name), signal.SIGKILL)

    @contextmanager
    def without(self, name: str, how: signal.Signals = signal.SIGKILL) -> Iterator[None]:
        """A while without a service. Afterwards its guard starts it again, as after any death."""
        guard, service = self.guard(name), self.running(name)
        os.kill(guard, signal.SIGSTOP)
        try:
            os.kill(service, how)
            eventually(lambda: is_over(service))
            yield
        finally:
            os.kill(guard, signal.SIGCONT)

    def processes(self) -> list[int]:
        """Everything that runs for this demo, whoever started it and wherever it is now."""
        mark = str(self.state).encode()
        return [pid for pid in all_pids() if mark in read(pid, "cmdline") + read(pid, "environ") and not is_over(pid)]

    def interrupt(self) -> int:
        """Ctrl-C at the terminal where it was started; the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    @staticmethod
    def runs(pid: int, program: str, having: str) -> bool:
        """Whether this process is this program, with this text among the words that started it."""
        words = command(pid)
        return program in words[0] and having in " ".join(words)

    def runtime_folders(self) -> list[Path]:
        """Where the sockets of its services lie."""
        found = [word for pid in self.processes() for word in command(pid) if word.startswith("--runtime=")]
        return [Path(word.removeprefix("--runtime=")) for word in found]

    def listens(self) -> bool:
        return port_is_taken(self.ssh_port) or port_is_taken(httpx.URL(self.http).port or 0)


@contextmanager
def running_demo(state: Path, *options: str) -> Iterator[Demo]:
    """A demo on this state folder, ready; at the end it is told to stop if it still runs, also when we are killed."""
    command = [sys.executable, "-m", "capsuld.demo.supervisor", "--state", str(state), "--ssh-port=0", "--http-port=0"]
    with subprocess.Popen(as_child([*command, *options]), **HERE) as process:
        try:
            assert process.stdout is not None
            yield Demo(process, process.stdout.readline())
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def commands() -> Iterator[tuple[int, list[str]]]:
    """Every process with the words that started it."""
    return ((pid, command(pid)) for pid in all_pids())


def command(pid: int) -> list[str]:
    return read(pid, "cmdline").decode(errors="replace").split("\0")


def read(pid: int, name: str) -> bytes:
    """A file of a process; nothing when the process is gone or somebody else's."""
    try:
        return (Path("/proc") / str(pid) / name).read_bytes()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return b""


def is_over(pid: int) -> bool:
    """Whether a process has ended, also when nobody has asked yet how."""
    status = read(pid, "stat").rpartition(b")")[2].split()
    return not status or status[0] in (b"Z", b"X")


def as_document(text: str) -> dict[str, object]:
    """The one JSON document that a command printed."""
    document = json.loads(text)
    assert isinstance(document, dict)
    assert document["schema"] == 1
    return document
