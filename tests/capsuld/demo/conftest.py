"""What the launchers' tests share: a running machine to watch, and a way to see that it is gone."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from capsuld.demo.processes import run, tool
from capsuld.demo.tiny_image import tiny_image

MACHINE = """
<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>96</memory><vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os><features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='pty'><log file='{log}'/></serial>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


def describe_machine(name: str, image: Path, folder: Path) -> str:
    """A small machine that writes on a fresh overlay of this image; its serial line goes to `NAME.serial`."""
    disk = folder / f"{name}.qcow2"
    run([tool("qemu-img"), "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(image), str(disk), "64M"])
    owner = folder.stat()
    os.chown(disk, owner.st_uid, owner.st_gid)
    return MACHINE.format(name=name, disk=disk, log=folder / f"{name}.serial")


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def image() -> Path:
    return tiny_image()
