"""Runs a private libvirt daemon, for QEMU and for libvirt's own test driver, without touching the machine's."""

import os
import platform
import signal
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlencode

import libvirt

from capsuld.demo.processes import (
    GuardedProcess,
    ServiceError,
    as_nobody,
    find_tool,
    give_to_nobody,
    make_runtime_folder,
    tool,
)

Driver = Literal["qemu", "test"]
EMULATOR = "qemu-system-x86_64"
PROCESSOR = "x86_64"
CAP_DAC_READ_SEARCH = 2
DRIVER_NAMES = {"qemu": "QEMU", "test": "libvirt's test driver"}
DRIVER_PATHS = {"qemu": "qemu+unix:///session", "test": "test+unix:///default"}
QEMU_SETTINGS = """\
security_driver = "none"
namespaces = []
cgroup_controllers = []
remember_owner = 0
stdio_handler = "file"
clear_emulator_capabilities = 0
"""
"""What asks for more than an ordinary user has is off. An emulator keeps the capability that `as_nobody` gives."""


@dataclass(frozen=True)
class Choice:
    """Which driver the capsuls of a demo live on, and why that one."""

    driver: Driver
    why: str


class LibvirtDaemon:
    """A libvirt daemon of our own in session mode, its definitions in `state_dir`.

    As root it runs as nobody, in session mode all the same: it needs no user, group or folder of the system's,
    and nothing of a system daemon's is touched. Its virtual machines survive `down` and a crash, and end with
    `stop` or with the owner. The disks they write to must belong to whom the daemon runs as, which those are that
    libvirt creates; the folder `volumes` is for them. The test driver forgets everything when its last connection
    closes. libvirt's own autostart must not be used: its links name the runtime folder, another at each start.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        log: Path | None = None,
        restart: bool = False,
        keep_open: Sequence[int] = (),
    ) -> None:
        self.state_dir = state_dir.absolute()
        self.volumes = self.state_dir / "volumes"
        self.log = log or state_dir.with_name(f"{state_dir.name}.log")
        self.restart = restart
        self.keep_open = keep_open
        self._process: GuardedProcess | None = None

    def start(self) -> None:
        """Start the daemon and return when it takes connections; raises `ServiceError`."""
        self._write_configuration()
        end_orphans(self.volumes)
        if os.geteuid() == 0:
            self._look_at_emulators()
        runtime = make_runtime_folder()
        (runtime / "config").symlink_to(self.state_dir / "config")
        (runtime / "run").mkdir(mode=0o700)
        give_to_nobody(runtime / "run")
        self._process = self._daemon(runtime, restart=self.restart)
        try:
            self._process.start()
            self._wait_until_ready()
        except BaseException:
            self._process.stop()
            raise

    def _daemon(self, runtime: Path, *, restart: bool) -> GuardedProcess:
        return GuardedProcess(
            "libvirt",
            as_nobody([tool("libvirtd")], capability=passing_capability()),
            runtime=runtime,
            log=self.log,
            environment=self._environment(runtime),
            restart=restart,
            keep_open=self.keep_open,
        )

    def _look_at_emulators(self) -> None:
        """Have a first daemon find out what the emulators can do; the cache then tells the second.

        libvirt asks an emulator with all capabilities dropped, so nobody's emulator must reach the folder where
        it answers; our own folders are closed to it.
        """
        runtime = make_runtime_folder()
        give_to_nobody(runtime)
        with self._daemon(runtime, restart=False) as daemon:
            daemon.wait_until(lambda: takes_connections(socket_in(runtime)), 30)
            connection = libvirt.open(address("qemu", runtime))
            connection.getCapabilities()
            connection.close()

    def stop(self) -> None:
        """End the daemon and the virtual machines it started."""
        if self._process is not None:
            self._process.stop()

    def down(self) -> None:
        """End the daemon alone; its virtual machines run on, and `up` finds them again."""
        self.process.down()

    def up(self) -> None:
        self.process.up()
        self._wait_until_ready()

    @property
    def process(self) -> GuardedProcess:
        if self._process is None:
            raise ServiceError("libvirt is not started")
        return self._process

    def uri(self, driver: Driver) -> str:
        """What to connect to, as the user who started the daemon; both drivers are always there."""
        return address(driver, self.process.runtime)

    def _write_configuration(self) -> None:
        settings = self.state_dir / "config/libvirt"
        for name in ("config", "config/libvirt", "cache", "data", "volumes"):
            folder = self.state_dir / name
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            give_to_nobody(folder)
        (settings / "libvirtd.conf").write_text(
            f'host_uuid = "{self._host_uuid()}"\nlog_outputs = "4:stderr"\n', encoding="utf-8"
        )
        (settings / "qemu.conf").write_text(QEMU_SETTINGS, encoding="utf-8")

    def _host_uuid(self) -> str:
        """The host's identity, kept: the machine's own is out of an ordinary user's reach."""
        kept = self.state_dir / "host_uuid"
        if not kept.exists():
            kept.write_text(f"{uuid.uuid4()}\n", encoding="utf-8")
        return kept.read_text(encoding="utf-8").strip()

    def _environment(self, runtime: Path) -> dict[str, str]:
        """Folders of ours only, and no session bus: libvirt would take its end for the machine's.

        Sockets lie below the configuration and the runtime folder, so both go by a short path.
        """
        return {
            "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",
            "HOME": str(self.state_dir),
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(runtime / "run"),
            "XDG_CONFIG_HOME": str(runtime / "config"),
            "XDG_CACHE_HOME": str(self.state_dir / "cache"),
            "XDG_DATA_HOME": str(self.state_dir / "data"),
        }

    def _wait_until_ready(self) -> None:
        self.process.wait_until(lambda: takes_connections(socket_in(self.process.runtime)), 30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def passing_capability() -> str:
    """The capability by which nobody passes root's folders.

    To read is enough, and the better choice: with the right to write, libvirt sees a usable /dev/kvm where the
    emulator it asked without capabilities saw none, and asks again each time. Containers may lack it.
    """
    status = Path("/proc/self/status").read_text()
    held = int(status.partition("CapPrm:")[2].split()[0], 16)
    return "dac_read_search" if held >> CAP_DAC_READ_SEARCH & 1 else "dac_override"


def choose(wanted: Literal["auto", "qemu", "test"]) -> Choice:
    """The driver to use on this machine; raises `ServiceError` when the wanted one cannot be had."""
    lacking = what_qemu_lacks()
    if wanted == "test":
        return Choice("test", "it was asked for")
    if not lacking:
        return Choice("qemu", f"{EMULATOR} and libvirt's daemon are installed")
    if wanted == "qemu":
        raise ServiceError(f"QEMU cannot be used: {', '.join(lacking)}")
    return Choice("test", f"QEMU cannot be used: {', '.join(lacking)}")


def what_qemu_lacks() -> list[str]:
    """What keeps this machine from running capsuls on QEMU, each as a few words; empty when nothing does."""
    lacking = [f"{name} is not installed" for name in ("libvirtd", EMULATOR, "qemu-img") if not find_tool(name)]
    lacking += [
        f"libvirt's driver for {name} is not installed"
        for name in ("qemu", "storage")
        if not list(Path("/usr/lib").glob(f"*/libvirt/connection-driver/libvirt_driver_{name}.so"))
    ]
    if os.geteuid() == 0 and passing_capability() != "dac_read_search" and Path("/dev/kvm").exists():
        lacking.append("root may not read all files here (CAP_DAC_READ_SEARCH), while there is a /dev/kvm")
    if platform.machine() != PROCESSOR:
        lacking.append(f"the demo's image is for {PROCESSOR}, this machine is {platform.machine()}")
    return lacking


def end_orphans(volumes: Path) -> None:
    """End emulators that hold disks in this folder; they remain when a daemon's guard was killed too."""
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            continue  # Not a process, or gone by now.
        if b"qemu-system" in words.partition(b"\0")[0] and f"{volumes}/".encode() in words:
            os.kill(int(entry.name), signal.SIGKILL)


def address(driver: Driver, runtime: Path) -> str:
    return f"{DRIVER_PATHS[driver]}?{urlencode({'socket': str(socket_in(runtime))}, safe='/')}"


def socket_in(runtime: Path) -> Path:
    return runtime / "run/libvirt/libvirt-sock"


def takes_connections(path: Path) -> bool:
    """Whether somebody listens at this socket; a killed daemon's socket file stays behind."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True
