"""From rows to what a host is told."""

import hashlib
from uuid import UUID

from capsul.machines import CapsulSpec
from db.capsuls import Specification


def capsul_spec(specification: Specification) -> CapsulSpec:
    """What a host must know to make the capsul."""
    return CapsulSpec(
        uuid=specification.uuid,
        capsul_id=specification.id,
        account_id=specification.account_id,
        installation_id=specification.installation_id,
        epoch=specification.epoch,
        size_id=specification.size_id,
        vcpus=specification.vcpus,
        memory_mib=specification.memory_mib,
        disk_gib=specification.disk_gib,
        image=specification.volume,
        mac=mac_address(specification.uuid),
    )


def mac_address(uuid: UUID) -> str:
    """The same one for the same capsul, for ever, in the range that QEMU guests use (52:54:00)."""
    digest = hashlib.sha256(uuid.bytes).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])
