"""What operators do about money: give it, see which payments need a person, and check the books."""

from capsul.errors import OperationFailed
from capsul.text import amount, when
from sshgate.commands import documents
from sshgate.commands.admin_accounts import AccountName, Reason, why
from sshgate.commands.arguments import Amount, IdempotencyKey, Limit, Since
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.tables import Column, table
from sshgate.commands.text import more_than, state

_TROUBLES = (
    "SINCE (UTC)",
    "E-MAIL",
    "STATE",
    ">AMOUNT",
    Column("CREDITED", right=True, yields=3),
    Column("METHOD", yields=4),
    "ID",
    Column("WHY", yields=2),
    Column("WHAT TO DO", yields=1),
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
        context.caller, account, how_much, why(reason), idempotency_key=idempotency_key
    )
    return Reply({"entry": documents.entry(entry)}, f"Given: {amount(entry.amount, entry.currency)}\n")


async def topups(*, context: Given, since: Since = None, limit: Limit = 100) -> Reply:
    """List the topups that do not come right by themselves, and what to do about each: the longest first."""
    services = context.services
    longest = await services.operators.topups_that_need_a_person(context.caller, limit)
    found = [it for it in longest if since is None or it.since >= since]
    rows = [
        (
            when(it.since),
            it.email,
            state(it.topup.state),
            amount(it.topup.amount, it.topup.currency),
            amount(it.topup.credited, it.topup.currency),
            it.topup.provider,
            it.topup.id,
            it.why,
            it.advice,
        )
        for it in found
    ]
    return Reply(
        {"topups": [documents.topup_trouble(it, services.payments.url(it.topup)) for it in found]},
        table(_TROUBLES, rows, context.style) if found else "No topup needs a person.\n",
        more_than(found, limit),
    )


async def ledger_verify(*, context: Given) -> Reply:
    """Check the books: every balance against the transfers that made it, and every rule of the ledger."""
    problems = await context.services.operators.verify_ledger(context.caller)
    document = {"sound": not problems, "problems": problems}
    if not problems:
        return Reply(document, "The books are sound.\n")
    text = "".join(f"{problem}\n" for problem in problems)
    return Reply(document, text, error=OperationFailed(f"{len(problems)} rules of the ledger do not hold."))


COMMANDS = (
    Command(
        ("admin", "credit"),
        credit,
        "ACCOUNT AMOUNT REASON... [--idempotency-key K]",
        (),
        ("admin credit you@example.org 20 for the trouble yesterday",),
        (3, 4, 7),
    ),
    Command(("admin", "topups"), topups, "[--since T] [--limit N]", (), ("admin topups", "admin topups --json")),
    Command(("admin", "ledger", "verify"), ledger_verify, "", (), ("admin ledger verify",), (8,)),
)
