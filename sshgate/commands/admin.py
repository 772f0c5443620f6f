"""What operators do. Gated as a group, before any of it runs: by the key, and by nothing else."""

from typing import Annotated, Literal

from cyclopts import Parameter

from capsul.errors import BadRequest, OperationFailed
from sshgate.commands import documents
from sshgate.commands.arguments import Amount, IdempotencyKey, Limit, Since, Words
from sshgate.commands.catalogue import image_table, size_table
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.operations import OperationId
from sshgate.commands.tables import Column, table
from sshgate.commands.text import Paint, amount, disk, key_cell, memory, more_than, share, state, when

AccountName = Annotated[str, Parameter(name="ACCOUNT", help="An e-mail address of the account, or its id.")]
Reason = Annotated[Words, Parameter(name="REASON", help="Why: it is kept, and the member may see it.")]

_AUDIT = (
    "WHEN (UTC)",
    "WHO",
    "WHAT",
    "TO WHAT",
    Column("WHY", yields=2),
    Column("ACCOUNT", yields=4),
    Column("BY KEY", yields=3),
    Column("FROM", yields=1),
)


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


async def accounts(
    search: Annotated[str, Parameter(name="SEARCH", help="A part of an address or of an id.")] = "",
    /,
    *,
    context: Given,
    since: Since = None,
    limit: Limit = 100,
) -> Reply:
    """List accounts, newest first."""
    newest = await context.services.operators.accounts(context.caller, search, limit)
    found = [it for it in newest if since is None or it.created_at >= since]
    rows = [
        (it.email, state(it.state), it.capsuls, amount(it.balance, it.currency), when(it.created_at), str(it.id))
        for it in found
    ]
    titles = ("E-MAIL", "STATE", ">CAPSULS", ">BALANCE", "SINCE (UTC)", "ID")
    return Reply(
        {"accounts": [documents.account_summary(it) for it in found]},
        table(titles, rows, context.style),
        more_than(found, limit),
    )


async def capsuls(*, context: Given, since: Since = None, limit: Limit = 100) -> Reply:
    """List everybody's capsuls, oldest first."""
    found = await context.services.operators.capsuls(context.caller, since, limit)
    document = [{**documents.capsul(it), "account": str(it.account_id), "host": it.host_id} for it in found]
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


async def credit(
    account: AccountName,
    how_much: Amount,
    /,
    *reason: Reason,
    context: Given,
    idempotency_key: IdempotencyKey = None,
) -> Reply:
    """Give an account credit. It counts as a gift: it is spent first, and never paid back."""
    entry = await context.services.operators.credit(
        context.caller, account, how_much, _why(reason), idempotency_key=idempotency_key
    )
    return Reply({"entry": documents.entry(entry)}, f"Given: {amount(entry.amount, entry.currency)}\n")


async def lock(account: AccountName, /, *reason: Reason, context: Given) -> Reply:
    """Lock an account: until it is unlocked, its keys may only look."""
    await context.services.operators.lock(context.caller, account, _why(reason))
    return Reply({"account": account, "state": "locked"}, context.style.say(f"{account} is locked."))


async def unlock(account: AccountName, /, *reason: Reason, context: Given) -> Reply:
    """Unlock an account."""
    await context.services.operators.unlock(context.caller, account, _why(reason))
    return Reply({"account": account, "state": "active"}, context.style.say(f"{account} is active."))


async def announce(
    *text: Annotated[Words, Parameter(name="TEXT", help="What to say, up to 1000 characters.")], context: Given
) -> Reply:
    """Say something to everybody."""
    it = await context.services.operators.announce(context.caller, " ".join(text))
    document = {"id": it.id, "text": it.text, "created_at": documents.time(it.created_at)}
    return Reply({"announcement": document}, f"Announced to everybody ({it.id}).\n")


async def images(*, context: Given) -> Reply:
    """List the images."""
    found = await context.services.capsuls.images(context.caller)
    return Reply({"images": [documents.image(it) for it in found]}, image_table(found, context.style))


async def sizes(*, context: Given) -> Reply:
    """List the sizes on offer, and how many more of each there is room for."""
    found = await context.services.capsuls.sizes(context.caller)
    return Reply({"sizes": [documents.size(it) for it in found]}, size_table(found, context.style))


async def audit(
    account: Annotated[str | None, Parameter(name="ACCOUNT", help="Only of this account: an address or an id.")] = None,
    /,
    *,
    context: Given,
    since: Since = None,
    limit: Limit = 100,
) -> Reply:
    """List who did what, newest first."""
    found = await context.services.operators.audit(context.caller, account, since, limit)
    rows = [
        (
            when(it.at),
            it.actor,
            it.action,
            key_cell(it.target),
            it.reason or None,
            str(it.account_id) if it.account_id else None,
            key_cell(it.fingerprint),
            it.source,
        )
        for it in found
    ]
    return Reply(
        {"audit": [documents.audit(it) for it in found]}, table(_AUDIT, rows, context.style), more_than(found, limit)
    )


async def ledger_verify(*, context: Given) -> Reply:
    """Check the books: every balance against the transfers that made it, and every rule of the ledger."""
    problems = await context.services.operators.verify_ledger(context.caller)
    document = {"sound": not problems, "problems": problems}
    if not problems:
        return Reply(document, "The books are sound.\n")
    text = "".join(f"{problem}\n" for problem in problems)
    return Reply(document, text, error=OperationFailed(f"{len(problems)} rules of the ledger do not hold."))


def _why(words: tuple[str, ...]) -> str:
    reason = " ".join(words).strip()
    if not reason:
        raise BadRequest("Say why, after the rest: the reason is kept.")
    return reason


COMMANDS = (
    Command(("admin", "hosts"), hosts, "", (), ("admin hosts",)),
    Command(("admin", "accounts"), accounts, "[SEARCH] [--since T] [--limit N]", (), ("admin accounts example.org",)),
    Command(("admin", "capsuls"), capsuls, "[--since T] [--limit N]", (), ("admin capsuls",)),
    Command(
        ("admin", "operations"),
        operations,
        "[--state queued|running|done|failed] [--since T] [--limit N]",
        (),
        ("admin operations --state failed",),
    ),
    Command(("admin", "retry"), retry, "ID", (), ("admin retry ID",), (3, 4)),
    Command(
        ("admin", "credit"),
        credit,
        "ACCOUNT AMOUNT REASON... [--idempotency-key K]",
        (),
        ("admin credit you@example.org 20 for the trouble yesterday",),
        (3, 4, 7),
    ),
    Command(("admin", "lock"), lock, "ACCOUNT REASON...", (), ("admin lock you@example.org sends spam",), (3, 4)),
    Command(("admin", "unlock"), unlock, "ACCOUNT REASON...", (), ("admin unlock you@example.org settled",), (3, 4)),
    Command(("admin", "announce"), announce, "TEXT...", (), ("admin announce We move on Sunday.",), (3,)),
    Command(("admin", "images"), images, "", (), ("admin images",)),
    Command(("admin", "sizes"), sizes, "", (), ("admin sizes",)),
    Command(("admin", "audit"), audit, "[ACCOUNT] [--since T] [--limit N]", (), ("admin audit --since 1d",), (4,)),
    Command(("admin", "ledger", "verify"), ledger_verify, "", (), ("admin ledger verify",), (8,)),
)
