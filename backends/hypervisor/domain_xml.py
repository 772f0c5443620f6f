"""A capsul as libvirt wants it told: a tree that is written out, never text that is pasted together."""

import hashlib
import posixpath
import xml.etree.ElementTree as ET

from backends.hypervisor.identity import NAMESPACE, metadata_element
from backends.hypervisor.settings import HostSettings
from capsul.machines import CapsulSpec

BALLOON_PERIOD = "5"
"""Seconds between the guest's own reports of its memory."""

TRANSLATION_CACHE_MIB = "32"
"""Cap on QEMU's cache of translated code, which grows to a gigabyte without; software emulation only."""


def domain_xml(spec: CapsulSpec, settings: HostSettings) -> tuple[str, str]:
    """The whole description, and the digest of everything in it that we decide."""
    plain = _write(_domain(spec, settings, ""))
    digest = hashlib.sha256(plain.encode()).hexdigest()
    return _write(_domain(spec, settings, digest)), digest


def disk_name(capsul: object) -> str:
    """Name of a capsul's disk in the pool. By UUID: it is nobody else's and never changes."""
    return f"{capsul}.qcow2"


def log_name(capsul: object) -> str:
    """Name of the file in the pool that keeps what the capsul wrote to its serial console."""
    return f"{capsul}.console.log"


def _write(tree: ET.Element) -> str:
    ET.register_namespace("capsul", NAMESPACE)
    return ET.tostring(tree, encoding="unicode")


def _domain(spec: CapsulSpec, settings: HostSettings, digest: str) -> ET.Element:
    domain = ET.Element("domain", type=settings.virt_type)
    _add(domain, "name", spec.capsul_id)
    _add(domain, "uuid", str(spec.uuid))
    _add(domain, "metadata").append(metadata_element(spec, digest))
    _add(domain, "memory", str(spec.memory_mib), unit="MiB")
    _add(domain, "vcpu", str(spec.vcpus))
    _add_boot(domain, settings)
    _add(domain, "clock", offset="utc")
    _add(domain, "on_poweroff", "destroy")
    _add(domain, "on_reboot", "restart")
    _add(domain, "on_crash", "destroy")
    _add_power_management(domain)
    devices = _add(domain, "devices")
    _add_disk(devices, posixpath.join(settings.disk_path, disk_name(spec.uuid)))
    _add_network(devices, spec)
    _add_console(devices, posixpath.join(settings.disk_path, log_name(spec.uuid)))
    _add_balloon(devices)
    _add_randomness(devices)
    return domain


def _add_boot(domain: ET.Element, settings: HostSettings) -> None:
    system = _add(domain, "os")
    _add(system, "type", "hvm", arch=settings.arch, machine=settings.machine)
    _add(system, "boot", dev="hd")
    features = _add(domain, "features")
    _add(features, "acpi")
    _add(features, "apic")
    if settings.virt_type == "qemu":
        _add(_add(features, "tcg"), "tb-cache", TRANSLATION_CACHE_MIB, unit="MiB")
    # What the host can do, and no promise to move elsewhere: moving fixes a model first.
    _add(domain, "cpu", mode="maximum")


def _add_power_management(domain: ET.Element) -> None:
    """No suspension from inside: a capsul that sleeps by itself would look stopped and could not be started."""
    management = _add(domain, "pm")
    _add(management, "suspend-to-mem", enabled="no")
    _add(management, "suspend-to-disk", enabled="no")


def _add_disk(devices: ET.Element, path: str) -> None:
    disk = _add(devices, "disk", type="file", device="disk")
    _add(disk, "driver", name="qemu", type="qcow2", discard="unmap", detect_zeroes="unmap")
    _add(disk, "source", file=path)
    _add(disk, "target", dev="vda", bus="virtio")


def _add_network(devices: ET.Element, spec: CapsulSpec) -> None:
    """User-mode networking: out through the host, nothing comes in, needs no privilege and no set-up."""
    interface = _add(devices, "interface", type="user")
    _add(interface, "mac", address=spec.mac)
    _add(interface, "model", type="virtio")


def _add_console(devices: ET.Element, log_path: str) -> None:
    serial = _add(devices, "serial", type="pty")
    _add(serial, "log", file=log_path, append="on")
    console = _add(devices, "console", type="pty")
    _add(console, "target", type="serial", port="0")


def _add_balloon(devices: ET.Element) -> None:
    balloon = _add(devices, "memballoon", model="virtio")
    _add(balloon, "stats", period=BALLOON_PERIOD)


def _add_randomness(devices: ET.Element) -> None:
    """Without it a fresh guest waits for entropy before it can make its host keys."""
    generator = _add(devices, "rng", model="virtio")
    _add(generator, "backend", "/dev/urandom", model="random")


def _add(parent: ET.Element, tag: str, content: str | None = None, /, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = content
    return element
