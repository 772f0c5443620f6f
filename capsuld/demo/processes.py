"""Starts services that end with whoever started them, however that one ends."""

import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

GUARD = Path(__file__).with_name("guard.py")
LONGEST_RUNTIME_FOLDER = 40
"""Characters; a socket's path has 107 at most, and libvirt puts up to 65 below its folder."""


class ServiceError(Exception):
    """A service could not be started or stopped; the message says which, why, and where its log is."""


class GuardedProcess:
    """One service under a guard of its own; see `guard.py` for what the guard promises.

    `runtime` is a short private folder for sockets, made with `make_runtime_folder`; the guard removes it at
    the end. `command` should come from `as_child` or `as_nobody`, so that it notices the guard's death too.
    `keep_open` are file descriptors that stay open until the guard has cleaned up. Calls block, and may come
    from any thread, one at a time.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        runtime: Path,
        log: Path,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: float = 10.0,
        restart: bool = False,
        keep_open: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.command = command
        self.runtime = runtime
        self.log = log
        self.environment = environment
        self.stop_signal = stop_signal
        self.grace = grace
        self.restart = restart
        self.keep_open = keep_open
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the guard, and with it the service; returns when the service's process exists."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._guard = subprocess.Popen(  # noqa: S603 - our own program; the arguments are ours
            [*self._guard_command(), "--", *self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=self.environment,
            start_new_session=True,
            pass_fds=self.keep_open,
        )
        self.wait_until(lambda: self._status() is not None, 10, "starting", alive=False)

    def _guard_command(self) -> list[str]:
        options = [
            f"--name={self.name}",
            f"--runtime={self.runtime}",
            f"--log={self.log}",
            f"--stop-signal={int(self.stop_signal)}",
            f"--grace={self.grace}",
        ]
        return [sys.executable, "-I", "-S", str(GUARD), *options, *(["--restart"] if self.restart else [])]

    def stop(self) -> None:
        """End the service and everything it left behind; safe to call twice."""
        if self._guard is None:
            return
        guard, self._guard = self._guard, None
        if guard.stdin is not None:
            guard.stdin.close()
        try:
            guard.wait(2 * self.grace + 10)
        except subprocess.TimeoutExpired as stuck:
            guard.kill()
            guard.wait()
            raise ServiceError(f"{self.name} did not stop; its log is {self.log}") from stuck
        finally:
            shutil.rmtree(self.runtime, ignore_errors=True)  # A guard that was killed left it.

    @property
    def pid(self) -> int | None:
        """The service's own process, or None while it does not run."""
        status = self._status() or ""
        return int(status.removeprefix("running ")) if status.startswith("running ") else None

    @property
    def guard_pid(self) -> int | None:
        return None if self._guard is None else self._guard.pid

    def down(self) -> None:
        """End the service alone, leave what it started, and do not start it again until `up`."""
        self._say("down")
        self.wait_until(lambda: self.pid is None, self.grace + 5, "stopping", alive=False)

    def up(self) -> None:
        """Start the service again after `down` or after it died; returns when its process exists."""
        self._say("up")
        self.wait_until(lambda: self.pid is not None, 10, "starting", alive=False)

    def wait_until(
        self,
        condition: Callable[[], bool],
        seconds: float,
        doing: str = "getting ready",
        *,
        alive: bool = True,
    ) -> None:
        """Wait for a condition; with `alive` the service's end is an error at once, even if it would be restarted.

        Raises `ServiceError` with the end of the log.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            self.require_guard()
            if alive and self.pid is None:
                raise ServiceError(f"{self.name} ended while {doing}: {self._last_words()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} took over {seconds:g} s {doing}: {self._last_words()}")
            time.sleep(0.01)

    def require_guard(self) -> None:
        """Raise `ServiceError` if somebody killed the guard, and with it the service."""
        if self._guard is None or self._guard.poll() is not None:
            raise ServiceError(f"{self.name}'s guard is gone; its log is {self.log}")

    def _say(self, word: str) -> None:
        if self._guard is None or self._guard.stdin is None:
            raise ServiceError(f"{self.name} is not started")
        self._guard.stdin.write(f"{word}\n".encode())
        self._guard.stdin.flush()

    def _status(self) -> str | None:
        try:
            return (self.runtime / "status").read_text().strip()
        except FileNotFoundError:
            return None

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " / ".join(lines[-5:]) + f" (all of it in {self.log})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def as_child(command: Sequence[str], stop_signal: signal.Signals = signal.SIGTERM) -> list[str]:
    """This command, sent `stop_signal` by the kernel when its parent dies."""
    return [tool("setpriv"), "--pdeathsig", short_name(stop_signal), "--", *command]


def as_nobody(
    command: Sequence[str],
    stop_signal: signal.Signals = signal.SIGTERM,
    capability: str = "dac_override",
) -> list[str]:
    """This command for a service that must not be root: as user nobody when we are root, else as `as_child`.

    Nobody keeps one capability, to pass our folders whatever their modes: the state may lie below root's own
    0700 folders, which are not ours to open, and the sockets lie in one.
    """
    if os.geteuid() != 0:
        return as_child(command, stop_signal)
    nobody = pwd.getpwnam("nobody")
    return [
        tool("setpriv"),
        f"--reuid={nobody.pw_uid}",
        f"--regid={nobody.pw_gid}",
        "--clear-groups",
        f"--inh-caps=+{capability}",
        f"--ambient-caps=+{capability}",
        "--securebits=+no_setuid_fixup",  # access(2) is to say what open(2) will do
        *("--pdeathsig", short_name(stop_signal)),
        "--",
        *command,
    ]


def give_to_nobody(folder: Path) -> None:
    """Make the user that `as_nobody` runs as the owner of this folder."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def make_runtime_folder() -> Path:
    """A new folder for sockets, ours alone, with a short path."""
    parent = Path(tempfile.gettempdir())
    if len(str(parent)) + len("/capsul-12345678") > LONGEST_RUNTIME_FOLDER:
        parent = Path("/tmp")  # noqa: S108 - mkdtemp makes it safely; the usual place has too long a path
    return Path(tempfile.mkdtemp(prefix="capsul-", dir=parent))


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on just now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """As many such ports, each another."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def port_is_taken(port: int) -> bool:
    """Whether somebody listens on this port of the loopback interface."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def is_alive(pid: int) -> bool:
    """Whether this process runs; a dead one that nobody has buried yet does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def run(command: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end, in this folder, and return its output; raises `ServiceError`."""
    done = subprocess.run(  # noqa: S603 - the launchers' commands; no input of others reaches them
        list(command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        raise ServiceError(f"'{shlex.join(command)}' failed: {said[-1]}")
    return done.stdout


def tool(name: str) -> str:
    """Where this program is, looking where administrators' programs are too; raises `ServiceError`."""
    found = find_tool(name)
    if found is None:
        raise ServiceError(f"{name} is not installed")
    return found


def find_tool(name: str) -> str | None:
    """Where this program is, or None."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def short_name(number: signal.Signals) -> str:
    return number.name.removeprefix("SIG")
