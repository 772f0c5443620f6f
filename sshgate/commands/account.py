"""You: the account, and what was done with it."""

from capsul.text import moment, scope_in_words, when
from sshgate.commands import documents
from sshgate.commands.arguments import Limit, Since
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.tables import Column, table
from sshgate.commands.text import fields, key_cell, more_than, state

_TITLES = (
    "WHEN (UTC)",
    "WHAT",
    "TO WHAT",
    Column("WHY", yields=3),
    Column("BY KEY", yields=2),
    Column("FROM", yields=1),
)


async def whoami(*, context: Given) -> Reply:
    """Show which account this key opens, and what the key may do."""
    account, key = await context.services.accounts.whoami(context.caller)
    text = fields(
        [
            ("E-mail", account.email),
            ("Account", str(account.id)),
            ("State", state(account.state)),
            ("Key", key.fingerprint),
            ("Its name", key.name),
            ("It may do", scope_in_words(key.scope)),
            ("Operator", "yes" if key.operator else None),
            ("Comes from", ", ".join(key.networks) or None),
            ("Expires", moment(key.expires_at)),
            ("Waits until", moment(key.waits_until)),
        ],
        context.style,
    )
    return Reply({"account": documents.account(account), "key": documents.key(key)}, text)


async def activity(*, context: Given, since: Since = None, limit: Limit = 50) -> Reply:
    """List what was done with your account, by which key and from where, newest first."""
    found = await context.services.accounts.activity(context.caller, since, limit)
    rows = [
        (
            when(entry.at),
            entry.action,
            key_cell(entry.target),
            entry.reason or None,
            "this key" if entry.fingerprint == context.caller.fingerprint else key_cell(entry.fingerprint),
            entry.source,
        )
        for entry in found
    ]
    return Reply(
        {"activity": [documents.audit(entry) for entry in found]},
        table(_TITLES, rows, context.style),
        more_than(found, limit),
    )


COMMANDS = (
    Command(("whoami",), whoami, "", (), ("whoami", "whoami --json"), (4,)),
    Command(("activity",), activity, "[--since T] [--limit N]", (), ("activity --since 7d",)),
)
