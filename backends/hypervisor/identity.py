"""Whose a domain is: what stands in its metadata, under a namespace of our own."""

import logging
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import libvirt

from capsul.machines import CapsulSpec

NAMESPACE = "urn:capsul-over-ssh:capsul:1"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """What a domain says of itself."""

    capsul_id: str
    installation_id: UUID
    epoch: int
    vcpus: int
    definition: str
    """Digest of the description it was made from: equal means there is nothing to define again."""


def metadata_element(spec: CapsulSpec, definition: str) -> ET.Element:
    """One element with attributes only: libvirt hands it back without its prefix, and children would lose theirs."""
    return ET.Element(
        f"{{{NAMESPACE}}}capsul",
        {
            "id": spec.capsul_id,
            "installation": str(spec.installation_id),
            "epoch": str(spec.epoch),
            "account": str(spec.account_id),
            "size": spec.size_id,
            "vcpus": str(spec.vcpus),
            "memory_mib": str(spec.memory_mib),
            "disk_gib": str(spec.disk_gib),
            "image": spec.image,
            "addresses": " ".join(spec.addresses),
            "definition": definition,
        },
    )


def read_identity(domain: Any) -> Identity | None:
    """What the domain says of itself, asked of the host now; None when it does not say that it is a capsul.

    Raises:
        libvirt.libvirtError: the host could not be asked, or there is no such domain.
    """
    try:
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return None
        raise
    try:
        return _parse(text)
    except (ET.ParseError, KeyError, ValueError) as error:
        # Somebody edited it. What cannot be read is not ours: it is never touched.
        log.warning("domain %s has metadata of ours that cannot be read: %s", domain.UUIDString(), error)
        return None


def _parse(text: str) -> Identity:
    words = ET.fromstring(text).attrib  # noqa: S314  libvirt has parsed it before and allows no entities
    return Identity(
        capsul_id=words["id"],
        installation_id=UUID(words["installation"]),
        epoch=int(words["epoch"]),
        vcpus=int(words["vcpus"]),
        definition=words["definition"],
    )
