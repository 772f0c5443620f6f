"""What is answered to a request that takes time: at once, or when it is done."""

from capsul.errors import CapsulError, OperationFailed
from capsul.models import Accepted, Operation
from sshgate.commands import documents
from sshgate.commands.context import Context, Reply
from sshgate.commands.text import fields, state, when


async def answer(context: Context, accepted: Accepted, wait: bool, seconds: float) -> Reply:
    """The capsul and the operation: as they stand, or with `wait` as they are when it has ended."""
    if accepted.operation is None or not wait:
        return _at_once(context, accepted)
    operation = await watch(context, accepted.operation.id, seconds)
    capsul = await context.services.capsuls.show(context.caller, accepted.capsul.id)
    return Reply(
        document={
            "capsul": documents.capsul(capsul),
            "operation": documents.operation(operation),
            "changed": accepted.changed,
        },
        text=f"{capsul.name} is {capsul.state}.\n",
        hint=f"Log in with: {documents.ssh_to(capsul)}" if capsul.state == "running" and capsul.ipv4 else "",
        error=trouble(operation, seconds),
    )


async def watch(context: Context, operation_id: str, seconds: float) -> Operation:
    """The operation when it has ended, or as it stands after `seconds`. Its id goes to standard error first."""
    await context.output.write_error(f"{operation_id}\n")
    told: set[str] = set()

    async def tell(operation: Operation) -> None:
        for step in operation.steps:
            if step.state != "running" and step.name not in told:
                told.add(step.name)
                await context.progress(f"  {step.name.ljust(24)}{step.state.ljust(8)}{step.seconds:6.1f} s")

    return await context.services.operations.wait(context.caller, operation_id, seconds, tell)


def trouble(operation: Operation, seconds: float) -> CapsulError | None:
    """Why waiting for it did not end well; None when it did."""
    if operation.state == "failed":
        return OperationFailed(f"The {operation.kind} failed: {operation.reason} ({operation.id})")
    if not operation.ended:
        return OperationFailed(
            f"The {operation.kind} was not done after {seconds:g} seconds; it goes on without you. "
            f"Look again with: operation {operation.id} --wait"
        )
    return None


def describe(operation: Operation, colours: bool) -> str:
    """For a person: what, how far, how long each step took."""
    facts = fields(
        [
            ("Operation", operation.id),
            ("What", f"{operation.kind} {operation.capsul_name} ({operation.capsul_id})"),
            ("State", state(operation.state)),
            ("Reason", operation.reason or None),
            ("Asked for", when(operation.created_at)),
            ("Ended", when(operation.finished_at)),
        ],
        colours,
    )
    steps = [f"  {step.name.ljust(24)}{step.state.ljust(8)}{step.seconds:6.1f} s\n" for step in operation.steps]
    return facts + "".join(steps)


def _at_once(context: Context, accepted: Accepted) -> Reply:
    capsul, operation = accepted.capsul, accepted.operation
    document = {
        "capsul": documents.capsul(capsul),
        "operation": documents.operation(operation) if operation else None,
        "changed": accepted.changed,
    }
    if operation is None:
        return Reply(document, f"{capsul.name} is {capsul.state} already.\n")
    return Reply(
        document,
        f"{capsul.name} ({capsul.id}): {capsul.state}, operation {operation.id}\n",
        hint=f"See how it goes: {context.ssh} operation {operation.id} --wait",
    )
