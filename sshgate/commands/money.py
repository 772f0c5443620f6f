"""Money: what there is, where it went, and how more of it comes."""

import csv
import io
from collections.abc import Iterable
from typing import Annotated, Literal

import segno
from cyclopts import Parameter

from capsul.errors import BadRequest, CapsulError, OperationFailed
from capsul.models import LedgerEntry, Topup
from capsul.rules import plain_text
from capsul.text import amount, lasting, moment, when
from sshgate.commands import documents
from sshgate.commands.arguments import Amount, IdempotencyKey, Limit, Since, Timeout, Wait
from sshgate.commands.context import Command, Context, Given, Reply
from sshgate.commands.documents import exact
from sshgate.commands.style import Style
from sshgate.commands.tables import Column, table
from sshgate.commands.text import fields, more_than, state

_WAIT_SECONDS = 3600.0

_LEDGER = (
    "WHEN (UTC)",
    "WHAT",
    ">AMOUNT",
    ">BALANCE AFTER",
    Column("ABOUT", yields=1),
    Column("WALLET", yields=3),
    Column("WALLET AFTER", right=True, yields=4),
    Column("REFERENCE", yields=5),
    Column("NOTE", yields=2),
)


async def balance(*, context: Given) -> Reply:
    """Show your credit, what burns, and how long it lasts.

    What is available is the balance less what your capsuls have used since the last posting.
    """
    it = await context.services.billing.balance(context.caller)
    text = fields(
        [
            ("Available", amount(it.available, it.currency)),
            ("Balance", amount(it.balance, it.currency)),
            ("Of it given", amount(it.gift, it.currency) if it.gift else None),
            ("Burns an hour", f"{exact(it.burn_per_hour)} {it.currency}"),
            ("Lasts", lasting(it.hours_left)),
        ],
        context.style,
    )
    return Reply(documents.balance(it), text)


async def ledger(
    *,
    context: Given,
    since: Since = None,
    limit: Limit = 100,
    as_csv: Annotated[
        bool, Parameter(name="--csv", negative=(), help="As comma-separated values, for a spreadsheet.")
    ] = False,
) -> Reply:
    """List every movement of your money, newest first.

    The balance after it is that of all your credit; what you were given is on a wallet of its own, and is spent first.
    """
    entries = await context.services.billing.ledger(context.caller, since, limit)
    text = _csv(entries) if as_csv else ledger_table(entries, context.style)
    return Reply({"entries": [documents.entry(entry) for entry in entries]}, text, more_than(entries, limit))


async def topup(
    how_much: Amount,
    /,
    *,
    context: Given,
    method: Annotated[
        Literal["card", "crypto", "sandbox"] | None,
        Parameter(name="--method", help="How to pay: card, crypto or sandbox. Without, the first that is enabled."),
    ] = None,
    idempotency_key: IdempotencyKey = None,
    qr: Annotated[bool, Parameter(name="--qr", negative=(), help="Show the link as a QR code too.")] = False,
) -> Reply:
    """Add credit: answers with a short link to pay at.

    Nothing is charged by this command. The link can be given to anybody: it shows nothing of your account.
    """
    payments = context.services.payments
    it = await payments.topup(context.caller, how_much, method, idempotency_key)
    url = payments.url(it)
    text = context.style.say(_sentence(it)) + (f"Pay here: {url}\n" if it.state == "waiting" else f"{url}\n")
    return Reply(
        {"topup": documents.topup(it, url)},
        text + (f"\n{_qr_code(url)}" if qr else ""),
        hint=f"Wait for the money: {context.ssh} topup show {it.id} --wait",
    )


async def topup_show(
    topup_id: Annotated[str, Parameter(name="ID", help="The topup's id (see: topups).")],
    /,
    *,
    context: Given,
    wait: Wait = False,
    within: Timeout = None,
) -> Reply:
    """Show a topup, and whether it was paid.

    With --wait it is exit 8 when it came to nothing, or was not paid in time (an hour without --timeout).
    """
    seconds = _WAIT_SECONDS if within is None else within
    payments = context.services.payments
    it = await payments.show(context.caller, topup_id)
    error = None
    if wait:
        await context.output.write_error(f"{it.id}\n")
        await context.live.now(f"topup of {amount(it.amount, it.currency)} waits to be paid")
        it = await payments.wait(context.caller, topup_id, seconds)
        error = _trouble(it, seconds)
    url = payments.url(it)
    return Reply({"topup": documents.topup(it, url)}, _describe(it, url, context), error=error)


