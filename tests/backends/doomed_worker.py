"""A worker to be killed: makes one capsul, and says so when it comes to the start."""

import asyncio
import json
import sys
from dataclasses import asdict
from uuid import UUID

from backends.hypervisor import HostSettings, Hypervisor, LibvirtEvents, Patience
from capsul.machines import CapsulSpec


def arguments(settings: HostSettings, spec: CapsulSpec) -> str:
    """What the worker is told, as one word."""
    return json.dumps({"settings": asdict(settings), "spec": asdict(spec)}, default=str)


def understood(word: str) -> tuple[HostSettings, CapsulSpec]:
    told = json.loads(word)
    settings, spec = told["settings"], told["spec"]
    settings |= {"installation_id": UUID(settings["installation_id"]), "patience": Patience(**settings["patience"])}
    spec |= {name: UUID(spec[name]) for name in ("uuid", "account_id", "installation_id")}
    return HostSettings(**settings), CapsulSpec(**spec | {"addresses": tuple(spec["addresses"])})


async def work(settings: HostSettings, spec: CapsulSpec) -> None:
    with LibvirtEvents() as events:
        async with Hypervisor(settings, events) as hypervisor:
            await hypervisor.prepare_disk(spec)
            await hypervisor.define(spec)
            sys.stdout.write("starting\n")
            sys.stdout.flush()
            await hypervisor.start(spec.uuid)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(*understood(sys.argv[1])))
