"""What a host and its capsuls are and do, in bulk: one call to the host however many capsuls it has."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import libvirt

from backends.hypervisor.calls import Lease
from backends.hypervisor.identity import Identity
from backends.hypervisor.ownership import find_ours
from backends.hypervisor.session import Session
from backends.hypervisor.words import power_state
from capsul.machines import CapsulStats, HostFacts, Observed, PowerState

_COUNTERS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_BLOCK
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
)
KIB = 1024


def state_of(session: Session, _lease: Lease, capsul: UUID) -> PowerState:
    """One capsul's state; ABSENT only when the host says that it has no such domain."""
    found = find_ours(session, capsul)
    if found is None:
        return PowerState.ABSENT
    state, reason = found[0].state()
    return power_state(state, reason)[0]


def observe_all(session: Session, _lease: Lease) -> list[Observed]:
    """The state of each capsul of ours, by one call.

    The bulk call names domains and says what they do, but not whose they are; that stands in their metadata. It
    is asked of each domain when it is seen for the first time over a connection, and again when an event says
    that the domain was defined anew or its metadata changed. So the first look over a connection costs one
    call more for each domain that was not defined over it, and every later look costs one call in all.
    """
    asked_at = datetime.now(UTC)
    answer = session.connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
    return [_observed(domain, identity, figures, asked_at) for domain, identity, figures in _ours(session, answer)]


def stats_all(session: Session, _lease: Lease) -> list[CapsulStats]:
    """The counters of each running capsul of ours, by one call. One that is busy with a job gives fewer."""
    answer = session.connection.getAllDomainStats(
        _COUNTERS,
        libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
    )
    return [_stats(domain, identity, figures) for domain, identity, figures in _ours(session, answer)]


def facts(session: Session, _lease: Lease) -> HostFacts:
    """What the host is. Costs a handful of calls; it hardly ever changes."""
    connection = session.connection
    _, memory_mib, vcpus, *_ = connection.getInfo()
    capabilities = ET.fromstring(connection.getCapabilities())  # noqa: S314  written by libvirt
    offered = {domain.get("type", "") for domain in capabilities.iterfind("guest/arch/domain")}
    return HostFacts(
        name=connection.getHostname(),
        vcpus=vcpus,
        memory_bytes=_total_memory(connection) or memory_mib * KIB * KIB,
        hypervisor=f"{connection.getType()} {_version(connection.getVersion())}",
        virt_type=session.settings.virt_type,
        offered_virt_types=tuple(sorted(offered)),
    )


def _ours(
    session: Session, answer: Iterable[tuple[Any, dict[str, Any]]]
) -> Iterable[tuple[Any, Identity, dict[str, Any]]]:
    for domain, figures in answer:
        try:
            identity = session.identity(domain)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                continue  # gone between the two calls
            raise
        if identity is not None:
            yield domain, identity, figures


def _observed(domain: Any, identity: Identity, figures: dict[str, Any], asked_at: datetime) -> Observed:
    state, reason = power_state(figures.get("state.state", -1), figures.get("state.reason", 0))
    return Observed(
        uuid=UUID(bytes=domain.UUID()),
        capsul_id=identity.capsul_id,
        installation_id=identity.installation_id,
        epoch=identity.epoch,
        state=state,
        reason=reason,
        at=asked_at,
    )


def _stats(domain: Any, identity: Identity, figures: dict[str, Any]) -> CapsulStats:
    processor_ns = figures.get("cpu.time")
    limit = figures.get("balloon.current")
    return CapsulStats(
        uuid=UUID(bytes=domain.UUID()),
        capsul_id=identity.capsul_id,
        vcpus=identity.vcpus,
        cpu_seconds=None if processor_ns is None else processor_ns / 1e9,
        memory_used_bytes=_memory_used(figures),
        memory_limit_bytes=None if limit is None else limit * KIB,
        disk_read_bytes=_sum(figures, "block", "rd.bytes"),
        disk_written_bytes=_sum(figures, "block", "wr.bytes"),
        network_received_bytes=_sum(figures, "net", "rx.bytes"),
        network_sent_bytes=_sum(figures, "net", "tx.bytes"),
    )


def _memory_used(figures: dict[str, Any]) -> int | None:
    """From the guest's own report: all it has less what it could give, or where it does not know that, less
    what lies idle. None where there is no report, or one that cannot be true: guests say what they like.
    """
    total = figures.get("balloon.available")
    spare = figures.get("balloon.usable", figures.get("balloon.unused"))
    if total is None or spare is None or spare > total:
        return None
    return int(total - spare) * KIB


def _sum(figures: dict[str, Any], group: str, figure: str) -> int | None:
    """Over all devices of a group; None when none of them counts."""
    values = [
        figures[key]
        for number in range(figures.get(f"{group}.count", 0))
        if (key := f"{group}.{number}.{figure}") in figures
    ]
    return sum(values) if values else None


def _total_memory(connection: Any) -> int | None:
    """Bytes of all memory nodes together. getInfo() knows less where nodes are made up; not every driver can."""
    try:
        return int(connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)["total"]) * KIB
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return None
        raise


def _version(number: int) -> str:
    """7002022 is 7.2.22."""
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"
