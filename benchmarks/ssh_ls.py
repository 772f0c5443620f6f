"""`ssh host ls`, the whole process, beside a bare asyncssh server whose command prints one line."""

import asyncio
import multiprocessing
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import asyncssh

from benchmarks.demo import running_demo
from benchmarks.measure import milliseconds, say, say_machine

ROUNDS = 60


def main() -> None:
    """Interleaved, so that whatever else the machine does falls on both."""
    say_machine()
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), "test") as member:
        ours, theirs = multiprocessing.Pipe()
        peer = multiprocessing.get_context("spawn").Process(target=bare_server, args=(theirs,), daemon=True)
        peer.start()
        bare = member.words(ours.recv())
        measured: dict[str, list[float]] = {"ls": [], "bare": []}
        for round_number in range(ROUNDS + 5):
            for name, words in (("ls", [*member.words(), "ls"]), ("bare", [*bare, "ls"])):
                seconds = timed(words)
                # The first few fill caches on both sides.
                if round_number >= 5:
                    measured[name].append(seconds)
        peer.terminate()
    say("bare asyncssh exec", milliseconds(measured["bare"]))
    say("ssh host ls", milliseconds(measured["ls"]))
    say("ratio of medians", f"{statistics.median(measured['ls']) / statistics.median(measured['bare']):.2f}")


def timed(words: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - begun


def bare_server(told: Connection) -> None:
    asyncio.run(_serve(told))


async def _serve(told: Connection) -> None:
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=_Anybody,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        process_factory=_print_a_line,
    )
    told.send(acceptor.get_port())
    await acceptor.wait_closed()


class _Anybody(asyncssh.SSHServer):
    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


def _print_a_line(process: "asyncssh.SSHServerProcess[str]") -> None:
    process.stdout.write("NAME  STATE\n")
    process.exit(0)


if __name__ == "__main__":
    main()
