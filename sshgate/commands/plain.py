"""All at a glance without screens: for terminals that can only print, and for `ssh -t host plain`."""

from collections.abc import Sequence

from capsul.models import Announcement, Balance, Capsul, Enrolment, Guest, Overview, Size
from capsul.obstacles import Obstacle, in_the_way_of_guest, in_the_way_of_member
from capsul.text import amount, moment, span
from sshgate.commands import documents
from sshgate.commands.capsuls import capsul_table
from sshgate.commands.context import Command, Context, Given, Reply
from sshgate.commands.documents import Document
from sshgate.commands.style import Style, width
from sshgate.commands.text import Cell, fields, key_in_words
from sshgate.identity import Member

_MOST_NEWS = 4
"""Lines of it; the newest is shown whole however long it is."""
_LEAST_LINES = 3
"""Lines of the list of capsuls that are shown however small the terminal is."""


async def plain(*, context: Given) -> Reply:
    """Show everything at a glance as text, without screens.

    It is what `ssh -t` without a command shows at a terminal that can only print (TERM=dumb).
    """
    if isinstance(context.identity, Guest):
        return await _for_guest(context, context.identity)
    return await _for_member(context)


async def _for_member(context: Context) -> Reply:
    me = await context.services.overview.of(context.caller)
    obstacles = in_the_way_of_member(me, context.ssh, context.services.settings.contact)
    document: Document = {
        "key": {"fingerprint": me.key.fingerprint, "enrolled": True},
        "account": documents.account(me.account),
        "balance": documents.balance(me.balance),
        "capsuls": [documents.capsul(it) for it in me.capsuls],
        "enrolment": None,
        "obstacles": [documents.obstacle(it) for it in obstacles],
        "announcements": [documents.announcement(it) for it in me.announcements],
    }
    return Reply(document, _member_text(context, me, obstacles))


def _member_text(context: Context, me: Overview, obstacles: Sequence[Obstacle]) -> str:
    """One screen of 24 lines, if it can be."""
    ssh, style = context.ssh, context.style
    head = _top(context.services.settings.provider_name, me.account.email, style)
    facts = fields([("Balance", _money(me.balance)), ("Key", key_in_words(me.key))], style)
    # Capsuls that are not well stand in the list below, with the reason.
    ails = [it.message for it in obstacles if it.what != "capsul"]
    before = [head, facts, _paragraphs(ails, style), _news(me.announcements, style)]
    after = _next_steps(context, me.capsuls)
    room = (context.terminal.rows if context.terminal else 24) - 1
    taken = sum(part.count("\n") + 1 for part in [*before, after] if part)
    capsuls = _capsuls(me.capsuls, room - taken, ssh, style)
    return "\n".join(part for part in [*before, capsuls, after] if part)


async def _for_guest(context: Context, guest: Guest) -> Reply:
    services = context.services
    begun = await services.enrolment.status(guest.fingerprint)
    obstacles = in_the_way_of_guest(guest, begun, context.ssh)
    news = await services.accounts.announcements()
    document: Document = {
        "key": {"fingerprint": guest.fingerprint, "enrolled": False},
        "account": None,
        "balance": None,
        "capsuls": [],
        "enrolment": documents.enrolment(begun) if begun else None,
        "obstacles": [documents.obstacle(it) for it in obstacles],
        "announcements": [documents.announcement(it) for it in news],
    }
    sizes = await services.capsuls.price_list()
    return Reply(document, _guest_text(context, guest, begun, obstacles[0], sizes, news))


def _guest_text(
    context: Context,
    guest: Guest,
    begun: Enrolment | None,
    obstacle: Obstacle,
    sizes: Sequence[Size],
    news: Sequence[Announcement],
) -> str:
    ssh, style = context.ssh, context.style
    code = begun.code if begun and obstacle.what == "enrolment" else None
    offer = f" From {amount(sizes[0].price_month, sizes[0].currency)} a month." if sizes else ""
    parts = [
        _top(context.services.settings.provider_name, "you are a guest", style),
        style.say(f"Virtual machines for members, by ssh alone.{offer}")
        + fields([("Your key", guest.fingerprint), ("Your code", code)], style),
        *(style.say(road) for road in [obstacle.message, *([] if code else _other_roads(ssh))]),
        _news(news[:1], style),
        fields([("What we see", f"{ssh} doctor"), *_help(context)], style),
    ]
    return "\n".join(part for part in parts if part)


def _other_roads(ssh: str) -> list[str]:
    return [
        f"Is another key of yours enrolled? Come with that one: {_with_key(ssh)}",
        f"Is it lost? Enrol this one with the same e-mail address: {ssh} enrol YOU@EXAMPLE.ORG",
        f"Has somebody put this key on an account's list? Then: {ssh} confirm CODE",
    ]


def _top(provider: str, who: str, style: Style) -> str:
    room = (style.readable or 0) - width(provider) - width(who)
    return f"{style.paint(provider, 'bold')}{' ' * max(room, 2)}{style.paint(who, 'bold')}\n"


def _money(it: Balance) -> str:
    balance, available = amount(it.balance, it.currency), amount(it.available, it.currency)
    left = f" ({available} available)" if available != balance else ""
    return f"{balance}{left}" if it.hours_left is None else f"{balance}{left}, lasts {span(it.hours_left)}"


def _news(found: Sequence[Announcement], style: Style) -> str:
    """The newest of what operators say to everybody, and older things while they are short."""
    said = [style.say(f"{moment(it.created_at)}: {it.text}") for it in found]
    fitting = [text for at, text in enumerate(said) if "".join(said[: at + 1]).count("\n") <= _MOST_NEWS]
    return "".join(fitting or said[:1])


def _paragraphs(sentences: Sequence[str], style: Style) -> str:
    return "".join(style.say(sentence) for sentence in sentences)


def _capsuls(mine: Sequence[Capsul], room: int, ssh: str, style: Style) -> str:
    """The list, as much of it as there is room for, whole rows only."""
    if not mine:
        return "You have no capsuls yet.\n"
    shown = list(mine)
    while len(shown) > 1 and capsul_table(shown, style).count("\n") + (len(shown) < len(mine)) > max(
        room, _LEAST_LINES
    ):
        shown.pop()
    left = len(mine) - len(shown)
    return capsul_table(shown, style) + (style.say(f"And {left} more: {ssh} ls") if left else "")


def _next_steps(context: Context, mine: Sequence[Capsul]) -> str:
    ssh = context.ssh
    first = ("Make a capsul", f"{ssh} help create") if not mine else ("All about one", f"{ssh} show {mine[0].name}")
    is_operator = isinstance(context.identity, Member) and context.identity.key.operator
    return fields(
        [first, *_help(context), ("For operators", f"{ssh} help admin" if is_operator else None)], context.style
    )


def _help(context: Context) -> list[tuple[str, Cell]]:
    return [("All commands", f"{context.ssh} help"), ("A person", context.services.settings.contact)]


def _with_key(ssh: str) -> str:
    return ssh.replace("ssh", "ssh -o IdentitiesOnly=yes -i KEYFILE", 1)


COMMANDS = (Command(("plain",), plain, "", (), ("plain", "plain --json"), for_guests=True),)
