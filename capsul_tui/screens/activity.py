"""What was done with the account: by whom, with which key, from where."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.models import AuditEntry
from capsul.text import short_fingerprint, when
from capsul_tui.screens.base import ListScreen
from capsul_tui.screens.dialogs import ReadDialog
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Column, Row, Table

_PAGE = 100
_ACTORS = {"member": "you", "worker": "the service", "provider": "payments"}


class ActivityScreen(ListScreen):
    """The newest first; older ones when somebody goes on to the end."""

    WHERE = "Activity"
    PLACE = "Activity"
    COMMAND = "activity"
    TABLES = frozenset({"audit", "ssh_key"})
    HELP = """\
Everything that was done with your account, newest first, whoever did it: you by one of your keys, an operator, or the
service by itself. Nobody can change it afterwards.

If something here was not you: remove the key that it was done with, on the screen of keys, and write to us."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "more", "More", tooltip="show older ones too"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._entries: dict[str, AuditEntry] = {}
        self._names: dict[str, str] = {}
        """Of keys, by fingerprint."""
        self._limit = _PAGE

    def body(self) -> Iterable[Widget]:
        yield Table(
            "When (UTC)",
            Column("Who", yields=2),
            Column("What", squeezes=True, least=12),
            Column("To what", yields=1, squeezes=True, least=12),
            Column("By key", yields=3, squeezes=True, least=14),
            Column("From", yields=4),
            empty="Nothing was done yet.",
        )

    async def read(self) -> None:
        services, caller = self.visit.services, self.visit.caller
        found = await services.accounts.activity(caller, None, self._limit)
        self._names = {it.fingerprint: it.name for it in await services.keys.list(caller)}
        self._entries = {str(it.id): it for it in found}
        self.table.show([self._row(it) for it in found])
        self.refresh_bindings()

    def _row(self, it: AuditEntry) -> Row:
        cells = (
            when(it.at),
            _ACTORS.get(it.actor, it.actor),
            it.action,
            self._about(it),
            self._key(it.fingerprint) if it.fingerprint else "",
            it.source or "",
        )
        return Row(str(it.id), cells, f"{it.reason} {it.target} {it.fingerprint} {it.session_id}")

    def _about(self, it: AuditEntry) -> str:
        """Keys and capsuls by the names that they have or had; all else by its id."""
        if it.target.startswith("SHA256:"):
            return self._key(it.target)
        return it.reason if it.target.startswith("c-") and it.reason else it.target

    def _key(self, fingerprint: str) -> str:
        """What its owner calls it; keys that are gone have a fingerprint only."""
        return self._names.get(fingerprint) or short_fingerprint(fingerprint)

    @property
    def _may_have_more(self) -> bool:
        return len(self._entries) == self._limit

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "more":
            return self._may_have_more
        return super().check_action(action, parameters)

    def action_more(self) -> None:
        if self._may_have_more:
            self._limit += _PAGE
            self.read_again()

    def on_table_moved(self, event: Table.Moved) -> None:
        event.stop()
        if self._entries and event.key == next(reversed(self._entries)):
            self.action_more()

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        it = self._entries.get(event.key)
        if it is None:
            # What was read meanwhile has it no more.
            return
        key = f"{name} ({it.fingerprint})" if (name := self._names.get(it.fingerprint or "")) else it.fingerprint
        facts = [
            ("When", f"{it.at:%Y-%m-%d %H:%M:%S} UTC"),
            ("Who", _ACTORS.get(it.actor, it.actor)),
            ("To what", it.target or None),
            ("Why", it.reason or None),
            ("By key", key),
            ("From", it.source),
            ("Session", it.session_id),
        ]
        self.app.push_screen(ReadDialog(it.action, facts, f"{self.visit.ssh} activity --json"))
