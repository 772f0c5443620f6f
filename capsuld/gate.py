"""The SSH door as a process."""

import asyncio
import gc

from capsul.config import Settings
from capsuld.process import open_services, run_process
from sshgate.server import SshGate


def run() -> None:
    """Run the SSH door."""
    run_process("gate", _gate)


async def _gate(settings: Settings, told: asyncio.Event) -> None:
    async with open_services(settings, "capsul_gate") as services, SshGate(services):
        # What is there by now stays to the end. Each look for garbage would pass it all, and everybody's screen would
        # stand still meanwhile.
        gc.collect()
        gc.freeze()
        await told.wait()
