"""What is said to everybody, and was."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from capsul.errors import NotPermitted, Refused
from capsul.models import Announcement, Caller
from capsul.rules import plain_text
from capsul.text import moment, when
from capsul_tui.screens.dialogs import ConfirmDialog
from capsul_tui.screens.operator.base import Lines, OperatorList
from capsul_tui.screens.operator.dialogs import AnnounceDialog
from capsul_tui.screens.operator.words import shell_words
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Cell, Column, Row
from capsul_tui.widgets.words import show_words

_TELLING = 300
"""Characters that are shown where somebody is asked whether they are sure."""


class AnnouncementsScreen(OperatorList):
    """Newest first, with those that have ended; below, the one under the cursor as members see it."""

    WHERE = "Announcements"
    PLACE = "Announcements"
    COMMAND = "admin announcements"
    TABLES = frozenset({"announcement"})
    EVERY_SECONDS: ClassVar[float | None] = 30.0
    HELP = """\
What is said to everybody: it stands on the first screen of every member, newest first, until it is ended.

a says something: you see how it will look while you type, and are asked once more before it is said. e ends the
announcement under the cursor: nobody is shown it from then on, and it stays on this list."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "announce", "Announce", tooltip="say something to everybody"),
        Binding("e", "end", "End", tooltip="show it to nobody any more"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._said: dict[str, Announcement] = {}

    def body(self) -> Iterable[Widget]:
        yield Lines(
            Column("Said (UTC)", yields=1),
            "Shown",
            Column("Words", squeezes=True, least=20),
            empty="Nothing was ever said. Press a to say something.",
        )
        yield Static(id="announcement", classes="preview")

    async def look(self, operator: Caller) -> None:
        found = await self.visit.services.operators.announcements(operator, self.limit)
        self._said = {str(it.id): it for it in found}
        self.show([_row(it) for it in found])
        shown = sum(not _is_over(it) for it in found)
        self.where(f"Announcements: {shown or 'none'} shown now")
        self._show_words()

    def moved_to(self, key: str | None) -> None:
        self._show_words()

    def _show_words(self) -> None:
        it = self._current
        words = Text(f"{moment(it.created_at)}: {plain_text(it.text)}") if it else Text()
        show_words(self.query_one("#announcement", Static), words)
        self.refresh_bindings()

    @property
    def _current(self) -> Announcement | None:
        return self._said.get(self.table.current or "")

    def why_not(self, action: str) -> str:
        if action != "end":
            return ""
        if (it := self._current) is None:
            return "There is no announcement here to end."
        return "It has ended: nobody is shown it." if _is_over(it) else ""

    def action_announce(self) -> None:
        self.attempt(self._announce)

    async def _announce(self) -> None:
        words: str | None = ""
        refusal = ""
        while words is not None:
            words = await self.app.push_screen_wait(AnnounceDialog(self.visit.ssh, words, refusal))
            command = f"announce {shell_words(words or '')}"
            if words is None or not await self._is_sure("Say this to everybody?", words, command):
                continue
            try:
                announcing = self.visit.services.operators.announce(await self.operator(), words)
                await self.busy("telling everybody", announcing)
            except NotPermitted:
                raise
            except Refused as error:
                refusal = error.message
            else:
                self.say("Said to everybody.", "good")
                self.read_again()
                return

    async def _is_sure(self, question: str, words: str, command: str) -> bool:
        dialog = ConfirmDialog(question, [_shortened(words)], f"{self.visit.ssh} admin {command}")
        dialog.add_class("operator")
        return await self.app.push_screen_wait(dialog)

    def action_end(self) -> None:
        self.attempt(self._end_current)

    async def _end_current(self) -> None:
        it = self._current
        if it is None or not await self._is_sure(
            "End this announcement? Nobody is shown it any more.", it.text, f"announcements end {it.id}"
        ):
            return
        ending = self.visit.services.operators.end_announcement(await self.operator(), it.id)
        await self.busy("ending it", ending)
        self.say("It has ended: nobody is shown it any more.", "good")
        self.read_again()


def _shortened(words: str) -> str:
    """As much of it as tells which one it is."""
    return words if len(words) <= _TELLING else f"{words[: _TELLING - 1]}…"


def _is_over(it: Announcement) -> bool:
    return it.ends_at is not None and it.ends_at <= datetime.now(UTC)


def _row(it: Announcement) -> Row:
    if _is_over(it):
        shown = Cell(f"till {when(it.ends_at)}", "off")
    else:
        shown = Cell(f"until {when(it.ends_at)}" if it.ends_at else "now", "good")
    return Row(str(it.id), (when(it.created_at), shown, it.text), str(it.id))
