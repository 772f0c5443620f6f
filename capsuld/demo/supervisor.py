"""Runs the whole product on this machine until told to stop: `./scripts/demo`."""

import argparse
import asyncio
import fcntl
import mailbox
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import libvirt

from capsul.errors import CapsulError
from capsuld.demo.configuration import Layout, Ports, write_config
from capsuld.demo.libvirtd import DRIVER_NAMES, Choice, LibvirtDaemon, choose
from capsuld.demo.postgres import PostgresServer
from capsuld.demo.processes import GuardedProcess, ServiceError, find_tool, free_ports, is_alive, port_is_taken
from capsuld.demo.product import ROOT, Product
from capsuld.demo.prometheus import PrometheusServer, prometheus_program
from capsuld.demo.tiny_image import tiny_image

SCRAPE_SECONDS = 2
PREVIOUS_DEMO_SECONDS = 30
"""How long the guards of a demo that was killed may take to clean up."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Demo:
    """One demo: what it consists of, and in which order that is started."""

    def __init__(self, options: argparse.Namespace, keep_open: Sequence[int]) -> None:
        self.options = options
        self.layout = Layout(options.state)
        self.ports = choose_ports(options)
        self.stack = ExitStack()
        self.keep_open = keep_open
        self.guarded: list[GuardedProcess] = []

    def run(self, say_ready: Callable[[str], None]) -> NoReturn:
        """Start everything, say that it is ready, and stop it when an exception comes: a signal's or a failure's.

        Raises:
            KeyboardInterrupt: somebody asked us to stop.
            ServiceError: something could not be started, or its guard was killed.
        """
        with self.stack:
            self.start()
            say_ready(
                f"READY ssh=127.0.0.1:{self.ports.ssh} http=http://127.0.0.1:{self.ports.http}"
                f" mail={self.layout.mail} state={self.layout.state}"
            )
            while True:
                for process in self.guarded:
                    process.require_guard()
                time.sleep(1)

    def start(self) -> None:
        begun = time.monotonic()
        say("starting Postgres; getting Prometheus and the tiny image, which is slow the first time")
        with ThreadPoolExecutor() as threads:
            postgres = threads.submit(self.start_postgres)
            prometheus = threads.submit(self.start_prometheus)
            hypervisor = threads.submit(self.choose_hypervisor)
        prometheus.result()
        choice, image = hypervisor.result()
        say(f"capsuls run on {DRIVER_NAMES[choice.driver]}: {choice.why}")
        self.start_product(postgres.result(), choice, self.start_hypervisor(choice), image)
        say(f"all of it answers after {time.monotonic() - begun:.1f} s; Ctrl-C stops it")

    def start_postgres(self) -> PostgresServer:
        server = PostgresServer(
            self.layout.postgres, log=self.layout.log("postgres"), restart=True, keep_open=self.keep_open
        )
        self.stack.callback(server.stop)
        server.start()
        self.guarded.append(server.process)
        asyncio.run(server.ensure_database("capsul"))
        return server

    def start_prometheus(self) -> None:
        """Without Prometheus the product works, and says that figures are missing; so does the demo."""
        server = PrometheusServer(
            self.layout.prometheus,
            port=self.ports.prometheus,
            targets=[f"127.0.0.1:{self.ports.metrics}"],
            seconds=SCRAPE_SECONDS,
            log=self.layout.log("prometheus"),
            restart=True,
            keep_open=self.keep_open,
        )
        try:
            prometheus_program()
        except ServiceError as error:
            say(f"going on without Prometheus, so there will be no metrics: {error}")
            return
        self.stack.callback(server.stop)
        server.start()
        self.guarded.append(server.process)

    def choose_hypervisor(self) -> tuple[Choice, str]:
        """The driver, and the name of the image; with `auto` whatever keeps QEMU away means the test driver."""
        choice = choose(self.options.hypervisor)
        if choice.driver == "test":
            return choice, "tiny.qcow2"
        try:
            image = tiny_image()
        except ServiceError as error:
            if self.options.hypervisor == "qemu":
                raise
            return Choice("test", f"the tiny image cannot be built: {error}"), "tiny.qcow2"
        self.layout.images.mkdir(exist_ok=True)
        if not (self.layout.images / image.name).exists():
            shutil.copy(image, self.layout.images / image.name)
        return choice, image.name

    def start_hypervisor(self, choice: Choice) -> str:
        """Where libvirt answers; without its daemon the test driver lives and dies with the worker."""
        if choice.driver == "test" and not find_tool("libvirtd"):
            return "test:///default"
        daemon = LibvirtDaemon(
            self.layout.libvirt, log=self.layout.log("libvirt"), restart=True, keep_open=self.keep_open
        )
        self.stack.callback(daemon.stop)
        daemon.start()
        self.guarded.append(daemon.process)
        if choice.driver == "test":
            # The test driver forgets everything when its last connection closes.
            self.stack.callback(libvirt.open(daemon.uri("test")).close)
        return daemon.uri(choice.driver)

    def start_product(self, postgres: PostgresServer, choice: Choice, uri: str, image: str) -> None:
        write_config(
            self.layout,
            self.ports,
            database=postgres.url("capsul"),
            driver=choice.driver,
            disks=self.layout.libvirt / "volumes",
            scrape_seconds=SCRAPE_SECONDS,
        )
        # There from the first moment, so that whoever waits for a letter may look into it.
        mailbox.Maildir(self.layout.mail, create=True)
        product = Product(self.layout, self.ports, admin_database=postgres.dsn("capsul"), keep_open=self.keep_open)
        say("preparing the database")
        asyncio.run(product.set_up(uri, choice.driver, image, self.options.operator_key))
        self.stack.callback(stop_together, product.processes)
        say("starting gate, web and worker")
        product.start()
        self.guarded.extend(product.processes)


def stop_together(processes: Sequence[GuardedProcess]) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(GuardedProcess.stop, processes))


def choose_ports(options: argparse.Namespace) -> Ports:
    """The wanted ports, and free ones where any will do; raises `ServiceError` when a wanted one is taken."""
    for name, port in (("ssh", options.ssh_port), ("http", options.http_port)):
        if port and port_is_taken(port):
            raise ServiceError(f"port {port} is taken; choose another by --{name}-port, or 0 for any that is free")
    ssh, http, metrics, prometheus = free_ports(4)
    return Ports(options.ssh_port or ssh, options.http_port or http, metrics, prometheus)


@contextmanager
def locked(state: Path) -> Iterator[int]:
    """The state folder, ours alone: yields the lock's descriptor, which guards keep open until all is clean.

    Raises `ServiceError` when another demo runs there.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / "lock").open("a+") as lock:
        deadline = time.monotonic() + PREVIOUS_DEMO_SECONDS
        while not try_lock(lock.fileno()):
            lock.seek(0)
            owner = lock.read().strip()
            if time.monotonic() > deadline or (owner and is_alive(int(owner))):
                raise ServiceError(f"another demo, process {owner}, keeps {state}: stop it, or choose a --state")
            time.sleep(0.1)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield lock.fileno()


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_options(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--state", type=Path, default=ROOT / ".demo", help="folder of everything (default .demo)")
    parser.add_argument("--ssh-port", type=int, default=2222, help="0: any that is free (default 2222)")
    parser.add_argument("--http-port", type=int, default=8080, help="0: any that is free (default 8080)")
    parser.add_argument("--hypervisor", choices=["auto", "qemu", "test"], default="auto", help="(default auto)")
    parser.add_argument("--operator-key", type=Path, metavar="FILE.pub", help="a public key to make an operator's")
    options = parser.parse_args(words)
    options.state = options.state.absolute()
    if options.operator_key is not None and not options.operator_key.is_file():
        parser.error(f"there is no file {options.operator_key}")
    return options


def stop_at_signals() -> None:
    """Make the first signal that asks us to stop a KeyboardInterrupt; the rest cannot hurry the cleaning up."""

    def stop(*_: object) -> NoReturn:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def say(sentence: str) -> None:
    sys.stderr.write(f"demo: {sentence}\n")
    sys.stderr.flush()


def say_ready(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    options = read_options()
    stop_at_signals()
    try:
        with locked(options.state) as lock:
            Demo(options, [lock]).run(say_ready)
    except KeyboardInterrupt:
        say("stopped")
        return 0
    except (ServiceError, CapsulError) as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
