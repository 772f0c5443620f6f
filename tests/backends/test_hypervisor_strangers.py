"""Nothing is done to a domain that does not say, at that moment, that it is ours; and ours are told from theirs."""

import asyncio
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable

import libvirt
import pytest

from backends.hypervisor import Hypervisor, NotOurs
from backends.hypervisor.identity import NAMESPACE
from capsul.machines import CapsulSpec, LifecycleEvent, LifecycleKind
from tests.hosts import Host

VERBS: list[Callable[[Hypervisor, CapsulSpec], Awaitable[object]]] = [
    lambda hypervisor, spec: hypervisor.define(spec),
    lambda hypervisor, spec: hypervisor.start(spec.uuid),
    lambda hypervisor, spec: hypervisor.shutdown(spec.uuid),
    lambda hypervisor, spec: hypervisor.kill(spec.uuid),
    lambda hypervisor, spec: hypervisor.reset(spec.uuid),
    lambda hypervisor, spec: hypervisor.undefine(spec.uuid),
    lambda hypervisor, spec: hypervisor.delete_disk(spec.uuid),
    lambda hypervisor, spec: hypervisor.state_of(spec.uuid),
]

PLAIN = """
<domain type='{type}'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"""


@pytest.fixture
def operators_own(host: Host) -> CapsulSpec:
    """A virtual machine that somebody made by hand. The spec is what we would say if we took it for ours."""
    spec = host.spec()
    host.raw.defineXML(PLAIN.format(type=host.driver, name=spec.capsul_id, uuid=spec.uuid))
    host.domain(spec.uuid).create()
    return spec


async def a_strangers(host: Host) -> CapsulSpec:
    """A running capsul of another installation on the same host."""
    stranger = uuid.uuid4()
    spec = host.spec(installation_id=stranger)
    async with host.hypervisor(installation_id=stranger) as other:
        await other.prepare_disk(spec)
        await other.define(spec)
        await other.start(spec.uuid)
    return spec


async def a_successors(host: Host) -> CapsulSpec:
    """A running capsul of this installation, defined by a later epoch: restored elsewhere, while we still run."""
    later = host.settings.epoch + 1
    spec = host.spec(epoch=later)
    async with host.hypervisor(epoch=later) as other:
        await other.prepare_disk(spec)
        await other.define(spec)
        await other.start(spec.uuid)
    return host.spec(uuid=spec.uuid, capsul_id=spec.capsul_id, mac=spec.mac)


async def assert_left_alone(host: Host, hypervisor: Hypervisor, spec: CapsulSpec) -> None:
    description = host.domain(spec.uuid).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    for verb in VERBS:
        with pytest.raises(NotOurs):
            await verb(hypervisor, spec)
    domain = host.domain(spec.uuid)
    assert domain.isActive()
    assert domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) == description


def metadata_of(host: Host, spec: CapsulSpec) -> dict[str, str]:
    text = host.domain(spec.uuid).metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
    return dict(ET.fromstring(text).attrib)  # noqa: S314  our own, by way of libvirt


async def test_a_machine_made_by_hand_is_left_alone(
    host: Host, hypervisor: Hypervisor, operators_own: CapsulSpec
) -> None:
    await assert_left_alone(host, hypervisor, operators_own)


async def test_another_installations_capsul_is_left_alone(host: Host, hypervisor: Hypervisor) -> None:
    await assert_left_alone(host, hypervisor, await a_strangers(host))


async def test_what_a_later_epoch_defined_is_left_alone(host: Host, hypervisor: Hypervisor) -> None:
    await assert_left_alone(host, hypervisor, await a_successors(host))


async def test_what_an_earlier_epoch_defined_is_taken_over(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.prepare_disk(spec)
    await hypervisor.define(spec)
    async with host.hypervisor(epoch=host.settings.epoch + 1) as successor:
        assert await successor.define(
            host.spec(uuid=spec.uuid, capsul_id=spec.capsul_id, epoch=host.settings.epoch + 1)
        )
        with pytest.raises(NotOurs):
            await hypervisor.start(spec.uuid)
        assert await successor.start(spec.uuid)


async def test_a_spec_of_another_installation_is_refused(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec(installation_id=uuid.uuid4())
    with pytest.raises(NotOurs):
        await hypervisor.define(spec)
    assert not host.has(spec.uuid)


async def test_strangers_are_neither_listed_nor_counted(
    host: Host, hypervisor: Hypervisor, operators_own: CapsulSpec
) -> None:
    await a_strangers(host)
    assert await hypervisor.observe_all() == []
    assert await hypervisor.stats_all() == []


async def test_what_strangers_do_is_not_reported(host: Host, hypervisor: Hypervisor, operators_own: CapsulSpec) -> None:
    ours = host.spec()
    events = hypervisor.events()
    await anext(events)
    host.domain(operators_own.uuid).destroy()
    await hypervisor.define(ours)
    heard = await asyncio.wait_for(anext(events), 10)
    assert isinstance(heard, LifecycleEvent)
    assert (heard.uuid, heard.kind) == (ours.uuid, LifecycleKind.DEFINED)


async def test_a_capsul_that_stops_being_ours_is_no_longer_seen(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.define(spec)
    assert len(await hypervisor.observe_all()) == 1
    events = hypervisor.events()
    await anext(events)
    host.domain(spec.uuid).setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, None, "capsul", NAMESPACE, 0)
    await hypervisor.define(host.spec())
    await asyncio.wait_for(anext(events), 10)  # whatever was heard before it has been read by now
    assert spec.uuid not in {observed.uuid for observed in await hypervisor.observe_all()}
    with pytest.raises(NotOurs):
        await hypervisor.start(spec.uuid)


async def test_metadata_that_nobody_can_read_makes_it_nobodys(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec()
    await hypervisor.define(spec)
    host.domain(spec.uuid).setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<capsul epoch='soon'/>", "capsul", NAMESPACE, 0
    )
    with pytest.raises(NotOurs):
        await hypervisor.start(spec.uuid)


async def test_the_metadata_says_whose_it_is_and_what_it_is(host: Host, hypervisor: Hypervisor) -> None:
    spec = host.spec(addresses=("192.0.2.7", "2001:db8::7"))
    await hypervisor.define(spec)
    said = metadata_of(host, spec)
    said.pop("definition")
    assert said == {
        "id": spec.capsul_id,
        "installation": str(spec.installation_id),
        "epoch": str(spec.epoch),
        "account": str(spec.account_id),
        "size": "nano",
        "vcpus": "1",
        "memory_mib": "128",
        "disk_gib": "1",
        "image": spec.image,
        "addresses": "192.0.2.7 2001:db8::7",
    }


@pytest.mark.parametrize(
    "hostile",
    ['"/></metadata><devices/>', "<!--", "]]>", "&amp;&lt;", "'\"`$(reboot)", "наименьший", "💥", "a\u0301"],
)
async def test_no_size_name_can_break_out_of_the_description(host: Host, hypervisor: Hypervisor, hostile: str) -> None:
    spec = host.spec(size_id=hostile)
    await hypervisor.define(spec)
    said = metadata_of(host, spec)
    assert said["size"] == hostile
    assert host.domain(spec.uuid).info()[3] == 1
