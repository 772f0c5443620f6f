"""What operators do. Gated as a group, before any of it runs: by the key, and by nothing else."""

from typing import Annotated, Literal

from cyclopts import Parameter

from capsul.text import disk, memory, share, when
from sshgate.commands import documents
from sshgate.commands.arguments import AnnouncementId, Limit, Since, Words
from sshgate.commands.catalogue import image_table, size_table
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.operations import OperationId
from sshgate.commands.tables import Column, table
from sshgate.commands.text import Paint, more_than, state


async def hosts(*, context: Given) -> Reply:
    """List the hosts: what they have, what of it is promised, and what ails them."""
    found = await context.services.operators.hosts(context.caller)
    rows = [
        (
            it.id,
            Paint("reachable", "green") if it.reachable else Paint("unreachable", "red"),
            "yes" if it.accepts_new else "no",
            it.capsuls,
            share(memory(it.committed_memory_mib), memory(it.memory_mib)),
            share(disk(it.committed_disk_gib), disk(it.disk_gib)),
            # Of a host that answers it goes without saying.
            None if it.reachable else when(it.seen_at) or "never",
            it.trouble or None,
        )
        for it in found
    ]
    titles = ("HOST", "STATE", "TAKES NEW", ">CAPSULS", ">MEMORY", ">DISK", "SEEN (UTC)", Column("TROUBLE", yields=1))
    return Reply({"hosts": [documents.host(it) for it in found]}, table(titles, rows, context.style))


async def capsuls(*, context: Given, since: Since = None, limit: Limit = 100) -> Reply:
    """List everybody's capsuls, oldest first."""
    found = await context.services.operators.capsuls(context.caller, since, limit)
    document = [documents.anybodys_capsul(it) for it in found]
    rows = [
        (
            it.name,
            state(it.state),
            it.size_id,
            it.host_id,
            it.ipv4 or it.ipv6,
            it.id,
            str(it.account_id),
            it.reason or None,
        )
        for it in found
    ]
    titles = ("NAME", "STATE", "SIZE", "HOST", "ADDRESS", "ID", Column("ACCOUNT", yields=1), Column("WHY", yields=2))
    return Reply({"capsuls": document}, table(titles, rows, context.style), more_than(found, limit))


async def operations(
    *,
    context: Given,
    only: Annotated[
        Literal["queued", "running", "done", "failed"] | None,
        Parameter(name="--state", help="Only those in this state: queued, running, done or failed."),
    ] = None,
    since: Since = None,
    limit: Limit = 100,
) -> Reply:
    """List everybody's operations, newest first."""
    found = await context.services.operators.operations(context.caller, only, since, limit)
    document = [{**documents.operation(it), "account": str(it.account_id)} for it in found]
    rows = [
        (
            when(it.created_at),
            it.kind,
            it.capsul_name,
            state(it.state),
            it.id,
            str(it.account_id),
            it.reason or None,
        )
        for it in found
    ]
    account, reason = Column("ACCOUNT", yields=2), Column("REASON", yields=1)
    titles = ("ASKED FOR (UTC)", "WHAT", "CAPSUL", "STATE", "ID", account, reason)
    return Reply({"operations": document}, table(titles, rows, context.style), more_than(found, limit))


async def retry(operation_id: OperationId, /, *, context: Given) -> Reply:
    """Ask once more for what a failed operation was to do. It is a new operation, with an id of its own."""
    it = await context.services.operators.retry(context.caller, operation_id)
    return Reply(
        {"operation": documents.operation(it)},
        context.style.say(f"{it.kind} {it.capsul_name}: {it.state}, operation {it.id}"),
    )


async def announce(
    *text: Annotated[Words, Parameter(name="TEXT", help="What to say, up to 1000 characters.")], context: Given
) -> Reply:
    """Say something to everybody."""
    it = await context.services.operators.announce(context.caller, " ".join(text))
    return Reply({"announcement": documents.announcement(it)}, f"Announced to everybody ({it.id}).\n")


async def announcements(*, context: Given, since: Since = None, limit: Limit = 100) -> Reply:
    """List what was said to everybody, newest first, with what has ended."""
    newest = await context.services.operators.announcements(context.caller, limit)
    found = [it for it in newest if since is None or it.created_at >= since]
    rows = [(it.id, when(it.created_at), when(it.ends_at) or "still said", it.text) for it in found]
    return Reply(
        {"announcements": [documents.announcement(it) for it in found]},
        table(("ID", "SAID (UTC)", "ENDED (UTC)", Column("TEXT", yields=1)), rows, context.style),
        more_than(found, limit),
    )


async def end_announcement(announcement_id: AnnouncementId, /, *, context: Given) -> Reply:
    """Say it no more: nobody is shown the announcement from now on."""
    it = await context.services.operators.end_announcement(context.caller, announcement_id)
    return Reply({"announcement": documents.announcement(it)}, f"Nobody is shown it any more ({it.id}).\n")


async def images(*, context: Given) -> Reply:
    """List the images."""
    found = await context.services.capsuls.images(context.caller)
    return Reply({"images": [documents.image(it) for it in found]}, image_table(found, context.style))


async def sizes(*, context: Given) -> Reply:
    """List the sizes on offer, and how many more of each there is room for."""
    found = await context.services.capsuls.sizes(context.caller)
    return Reply({"sizes": [documents.size(it) for it in found]}, size_table(found, context.style))


COMMANDS = (
    Command(("admin", "hosts"), hosts, "", (), ("admin hosts",)),
    Command(("admin", "capsuls"), capsuls, "[--since T] [--limit N]", (), ("admin capsuls",)),
    Command(
        ("admin", "operations"),
        operations,
        "[--state queued|running|done|failed] [--since T] [--limit N]",
        (),
        ("admin operations --state failed",),
    ),
    Command(("admin", "retry"), retry, "ID", (), ("admin retry ID",), (3, 4)),
    Command(("admin", "announce"), announce, "TEXT...", (), ("admin announce We move on Sunday.",), (3,)),
    Command(("admin", "announcements"), announcements, "[--since T] [--limit N]", (), ("admin announcements",)),
    Command(("admin", "announcements", "end"), end_announcement, "ID", (), ("admin announcements end 7",), (4,)),
    Command(("admin", "images"), images, "", (), ("admin images",)),
    Command(("admin", "sizes"), sizes, "", (), ("admin sizes",)),
)
