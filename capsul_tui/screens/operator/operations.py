"""Everybody's operations, and trying again what failed."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.models import Caller, Operation, OperationState
from capsul_tui.screens.operator.base import OperatorList
from capsul_tui.screens.operator.operation import OperationOfAnybodyScreen, Retries
from capsul_tui.screens.operator.rows import operation_columns, operation_row
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Table

_STATES: tuple[OperationState | None, ...] = (None, "failed", "running", "queued", "done")


class OperatorOperationsScreen(Retries, OperatorList):
    """Newest first; all, or those in one state."""

    WHERE = "Operations"
    PLACE = "Operations"
    COMMAND = "admin operations"
    TABLES = frozenset({"operation", "operation_step"})
    HELP = """\
What was asked for, of everybody's capsuls, newest first. s shows only what failed, then only what is running, what
waits, and what is done; / looks in what is shown for a name, a reason, or an id of a capsul or of an account.

Enter opens an operation with its steps. R asks once more for what a failed one was to do: it is a new operation, of
the capsul as it is now. A failed create is not tried again, because its room was given back. a opens the account."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "state", "State", tooltip="only what failed, runs, waits, is done; then all again"),
        Binding("R", "retry", "Retry", tooltip="ask once more for what failed"),
        Binding("a", "account", "Account", tooltip="open the account that it belongs to"),
    ]

    def __init__(self, visit: Visit, state: OperationState | None = None) -> None:
        super().__init__(visit)
        self._state = state
        self._found: dict[str, Operation] = {}

    def body(self) -> Iterable[Widget]:
        yield Table(*operation_columns(of_everybody=True), empty="Nothing has been asked for yet.")

    async def look(self, operator: Caller) -> None:
        state = self._state
        found = await self.visit.services.operators.operations(operator, state, None, self.limit)
        if state is not self._state:
            # Another state was chosen meanwhile, and is read next.
            return
        self._found = {it.id: it for it in found}
        self.table.say_when_empty(f"Nothing is {state}." if state else "Nothing has been asked for yet.")
        self.show([operation_row(it, of_everybody=True) for it in found])
        self.where(f"Operations: {state or 'all'}")
        self.refresh_bindings()

    def moved_to(self, key: str | None) -> None:
        self.refresh_bindings()

    @property
    def _current(self) -> Operation | None:
        return self._found.get(self.table.current or "")

    def why_not(self, action: str) -> str:
        if action == "account" and self._current is None:
            return "There is no operation here."
        return self.why_not_retry(self._current) if action == "retry" else ""

    def action_state(self) -> None:
        self._state = _STATES[(_STATES.index(self._state) + 1) % len(_STATES)]
        only = f" --state {self._state}" if self._state else ""
        self.equivalent.tell(f"{self.visit.ssh} {self.COMMAND}{only}")
        self.read_again()

    def action_retry(self) -> None:
        self.attempt(self._retry)

    async def _retry(self) -> None:
        if (it := self._current) is not None:
            await self.retry(it)

    def action_account(self) -> None:
        if (it := self._current) is not None:
            self.capsul_app.open_account(str(it.account_id))

    def on_table_opened(self, event: Table.Opened) -> None:
        self.app.push_screen(OperationOfAnybodyScreen(self.visit, event.key))
