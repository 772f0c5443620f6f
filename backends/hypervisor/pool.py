"""The storage pool that holds everything of our capsuls on a host: found, or made, or started."""

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import libvirt

from backends.hypervisor.calls import Lease
from backends.hypervisor.errors import HypervisorFailed
from backends.hypervisor.session import Session

SETTLE_SECONDS = 5.0
"""How long another worker gets to finish what it has begun."""


def open_pool(session: Session, lease: Lease) -> Any:
    """The pool, running. It is started when it is needed and never by libvirt itself.

    Raises:
        HypervisorFailed: a pool of that name is there, over another folder.
    """
    settings = session.settings
    pool = _find_pool(session.connection, settings.pool) or _define_pool(session, lease)
    path = ET.fromstring(pool.XMLDesc()).findtext("target/path")  # noqa: S314  written by libvirt
    if path != settings.disk_path:
        raise HypervisorFailed(settings.name, f"pool {settings.pool} is at {path}, not at {settings.disk_path}")
    if not pool.isActive():
        _start_pool(pool, lease)
    return pool


def find_volume(pool: Any, name: str) -> Any | None:
    """The volume of this name, or None."""
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
            return None
        raise


def find_after_all(pool: Any, name: str, lease: Lease) -> Any | None:
    """The volume that was there when we wanted to make it: another worker's, or a file the pool had not seen.

    A pool cannot be read anew while anybody makes a volume in it, so this may take a few attempts.
    """

    def look() -> bool:
        if find_volume(pool, name) is None:
            pool.refresh()
        return True

    becomes_true(lambda: _succeeds(look), lease)
    return find_volume(pool, name)


def becomes_true(condition: Callable[[], bool], lease: Lease) -> bool:
    """Whether the condition comes true while another worker may still be at it."""
    ends = time.monotonic() + SETTLE_SECONDS
    while not condition():
        if time.monotonic() > ends:
            return False
        lease.act(time.sleep, 0.02)
    return True


def _succeeds(call: Callable[[], bool]) -> bool:
    try:
        return call()
    except libvirt.libvirtError as error:
        # What drivers say when a pool is busy, for want of a code of its own.
        if error.get_error_code() in (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_OPERATION_INVALID):
            return False
        raise


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
        return lease.act(session.connection.storagePoolDefineXML, ET.tostring(tree, encoding="unicode"))
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
        if not becomes_true(pool.isActive, lease):
            raise
