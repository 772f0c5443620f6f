"""Disks and console logs, through libvirt's storage pools, so that the host may be anywhere.

Everything of a capsul lies in one pool of ours and its name begins with the capsul's UUID.
"""

import posixpath
import xml.etree.ElementTree as ET
from typing import Any
from uuid import UUID

import libvirt

from backends.hypervisor.calls import Lease
from backends.hypervisor.domain_xml import disk_name, log_name
from backends.hypervisor.errors import DiskMismatch, HypervisorFailed, StillRunning
from backends.hypervisor.ownership import find_ours
from backends.hypervisor.session import Session
from backends.hypervisor.settings import HostSettings
from capsul.machines import CapsulSpec

GIB = 1024**3


def prepare_disk(session: Session, lease: Lease, spec: CapsulSpec) -> bool:
    """Makes the capsul's disk, an overlay on its image, unless it is there. Never writes to one that is.

    The image must not be larger than the disk: whoever offers images and sizes sees to that.

    Raises:
        DiskMismatch: a disk of that name is there with another image, size or format.
    """
    pool = _open_pool(session, lease)
    name = disk_name(spec.uuid)
    volume = _find(pool, name)
    if volume is None:
        try:
            lease.act(pool.createXML, _disk_xml(spec, session.settings))
            return True
        except libvirt.libvirtError:
            # Another worker may have been faster, or the file lies there unseen since before the host started.
            pool.refresh()
            volume = _find(pool, name)
            if volume is None:
                raise
    _check_disk(volume, spec, session.settings)
    return False


def delete_disk(session: Session, lease: Lease, capsul: UUID) -> bool:
    """Deletes all that the pool holds of the capsul: disk and console log.

    Raises:
        StillRunning: it is in use.
        NotOurs: the host has a domain of that id that is not ours.
    """
    found = find_ours(session, capsul)
    if found is not None and found[0].isActive():
        raise StillRunning(session.settings.name, f"the disk of {capsul} is in use")
    pool = _open_pool(session, lease)
    pool.refresh()
    doomed = [volume for volume in pool.listAllVolumes() if volume.name().startswith(f"{capsul}.")]
    for volume in doomed:
        lease.act(_delete, volume)
    return bool(doomed)


def read_log(session: Session, lease: Lease, capsul: UUID, limit: int) -> bytes:
    """The last `limit` bytes of what the capsul wrote to its serial console; empty when it never ran.

    Raises:
        libvirt.libvirtError: among others where the driver keeps no logs (code NO_SUPPORT).
    """
    pool = _open_pool(session, lease)
    pool.refresh()
    volume = _find(pool, log_name(capsul))
    if volume is None:
        return b""
    _, length, _ = volume.info()
    offset = max(0, length - limit)
    stream = session.connection.newStream()
    volume.download(stream, offset, length - offset)
    chunks: list[bytes] = []
    stream.recvAll(lambda _stream, chunk, _opaque: chunks.append(chunk), None)
    stream.finish()
    return b"".join(chunks)


def _open_pool(session: Session, lease: Lease) -> Any:
    """The pool of disks, made and started if need be."""
    settings = session.settings
    pool = _find_pool(session.connection, settings.pool)
    if pool is None:
        pool = _define_pool(session, lease)
    path = ET.fromstring(pool.XMLDesc()).findtext("target/path")  # noqa: S314  written by libvirt
    if path != settings.disk_path:
        raise HypervisorFailed(settings.name, f"pool {settings.pool} is at {path}, not at {settings.disk_path}")
    if not pool.isActive():
        _start_pool(pool, lease)
    return pool


def _find_pool(connection: Any, name: str) -> Any | None:
    try:
        return connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return None
        raise


def _define_pool(session: Session, lease: Lease) -> Any:
    tree = ET.Element("pool", type="dir")
    ET.SubElement(tree, "name").text = session.settings.pool
    ET.SubElement(ET.SubElement(tree, "target"), "path").text = session.settings.disk_path
    try:
        pool = lease.act(session.connection.storagePoolDefineXML, ET.tostring(tree, encoding="unicode"))
    except libvirt.libvirtError:
        pool = _find_pool(session.connection, session.settings.pool)
        if pool is None:
            raise
    return pool


def _start_pool(pool: Any, lease: Lease) -> None:
    try:
        lease.act(pool.build)  # makes the folder
        lease.act(pool.create)
    except libvirt.libvirtError:
        if not pool.isActive():
            raise


def _find(pool: Any, name: str) -> Any | None:
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
            return None
        raise


def _delete(volume: Any) -> None:
    try:
        volume.delete()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_VOL:
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


def _image_path(spec: CapsulSpec, settings: HostSettings) -> str:
    return posixpath.join(settings.image_path, spec.image)


def _check_disk(volume: Any, spec: CapsulSpec, settings: HostSettings) -> None:
    tree = ET.fromstring(volume.XMLDesc())  # noqa: S314  written by libvirt
    kind = tree.find("target/format")
    seen = (
        kind.get("type") if kind is not None else None,
        int(tree.findtext("capacity", "0")),
        tree.findtext("backingStore/path"),
    )
    wanted = ("qcow2", spec.disk_gib * GIB, _image_path(spec, settings))
    if seen != wanted:
        raise DiskMismatch(settings.name, f"disk of {spec.capsul_id} is {seen}, wanted {wanted}")
