"""The keys that open an account."""

from collections.abc import Iterable
from typing import Annotated, Literal

from cyclopts import Parameter

from capsul.models import Key, KeyLimits
from capsul.text import moment, when
from sshgate.commands import documents
from sshgate.commands.arguments import Expiry, Limit, Networks, Since, Words
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.style import Style
from sshgate.commands.tables import Column, table
from sshgate.commands.text import more_than, state
from sshgate.public_keys import lines_of_words, parse_public_keys

Fingerprint = Annotated[str, Parameter(name="FINGERPRINT", help="The key's fingerprint, SHA256:… (see: keys).")]


async def keys(*, context: Given, since: Since = None, limit: Limit = 1000) -> Reply:
    """List the keys of your account.

    A pending key counts only once its holder has proved it with the code that is shown beside it.
    """
    mine = await context.services.keys.list(context.caller)
    found = [key for key in mine if since is None or key.created_at >= since][:limit]
    return Reply(
        {"keys": [documents.key(key) for key in found]}, key_table(found, context.style), more_than(found, limit)
    )


async def add(
    *line: Annotated[Words, Parameter(name="LINE", help="The line of a .pub file, or - to read lines from stdin.")],
    context: Given,
    scope: Annotated[
        Literal["full", "machines", "read"],
        Parameter(
            name="--scope",
            help="What they may do: full, machines (all to capsuls that they create, nothing to money and keys), "
            "or read (look only).",
        ),
    ] = "full",
    networks: Networks = (),
    expires: Expiry = None,
) -> Reply:
    """Put further keys on your list.

    Each is pending until its holder has said, with that key: confirm CODE.
    """
    text = await context.read_input() if line == ("-",) else lines_of_words(line)
    added = await context.services.keys.add(
        context.caller, parse_public_keys(text), KeyLimits(scope, networks, expires)
    )
    return Reply(
        {"keys": [documents.key(key) for key in added]},
        "".join(f"{key.fingerprint}  {key.confirm_code}\n" for key in added),
        hint=f"It counts once its holder has said: {context.ssh.replace('ssh', 'ssh -i KEYFILE', 1)} confirm CODE",
    )


async def remove(fingerprint: Fingerprint, /, *, context: Given) -> Reply:
    """Take a key off your list, and end its sessions.

    Your last key that may do everything stays.
    """
    await context.services.keys.remove(context.caller, fingerprint)
    return Reply({"fingerprint": fingerprint}, context.style.say(f"{fingerprint} opens your account no more."))


async def rename(
    fingerprint: Fingerprint,
    /,
    *name: Annotated[Words, Parameter(name="NAME", help="1 to 60 characters.")],
    context: Given,
) -> Reply:
    """Call a key something you will know it by."""
    words = " ".join(name)
    await context.services.keys.rename(context.caller, fingerprint, words)
    return Reply(
        {"fingerprint": fingerprint, "name": words}, context.style.say(f"{fingerprint} is called {words} now.")
    )


async def approve(fingerprint: Fingerprint, /, *, context: Given) -> Reply:
    """Let a new key of yours do everything at once, without its waiting time."""
    await context.services.keys.approve(context.caller, fingerprint)
    return Reply({"fingerprint": fingerprint}, context.style.say(f"{fingerprint} may do everything now."))


async def deny(fingerprint: Fingerprint, /, *, context: Given) -> Reply:
    """Throw out a new key that is not yours, and end its sessions."""
    await context.services.keys.deny(context.caller, fingerprint)
    return Reply(
        {"fingerprint": fingerprint},
        context.style.say(f"{fingerprint} opens your account no more."),
        hint="Whoever had it could read your mail. Change that password too.",
    )


def key_table(found: Iterable[Key], style: Style) -> str:
    """Keys, a line each."""
    rows = [
        (
            key.name,
            state(key.state),
            key.scope + (", operator" if key.operator else ""),
            key.fingerprint,
            when(key.last_used_at),
            _note(key),
        )
        for key in found
    ]
    return table(
        ("NAME", "STATE", "MAY", Column("FINGERPRINT", yields=1), "LAST USED (UTC)", Column("NOTE", yields=2)),
        rows,
        style,
    )


def _note(key: Key) -> str | None:
    notes = (
        f"confirm {key.confirm_code}" if key.confirm_code else "",
        f"waits until {moment(key.waits_until)}" if key.waits_until else "",
        f"from {', '.join(key.networks)}" if key.networks else "",
        f"expires {moment(key.expires_at)}" if key.expires_at else "",
    )
    return "; ".join(note for note in notes if note) or None


COMMANDS = (
    Command(("keys",), keys, "[--since T] [--limit N]", (), ("keys", "keys --json")),
    Command(
        ("keys", "add"),
        add,
        "LINE... | - [--scope full|machines|read] [--from NETWORK]... [--expires T]",
        (),
        (
            'keys add "$(cat ~/.ssh/id_ed25519.pub)"',
            "keys add - < more_keys",
            "keys add - --scope machines --from 192.0.2.0/24 --expires 4w < robot.pub",
        ),
        (3,),
    ),
    Command(("keys", "rm"), remove, "FINGERPRINT", (), ("keys rm SHA256:…",), (3, 4)),
    Command(("keys", "rename"), rename, "FINGERPRINT NAME...", (), ("keys rename SHA256:… my laptop",), (3, 4)),
    Command(("keys", "approve"), approve, "FINGERPRINT", (), ("keys approve SHA256:…",), (3, 4)),
    Command(("keys", "deny"), deny, "FINGERPRINT", (), ("keys deny SHA256:…",), (3, 4)),
)
