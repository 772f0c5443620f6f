"""Lines that several screens of operators have: of operations, and of what was done."""

from collections.abc import Sequence

from capsul.models import AuditEntry, Operation
from capsul.text import tone, when
from capsul_tui.widgets.table import Cell, Column, Row


def operation_columns(*, of_everybody: bool) -> Sequence[Column]:
    """Of a list of operations."""
    account = [Column("Account", yields=6)] if of_everybody else []
    return (
        Column("Asked for (UTC)", yields=2),
        Column("What"),
        Column("Capsul", squeezes=True, least=8),
        Column("State"),
        Column("Took", right=True, yields=4),
        Column("Why", yields=1, squeezes=True, least=24),
        *account,
        Column("Id", yields=5),
    )


def operation_row(it: Operation, *, of_everybody: bool) -> Row:
    """A line of it."""
    account = [str(it.account_id)] if of_everybody else []
    return Row(
        it.id,
        (
            when(it.created_at),
            it.kind,
            it.capsul_name,
            Cell(it.state, tone(it.state)),
            took(it),
            it.reason or step_of(it),
            *account,
            it.id,
        ),
        f"{it.account_id} {it.capsul_id}",
    )


def took(it: Operation) -> str:
    """From being asked for to its end; nothing while it goes on."""
    return seconds((it.finished_at - it.created_at).total_seconds()) if it.finished_at else ""


def seconds(number: float) -> str:
    """A short time, so that a column of them can be compared."""
    return f"{number:.1f} s"


def step_of(it: Operation) -> str:
    """What is being done at the moment."""
    return next((f"{step.name} …" for step in it.steps if step.state == "running"), "")


def audit_columns(*, of_everybody: bool) -> Sequence[Column]:
    """Of a list of what was done."""
    account = [Column("Account", yields=6)] if of_everybody else []
    return (
        Column("When (UTC)"),
        Column("Who", yields=1),
        Column("What"),
        Column("To what", yields=3, squeezes=True, least=10),
        Column("Why", yields=2, squeezes=True, least=10),
        Column("From", yields=4),
        Column("By key", yields=5, squeezes=True, least=16),
        *account,
    )


def audit_row(it: AuditEntry, *, of_everybody: bool) -> Row:
    """A line of it."""
    account = [str(it.account_id) if it.account_id else ""] if of_everybody else []
    key = it.fingerprint or ""
    return Row(
        str(it.id),
        (when(it.at), it.actor, it.action, it.target, it.reason, it.source or "", key, *account),
        f"{it.account_id or ''} {it.session_id or ''}",
    )