async def topups(*, context: Given, since: Since = None, limit: Limit = 50) -> Reply:
    """List your topups, newest first."""
    payments = context.services.payments
    found = await payments.list(context.caller, since, limit)
    rows = [(when(it.created_at), state(it.state), amount(it.amount, it.currency), it.provider, it.id) for it in found]
    text = table(("ASKED FOR (UTC)", "STATE", ">AMOUNT", "METHOD", "ID"), rows, context.style)
    return Reply({"topups": [documents.topup(it, payments.url(it)) for it in found]}, text, more_than(found, limit))


def _sentence(it: Topup) -> str:
    how = {
        "waiting": "waits to be paid",
        "unconfirmed": "is on its way, not confirmed yet",
        "paid": "is paid",
        "failed": "has failed",
        "expired": "has expired",
        "reversed": "was taken back",
    }
    return f"Topup {it.id} of {amount(it.amount, it.currency)} {how[it.state]}."


def _trouble(it: Topup, seconds: float) -> CapsulError | None:
    if it.state in ("failed", "expired", "reversed"):
        return OperationFailed(_sentence(it))
    if it.state == "waiting":
        return OperationFailed(f"Topup {it.id} was not paid within {seconds:g} seconds. Its link stays good.")
    return None


def _describe(it: Topup, url: str, context: Context) -> str:
    return fields(
        [
            ("Topup", it.id),
            ("State", state(it.state)),
            ("Amount", amount(it.amount, it.currency)),
            ("Credited", amount(it.credited, it.currency)),
            ("Method", it.provider),
            ("Link", url),
            ("Asked for", moment(it.created_at)),
            ("Settled", moment(it.settled_at)),
        ],
        context.style,
    )


def ledger_table(entries: Iterable[LedgerEntry], style: Style) -> str:
    """Entries of the ledger, a line each."""
    rows = [
        (
            when(entry.at),
            entry.kind,
            f"{exact(entry.amount)} {entry.currency}",
            f"{exact(entry.total)} {entry.currency}",
            entry.about or None,
            entry.wallet,
            f"{exact(entry.balance)} {entry.currency}",
            entry.reference or None,
            entry.note or None,
        )
        for entry in entries
    ]
    return table(_LEDGER, rows, style)


def _csv(entries: Iterable[LedgerEntry]) -> str:
    columns = ("id", "at", "kind", "amount", "currency", "wallet", "balance", "reference", "note", "total", "about")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for entry in entries:
        document = documents.entry(entry)
        writer.writerow([plain_text(str(document[column])) for column in columns])
    return out.getvalue()


def _qr_code(url: str) -> str:
    """In half blocks, light on dark, with the quiet zone that cameras need."""
    out = io.StringIO()
    try:
        segno.make_qr(url, error="l", boost_error=False).terminal(out, border=2, compact=True)
    except segno.DataOverflowError:
        raise BadRequest("The link is too long for a QR code.") from None
    return out.getvalue()


COMMANDS = (
    Command(("balance",), balance, "", (), ("balance", "balance --json")),
    Command(
        ("ledger",), ledger, "[--since T] [--limit N] [--csv]", (), ("ledger --since 30d", "ledger --csv > ledger.csv")
    ),
    Command(
        ("topup",),
        topup,
        "AMOUNT [--method card|crypto|sandbox] [--idempotency-key K] [--qr]",
        (),
        ("topup 20", "topup 20 --qr"),
        (3, 7),
    ),
    Command(("topup", "show"), topup_show, "ID [--wait] [--timeout S]", (), ("topup show ID --wait",), (4, 8)),
    Command(("topups",), topups, "[--since T] [--limit N]", (), ("topups",)),
)
