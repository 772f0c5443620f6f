"""What operators do. Gated as a group, before any of it runs: by the key, and by nothing else."""

from typing import Annotated, Literal

from cyclopts import Parameter

from capsul.errors import BadRequest, OperationFailed
from sshgate.commands import documents
from sshgate.commands.account import audit_table
from sshgate.commands.arguments import Amount, IdempotencyKey, Limit, Since, Words
from sshgate.commands.capsuls import capsul_table
from sshgate.commands.catalogue import image_table, size_table
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.operations import OperationId, operation_table
from sshgate.commands.text import Paint, amount, memory, state, table, when

AccountName = Annotated[str, Parameter(name="ACCOUNT", help="An e-mail address of the account, or its id.")]
Reason = Annotated[Words, Parameter(name="REASON", help="Why: it is kept, and the member may see it.")]


async def hosts(*, context: Given) -> Reply:
    """List the hosts: what they have, what of it is promised, and what ails them."""
    found = await context.services.operators.hosts(context.caller)
    rows = [
        (
            it.id,
            Paint("reachable", "green") if it.reachable else Paint("unreachable", "red"),
            "yes" if it.accepts_new else "no",
            it.capsuls,
            f"{memory(it.committed_memory_mib)} of {memory(it.memory_mib)}",
            f"{it.committed_disk_gib} of {it.disk_gib} GiB",
            when(it.seen_at),
            it.trouble or None,
        )
        for it in found
    ]
    titles = ("HOST", "STATE", "TAKES NEW", ">CAPSULS", ">MEMORY", ">DISK", "SEEN", "TROUBLE")
    return Reply({"hosts": [documents.host(it) for it in found]}, table(titles, rows, context.colours))


async def accounts(
    search: Annotated[str, Parameter(name="SEARCH", help="A part of an address or of an id.")] = "",
    /,
    *,
    context: Given,
    limit: Limit = 100,
) -> Reply:
    """List accounts, newest first."""
    found = await context.services.operators.accounts(context.caller, search, limit)
    rows = [
        (it.email, state(it.state), it.capsuls, amount(it.balance, it.currency), when(it.created_at), str(it.id))
        for it in found
    ]
    titles = ("E-MAIL", "STATE", ">CAPSULS", ">BALANCE", "SINCE", "ID")
    return Reply({"accounts": [documents.account_summary(it) for it in found]}, table(titles, rows, context.colours))


async def capsuls(*, context: Given, since: Since = None, limit: Limit = 100) -> Reply:
    """List everybody's capsuls, oldest first."""
    found = await context.services.operators.capsuls(context.caller, since, limit)
    document = [{**documents.capsul(it), "account": str(it.account_id), "host": it.host_id} for it in found]
    return Reply({"capsuls": document}, capsul_table(found, context.colours))


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
    return Reply({"operations": document}, operation_table(found, context.colours))


async def retry(operation_id: OperationId, /, *, context: Given) -> Reply:
    """Try a failed operation once more, with a new deadline."""
    it = await context.services.operators.retry(context.caller, operation_id)
    return Reply({"operation": documents.operation(it)}, f"{it.id} is {it.state}.\n")


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
    return Reply({"account": account, "state": "locked"}, f"{account} is locked.\n")


async def unlock(account: AccountName, /, *reason: Reason, context: Given) -> Reply:
    """Unlock an account."""
    await context.services.operators.unlock(context.caller, account, _why(reason))
    return Reply({"account": account, "state": "active"}, f"{account} is active.\n")


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
    return Reply({"images": [documents.image(it) for it in found]}, image_table(found, context.colours))


async def sizes(*, context: Given) -> Reply:
    """List the sizes on offer, and how many more of each there is room for."""
    found = await context.services.capsuls.sizes(context.caller)
    return Reply({"sizes": [documents.size(it) for it in found]}, size_table(found, context.colours))


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
    return Reply({"audit": [documents.audit(it) for it in found]}, audit_table(found, context.colours))


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
    Command(("admin", "accounts"), accounts, "[SEARCH] [--limit N]", (), ("admin accounts example.org",)),
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
