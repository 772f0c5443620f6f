"""Who did what, everywhere."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from capsul.models import AuditEntry, Caller
from capsul_tui.screens.operator.base import OperatorList
from capsul_tui.screens.operator.rows import audit_columns, audit_row
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Table


class AuditScreen(OperatorList):
    """Newest first."""

    WHERE = "Audit"
    PLACE = "Audit"
    COMMAND = "admin audit"
    # What belongs to no account tells of nothing: announcements stand for it, and the time.
    TABLES = frozenset({"audit", "announcement"})
    EVERY_SECONDS: ClassVar[float | None] = 10.0
    HELP = """\
What members, operators and guests did, newest first: by which key, from where, and why, if they were asked. Going to
the end of the list reads more. / looks in what was read: an action, a reason, an address, an id of an account.

Enter opens the account that it was done to."""
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._found: dict[str, AuditEntry] = {}

    def body(self) -> Iterable[Widget]:
        yield Table(*audit_columns(of_everybody=True), empty="Nobody has done anything yet.")

    async def look(self, operator: Caller) -> None:
        found = await self.visit.services.operators.audit(operator, None, None, self.limit)
        self._found = {str(it.id): it for it in found}
        self.show([audit_row(it, of_everybody=True) for it in found])

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        it = self._found.get(event.key)
        if it is None:
            # What was read meanwhile has it no more.
            return
        if it.account_id is None:
            self.say("That was done to no account.")
        else:
            self.capsul_app.open_account(str(it.account_id))
