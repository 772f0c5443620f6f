"""The private libvirt daemon: real machines that survive the daemon and end with its owner."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest

from capsuld.demo.libvirtd import LibvirtDaemon, choose, what_qemu_lacks
from capsuld.demo.processes import ServiceError, give_to_nobody, is_alive
from capsuld.demo.product import ROOT
from tests.capsuld.demo.conftest import describe_machine, wait_for

pytestmark = pytest.mark.skipif(bool(what_qemu_lacks()), reason="; ".join(what_qemu_lacks()) or "QEMU is here")

OWNER = """
import sys, time
from pathlib import Path
import libvirt
from capsuld.demo.libvirtd import LibvirtDaemon
daemon = LibvirtDaemon(Path(sys.argv[1]))
daemon.start()
connection = libvirt.open(daemon.uri("qemu"))
connection.createXML(sys.stdin.read())
print(daemon.process.guard_pid, daemon.process.pid, daemon.process.runtime, flush=True)
time.sleep(1000)
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibvirtDaemon]:
    hidden = tmp_path_factory.mktemp("hidden") / ("long" * 30)
    hidden.mkdir(mode=0o700)
    with LibvirtDaemon(hidden / "libvirt") as daemon:
        yield daemon


def connect(daemon: LibvirtDaemon) -> Any:
    return libvirt.open(daemon.uri("qemu"))


def emulators_of(name: str) -> list[int]:
    """Pids of the emulators that run a machine of this name."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(word.startswith(f"guest={name},") for word in words):
            found.append(int(entry.name))
    return found


def test_a_machine_boots_from_the_tiny_image_and_obeys_its_power_button(daemon: LibvirtDaemon, image: Path) -> None:
    serial = daemon.volumes / "boots.serial"
    connection = connect(daemon)
    machine = connection.createXML(describe_machine("boots", image, daemon.volumes))
    wait_for(lambda: "READY" in serial.read_text(errors="replace"), 60)
    wait_for(lambda: "ADDRESS eth0 10.0.2.15" in serial.read_text(errors="replace"))
    machine.shutdown()
    wait_for(lambda: connection.numOfDomains() == 0, 20)


def test_machines_run_on_while_the_daemon_is_down(daemon: LibvirtDaemon, image: Path) -> None:
    name = f"stays-{os.getpid()}"
    connect(daemon).createXML(describe_machine(name, image, daemon.volumes))
    [emulator] = emulators_of(name)
    daemon.down()
    assert is_alive(emulator)
    daemon.up()
    assert connect(daemon).lookupByName(name).isActive()
    assert emulators_of(name) == [emulator]


def test_definitions_and_the_hosts_identity_survive_a_new_daemon(tmp_path: Path, image: Path) -> None:
    with LibvirtDaemon(tmp_path / "libvirt") as first:
        connect(first).defineXML(describe_machine("kept", image, first.volumes))
        identity = host_uuid(first)
    with LibvirtDaemon(tmp_path / "libvirt") as second:
        assert [machine.name() for machine in connect(second).listAllDomains()] == ["kept"]
        assert host_uuid(second) == identity


def host_uuid(daemon: LibvirtDaemon) -> str:
    capabilities: str = connect(daemon).getCapabilities()
    return capabilities.partition("<uuid>")[2].partition("</uuid>")[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's emulator may use what the machine lets it")
def test_as_root_no_emulator_reaches_kvm(daemon: LibvirtDaemon) -> None:
    capabilities = connect(daemon).getCapabilities()
    assert "<domain type='qemu'" in capabilities
    assert "<domain type='kvm'" not in capabilities


def test_the_test_driver_is_shared_between_processes(daemon: LibvirtDaemon) -> None:
    here = libvirt.open(daemon.uri("test"))
    here.lookupByName("test").destroy()
    there = f"import libvirt; print(libvirt.open({daemon.uri('test')!r}).lookupByName('test').isActive())"
    assert subprocess.run([sys.executable, "-c", there], capture_output=True, text=True).stdout == "0\n"


def test_a_killed_owner_leaves_no_daemon_and_no_machine(tmp_path: Path, image: Path) -> None:
    folder, name = tmp_path / "libvirt", f"doomed-{os.getpid()}"
    (folder / "volumes").mkdir(parents=True)
    give_to_nobody(folder / "volumes")
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    with owner, owner.stdin as stdin:
        stdin.write(describe_machine(name, image, folder / "volumes"))
        stdin.close()
        guard, service, runtime = owner.stdout.readline().split()
        [emulator] = emulators_of(name)
        owner.kill()
    wait_for(lambda: not any(map(is_alive, [int(guard), int(service), emulator])), 15)
    assert not Path(runtime).exists()


def test_a_machine_without_qemu_gets_the_test_driver_and_is_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capsuld.demo.libvirtd.find_tool", lambda name: None)
    choice = choose("auto")
    assert choice.driver == "test"
    assert "qemu-system-x86_64 is not installed" in choice.why
    with pytest.raises(ServiceError, match="QEMU cannot be used: libvirtd is not installed"):
        choose("qemu")


def test_with_qemu_installed_auto_means_qemu() -> None:
    assert choose("auto").driver == "qemu"
    assert choose("test").driver == "test"


def test_emulators_that_lost_their_guard_are_ended_by_the_next_start(tmp_path: Path, image: Path) -> None:
    name = f"lost-{os.getpid()}"
    first = LibvirtDaemon(tmp_path / "libvirt")
    first.start()
    connect(first).createXML(describe_machine(name, image, first.volumes))
    [emulator] = emulators_of(name)
    assert first.process.guard_pid is not None
    os.kill(first.process.guard_pid, signal.SIGKILL)
    first.stop()
    assert is_alive(emulator)
    with LibvirtDaemon(tmp_path / "libvirt"):
        wait_for(lambda: not is_alive(emulator))
