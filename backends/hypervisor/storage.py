"""Disks and console logs, through libvirt's storage pools, so that the host may be anywhere.

Everything of a capsul lies in one pool of ours, and its name begins with the capsul's UUID.
"""

import posixpath
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import libvirt

from backends.hypervisor.calls import Lease
from backends.hypervisor.domain_xml import disk_name, log_name
from backends.hypervisor.errors import DiskMismatch, HostBusy, StillRunning
from backends.hypervisor.ownership import find_ours, is_off
from backends.hypervisor.pool import becomes_true, find_after_all, find_volume, open_pool
from backends.hypervisor.session import Session
from backends.hypervisor.settings import HostSettings
from capsul.machines import CapsulSpec

GIB = 1024**3


@dataclass(frozen=True)
class Disk:
    """What makes a disk the one that was wanted."""

    format: str | None
    size: int
    """Bytes. While a disk is being made it is that of the file, no whole number of GiB; ours all are."""
    image: str | None
    """Path of the image below. It is written last."""

    @property
    def is_finished(self) -> bool:
        return self.size > 0 and self.size % GIB == 0 and self.image is not None


def prepare_disk(session: Session, lease: Lease, spec: CapsulSpec) -> bool:
    """Makes the capsul's disk, an overlay on its image, and the file for its console log, unless they are there.

    Never writes to a disk that is there. The image must not be larger than the disk: whoever offers images and
    sizes sees to that.

    Raises:
        DiskMismatch: a disk of that name is there with another image, size or format.
        HostBusy: another worker is still making it.
    """
    pool = open_pool(session, lease)
    disk, made = _get_or_make(pool, disk_name(spec.uuid), _disk_xml(spec, session.settings), lease)
    _check_disk(disk, spec, session.settings, lease)
    # The emulator would make the log file too, but then the pool would not know of it.
    _get_or_make(pool, log_name(spec.uuid), _log_xml(spec), lease)
    return made


def delete_disk(session: Session, lease: Lease, capsul: UUID) -> bool:
    """Deletes all that the pool holds of the capsul: disk and console log.

    Raises:
        StillRunning: it is in use.
        HostBusy: it is still being made.
        NotOurs: the host has a domain of that id that is not ours.
    """
    found = find_ours(session, capsul)
    if found is not None and not is_off(found[0]):
        raise StillRunning(session.settings.name, f"the disk of {capsul} is in use")
    pool = open_pool(session, lease)
    doomed = [volume for volume in pool.listAllVolumes() if volume.name().startswith(f"{capsul}.")]
    for volume in doomed:
        _delete(session, volume, lease)
    return bool(doomed)


def read_log(session: Session, lease: Lease, capsul: UUID, limit: int) -> bytes:
    """The last `limit` bytes of what the capsul wrote to its serial console; empty when it never ran.

    Raises:
        libvirt.libvirtError: among others where the driver keeps no logs (code NO_SUPPORT).
    """
    volume = find_volume(open_pool(session, lease), log_name(capsul))
    if volume is None:
        return b""
    _, length, _ = volume.info()
    offset = max(0, length - limit)
    if length == offset:
        return b""
    stream = session.connection.newStream()
    volume.download(stream, offset, length - offset)
    chunks: list[bytes] = []
    stream.recvAll(lambda _stream, chunk, _opaque: chunks.append(chunk), None)
    stream.finish()
    return b"".join(chunks)


def _get_or_make(pool: Any, name: str, description: str, lease: Lease) -> tuple[Any, bool]:
    """The volume, and whether it was made now."""
    volume = find_volume(pool, name)
    if volume is not None:
        return volume, False
    try:
        return lease.act(pool.createXML, description), True
    except libvirt.libvirtError:
        volume = find_after_all(pool, name, lease)
        if volume is None:
            raise
        return volume, False


def _check_disk(volume: Any, spec: CapsulSpec, settings: HostSettings, lease: Lease) -> None:
    wanted = Disk("qcow2", spec.disk_gib * GIB, _image_path(spec, settings))
    becomes_true(lambda: _describe(volume).is_finished, lease)
    seen = _describe(volume)
    if seen.size % GIB or seen.size == 0:
        raise HostBusy(settings.name, f"the disk of {spec.capsul_id} is still being made: {seen}")
    if seen != wanted:
        raise DiskMismatch(settings.name, f"the disk of {spec.capsul_id} is {seen}, wanted {wanted}")


def _describe(volume: Any) -> Disk:
    """What the disk is at this moment, half made or not."""
    try:
        tree = ET.fromstring(volume.XMLDesc())  # noqa: S314  written by libvirt
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
            return Disk(None, 0, None)  # known to the pool, and no file yet
        raise
    kind = tree.find("target/format")
    return Disk(
        kind.get("type") if kind is not None else None,
        int(tree.findtext("capacity", "0")),
        tree.findtext("backingStore/path"),
    )


def _delete(session: Session, volume: Any, lease: Lease) -> None:
    try:
        lease.act(volume.delete)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
            return
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
            raise HostBusy(session.settings.name, str(error)) from error
        raise


def _disk_xml(spec: CapsulSpec, settings: HostSettings) -> str:
    volume = ET.Element("volume")
    ET.SubElement(volume, "name").text = disk_name(spec.uuid)
    ET.SubElement(volume, "capacity", unit="GiB").text = str(spec.disk_gib)
    ET.SubElement(volume, "allocation").text = "0"
    ET.SubElement(ET.SubElement(volume, "target"), "format", type="qcow2")
    backing = ET.SubElement(volume, "backingStore")
    ET.SubElement(backing, "path").text = _image_path(spec, settings)
    ET.SubElement(backing, "format", type="qcow2")
    return ET.tostring(volume, encoding="unicode")


def _log_xml(spec: CapsulSpec) -> str:
    volume = ET.Element("volume")
    ET.SubElement(volume, "name").text = log_name(spec.uuid)
    ET.SubElement(volume, "capacity").text = "0"
    ET.SubElement(ET.SubElement(volume, "target"), "format", type="raw")
    return ET.tostring(volume, encoding="unicode")


def _image_path(spec: CapsulSpec, settings: HostSettings) -> str:
    return posixpath.join(settings.image_path, spec.image)
