"""What is answered to a request that takes time: at once, or when it is done."""

import asyncio
from dataclasses import replace

from capsul.errors import CapsulError, OperationFailed
from capsul.models import Accepted, Operation, Step
from capsul.text import moment
from sshgate.commands import documents
from sshgate.commands.context import Context, Reply
from sshgate.commands.style import Style
from sshgate.commands.text import fields, state

_STEP = 18
"""Columns for what is done, so that a step fits the narrowest terminals."""


async def answer(context: Context, accepted: Accepted, wait: bool, seconds: float) -> Reply:
    """The capsul and the operation: as they stand, or with `wait` as they are when it has ended."""
    if accepted.operation is None or not wait:
        return _at_once(context, accepted)
    operation, error = await watch(context, accepted.operation.id, seconds)
    capsul = await context.services.capsuls.show(context.caller, accepted.capsul.id)
    return Reply(
        document={
            "capsul": documents.capsul(capsul),
            "operation": documents.operation(operation),
            "changed": accepted.changed,
        },
        text=context.style.say(f"{capsul.name} is {capsul.state}."),
        hint=f"Log in with: {documents.ssh_to(capsul)}" if capsul.state == "running" and capsul.ipv4 else "",
        error=error,
    )


async def watch(context: Context, operation_id: str, seconds: float) -> tuple[Operation, CapsulError | None]:
    """The operation when it has ended, or as it stands after `seconds`; and why that is not well, if it is not.

    Its id goes to standard error first. In one that was not done in time, `reason` says so.
    """
    await context.output.write_error(f"{operation_id}\n")
    try:
        operation = await _watched(context, operation_id, seconds)
    except asyncio.CancelledError:
        await context.live.hush()
        going_on = f"What was asked for goes on without you: {context.ssh} operation {operation_id} --wait"
        await context.output.write_error(context.style.say(going_on))
        raise
    if operation.state == "failed":
        return operation, OperationFailed(f"The {operation.kind} failed: {operation.reason} ({operation.id})")
    if operation.ended:
        return operation, None
    late = f"The {operation.kind} was not done after {seconds:g} seconds; it goes on without you."
    # What was done late is not what failed: the row keeps its own reason, this answer says why it is no success.
    return replace(operation, reason=late), OperationFailed(
        f"{late} Look again with: {context.ssh} operation {operation.id} --wait"
    )


async def _watched(context: Context, operation_id: str, seconds: float) -> Operation:
    told: set[str] = set()

    async def tell(operation: Operation) -> None:
        for step in operation.steps:
            if step.state == "running":
                await context.live.now(f"{step.name.ljust(_STEP)}running ", step.seconds)
            elif step.name not in told:
                told.add(step.name)
                await context.live.note(_line(step))
        if not operation.steps:
            await context.live.now(f"{operation.kind.ljust(_STEP)}{operation.state.ljust(8)}")

    return await context.services.operations.wait(context.caller, operation_id, seconds, tell)


def describe(operation: Operation, style: Style) -> str:
    """For a person: what, how far, how long each step took."""
    facts = fields(
        [
            ("Operation", operation.id),
            ("What", f"{operation.kind} {operation.capsul_name} ({operation.capsul_id})"),
            ("State", state(operation.state)),
            ("Reason", operation.reason or None),
            ("Asked for", moment(operation.created_at)),
            ("Ended", moment(operation.finished_at)),
        ],
        style,
    )
    return facts + "".join(f"{_line(step)}\n" for step in operation.steps)


def _line(step: Step) -> str:
    return f"  {step.name.ljust(_STEP)}{step.state.ljust(8)}{step.seconds:6.1f} s"


def _at_once(context: Context, accepted: Accepted) -> Reply:
    capsul, operation = accepted.capsul, accepted.operation
    document = {
        "capsul": documents.capsul(capsul),
        "operation": documents.operation(operation) if operation else None,
        "changed": accepted.changed,
    }
    if operation is None:
        return Reply(document, context.style.say(f"{capsul.name} is {capsul.state} already."))
    return Reply(
        document,
        context.style.say(f"{capsul.name} ({capsul.id}): {capsul.state}, operation {operation.id}"),
        hint=f"See how it goes: {context.ssh} operation {operation.id} --wait",
    )
