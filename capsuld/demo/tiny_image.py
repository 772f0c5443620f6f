"""Builds the smallest bootable disk we can: a Debian kernel, busybox, and nothing else.

It boots by BIOS from a virtio disk within about three seconds of software emulation and 96 MiB of memory, has a
root shell on its serial console, asks DHCP for an address, and powers off when its power button is pressed.
"""

import hashlib
import lzma
import os
import re
import shutil
import sys
from pathlib import Path

from capsuld.demo.cache import CACHE, cached, dependencies, unpack
from capsuld.demo.processes import ServiceError, run, tool

INIT = Path(__file__).with_name("tiny_init.sh")
KERNELS = ("linux-image-cloud-amd64", "linux-image-virtual")
"""Debian's and Ubuntu's names for "the newest kernel for virtual machines"."""
TOOLS = ("busybox-static", "cpio", "dosfstools", "mtools", "syslinux", "zstd")
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "virtio_balloon", "button", "evdev")
"""Modules that the guest loads, where the kernel has not built them in."""
DISK_MIB = 40
BOOT_MENU = """\
SERIAL 0 115200
DEFAULT tiny
PROMPT 0
LABEL tiny
  KERNEL vmlinuz
  INITRD initrd
  APPEND console=ttyS0 quiet panic=-1
"""


def tiny_image(cache: Path = CACHE) -> Path:
    """The qcow2 file, built on first use (some 40 MB are fetched); raises `ServiceError`."""
    recipe = hashlib.sha256(Path(__file__).read_bytes() + INIT.read_bytes()).hexdigest()[:12]
    return cached(cache / f"tiny-{recipe}.qcow2", build)


def build(image: Path) -> None:
    """Fetch the parts and put the disk together, beside the file to be."""
    work = image.with_name(f"{image.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        parts = work / "parts"
        unpack([*kernel_packages(), *TOOLS], parts)
        initrd = make_initrd(parts, work)
        make_disk(parts, initrd, work, image)
    finally:
        shutil.rmtree(work)


def kernel_packages() -> list[str]:
    """The packages that hold the kernel and its modules."""
    for name in KERNELS:
        try:
            found = dependencies(name)
        except ServiceError:
            continue
        image = next(package for package in found if package.startswith("linux-image-"))
        modules = [package for package in dependencies(image) if package.startswith("linux-modules-")]
        return [image, *modules]
    raise ServiceError(f"apt knows none of {', '.join(KERNELS)}; is 'apt-get update' due?")


def make_initrd(parts: Path, work: Path) -> Path:
    """Pack the guest's whole file system."""
    root = work / "root"
    for folder in ("bin", "dev", "etc/acpi/PWRF", "lib/modules", "proc", "sys", "tmp", "var/log", "var/run"):
        (root / folder).mkdir(parents=True)
    shutil.copy(part(parts, "busybox"), root / "bin/busybox")
    shutil.copy(INIT, root / "init")
    (root / "init").chmod(0o755)
    (root / "etc/acpi/PWRF/00000080").symlink_to("/init")
    (root / "bin/sh").symlink_to("busybox")
    drivers = modules_in_order(parts)
    for number, driver in enumerate(drivers):
        (root / f"lib/modules/{number:02}-{driver.name.partition('.')[0]}.ko").write_bytes(module_bytes(driver, parts))
    archive = work / "initrd"
    script = 'cd "$1" && find . | sort | "$2" --quiet --create --format=newc --owner=0:0 | gzip -1 > "$3"'
    run([tool("sh"), "-c", script, "sh", str(root), str(part(parts, "cpio")), str(archive)])
    return archive


def modules_in_order(parts: Path) -> list[Path]:
    """Files of our drivers and of what they need, each after what it needs."""
    known = {plain_name(path): path for path in parts.rglob("*.ko*")}
    ordered: dict[str, Path] = {}

    def add(name: str) -> None:
        if name in known and name not in ordered:
            needs = re.search(rb"\0depends=([^\0]*)\0", module_bytes(known[name], parts))
            for needed in needs[1].decode().split(",") if needs else []:
                add(needed.replace("-", "_"))
            ordered[name] = known[name]

    for driver in DRIVERS:
        add(driver)
    return list(ordered.values())


def module_bytes(path: Path, parts: Path) -> bytes:
    """A kernel module, unpacked if its distribution packs it."""
    if path.suffix == ".zst":
        plain = path.with_suffix(".plain")
        run([str(part(parts, "zstd")), "-d", "-q", "-f", "-o", str(plain), str(path)])
        return plain.read_bytes()
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def plain_name(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def make_disk(parts: Path, initrd: Path, work: Path, image: Path) -> None:
    """A FAT file system without a partition table, whose boot sector starts the kernel."""
    disk = work / "disk.raw"
    with disk.open("wb") as file:
        file.truncate(DISK_MIB * 2**20)
    menu = work / "syslinux.cfg"
    menu.write_text(BOOT_MENU)
    kernel = next(path for path in parts.rglob("vmlinuz-*") if path.is_file())
    run([str(part(parts, "mkfs.vfat")), "-F", "16", "-n", "TINY", str(disk)])
    copier = [str(part(parts, "mtools")), "-c", "mcopy", "-i", str(disk)]
    for source, name in ((kernel, "vmlinuz"), (initrd, "initrd"), (menu, "syslinux.cfg")):
        run([*copier, str(source), f"::{name}"])
    calls_mtools = os.environ | {"PATH": f"{parts}/usr/bin:{os.environ.get('PATH', os.defpath)}"}
    run([str(part(parts, "syslinux")), "--install", str(disk)], environment=calls_mtools)
    run([tool("qemu-img"), "convert", "-O", "qcow2", str(disk), str(image)])


def part(parts: Path, name: str) -> Path:
    """The program of this name among the unpacked packages."""
    for folder in ("usr/bin", "bin", "usr/sbin", "sbin"):
        if (parts / folder / name).is_file():
            return parts / folder / name
    raise ServiceError(f"Debian's packages brought no {name}")


if __name__ == "__main__":
    sys.stdout.write(f"{tiny_image()}\n")
