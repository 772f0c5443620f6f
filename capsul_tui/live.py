"""Hands what changed in Postgres to the screens that are open."""

import asyncio
from collections.abc import Callable, Sequence

from capsul.models import Caller, Change, Guest
from db.changes import Changes

_TABLES = frozenset(
    {
        "account",
        "announcement",
        "audit",
        "capsul",
        "enrolment",
        "host",
        "image",
        "operation",
        "operation_step",
        "session",
        "size",
        "ssh_key",
        "topup",
    }
)
_TOGETHER_SECONDS = 0.05
"""What happens at once is one piece of news: a create touches five rows."""


async def follow(changes: Changes, who: Caller | Guest, tell: Callable[[Sequence[Change]], None]) -> None:
    """Tells of every change that concerns them, until it is cancelled."""
    with changes.watch(_TABLES, _concerns(who)) as queue:
        while True:
            news = [await queue.get()]
            await asyncio.sleep(_TOGETHER_SECONDS)
            while not queue.empty():
                news.append(queue.get_nowait())
            tell(news)


def _concerns(who: Caller | Guest) -> Callable[[Change], bool]:
    """Ids only are told, and each reads as themselves: this keeps strangers' changes from waking anybody."""
    if isinstance(who, Guest):
        return lambda change: change.id == who.fingerprint or change.table in ("announcement", "ssh_key")
    if who.operator:
        return lambda change: True
    mine = str(who.account_id)
    # The change of an account has its id as the subject.
    return lambda change: change.account_id in (mine, "") and (change.table != "account" or change.id == mine)
