"""Guards one service: neither it nor anything that it leaves behind outlives whoever asked for it.

A program of its own, `python -I guard.py [options] -- COMMAND...`, started by `GuardedProcess`. Its standard
input is a pipe; when the other end closes, because the owner is done or was killed, it stops the service and
then everything that the service left behind: a libvirt daemon's virtual machines outlive the daemon, and come
to the guard because the kernel calls it their reaper. Words on the pipe: `down` stops the service and leaves
the rest running, `up` starts it again.
"""

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LONGEST_DELAY = 30.0
"""Seconds at most between a service's end and its next start."""


class Guard:
    """Runs one service until the owner's pipe closes."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.child: int | None = None
        self.wanted = True
        self.start_at = time.monotonic()
        self.started_at = 0.0
        self.failures = 0
        self.wakeup, wakeup_writer = os.pipe()
        os.set_blocking(self.wakeup, False)
        os.set_blocking(wakeup_writer, False)
        signal.set_wakeup_fd(wakeup_writer)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self.terminated)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.ending = False

    def terminated(self, *_: object) -> None:
        self.ending = True

    def run(self) -> None:
        become_reaper()
        while not self.ending:
            if self.wanted and self.child is None and time.monotonic() >= self.start_at:
                self.start()
            self.wait_for_news()
            self.reap()
        self.end()

    def start(self) -> None:
        """Start the service; every child gets default signals and the log as its output."""
        defaults = [signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD, signal.SIGXFSZ]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self.options.log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        command = self.options.command
        self.child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions, setsigdef=defaults)
        self.started_at = time.monotonic()
        self.tell(f"running {self.child}")

    def wait_for_news(self) -> None:
        """Sleep until the owner says something, a child ends, or the service is due to start."""
        due = self.wanted and self.child is None
        timeout = max(0.0, self.start_at - time.monotonic()) if due else None
        if 0 in self.ready([0, self.wakeup], timeout):
            self.obey(os.read(0, 4096).decode())

    def ready(self, sources: list[int], timeout: float | None) -> list[int]:
        """Which of these can be read, after at most `timeout` seconds; signals wake us up early."""
        readable, _, _ = select.select(sources, [], [], timeout)
        if self.wakeup in readable:
            os.read(self.wakeup, 4096)
        return readable

    def obey(self, words: str) -> None:
        """Do what the owner says; no words at all mean that the owner is gone."""
        if not words:
            self.ending = True
        for word in words.split():
            self.wanted = word == "up"
            self.start_at = time.monotonic()
            self.failures = 0
            if not self.wanted and self.child is not None:
                os.kill(self.child, self.options.stop_signal)

    def reap(self) -> None:
        """Bury whoever ended; when it is the service, start it again if that is asked for."""
        for pid, status in ended_children():
            if pid == self.child:
                self.child = None
                code = os.waitstatus_to_exitcode(status)
                self.tell(f"ended {code}")
                if self.wanted and not self.ending:
                    self.service_died(code)

    def service_died(self, code: int) -> None:
        if not self.options.restart:
            self.wanted = False
            return
        if time.monotonic() - self.started_at > LONGEST_DELAY:
            self.failures = 0
        delay = min(LONGEST_DELAY, 0.5 * 2**self.failures)
        self.failures += 1
        self.start_at = time.monotonic() + delay
        say(f"{self.options.name} ended ({code}); starting it again in {delay:g} s, see {self.options.log}")

    def end(self) -> None:
        """Stop the service, then all that it left behind, then remove the runtime folder."""
        if self.child is not None:
            self.stop([self.child], self.options.stop_signal, self.options.grace)
        deadline = time.monotonic() + self.options.grace
        while (left := children()) and time.monotonic() < deadline:
            self.stop(left, signal.SIGTERM, 5.0)
        shutil.rmtree(self.options.runtime, ignore_errors=True)

    def stop(self, pids: list[int], first: int, grace: float) -> None:
        """Signal children of ours and wait; those still there after `grace` seconds are killed."""
        for number, seconds in ((first, grace), (signal.SIGKILL, 5.0)):
            for pid in pids:
                os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while pids and (seconds := deadline - time.monotonic()) > 0:
                gone = {pid for pid, _ in ended_children()}
                pids = [pid for pid in pids if pid not in gone]
                if pids:
                    self.ready([self.wakeup], min(seconds, 0.2))
            if not pids:
                return

    def tell(self, status: str) -> None:
        """Write what the service does where the owner reads it, whole or not at all."""
        draft: Path = self.options.runtime / "status.new"
        draft.write_text(status + "\n")
        draft.rename(self.options.runtime / "status")


def become_reaper() -> None:
    """Have orphaned descendants handed to this process instead of to init."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this kernel lets no process adopt orphans")


def ended_children() -> list[tuple[int, int]]:
    """Pid and wait status of every child that ended since the last call."""
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, status))


def children() -> list[int]:
    """Pids of our living children, adopted ones too."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue  # It ended while we looked.
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(entry.name))
    return found


def say(sentence: str) -> None:
    with contextlib.suppress(OSError):  # Whoever read our words may be gone; the work goes on.
        sys.stderr.write(f"demo: {sentence}\n")
        sys.stderr.flush()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a service no longer than the owner of our standard input.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--runtime", type=Path, required=True, help="folder of ours, removed at the end")
    parser.add_argument("--log", type=Path, required=True, help="where the service's output goes")
    parser.add_argument("--stop-signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--grace", type=float, default=10.0, help="seconds before it is killed")
    parser.add_argument("--restart", action="store_true", help="start the service again when it dies")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


if __name__ == "__main__":
    Guard(read_options()).run()
