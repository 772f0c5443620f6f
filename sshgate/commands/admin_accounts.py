"""What operators do about accounts: look at them, lock them, and see who did what."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from capsul.errors import BadRequest
from capsul.models import AccountDetails, AuditEntry
from capsul.text import amount, lasting, moment, when
from sshgate.commands import documents
from sshgate.commands.arguments import Limit, Since, Words
from sshgate.commands.capsuls import capsul_table
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.keys import key_table
from sshgate.commands.money import ledger_table
from sshgate.commands.operations import operation_table
from sshgate.commands.style import Style
from sshgate.commands.tables import Column, table
from sshgate.commands.text import fields, key_cell, more_than, state

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


async def account(account: AccountName, /, *, context: Given) -> Reply:
    """Show all about one account: its keys, its capsuls, its money, and the newest of what was done."""
    it = await context.services.operators.account(context.caller, account)
    return Reply(documents.account_details(it), _describe(it, context.style))


async def lock(account: AccountName, /, *reason: Reason, context: Given) -> Reply:
    """Lock an account: until it is unlocked, its keys may only look."""
    await context.services.operators.lock(context.caller, account, why(reason))
    return Reply({"account": account, "state": "locked"}, context.style.say(f"{account} is locked."))


async def unlock(account: AccountName, /, *reason: Reason, context: Given) -> Reply:
    """Unlock an account."""
    await context.services.operators.unlock(context.caller, account, why(reason))
    return Reply({"account": account, "state": "active"}, context.style.say(f"{account} is active."))


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
    return Reply(
        {"audit": [documents.audit(it) for it in found]}, _audit_table(found, context.style), more_than(found, limit)
    )


def why(words: Sequence[str]) -> str:
    """The reason that words give. Raises BadRequest when they give none."""
    reason = " ".join(words).strip()
    if not reason:
        raise BadRequest("Say why, after the rest: the reason is kept.")
    return reason


def _describe(it: AccountDetails, style: Style) -> str:
    summary, balance = it.summary, it.balance
    facts = fields(
        [
            ("E-mail", summary.email),
            ("Account", str(summary.id)),
            ("State", state(summary.state)),
            ("Since", moment(summary.created_at)),
            ("Available", amount(balance.available, balance.currency)),
            ("Balance", amount(balance.balance, balance.currency)),
            ("Of it given", amount(balance.gift, balance.currency) if balance.gift else None),
            ("Lasts", lasting(balance.hours_left)),
        ],
        style,
    )
    parts = (
        ("Keys", it.keys, key_table(it.keys, style)),
        ("Capsuls", it.capsuls, capsul_table(it.capsuls, style)),
        ("Newest of the ledger", it.entries, ledger_table(it.entries, style)),
        ("Newest operations", it.operations, operation_table(it.operations, style)),
        ("Newest of what was done", it.audit, _audit_table(it.audit, style)),
    )
    return facts + "".join(f"\n{style.paint(heading, 'bold')}\n{text}" for heading, found, text in parts if found)


def _audit_table(found: Sequence[AuditEntry], style: Style) -> str:
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
    return table(_AUDIT, rows, style)


COMMANDS = (
    Command(("admin", "accounts"), accounts, "[SEARCH] [--since T] [--limit N]", (), ("admin accounts example.org",)),
    Command(("admin", "account"), account, "ACCOUNT", (), ("admin account you@example.org",), (4,)),
    Command(("admin", "lock"), lock, "ACCOUNT REASON...", (), ("admin lock you@example.org sends spam",), (3, 4)),
    Command(("admin", "unlock"), unlock, "ACCOUNT REASON...", (), ("admin unlock you@example.org settled",), (3, 4)),
    Command(("admin", "audit"), audit, "[ACCOUNT] [--since T] [--limit N]", (), ("admin audit --since 1d",), (4,)),
)
