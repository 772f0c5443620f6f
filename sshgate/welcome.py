"""What somebody sees who comes with a terminal and without a command. The screens will stand here."""

from collections.abc import Sequence

from capsul.models import Announcement, Balance, Capsul, Guest
from capsul.obstacles import in_the_way_of_guest, in_the_way_of_member
from sshgate.commands.capsuls import capsul_table
from sshgate.commands.context import Context
from sshgate.commands.style import Style, width
from sshgate.commands.text import Cell, amount, fields, key_in_words, moment, span
from sshgate.identity import Member

_MOST_NEWS = 4
"""Lines of it; the newest is shown whole however long it is."""
_LEAST_LINES = 3
"""Lines of the list of capsuls that are shown however small the terminal is."""


async def welcome(context: Context) -> int:
    """One screen of 24 lines, if it can be, and the exit status."""
    if isinstance(context.identity, Guest):
        await context.output.write(await _for_guest(context, context.identity))
    else:
        await context.output.write(await _for_member(context))
    return 0


async def _for_member(context: Context) -> str:
    services, ssh, style = context.services, context.ssh, context.style
    me = await services.overview.of(context.caller)
    head = _top(services.settings.provider_name, me.account.email, style)
    facts = fields([("Balance", _money(me.balance)), ("Key", key_in_words(me.key))], style)
    # Capsuls that are not well stand in the list below, with the reason.
    ails = [it.message for it in in_the_way_of_member(me, ssh, services.settings.contact) if it.what != "capsul"]
    before = [head, facts, _paragraphs(ails, style), _news(me.announcements, style)]
    after = _next_steps(context, me.capsuls)
    room = (context.terminal.rows if context.terminal else 24) - 1
    taken = sum(part.count("\n") + 1 for part in [*before, after] if part)
    capsuls = _capsuls(me.capsuls, room - taken, ssh, style)
    return "\n".join(part for part in [*before, capsuls, after] if part)


async def _for_guest(context: Context, guest: Guest) -> str:
    services, ssh, style = context.services, context.ssh, context.style
    begun = await services.enrolment.status(guest.fingerprint)
    [obstacle] = in_the_way_of_guest(guest, begun, ssh)
    code = begun.code if begun and obstacle.what == "enrolment" else None
    sizes = await services.capsuls.price_list()
    offer = f" From {amount(sizes[0].price_month, sizes[0].currency)} a month." if sizes else ""
    parts = [
        _top(services.settings.provider_name, "you are a guest", style),
        style.say(f"Virtual machines for members, by ssh alone.{offer}")
        + fields([("Your key", guest.fingerprint), ("Your code", code)], style),
        *(style.say(road) for road in [obstacle.message, *([] if code else _other_roads(ssh))]),
        _news((await services.accounts.announcements())[:1], style),
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
    available = amount(it.available, it.currency)
    return available if it.hours_left is None else f"{available}, lasts {span(it.hours_left)}"


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
