"""You: the account, and what was done with it."""

from collections.abc import Iterable

from capsul.models import AuditEntry
from sshgate.commands import documents
from sshgate.commands.arguments import Limit, Since
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.text import fields, state, table, when


async def whoami(*, context: Given) -> Reply:
    """Show which account this key opens, and what the key may do."""
    account, key = await context.services.accounts.whoami(context.caller)
    text = fields(
        [
            ("E-mail", account.email),
            ("Account", str(account.id)),
            ("State", state(account.state)),
            ("Key", f"{key.fingerprint} ({key.name})"),
            ("It may do", scope_in_words(key.scope)),
            ("Operator", "yes" if key.operator else None),
            ("Waits until", when(key.waits_until)),
        ],
        context.colours,
    )
    return Reply({"account": documents.account(account), "key": documents.key(key)}, text)


async def activity(*, context: Given, since: Since = None, limit: Limit = 50) -> Reply:
    """List what was done with your account, by which key and from where, newest first."""
    found = await context.services.accounts.activity(context.caller, since, limit)
    return Reply({"activity": [documents.audit(entry) for entry in found]}, audit_table(found, context.colours))


def scope_in_words(scope: str) -> str:
    """What a key of this scope may do."""
    return {
        "full": "everything",
        "machines": "all to capsuls that it created; nothing to money and keys",
        "read": "look only",
    }[scope]


def audit_table(entries: Iterable[AuditEntry], colours: bool) -> str:
    """What was done, a line each."""
    rows = [
        (when(entry.at), entry.action, entry.target or None, entry.reason or None, entry.fingerprint, entry.source)
        for entry in entries
    ]
    return table(("WHEN", "WHAT", "TO WHAT", "WHY", "BY KEY", "FROM"), rows, colours)


COMMANDS = (
    Command(("whoami",), whoami, "", (), ("whoami", "whoami --json"), (4,)),
    Command(("activity",), activity, "[--since T] [--limit N]", (), ("activity --since 7d",)),
)
