"""What somebody at a terminal sees while they wait, and what is left of it afterwards."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import asyncssh
import pytest

from sshgate.server import SshGate
from tests.conftest import TestDatabase
from tests.sshgate.conftest import KeyFile, Ssh, Terminal, eventually, seen
from tests.sshgate.liars import connect, honest
from tests.workers import QuickWorker

CREATE = "create --image tiny --size nano --name web --wait"
CLEARED = "\r\x1b[K"


@asynccontextmanager
async def watching(gate: SshGate, key: KeyFile, line: str, kind: str = "xterm") -> AsyncIterator["Watcher"]:
    """Somebody at a terminal of 60 columns who has given a command."""
    async with connect(gate.port, [honest(asyncssh.read_private_key(key.path))]) as connection:
        yield Watcher(await connection.create_process(line, term_type=kind, term_size=(60, 24)))


class Watcher:
    """Reads what comes on standard error."""

    def __init__(self, process: "asyncssh.SSHClientProcess[Any]") -> None:
        self.process = process
        self.text = ""

    async def sees(self, pattern: str) -> None:
        """Returns once it was seen."""
        async with asyncio.timeout(10):
            while not re.search(pattern, self.text):
                more = await self.process.stderr.read(1024)
                assert more, f"it ended without {pattern}: {self.text!r}"
                self.text += str(more)

    async def end(self) -> int | None:
        """The exit status."""
        answer = await self.process.wait(timeout=10)
        self.text += str(answer.stderr)
        return answer.exit_status


async def test_a_step_is_seen_while_it_runs_with_seconds_that_go_on(
    gate: SshGate, member: KeyFile, worker: QuickWorker
) -> None:
    worker.goes_on.clear()
    async with watching(gate, member, CREATE) as watcher:
        await watcher.sees(r"^o-[a-z2-7]{10}\r\n")
        await watcher.sees(r"\r\x1b\[K  disk +running +0 s")
        await watcher.sees(r"\r\x1b\[K  disk +running +[1-9] s")
        worker.goes_on.set()
        assert await watcher.end() == 0
    steps = [line.split() for line in seen(watcher.text)[1:]]
    assert [(step[0], step[1]) for step in steps if step] == [
        ("disk", "done"),
        ("definition", "done"),
        ("boot", "done"),
    ]


async def test_nothing_that_was_drawn_is_left(gate: SshGate, member: KeyFile, worker: QuickWorker) -> None:
    worker.goes_on.clear()
    async with watching(gate, member, CREATE) as watcher:
        await watcher.sees("running +0 s")
        worker.goes_on.set()
        assert await watcher.end() == 0
    assert "running" not in "\n".join(seen(watcher.text))
    assert watcher.text.rpartition("\n")[2] in ("", CLEARED)
    drawn = re.findall(r"\r\x1b\[K([^\r\n\x1b]*)", watcher.text)
    assert all(len(line) < 60 for line in drawn), "a line that wraps could not be cleared"


async def test_what_waits_for_a_worker_is_seen_to_wait(gate: SshGate, member: KeyFile) -> None:
    async with watching(gate, member, f"{CREATE} --timeout 1.5") as watcher:
        await watcher.sees("create +queued +1 s")
        assert await watcher.end() == 8
    assert "not done after 1.5 seconds" in " ".join(seen(watcher.text))


async def test_who_interrupts_gets_a_clean_line_and_is_told_what_goes_on(
    gate: SshGate, member: KeyFile, worker: QuickWorker
) -> None:
    worker.goes_on.clear()
    async with watching(gate, member, CREATE) as watcher:
        await watcher.sees("disk +running")
        watcher.process.stdin.write("\x03")
        assert await watcher.end() == 130
    worker.goes_on.set()
    operation, *lines = seen(watcher.text)
    assert lines == [
        "What was asked for goes on without you:",
        f"    ssh capsul.test operation {operation} --wait",
        "Interrupted.",
    ]


async def test_a_terminal_that_cannot_go_back_gets_plain_lines(
    gate: SshGate, member: KeyFile, worker: QuickWorker
) -> None:
    worker.goes_on.clear()
    async with watching(gate, member, CREATE, kind="dumb") as watcher:
        await watcher.sees(r"  disk +running\r\n")
        worker.goes_on.set()
        assert await watcher.end() == 0
    assert "\x1b" not in watcher.text
    assert watcher.text.count("disk") == 2


async def test_a_script_gets_the_id_and_nothing_else(ssh: Ssh, worker: QuickWorker) -> None:
    answer = await ssh(CREATE)
    assert answer.status == 0
    assert re.fullmatch(r"o-[a-z2-7]{10}\n", answer.err)


async def test_waiting_for_money_is_seen(
    gate: SshGate, member: KeyFile, ssh: Ssh, fresh_database: TestDatabase
) -> None:
    topup = re.search(r"t-[a-z2-7]{10}", (await ssh("topup", "5")).out)
    assert topup is not None
    async with watching(gate, member, f"topup show {topup[0]} --wait") as watcher:
        await watcher.sees("topup of 5.00 USD waits to be paid +1 s")
        await fresh_database.admin("UPDATE topup SET state = 'paid', credited = amount WHERE id = $1", topup[0])
        assert await watcher.end() == 0
    assert seen(watcher.text)[-1] in ("", topup[0])


async def test_anything_that_takes_longer_than_a_second_is_seen_to_go_on(
    gate: SshGate, member: KeyFile, fresh_database: TestDatabase
) -> None:
    hindrance = await asyncpg.connect(fresh_database.admin_url)
    lock = hindrance.transaction()
    await lock.start()
    await hindrance.execute("LOCK TABLE capsul.capsul")
    async with watching(gate, member, "ls") as watcher:
        await watcher.sees("working +1 s")
        await lock.rollback()
        assert await watcher.end() == 0
    await hindrance.close()
    assert "working" not in "\n".join(seen(watcher.text))


async def test_somebody_who_goes_away_leaves_nothing_behind(
    gate: SshGate, member: KeyFile, worker: QuickWorker
) -> None:
    worker.goes_on.clear()
    async with watching(gate, member, CREATE) as watcher:
        await watcher.sees("disk +running")
    await eventually(lambda: gate.connections == 0)
    assert not [task for task in asyncio.all_tasks() if "Live._tick" in repr(task)]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("not a key\r\x04", "not a key"), ("nox\x7ft a k\bkey\r\x04", "not a key"), ("\x7f\x7fé\x7fx\x04", "x")],
)
async def test_what_is_typed_is_seen_and_can_be_taken_back(
    gate: SshGate, member: KeyFile, typed: str, kept: str
) -> None:
    async with watching(gate, member, "keys add -") as watcher:
        await watcher.sees("then press Ctrl-D")
        watcher.process.stdin.write(typed)
        answer = await watcher.process.wait(timeout=10)
    assert answer.exit_status == 2
    shown = ""
    for key in re.findall(r"\x08 \x08|.", str(answer.stdout), re.DOTALL):
        shown = shown[:-1] if key == "\b \b" else shown + key
    assert shown.strip() == kept


async def test_nothing_is_drawn_over_what_somebody_types(gate: SshGate, member: KeyFile) -> None:
    answer = await Terminal(gate.port, member)("keys add -", typed="x\x04")
    assert CLEARED not in answer.err
    assert "\x1b" not in answer.out
