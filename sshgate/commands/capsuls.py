"""Capsuls: list, show, create, rename, destroy."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from cyclopts import Parameter

from capsul.errors import NotEnoughCredit, RuleBroken
from capsul.models import Capsul, Quote
from capsul.text import amount, lasting, moment, when
from services.capsuls import CreateRequest
from sshgate.commands import documents
from sshgate.commands.arguments import (
    CapsulName,
    IdempotencyKey,
    Limit,
    Since,
    Timeout,
    UserData,
    Wait,
    WaitFor,
)
from sshgate.commands.context import Command, Context, Given, Reply
from sshgate.commands.style import Style
from sshgate.commands.tables import Column, table
from sshgate.commands.text import Cell, fields, more_than, state
from sshgate.commands.waiting import answer

_WHY = Column("WHY", yields=1)
_TITLES: tuple[str | Column, ...] = (
    "NAME",
    "STATE",
    Column("SIZE", yields=3, spare=True),
    Column("IMAGE", yields=4, spare=True),
    "ADDRESS",
    Column("CREATED (UTC)", yields=5, spare=True),
    Column("A MONTH", right=True, yields=2, spare=True),
    "ID",
)


async def ls(*, context: Given, since: Since = None, limit: Limit = 1000) -> Reply:
    """List your capsuls.

    Those that were destroyed are not listed; `show` still knows them by their id.
    """
    mine = await context.services.capsuls.list(context.caller)
    shown = [capsul for capsul in mine if since is None or capsul.created_at >= since][:limit]
    return Reply(
        {"capsuls": [documents.capsul(capsul) for capsul in shown]},
        capsul_table(shown, context.style),
        hint=more_than(shown, limit) if mine else f"You have none yet. Make one: {context.ssh} help create",
    )


async def show(capsul: CapsulName, /, *, context: Given) -> Reply:
    """Show one capsul: its state, how to log in, what it costs."""
    it = await context.services.capsuls.show(context.caller, capsul)
    return Reply({"capsul": documents.capsul(it)}, _describe(it, context.style))


async def create(
    *,
    context: Given,
    image: Annotated[str, Parameter(name="--image", help="What is installed on it (see: images).")],
    size: Annotated[str, Parameter(name="--size", help="How big it is and what it costs (see: sizes).")],
    name: Annotated[
        str | None,
        Parameter(
            name="--name",
            help="1 to 40 small letters, digits and hyphens; yours may have it only once. One is made up without.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    key: Annotated[
        tuple[str, ...],
        Parameter(
            name="--key",
            negative=(),
            help="A key of your list that may log in, by fingerprint or name. May be given again. Without, all "
            "your keys that may do everything.",
        ),
    ] = (),
    user_data: UserData = None,
    dry_run: Annotated[
        bool, Parameter(name="--dry-run", negative=(), help="Say what it would cost, and make nothing.")
    ] = False,
    idempotency_key: IdempotencyKey = None,
    wait: WaitFor = None,
    within: Timeout = None,
) -> Reply:
    """Create a capsul.

    It costs from now on until it is destroyed, stopped or not: by the second, and at most 672 hours a calendar month.
    There must be credit for a day of all your capsuls together.
    """
    seconds = context.services.settings.operation_seconds if within is None else within
    request = CreateRequest(
        image=image,
        size=size,
        name=name,
        keys=key,
        user_data=await context.read_input() if user_data else "",
        idempotency_key=idempotency_key,
    )
    if wait == "ssh":
        await _refuse_to_wait_for_ssh(context, request)
    if dry_run:
        quote = await context.services.capsuls.quote(context.caller, request)
        return Reply({"quote": documents.quote(quote)}, _describe_quote(quote, context))
    accepted = await context.services.capsuls.create(context.caller, request)
    return await answer(context, accepted, wait is not None, seconds)


async def _refuse_to_wait_for_ssh(context: Context, request: CreateRequest) -> None:
    """Only after whatever comes before the rules: asking for the price tells of that, and makes nothing."""
    with suppress(NotEnoughCredit):
        await context.services.capsuls.quote(context.caller, request)
    raise RuleBroken("Waiting for ssh is not to be had yet: nothing was made. Use --wait, which waits until it runs.")


async def rename(
    capsul: CapsulName,
    name: Annotated[
        str, Parameter(name="NAME", allow_leading_hyphen=True, help="1 to 40 small letters, digits and hyphens.")
    ],
    /,
    *,
    context: Given,
) -> Reply:
    """Give a capsul another name.

    Inside, it keeps the host name it was made with.
    """
    renamed = await context.services.capsuls.rename(context.caller, capsul, name)
    return Reply(
        {"capsul": documents.capsul(renamed)}, context.style.say(f"{renamed.id} is called {renamed.name} now.")
    )


async def destroy(
    capsul: CapsulName,
    /,
    *,
    context: Given,
    confirm: Annotated[
        str, Parameter(name="--confirm", allow_leading_hyphen=True, help="The capsul's name, typed once more.")
    ],
    idempotency_key: IdempotencyKey = None,
    wait: Wait = False,
    within: Timeout = None,
) -> Reply:
    """Destroy a capsul for good, disk and all.

    It stops costing at once. Nothing brings it back.
    """
    seconds = context.services.settings.operation_seconds if within is None else within
    accepted = await context.services.capsuls.destroy(context.caller, capsul, confirm, idempotency_key=idempotency_key)
    return await answer(context, accepted, wait, seconds)


def capsul_table(capsuls: Sequence[Capsul], style: Style) -> str:
    """Capsuls, a line each."""
    has_reasons = any(capsul.reason for capsul in capsuls)
    rows = [_row(capsul, has_reasons) for capsul in capsuls]
    return table(_TITLES[:2] + ((_WHY,) if has_reasons else ()) + _TITLES[2:], rows, style)


def _row(it: Capsul, has_reasons: bool) -> tuple[Cell, ...]:
    return (
        it.name,
        state(it.state),
        *((it.reason or None,) if has_reasons else ()),
        it.size_id,
        it.image_id,
        it.ipv4 or it.ipv6,
        when(it.created_at),
        amount(it.price_month, it.currency),
        it.id,
    )


def _describe(it: Capsul, style: Style) -> str:
    return fields(
        [
            ("Name", it.name),
            ("Id", it.id),
            ("State", state(it.state)),
            ("Why", it.reason or None),
            ("Since", moment(it.state_since)),
            ("Log in", documents.ssh_to(it) or "not yet: it has no address"),
            ("IPv4", it.ipv4),
            ("IPv6", it.ipv6),
            ("Image", it.image_id),
            ("Size", it.size_id),
            ("Created", moment(it.created_at)),
            ("Ended", moment(it.ended_at)),
            ("A month", f"{amount(it.price_month, it.currency)}, running or stopped"),
        ],
        style,
    )


def _describe_quote(quote: Quote, context: Context) -> str:
    return fields(
        [
            ("Name", quote.name or "made up when it is created"),
            ("Image", f"{quote.image.name} {quote.image.version}"),
            ("Size", quote.size.id),
            ("A month", f"{amount(quote.size.price_month, quote.size.currency)} (at most: 672 hours of it)"),
            ("Available", amount(quote.available, quote.size.currency)),
            ("Lasts now", lasting(quote.hours_left_before)),
            ("Lasts then", lasting(quote.hours_left_after)),
            ("Room", "yes" if quote.size.fits else "no: try a smaller size, or again later"),
        ],
        context.style,
    )


COMMANDS = (
    Command(("ls",), ls, "[--since T] [--limit N]", ("list", "ps"), ("ls", "ls --json")),
    Command(("show",), show, "CAPSUL", ("inspect",), ("show web",), (4,)),
    Command(
        ("create",),
        create,
        "--image I --size S [--name N] [--key K]... [--user-data -] [--dry-run] [--idempotency-key K] "
        "[--wait[=running|ssh]] [--timeout S]",
        ("new",),
        (
            "create --image debian --size f1-xs --name web --wait",
            "create --image debian --size f1-xs --user-data - < cloud-config.yaml",
            "create --image debian --size f1-xs --dry-run",
        ),
        (3, 4, 5, 6, 7, 8),
    ),
    Command(("rename",), rename, "CAPSUL NAME", (), ("rename web blog",), (3, 4)),
    Command(
        ("destroy",),
        destroy,
        "CAPSUL --confirm NAME [--idempotency-key K] [--wait] [--timeout S]",
        ("rm",),
        ("destroy web --confirm web --wait",),
        (3, 4, 7, 8),
    ),
)
