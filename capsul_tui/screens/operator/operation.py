"""One operation of anybody's, with its steps and all that is known of it."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.models import Caller, Change, Operation, Step
from capsul.rules import plain_text
from capsul.text import moment, tone
from capsul_tui.screens.dialogs import ConfirmDialog
from capsul_tui.screens.operator.base import ForOperators, Lines
from capsul_tui.screens.operator.rows import seconds, took
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.table import Cell, Column, Row, Table


class Retries(ForOperators):
    """A screen on which a failed operation can be tried again."""

    async def retry(self, it: Operation) -> Operation | None:
        """The new operation, if it was wanted and is possible."""
        question = f"Try again to {it.kind} {plain_text(it.capsul_name)}?"
        consequences = (
            f"It failed: {it.reason or 'nobody said why'}",
            "A new operation is asked for, of the capsul as it is now.",
        )
        dialog = ConfirmDialog(question, consequences, f"{self.visit.ssh} admin retry {it.id}")
        dialog.add_class("operator")
        if not await self.app.push_screen_wait(dialog):
            return None
        again = self.visit.services.operators.retry(await self.operator(), it.id)
        new = await self.busy("asking once more", again)
        self.say(f"Asked once more to {new.kind} {new.capsul_name}: operation {new.id}.", "good")
        self.read_again()
        return new

    def why_not_retry(self, it: Operation | None) -> str:
        """Why there is nothing to be tried again; empty when there is. The service has the last word."""
        if it is None:
            return "There is no operation to be tried again."
        return "" if it.state == "failed" else f"It is {it.state}: only what has failed can be tried again."


class OperationOfAnybodyScreen(Retries):
    """All facts, and a line for each step."""

    WHERE = "Operation"
    PLACE = "Operations"
    COMMAND = "admin operations"
    TABLES = frozenset({"operation", "operation_step"})
    EVERY_SECONDS: ClassVar[float | None] = 5.0
    HELP = """\
One operation: what was asked for, by whose account, what came of it, and how long each step took. What is under way is
shown as it goes.

R asks for the same once more when it has failed, and shows the new operation. a opens the account."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "retry", "Retry", tooltip="ask once more for what failed"),
        Binding("a", "account", "Account", tooltip="open the account that it belongs to"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, visit: Visit, operation_id: str) -> None:
        super().__init__(visit)
        self.operation_id = operation_id
        self._operation: Operation | None = None

    def body(self) -> Iterable[Widget]:
        yield Facts(id="operation", wraps=True)
        yield Lines("Step", "State", "Began (UTC)", Column("Took", right=True), empty="No step has begun yet.")

    def concerns(self, change: Change) -> bool:
        return super().concerns(change) and change.id in ("", self.operation_id)

    async def look(self, operator: Caller) -> None:
        it = await self.visit.services.operators.operation(operator, self.operation_id)
        self._operation = it
        self.where(f"Operation {it.kind} {it.capsul_name}")
        self.query_one(Facts).show(_facts(it))
        self.query_one(Table).show([_row(step) for step in it.steps])
        self.refresh_bindings()

    def why_not(self, action: str) -> str:
        return self.why_not_retry(self._operation) if action == "retry" else ""

    def action_retry(self) -> None:
        self.attempt(self._retry)

    async def _retry(self) -> None:
        new = await self.retry(self._operation) if self._operation is not None else None
        if new is not None:
            self.operation_id = new.id

    def action_account(self) -> None:
        if self._operation is not None:
            self.capsul_app.open_account(str(self._operation.account_id))


def _facts(it: Operation) -> Sequence[Fact]:
    return (
        ("What", f"{it.kind} {it.capsul_name}"),
        ("State", Cell(it.state, tone(it.state))),
        ("Why", it.reason or None),
        ("Operation", it.id),
        ("Capsul", it.capsul_id),
        ("Account", str(it.account_id)),
        ("Asked for", moment(it.created_at)),
        ("Began", moment(it.started_at)),
        ("Ended", f"{moment(it.finished_at)}, after {took(it)}" if it.finished_at else None),
        ("Deadline", None if it.ended else moment(it.deadline_at)),
    )


def _row(it: Step) -> Row:
    began = f"{it.started_at.astimezone(UTC):%H:%M:%S}"
    return Row(it.name, (it.name, Cell(it.state, tone(it.state)), began, seconds(it.seconds)))
