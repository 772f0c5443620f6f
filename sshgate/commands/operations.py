"""Operations: what is being done, and what was."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from capsul.models import Operation
from capsul.text import when
from sshgate.commands import documents
from sshgate.commands.arguments import Limit, Since, Timeout, Wait
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.style import Style
from sshgate.commands.tables import Column, table
from sshgate.commands.text import more_than, state
from sshgate.commands.waiting import describe, watch

OperationId = Annotated[str, Parameter(name="ID", help="The operation's id (see: operations).")]


async def operation(
    operation_id: OperationId, /, *, context: Given, wait: Wait = False, within: Timeout = None
) -> Reply:
    """Show an operation, step by step.

    With --wait it is exit 8 when the operation failed or was not done in time.
    """
    seconds = context.services.settings.operation_seconds if within is None else within
    it = await context.services.operations.show(context.caller, operation_id)
    error = None
    if wait:
        it, error = await watch(context, it.id, seconds)
    return Reply({"operation": documents.operation(it)}, describe(it, context.style), error=error)


async def operations(*, context: Given, since: Since = None, limit: Limit = 50) -> Reply:
    """List what was done to your capsuls, newest first."""
    found = await context.services.operations.list(context.caller, since, limit)
    return Reply(
        {"operations": [documents.operation(it) for it in found]},
        operation_table(found, context.style),
        more_than(found, limit),
    )


def operation_table(found: Sequence[Operation], style: Style) -> str:
    """Operations, a line each."""
    rows = [(when(it.created_at), it.kind, it.capsul_name, state(it.state), it.id, it.reason or None) for it in found]
    return table(("ASKED FOR (UTC)", "WHAT", "CAPSUL", "STATE", "ID", Column("REASON", yields=1)), rows, style)


COMMANDS = (
    Command(("operation",), operation, "ID [--wait] [--timeout S]", (), ("operation ID --wait",), (4, 8)),
    Command(("operations",), operations, "[--since T] [--limit N]", (), ("operations --since 7d",)),
)
