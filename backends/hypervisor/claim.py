"""A host's pool belongs to one installation, which has put its name there: an empty volume."""

from typing import Any
from uuid import UUID

import libvirt

from backends.hypervisor.calls import Lease
from backends.hypervisor.errors import HostClaimed
from backends.hypervisor.pool import find_after_all, find_volume, open_pool
from backends.hypervisor.session import Session

_PREFIX = "installation."


def claim(session: Session, lease: Lease) -> bool:
    """Makes the pool ours. False when it was already.

    Two installations that come at the same moment may both put their names there; then neither works on the host
    until an operator has deleted one of them.

    Raises:
        HostClaimed: it is another installation's.
    """
    pool = open_pool(session, lease)
    name = f"{_PREFIX}{session.settings.installation_id}"
    made = False
    if find_volume(pool, name) is None and not _others(pool, session.settings.installation_id):
        made = _make(pool, name, lease)
    if others := _others(pool, session.settings.installation_id):
        raise HostClaimed(session.settings.name, f"pool {session.settings.pool} is claimed by {', '.join(others)}")
    return made


def _others(pool: Any, ours: UUID) -> list[str]:
    claims = [str(name).removeprefix(_PREFIX) for name in pool.listVolumes() if name.startswith(_PREFIX)]
    return sorted(other for other in claims if other != str(ours))


def _make(pool: Any, name: str, lease: Lease) -> bool:
    description = f"<volume><name>{name}</name><capacity>0</capacity><target><format type='raw'/></target></volume>"
    try:
        lease.act(pool.createXML, description)
    except libvirt.libvirtError:
        if find_after_all(pool, name, lease) is None:
            raise
        return False
    return True
