"""The keys that open the account: who may come in, and how far."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from capsul.errors import Refused
from capsul.models import Key
from capsul.text import moment, scope_in_words, short_fingerprint
from capsul_tui.screens.add_keys import AddKeysScreen, PendingKeysScreen
from capsul_tui.screens.base import ListScreen
from capsul_tui.screens.dialogs import ConfirmDialog, ReadDialog, TextDialog
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.table import Cell, Column, Row, Table


class KeysScreen(ListScreen):
    """The list, all about the one under the cursor, and what can be done with it."""

    WHERE = "Keys"
    PLACE = "Keys"
    COMMAND = "keys"
    TABLES = frozenset({"ssh_key", "session"})
    EVERY_SECONDS = 60.0
    HELP = """\
Whoever has one of these keys gets into your account: there are no passwords. How far a key reaches is in the column
May: full is everything; machines is all to capsuls that it created, and nothing to money and keys; read is to look
only.

A key that you add is pending, and opens nothing, until its holder has said its code with that very key. So a mistyped
or somebody else's key does no harm.

Removing a key ends its sessions at once. The last key that may do everything stays: without it nobody could come back
except by mail.

A key that waits came by mail while the account had something to lose: it may only look, top up and stop for a while.
If it is yours, approve it, and it need not wait. If it is not, deny it: then somebody reads your mail."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", tooltip="put further keys on the list"),
        Binding("A", "approve", "Approve", tooltip="let a key that waits do everything at once"),
        Binding("X", "deny", "Deny", tooltip="throw out a key that waits"),
        Binding("n", "rename", "Rename", tooltip="call the key something you will know it by"),
        Binding("D", "remove", "Remove", tooltip="take the key off the list, and end its sessions"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._keys: dict[str, Key] = {}
        self._signed_in: Counter[str] = Counter()
        """Open sessions, by fingerprint."""

    def body(self) -> Iterable[Widget]:
        yield Table(
            Column("Name", squeezes=True, least=10),
            "State",
            "May",
            "Signed in",
            Column("Last used", yields=2),
            Column("Expires", yields=3),
            Column("Fingerprint", yields=1),
            empty="No key is on the list.",
        )
        yield Facts(id="key", wraps=True)

    async def read(self) -> None:
        services, caller = self.visit.services, self.visit.caller
        mine = await services.keys.list(caller)
        self._signed_in = Counter(it.fingerprint for it in await services.sessions.list(caller))
        self._keys = {str(it.id): it for it in mine}
        self.table.show([self._row(it) for it in mine])
        self._show_current()

    @property
    def current(self) -> Key | None:
        """The key under the cursor."""
        return self._keys.get(self.table.current or "") if self._keys else None

    def _row(self, it: Key) -> Row:
        cells = (
            it.name,
            _state(it),
            f"{it.scope}, operator" if it.operator else it.scope,
            self._sessions(it),
            self._last_used(it, _day),
            _day(it.expires_at) if it.expires_at else "",
            short_fingerprint(it.fingerprint),
        )
        return Row(str(it.id), cells, it.fingerprint)

    def _last_used(self, it: Key, at: Callable[[datetime], str | None]) -> str:
        """What is noted is when a session began or ended: one that is open goes on now."""
        if self._signed_in[it.fingerprint] or it.id == self.visit.caller.key_id:
            return "now"
        return (it.last_used_at and at(it.last_used_at)) or "never"

    def _sessions(self, it: Key) -> str:
        if it.id == self.visit.caller.key_id:
            return "this session"
        count = self._signed_in[it.fingerprint]
        return f"{count} session{'s' * (count > 1)}" if count else ""

    def on_table_moved(self, event: Table.Moved) -> None:
        event.stop()
        self._show_current()

    def _show_current(self) -> None:
        key = self.current
        self.query_one("#key", Facts).show(self._facts(key) if key else [])
        self.refresh_bindings()

    def _facts(self, it: Key) -> list[Fact]:
        operator = ", and what operators may" if it.operator else ""
        return [
            ("Key", it.fingerprint),
            ("May", f"{scope_in_words(it.scope)}{operator}"),
            ("From", ", ".join(it.networks) or "anywhere"),
            ("Used", self._last_used(it, moment)),
            ("Until", moment(it.expires_at)),
            *self._what_now(it),
        ]

    def _what_now(self, it: Key) -> list[Fact]:
        if it.confirm_code:
            command = self.visit.ssh_with_key(f"confirm {it.confirm_code}")
            return [("Now", Cell("pending until its holder says, with that key:", "busy")), ("", command)]
        if it.waits_until:
            until = f"may only look, top up and stop until {moment(it.waits_until)}"
            return [("Now", Cell(f"new to the account: {until}. A approves it, X throws it out.", "busy"))]
        return []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("approve", "deny"):
            return self.current is not None and self.current.waits_until is not None
        if action in ("rename", "remove"):
            return self.current is not None
        return super().check_action(action, parameters)

    # What is done

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        if (key := self.current) is None:
            return
        if key.state == "pending":
            self.app.push_screen(PendingKeysScreen(self.visit, [key.id]))
            return
        more: list[Fact] = [("Added", moment(key.created_at)), ("Line", key.public_key)]
        self.app.push_screen(ReadDialog(key.name, [*self._facts(key), *more], f"{self.visit.ssh} keys"))

    def action_add(self) -> None:
        self.attempt(self._add)

    async def _add(self) -> None:
        if added := await self.app.push_screen_wait(AddKeysScreen(self.visit)):
            await self.app.push_screen_wait(PendingKeysScreen(self.visit, added))

    def action_rename(self) -> None:
        if key := self.current:
            self.attempt(lambda: self._rename(key))

    async def _rename(self, key: Key) -> None:
        name, refusal = key.name, ""
        while True:
            question, command = f"What is {short_fingerprint(key.fingerprint)} called?", self._command("rename", key)
            dialog = TextDialog(question, name, refusal, f"{command} {{}}", "1 to 60 characters; only you see it.")
            typed = await self.app.push_screen_wait(dialog)
            if typed is None:
                return
            try:
                await self.busy("renaming", self.visit.services.keys.rename(self.visit.caller, key.fingerprint, typed))
            except Refused as error:
                # What was typed stands in the next dialog.
                name, refusal = typed, self.capsul_app.in_words(error)
            else:
                self.say(f"The key is called {typed.strip()} now.", "good")
                return

    def action_remove(self) -> None:
        if key := self.current:
            self.attempt(lambda: self._remove(key))

    async def _remove(self, key: Key) -> None:
        consequences = [key.fingerprint, *self._what_ends(key)]
        dialog = ConfirmDialog(f"Remove the key “{key.name}”?", consequences, self._command("rm", key))
        if await self.app.push_screen_wait(dialog):
            await self.busy("removing", self.visit.services.keys.remove(self.visit.caller, key.fingerprint))
            self.say(f"{key.name} opens your account no more.", "good")

    def _what_ends(self, key: Key) -> list[str]:
        if key.state == "pending":
            return ["It was never confirmed; its code will mean nothing any more."]
        count = self._signed_in[key.fingerprint]
        said = ["It opens your account no more."]
        if key.id == self.visit.caller.key_id:
            said.append("It is the key of this very session: these screens close, and you need another key to return.")
            count -= 1
        if count > 0:
            said.append(f"{count} other session{'s' * (count > 1)} of it end{'s' * (count == 1)} at once.")
        return said

    def action_approve(self) -> None:
        if key := self.current:
            self.attempt(lambda: self._approve(key))

    async def _approve(self, key: Key) -> None:
        consequences = [
            key.fingerprint,
            "It may do everything at once, with money and keys too. Approve it only if it is yours.",
        ]
        dialog = ConfirmDialog(f"Approve the key “{key.name}”?", consequences, self._command("approve", key))
        if await self.app.push_screen_wait(dialog):
            await self.busy("approving", self.visit.services.keys.approve(self.visit.caller, key.fingerprint))
            self.say(f"{key.name} may do everything now.", "good")

    def action_deny(self) -> None:
        if key := self.current:
            self.attempt(lambda: self._deny(key))

    async def _deny(self, key: Key) -> None:
        consequences = [
            key.fingerprint,
            "It opens your account no more, and its sessions end at once.",
            "Whoever has it could read your mail: change the password of your mailbox too.",
        ]
        dialog = ConfirmDialog(f"Throw out the key “{key.name}”?", consequences, self._command("deny", key))
        if await self.app.push_screen_wait(dialog):
            await self.busy("denying", self.visit.services.keys.deny(self.visit.caller, key.fingerprint))
            self.say(f"{key.name} is thrown out. Change the password of your mailbox too.", "good")

    def _command(self, what: str, key: Key) -> str:
        return f"{self.visit.ssh} keys {what} {key.fingerprint}"


def _state(it: Key) -> Cell:
    if it.state == "live" and it.expires_at is not None and it.expires_at <= datetime.now(UTC):
        return Cell("expired", "bad")
    if it.waits_until is not None:
        return Cell("waits", "busy")
    return Cell(it.state, "good" if it.state == "live" else "busy")


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"
