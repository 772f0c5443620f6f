"""The gate before every change: a domain is touched only when it says, now, that it is ours."""

from typing import Any
from uuid import UUID

import libvirt

from backends.hypervisor.errors import CapsulAbsent, NotOurs
from backends.hypervisor.identity import Identity, read_identity
from backends.hypervisor.session import Session


def find_ours(session: Session, capsul: UUID) -> tuple[Any, Identity] | None:
    """The capsul's domain and what it says of itself; None when the host has no domain of that id.

    Handles are never kept: each is looked up by UUID when it is needed, for the old ones die with a connection.

    Raises:
        NotOurs: there is one, of another installation or of a later epoch of ours.
    """
    try:
        domain = session.connection.lookupByUUID(capsul.bytes)
        identity = read_identity(domain)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    if identity is None:
        raise NotOurs(session.settings.name, f"domain {capsul} does not say that it is a capsul")
    _check(session, capsul, identity)
    return domain, identity


def require_ours(session: Session, capsul: UUID) -> Any:
    """The capsul's domain.

    Raises:
        CapsulAbsent: the host has none of that id.
        NotOurs: as in find_ours.
    """
    found = find_ours(session, capsul)
    if found is None:
        raise CapsulAbsent(session.settings.name, f"no domain {capsul}")
    return found[0]


def is_off(domain: Any) -> bool:
    """Whether it does nothing. One that is gone meanwhile does nothing either."""
    try:
        return not domain.isActive()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return True
        raise


def _check(session: Session, capsul: UUID, identity: Identity) -> None:
    settings = session.settings
    if identity.installation_id != settings.installation_id:
        raise NotOurs(settings.name, f"domain {capsul} belongs to installation {identity.installation_id}")
    if identity.epoch > settings.epoch:
        raise NotOurs(
            settings.name,
            f"domain {capsul} is of epoch {identity.epoch}, we are of {settings.epoch}: another has taken over",
        )
