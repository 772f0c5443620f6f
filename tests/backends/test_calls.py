"""Blocking calls: nobody waits past a deadline, threads stay few, and what was given up changes nothing more."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from backends.hypervisor.calls import Abandoned, Calls, Lease
from tests.hosts import threads_named, until


class Stuck:
    """Work that hangs until it is let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.begun = 0

    def __call__(self, _lease: Lease) -> str:
        self.begun += 1
        assert self.go_on.wait(30)
        return "at last"


@pytest.fixture
async def stuck() -> AsyncIterator[Stuck]:
    work = Stuck()
    yield work
    work.go_on.set()


async def test_work_returns_what_it_returns() -> None:
    assert await Calls("host", 1).run(lambda lease: 42, 5) == 42


async def test_work_raises_what_it_raises() -> None:
    def fails(_lease: Lease) -> None:
        raise LookupError("nowhere")

    with pytest.raises(LookupError, match="nowhere"):
        await Calls("host", 1).run(fails, 5)


async def test_nobody_waits_past_the_deadline(stuck: Stuck) -> None:
    calls = Calls("host", 2)
    with pytest.raises(TimeoutError):
        await calls.run(stuck, 0.05)
    assert await calls.run(lambda lease: "another", 5) == "another"


async def test_the_loop_goes_on_while_a_call_hangs(stuck: Stuck) -> None:
    hanging = asyncio.create_task(Calls("host", 1).run(stuck, 30))
    ticks = 0
    while ticks < 100:
        await asyncio.sleep(0)
        ticks += 1
    stuck.go_on.set()
    assert await hanging == "at last"


async def test_stuck_calls_hold_their_places_so_that_threads_stay_few(stuck: Stuck) -> None:
    calls = Calls("few", 3)
    outcomes = await asyncio.gather(*(calls.run(stuck, 0.1) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, TimeoutError) for outcome in outcomes)
    assert stuck.begun == 3
    assert threads_named("few-call") == 3
    assert calls.under_way == 3


async def test_places_are_free_again_when_stuck_calls_return(stuck: Stuck) -> None:
    calls = Calls("host", 2)
    await asyncio.gather(*(calls.run(stuck, 0.05) for _ in range(2)), return_exceptions=True)
    stuck.go_on.set()
    await until(lambda: calls.under_way == 0)
    assert await asyncio.gather(*(calls.run(lambda lease: "quick", 5) for _ in range(10))) == ["quick"] * 10


async def test_what_was_given_up_changes_nothing_more() -> None:
    calls = Calls("host", 1)
    answered = threading.Event()
    changes: list[str] = []
    refusals: list[Abandoned] = []

    def looks_then_changes(lease: Lease) -> None:
        assert answered.wait(30)
        try:
            lease.act(changes.append, "started it")
        except Abandoned as refusal:
            refusals.append(refusal)
            raise

    with pytest.raises(TimeoutError):
        await calls.run(looks_then_changes, 0.05)
    answered.set()
    await until(lambda: calls.under_way == 0)
    assert changes == []
    assert len(refusals) == 1


async def test_a_cancelled_caller_gives_up_too() -> None:
    calls = Calls("host", 1)
    answered = threading.Event()
    changes: list[str] = []

    def looks_then_changes(lease: Lease) -> None:
        assert answered.wait(30)
        lease.act(changes.append, "started it")

    caller = asyncio.create_task(calls.run(looks_then_changes, 30))
    await until(lambda: calls.under_way == 1)
    caller.cancel()
    await asyncio.wait([caller])
    answered.set()
    await until(lambda: calls.under_way == 0)
    assert changes == []


def test_a_call_that_never_returns_does_not_keep_the_program_from_ending() -> None:
    program = """
import asyncio, threading
from backends.hypervisor.calls import Calls
async def main():
    try:
        await Calls("host", 1).run(lambda lease: threading.Event().wait(), 0.05)
    except TimeoutError:
        print("given up")
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert ended.stdout == "given up\n"
    assert ended.stderr == ""
