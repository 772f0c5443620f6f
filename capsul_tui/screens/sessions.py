"""Where the account is signed in now, and how to end that from here."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.models import OpenSession
from capsul.text import when
from capsul_tui.screens.base import ListScreen
from capsul_tui.screens.dialogs import ConfirmDialog, ReadDialog
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact
from capsul_tui.widgets.table import Cell, Column, Row, Table


class SessionsScreen(ListScreen):
    """The screens that are open, this one among them."""

    WHERE = "Sessions"
    PLACE = "Sessions"
    COMMAND = "sessions"
    TABLES = frozenset({"session", "ssh_key"})
    EVERY_SECONDS = 60.0
    HELP = """\
Everybody who has these screens open with a key of your account: from where, since when, with which program. Commands
such as ssh host ls are over at once and are not listed.

Ending a session closes its screens. Its key still opens the account: to keep somebody out, remove the key.

A session whose connection was lost is listed for three minutes more at most."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "end", "End it", tooltip="close the screens of that session"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._open: dict[str, OpenSession] = {}

    def body(self) -> Iterable[Widget]:
        yield Table(
            "Since (UTC)",
            Column("Key", squeezes=True, least=14),
            "Which",
            "From",
            Column("Client", yields=2, squeezes=True, least=12),
            Column("Terminal", yields=3),
            Column("Id", yields=1),
            empty="Nobody has the screens open.",
        )

    async def read(self) -> None:
        found = await self.visit.services.sessions.list(self.visit.caller)
        self._open = {it.id: it for it in found}
        self.table.show([self._row(it) for it in found])
        self.refresh_bindings()

    def _row(self, it: OpenSession) -> Row:
        this = Cell("this one", "good") if self._is_this(it) else ""
        client = it.client.removeprefix("SSH-2.0-")
        return Row(it.id, (when(it.started_at), it.key_name, this, it.source, client, it.terminal, it.id), it.client)

    def _is_this(self, it: OpenSession) -> bool:
        return it.id == self.visit.own_session()

    @property
    def current(self) -> OpenSession | None:
        """The session under the cursor."""
        return self._open.get(self.table.current or "") if self._open else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "end":
            return self.current is not None
        return super().check_action(action, parameters)

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        if it := self.current:
            self.app.push_screen(ReadDialog(f"Session {it.id}", self._facts(it), f"{self.visit.ssh} sessions"))

    def _facts(self, it: OpenSession) -> list[Fact]:
        return [
            ("Which", "this one" if self._is_this(it) else None),
            ("Since", f"{it.started_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("Key", f"{it.key_name} ({it.fingerprint})"),
            ("From", it.source),
            ("Client", it.client),
            ("Terminal", it.terminal),
        ]

    def action_end(self) -> None:
        if (it := self.current) is None:
            return
        if self._is_this(it):
            self.say("That is the session you are in. ctrl+c leaves it.", "bad")
            return
        self.attempt(lambda: self._end(it))

    async def _end(self, it: OpenSession) -> None:
        consequences = [
            f"By the key “{it.key_name}”, from {it.source}, since {when(it.started_at)} UTC.",
            "Its screens close, and are told why. Its key still opens the account: to keep somebody out, remove it.",
        ]
        dialog = ConfirmDialog(f"End session {it.id}?", consequences, f"{self.visit.ssh} sessions end {it.id}")
        if await self.app.push_screen_wait(dialog):
            await self.busy("ending it", self.visit.services.sessions.ask_to_end(self.visit.caller, it.id))
            self.say(f"Session {it.id} is told to end.", "good")
