"""The program as processes of its own, over a database of the test's."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TestDatabase

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Finished:
    """How a `capsul` command ended."""

    status: int
    output: str
    errors: str


@dataclass
class Running:
    """A `capsul` process that serves."""

    process: asyncio.subprocess.Process
    log: Path

    async def says(self, pattern: str) -> None:
        """Waits until its log matches."""
        async with asyncio.timeout(30):
            while not re.search(pattern, self.log.read_text()):
                if self.process.returncode is not None:
                    pytest.fail(f"it ended with {self.process.returncode}: {self.log.read_text()}")
                await asyncio.sleep(0.05)

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        async with asyncio.timeout(20):
            return await self.process.wait()


class Program:
    """`capsul …` with a configuration file of the test's."""

    def __init__(self, folder: Path, database: TestDatabase) -> None:
        self.folder = folder
        self.settings: dict[str, object] = {
            "public_url": "http://127.0.0.1:1",
            "database": database.url,
            "host_keys": str(folder / "host_keys"),
            "maildir": str(folder / "mail"),
            "ssh_host": "127.0.0.1",
            "ssh_port": free_port(),
            "http_port": free_port(),
            "metrics_port": free_port(),
            "virt_type": "test",
            "disk_path": str(folder / "disks"),
        }
        self._admin_database = database.admin_url

    async def run(self, *words: str) -> Finished:
        """A command that ends by itself."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "capsuld",
            *words,
            env=self._environment(),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode is not None
        return Finished(process.returncode, output.decode(), errors.decode())

    async def start(self, name: str) -> Running:
        """A process that serves until it is told to stop."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "capsuld", name, env=self._environment(), cwd=ROOT, stderr=stream
            )
        return Running(process, log)

    def _environment(self) -> dict[str, str]:
        file = self.folder / "capsul.toml"
        file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items()))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CAPSUL_")}
        return {**inherited, "CAPSUL_CONFIG": str(file), "CAPSUL_ADMIN_DATABASE": self._admin_database}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def program(tmp_path: Path, fresh_database: TestDatabase) -> Program:
    return Program(tmp_path, fresh_database)


@pytest.fixture
async def start(program: Program) -> AsyncIterator[Callable[[str], Awaitable[Running]]]:
    """Starts processes, and ends those that the test leaves."""
    started: list[Running] = []

    async def one(name: str) -> Running:
        started.append(await program.start(name))
        return started[-1]

    yield one
    for running in started:
        if running.process.returncode is None:
            running.process.kill()
            await running.process.wait()
