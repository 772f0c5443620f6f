"""Prepares the database for the demo and runs gate, web and worker, each a process of its own."""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from capsul.money import MICRO
from capsuld.demo.configuration import Layout, Ports
from capsuld.demo.libvirtd import Driver
from capsuld.demo.processes import GuardedProcess, as_child, make_runtime_folder, run
from capsuld.demo.prometheus import answers
from capsuld.host_shell import put_host, put_image, put_size
from db.migrate import migrate

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "capsuld"]
CURRENCY = "USD"
STOP_SECONDS = 8.0
PROMISED_TO_TEST_DRIVER_MIB = 65536
PROMISED_DISK_GIB = 1000
"""Disks are thin; the smallest image fills none of it."""


class Product:
    """The three processes, started again when they die, and what an operator sets up before the first start."""

    def __init__(self, layout: Layout, ports: Ports, *, admin_database: str, keep_open: Sequence[int]) -> None:
        self.layout = layout
        self.ports = ports
        self.admin_database = admin_database
        self.processes = [
            GuardedProcess(
                name,
                as_child([*COMMAND, name]),
                runtime=make_runtime_folder(),
                log=layout.log(name),
                environment=self._environment(),
                grace=STOP_SECONDS,
                restart=True,
                keep_open=keep_open,
            )
            for name in ("worker", "gate", "web")
        ]

    async def set_up(self, uri: str, driver: Driver, image: str, operator_key: Path | None) -> None:
        """Migrate, and put host, image, the demo's small size and the operator's key in place, again each time.

        Raises `CapsulError` and `ServiceError`.
        """
        database = self.admin_database
        memory_mib = PROMISED_TO_TEST_DRIVER_MIB if driver == "test" else half_of_memory_mib()
        await migrate(database, CURRENCY)
        await put_host(database, "demo", uri, memory_mib, PROMISED_DISK_GIB)
        await put_image(database, "tiny", "Tiny Linux", "1", image, "root")
        await put_size(database, "nano", vcpus=1, memory_mib=128, disk_gib=1, price_month=MICRO)
        if operator_key is not None:
            run([*COMMAND, "operator", "add-key", str(operator_key)], environment=self._environment())

    def start(self) -> None:
        """Start all three and return when all of them answer; raises `ServiceError`."""
        worker, gate, web = self.processes
        for process in self.processes:
            process.start()
        worker.wait_until(lambda: answers(self.ports.metrics, "/metrics"), 60)
        gate.wait_until(lambda: greets(self.ports.ssh), 60)
        web.wait_until(lambda: answers(self.ports.http, "/healthz"), 60)

    def _environment(self) -> dict[str, str]:
        """Ours without other settings of the product: the demo is the same wherever it is started."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CAPSUL_")}
        return inherited | {
            "CAPSUL_CONFIG": str(self.layout.configuration),
            "CAPSUL_ADMIN_DATABASE": self.admin_database,
            "PYTHONPATH": str(ROOT),
        }


def greets(port: int) -> bool:
    """Whether an SSH server of this machine answers there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def half_of_memory_mib() -> int:
    """What the demo's capsuls may have of this machine's memory, all together."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**21
