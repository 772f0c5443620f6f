"""The screens: how long they take to come, what they weigh, how soon a key is answered. OpenSSH's place is taken by a
client that only counts bytes, so that what is measured is the gate's."""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncssh

from benchmarks.demo import Member, running_demo
from benchmarks.measure import milliseconds, say, say_machine

CAPSULS = ("db", "mail", "web")
ONE_BY_ONE = 40
AT_ONCE = 20
IDLE = 50
OPEN = 100
CLOSED = 200
KEYS = 300
SIZES = ((80, 24), (120, 40))
SETTLED_SECONDS = 0.4
PAINTED = (b"bench@example.org", b"Balance", b" USD")


def main() -> None:
    """One demo for all; a member with a few capsuls."""
    say_machine()
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), "test") as member:
        for name in CAPSULS:
            member.run("create", "--image", "tiny", "--size", "nano", "--name", name, "--wait")
        asyncio.run(_measure(member))


async def _measure(member: Member) -> None:
    async with Gate.of(member) as gate:
        # The first few fill caches.
        for _ in range(5):
            await gate.time_to_painted()
        say(
            "connect to painted home, one at a time",
            milliseconds([await gate.time_to_painted() for _ in range(ONE_BY_ONE)]),
        )
        await _at_once(gate)
        for size in SIZES:
            await _bytes(gate, size)
        await _memory(gate)
        await _keys(gate)


async def _at_once(gate: "Gate") -> None:
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        await asyncio.gather(*(gate.time_to_painted() for _ in range(AT_ONCE)))
        rounds.append(time.perf_counter() - begun)
    say(f"{AT_ONCE} at once, all painted", milliseconds(rounds))


async def _bytes(gate: "Gate", size: tuple[int, int]) -> None:
    for kind in ("xterm-256color", "xterm-kitty"):
        async with gate.open(size, kind) as window:
            await window.painted()
            await asyncio.sleep(SETTLED_SECONDS)
            say(f"bytes of the first picture, {size[0]}x{size[1]}, {kind}", f"{len(window.received) / 1024:.1f} KiB")


async def _memory(gate: "Gate") -> None:
    before = await gate.settled_memory()
    async with AsyncExitStack() as stack:
        for _ in range(IDLE):
            window = await stack.enter_async_context(gate.open())
            await window.painted()
        say(f"memory of an idle session, of {IDLE}", f"{(await gate.settled_memory() - before) / IDLE:.0f} KiB")
    before = await gate.settled_memory()
    for _ in range(CLOSED // 10):
        await asyncio.gather(*(_visit(gate) for _ in range(10)))
    say(f"kept of a closed session, of {CLOSED}", f"{(await gate.settled_memory() - before) / CLOSED:.1f} KiB")


async def _visit(gate: "Gate") -> None:
    async with gate.open() as window:
        await window.painted()
        for key in ("j", "?", "q", "/w", "\x1b", "\x03"):
            window.press(key)
            await asyncio.sleep(0.05)
        await window.process.wait()


async def _keys(gate: "Gate") -> None:
    async with AsyncExitStack() as stack:
        windows = [await stack.enter_async_context(gate.open()) for _ in range(OPEN)]
        for window in windows:
            await window.painted()
        await asyncio.sleep(1)
        taken = [await random.choice(windows).answered("j" if number % 2 else "k") for number in range(KEYS)]  # noqa: S311
        say(f"key to bytes, {OPEN} sessions open", milliseconds([it for it in taken if it is not None]))


class Window:
    """A session that counts."""

    def __init__(self, process: "asyncssh.SSHClientProcess[bytes]") -> None:
        self.process = process
        self.received = bytearray()
        self._arrived = asyncio.Event()
        self._reading = asyncio.ensure_future(self._read())

    async def painted(self) -> None:
        async with asyncio.timeout(30):
            while not all(it in self.received for it in PAINTED):
                self._arrived.clear()
                await self._arrived.wait()

    def press(self, keys: str) -> None:
        self.process.stdin.write(keys.encode())

    async def answered(self, key: str) -> float | None:
        """Seconds from a key to the first bytes after it; None when it changes nothing."""
        self._arrived.clear()
        begun = time.perf_counter()
        self.press(key)
        try:
            async with asyncio.timeout(1):
                await self._arrived.wait()
        except TimeoutError:
            return None
        return time.perf_counter() - begun

    async def _read(self) -> None:
        while data := await self.process.stdout.read(65536):
            self.received += data
            self._arrived.set()


class Gate:
    """The gate of the demo, from outside."""

    def __init__(self, member: Member, process: int) -> None:
        self._key = asyncssh.read_private_key(member.key)
        self._port = member.port
        self._process = process

    @classmethod
    @asynccontextmanager
    async def of(cls, member: Member) -> AsyncIterator["Gate"]:
        yield cls(member, _listener(member.port))

    @asynccontextmanager
    async def open(self, size: tuple[int, int] = (80, 24), kind: str = "xterm-256color") -> AsyncIterator[Window]:
        async with asyncssh.connect(
            "127.0.0.1",
            self._port,
            username="bench",
            client_keys=[self._key],
            known_hosts=None,
            agent_path=None,
            config=None,
        ) as connection:
            yield Window(await connection.create_process(term_type=kind, term_size=size, encoding=None))

    async def time_to_painted(self) -> float:
        """Seconds from the TCP connection to the home screen with the member's data on it."""
        begun = time.perf_counter()
        async with self.open() as window:
            await window.painted()
            return time.perf_counter() - begun

    async def settled_memory(self) -> float:
        """KiB that are the gate's own, once nothing more is given back."""
        least = self._memory()
        for _ in range(6):
            await asyncio.sleep(0.5)
            least = min(least, self._memory())
        return least

    def _memory(self) -> float:
        rollup = Path(f"/proc/{self._process}/smaps_rollup").read_text()
        return float(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])


def _listener(port: int) -> int:
    """Who listens there."""
    wanted = f"{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inode = next(it[9] for line in lines if (it := line.split())[1].endswith(f":{wanted}") and it[3] == "0A")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink().name == f"socket:[{inode}]":
                return int(link.parts[2])
        except OSError:
            continue
    raise SystemExit("the gate was not found")


if __name__ == "__main__":
    main()
