"""libvirt's errors in our words. Nothing else of libvirt's leaves this package."""

from typing import Any

import libvirt

from backends.hypervisor.errors import CapsulAbsent, HostBusy, HostUnreachable, HypervisorFailed, NotSupported
from capsul.errors import CapsulError

_BUSY = frozenset({libvirt.VIR_ERR_OPERATION_TIMEOUT, libvirt.VIR_ERR_RESOURCE_BUSY})
_UNSUPPORTED = frozenset({libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_UNSUPPORTED})
_BROKEN_PIPE = frozenset({libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR})


def is_lost(error: libvirt.libvirtError, connection: Any) -> bool:
    """Whether the error means that the connection is gone.

    The code alone does not tell: hypervisors use the same ones. A host's own refusals come from another part of
    libvirt than the one that speaks with it.
    """
    from_wire = error.get_error_domain() == libvirt.VIR_FROM_RPC and error.get_error_code() in _BROKEN_PIPE
    return from_wire or not connection.isAlive()


def translated(error: libvirt.libvirtError, host: str, *, lost: bool) -> CapsulError:
    """The same trouble as one of our errors; raise it `from` the original."""
    detail = error.get_error_message() or str(error)
    if lost:
        return HostUnreachable(host, detail)
    if error.get_error_code() in _BUSY:
        return HostBusy(host, detail)
    if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
        return CapsulAbsent(host, detail)
    if error.get_error_code() in _UNSUPPORTED:
        return NotSupported(host, detail)
    return HypervisorFailed(host, detail)
