"""Further keys for the account: pasted, limited, and then proved by whoever holds them."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, cast
from uuid import UUID

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, TextArea

from capsul.errors import BadRequest
from capsul.models import Key, KeyLimits, PublicKey, Scope
from capsul.rules import plain_text
from capsul.text import short_fingerprint
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Row, Table
from capsul_tui.widgets.words import show_words

_SCOPES: tuple[tuple[Scope, str], ...] = (
    ("full", "everything: capsuls, money and keys"),
    ("machines", "all to capsuls that it creates; nothing to money and keys"),
    ("read", "look only"),
)
_LONGEST = 64 * 1024


class KeyLines(TextArea):
    """A field for lines that are pasted. Enter on an empty one goes on, as does Tab."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "go_on", "Go on")]

    class Filled(Message):
        """Whoever filled it is done."""

    class Overfilled(Message):
        """What would have made it too long was left out."""

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, compact=True, placeholder="ssh-ed25519 AAAA… you@laptop")
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter" and self.text.strip() and not self.document[self.cursor_location[0]].strip():
            event.stop()
            event.prevent_default()
            self.action_go_on()
        else:
            await super()._on_key(event)

    def edit(self, edit: Edit) -> EditResult:
        """Does it, unless it would be too long then: what is cut once and pasted twice grows without end."""
        if len(self.text) + len(edit.text) > _LONGEST:
            self.post_message(self.Overfilled())
            return EditResult(self.cursor_location, "")
        return super().edit(edit)

    def action_go_on(self) -> None:
        self.post_message(self.Filled())


class Scopes(Table):
    """How far keys may reach; Enter takes the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Put them on the list")]

    def __init__(self) -> None:
        super().__init__("Scope", "What it may do", id="scopes")
        self.show([Row(scope, (scope, meaning)) for scope, meaning in _SCOPES])

    @property
    def scope(self) -> Scope:
        """The one under the cursor."""
        return cast("Scope", self.current or "read")


class AddKeysScreen(CapsulScreen[list[UUID] | None]):
    """Key lines, and what the keys may do. Gives the ids of those that were added."""

    WHERE = "Keys / Add"
    COMMAND = "keys add - --scope full < KEYS.pub"
    AUTO_FOCUS = "KeyLines"
    HELP = """\
Paste the line of a .pub file, such as ~/.ssh/id_ed25519.pub: a type, a long word and a name for it. Several lines are
several keys. A public key is no secret.

Then choose how far they reach, and press Enter. Each key is pending until its holder has said its code with it: the
next screen shows how."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+tab", "lines", "Lines", show=False, tooltip="back to the key lines"),
        Binding("escape", "back", "Give up"),
    ]

    def body(self) -> Iterable[Widget]:
        yield Static("The line of a .pub file; several lines are several keys", classes="label")
        yield KeyLines()
        yield Static(id="understood")
        yield Static("What may they do?", classes="label")
        yield Scopes()

    @property
    def _scope(self) -> Scope:
        return self.query_one(Scopes).scope

    @property
    def _lines(self) -> KeyLines:
        return self.query_one(KeyLines)

    def _parse(self) -> list[PublicKey]:
        """Raises BadRequest, with what is wrong."""
        return self.visit.parse_keys(self._lines.text)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.say("")
        try:
            found = self._parse() if self._lines.text.strip() else []
        except BadRequest:
            # It may be half typed: what is wrong is said when they go on.
            found = []
        text = Text("\n").join(_understood(it) for it in found[:3])
        if len(found) > 3:
            text.append(f"\nand {len(found) - 3} more")
        self.query_one("#understood", Static).update(text)

    def on_key_lines_overfilled(self) -> None:
        self.say("That is too long for a list of public keys. Paste the lines of .pub files only.", "bad")

    def on_key_lines_filled(self) -> None:
        try:
            self._parse()
        except BadRequest as error:
            self.refused(error)
        else:
            self.query_one(Scopes).focus()

    def on_table_moved(self, event: Table.Moved) -> None:
        event.stop()
        self.equivalent.tell(f"{self.visit.ssh} keys add - --scope {self._scope} < KEYS.pub")

    def action_lines(self) -> None:
        self._lines.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        self.attempt(self._add)

    async def _add(self) -> None:
        adding = self.visit.services.keys.add(self.visit.caller, self._parse(), KeyLimits(self._scope))
        self.dismiss([it.id for it in await self.busy("adding", adding)])


class PendingKeysScreen(CapsulScreen[None]):
    """What the holders of keys that were added have to do, until they have done it."""

    WHERE = "Keys / Confirm"
    COMMAND = "keys"
    TABLES = frozenset({"ssh_key"})
    AUTO_FOCUS = "VerticalScroll"
    HELP = """\
A key that was added opens nothing until its holder has said its code, with that very key. On the computer that has the
key, run the command that stands here; KEYFILE is the file of the key, without .pub.

This screen tells when it was done. You may leave it: the codes stand on the list of keys too."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "back", "Back", key_display="esc"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, visit: Visit, ids: Sequence[UUID]) -> None:
        super().__init__(visit)
        self._ids = tuple(ids)
        self._known: dict[UUID, Key] = {}

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(Static(id="pending"), id="pending-keys")

    async def read(self) -> None:
        listed = {it.id: it for it in await self.visit.services.keys.list(self.visit.caller)}
        self._known |= {it: listed[it] for it in self._ids if it in listed}
        waiting = [it for it in self._ids if it in listed and listed[it].state == "pending"]
        text = self._intro(len(waiting))
        for key_id in self._ids:
            text.append("\n\n").append_text(self._block(self._known.get(key_id), key_id in listed))
        show_words(self.query_one("#pending", Static), text)

    def _intro(self, waiting: int) -> Text:
        if not waiting:
            return Text("Nothing waits here any more.")
        keys = "1 key waits" if waiting == 1 else f"{waiting} keys wait"
        return Text(f"{keys} to be confirmed. On the computer that has the key, its holder runs the command below.")

    def _block(self, key: Key | None, is_listed: bool) -> Text:
        if key is None:
            return Text("A key that is not on the list any more.")
        text = Text(plain_text(key.name), "bold").append(f"  {key.fingerprint}\n", "not bold")
        if not is_listed:
            return text.append("✗ removed from the list", "not bold")
        if key.state == "pending":
            command = self.visit.ssh_with_key(f"confirm {key.confirm_code}")
            return text.append("pending, code ", "not bold").append(f"{key.confirm_code}\n").append(f"  {command}")
        return text.append("✓ confirmed: it opens your account now", "not bold")

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def _understood(it: PublicKey) -> Text:
    name = plain_text(it.comment).strip() or "unnamed"
    return Text(f"✓ {name}  {it.line.split()[0]}  {short_fingerprint(it.fingerprint)}", no_wrap=True)
