"""The sections of an account: what is in each, and how a line of it looks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from capsul.models import AccountDetails, Capsul, Key, LedgerEntry
from capsul.text import amount, tone, when
from capsul_tui.screens.operator.rows import audit_columns, audit_row, operation_columns, operation_row
from capsul_tui.widgets.table import Cell, Column, Row

NEWEST = 20
"""How many there are of those of which only the newest are there."""


@dataclass(frozen=True)
class Section:
    """One kind of what an account has."""

    name: str
    columns: Sequence[Column]
    empty: str
    rows: Callable[[AccountDetails], Sequence[Row]]
    is_cut: bool = True
    """Whether only the newest of them are there."""
    opens: bool = False
    """Whether there is more to see of each line."""


def _capsul(it: Capsul) -> Row:
    return Row(
        it.id,
        (
            it.name,
            Cell(it.state, tone(it.state)),
            it.reason,
            it.size_id,
            it.host_id or Cell("none", "quiet"),
            it.ipv4 or it.ipv6 or Cell("none yet", "quiet"),
            amount(it.price_month, it.currency),
            it.image_id,
            it.id,
        ),
    )


def _key(it: Key) -> Row:
    limits = [it.scope, *(["operator"] if it.operator else []), *it.networks]
    return Row(
        str(it.id),
        (
            it.name or Cell("no name", "quiet"),
            Cell(it.state, tone(it.state)),
            ", ".join(limits),
            when(it.last_used_at) or Cell("never", "quiet"),
            when(it.expires_at) or "",
            it.fingerprint,
        ),
    )


def _entry(it: LedgerEntry) -> Row:
    return Row(
        str(it.id),
        (
            when(it.at),
            it.kind,
            Cell(amount(it.amount, it.currency), None if it.amount >= 0 else "quiet"),
            amount(it.total, it.currency),
            it.wallet,
            it.about or it.reference,
            it.note,
        ),
    )


SECTIONS: Sequence[Section] = (
    Section(
        "Capsuls",
        (
            Column("Name", squeezes=True, least=10),
            Column("State"),
            Column("Why", yields=1, squeezes=True, least=20),
            Column("Size", yields=3),
            Column("Host", yields=2),
            Column("Address", yields=5),
            Column("A month", right=True, yields=4),
            Column("Image", yields=7),
            Column("Id", yields=6),
        ),
        "There are no capsuls.",
        lambda it: [_capsul(capsul) for capsul in it.capsuls],
        is_cut=False,
    ),
    Section(
        "Keys",
        (
            Column("Name", squeezes=True, least=10),
            Column("State"),
            Column("May", squeezes=True, least=8),
            Column("Last used (UTC)", yields=1),
            Column("Until (UTC)", yields=2),
            Column("Fingerprint", yields=3, squeezes=True, least=16),
        ),
        "There are no keys.",
        lambda it: [_key(key) for key in it.keys],
        is_cut=False,
    ),
    Section(
        "Ledger",
        (
            Column("When (UTC)"),
            Column("What"),
            Column("Amount", right=True),
            Column("Left", right=True, yields=2),
            Column("Wallet", yields=4),
            Column("About", yields=3, squeezes=True, least=8),
            Column("Note", yields=1, squeezes=True, least=10),
        ),
        "No money has moved yet.",
        lambda it: [_entry(entry) for entry in it.entries],
    ),
    Section(
        "Operations",
        operation_columns(of_everybody=False),
        "Nothing has been asked for yet.",
        lambda it: [operation_row(operation, of_everybody=False) for operation in it.operations],
        opens=True,
    ),
    Section(
        "Activity",
        audit_columns(of_everybody=False),
        "Nothing has been done yet.",
        lambda it: [audit_row(entry, of_everybody=False) for entry in it.audit],
    ),
)
