"""Starting and stopping capsuls."""

from sshgate.commands.arguments import CapsulName, IdempotencyKey, Timeout, Wait
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.waiting import answer


async def start(
    capsul: CapsulName,
    /,
    *,
    context: Given,
    idempotency_key: IdempotencyKey = None,
    wait: Wait = False,
    within: Timeout = None,
) -> Reply:
    """Start a capsul that is stopped.

    One that runs already is left as it is: exit 0, and "changed": false.
    """
    seconds = context.services.settings.operation_seconds if within is None else within
    accepted = await context.services.capsuls.start(context.caller, capsul, idempotency_key)
    return await answer(context, accepted, wait, seconds)


async def stop(
    capsul: CapsulName,
    /,
    *,
    context: Given,
    idempotency_key: IdempotencyKey = None,
    wait: Wait = False,
    within: Timeout = None,
) -> Reply:
    """Ask a capsul to shut down by itself.

    It goes on costing the same: its disk and its place are kept. Only `destroy` ends that.
    """
    seconds = context.services.settings.operation_seconds if within is None else within
    accepted = await context.services.capsuls.stop(context.caller, capsul, idempotency_key)
    return await answer(context, accepted, wait, seconds)


async def restart(
    capsul: CapsulName,
    /,
    *,
    context: Given,
    idempotency_key: IdempotencyKey = None,
    wait: Wait = False,
    within: Timeout = None,
) -> Reply:
    """Shut a capsul down and start it again."""
    seconds = context.services.settings.operation_seconds if within is None else within
    accepted = await context.services.capsuls.restart(context.caller, capsul, idempotency_key)
    return await answer(context, accepted, wait, seconds)


async def kill(
    capsul: CapsulName,
    /,
    *,
    context: Given,
    idempotency_key: IdempotencyKey = None,
    wait: Wait = False,
    within: Timeout = None,
) -> Reply:
    """Stop a capsul at once, as if the plug were pulled.

    What it has not written to its disk is lost. Try `stop` first.
    """
    seconds = context.services.settings.operation_seconds if within is None else within
    accepted = await context.services.capsuls.kill(context.caller, capsul, idempotency_key)
    return await answer(context, accepted, wait, seconds)


_USAGE = "CAPSUL [--idempotency-key K] [--wait] [--timeout S]"
_EXITS = (3, 4, 7, 8)

COMMANDS = (
    Command(("start",), start, _USAGE, (), ("start web --wait",), _EXITS),
    Command(("stop",), stop, _USAGE, (), ("stop web --wait",), _EXITS),
    Command(("restart",), restart, _USAGE, ("reboot",), ("restart web --wait",), _EXITS),
    Command(("kill",), kill, _USAGE, (), ("kill web",), _EXITS),
)
