"""Making, starting, stopping and forgetting capsuls. Each verb may be said in any state and any number of times.

Every function works on a thread and returns whether it changed anything. What a capsul does is asked before and
after, never read from an error's code: drivers use different codes for the same refusal.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import libvirt

from backends.hypervisor.calls import Lease
from backends.hypervisor.domain_xml import domain_xml
from backends.hypervisor.errors import NotOurs, StillRunning
from backends.hypervisor.identity import read_identity
from backends.hypervisor.ownership import find_ours, is_off, require_ours
from backends.hypervisor.session import Session
from capsul.machines import CapsulSpec

_FORGET = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA


def define(session: Session, lease: Lease, spec: CapsulSpec) -> bool:
    """Makes the capsul known to the host, or brings its description up to date; a running one gets it when it
    starts next. What was defined from the same spec and settings is left as it is, edits by hand included.
    """
    settings = session.settings
    if (spec.installation_id, spec.epoch) != (settings.installation_id, settings.epoch):
        raise NotOurs(settings.name, f"the spec of {spec.capsul_id} is of another installation or epoch")
    description, digest = domain_xml(spec, settings)
    found = find_ours(session, spec.uuid)
    if found is not None and found[1].definition == digest:
        return False
    domain = lease.act(session.connection.defineXMLFlags, description, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    session.identities[spec.uuid] = read_identity(domain)
    return True


def start(session: Session, lease: Lease, capsul: UUID) -> bool:
    """Starts what is off and lets a paused one go on.

    Raises:
        CapsulAbsent: it was never defined here.
    """
    domain = require_ours(session, capsul)
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_PAUSED:
        return _unless(lambda: domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING, lease, domain.resume)
    if domain.isActive():
        return False
    return _unless(domain.isActive, lease, domain.create)


def shutdown(session: Session, lease: Lease, capsul: UUID) -> bool:
    """Asks the guest to shut down (ACPI power button) and returns; the guest may take its time or ignore it."""
    domain = _active(session, capsul)
    if domain is None:
        return False
    return _unless(lambda: is_off(domain), lease, domain.shutdown)


def kill(session: Session, lease: Lease, capsul: UUID) -> bool:
    """Takes the power away. What the guest had not written is lost."""
    domain = _active(session, capsul)
    if domain is None:
        return False
    return _unless(lambda: is_off(domain), lease, domain.destroy)


def reset(session: Session, lease: Lease, capsul: UUID) -> bool:
    """Presses the reset button of a running capsul. The one verb that does it again when said again."""
    domain = _active(session, capsul)
    if domain is None:
        return False
    return _unless(lambda: is_off(domain), lease, domain.reset, 0)


def undefine(session: Session, lease: Lease, capsul: UUID) -> bool:
    """Makes the host forget a capsul that is off. Its disk stays.

    Raises:
        StillRunning: it is not off; undefined now, it would run on with nothing to start it again from.
    """
    found = find_ours(session, capsul)
    if found is None:
        return False
    domain, _ = found
    if not is_off(domain):
        raise StillRunning(session.settings.name, f"{capsul} cannot be undefined while it runs")
    return _unless(lambda: find_ours(session, capsul) is None, lease, domain.undefineFlags, _FORGET)


def _active(session: Session, capsul: UUID) -> Any | None:
    found = find_ours(session, capsul)
    if found is None or is_off(found[0]):
        return None
    return found[0]


def _unless(already: Callable[[], object], lease: Lease, change: Callable[..., Any], *arguments: Any) -> bool:
    """Makes a change; that somebody else made it first is no failure, whatever the driver calls it."""
    try:
        lease.act(change, *arguments)
    except libvirt.libvirtError:
        if already():
            return False
        raise
    return True
