"""What all screens of operators have in common: another look, and a way out when the key is an operator's no more."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from capsul.errors import CapsulError, NotPermitted
from capsul.models import Caller, Change
from capsul_tui.screens.base import CapsulScreen, ListScreen, beside
from capsul_tui.visit import Visit
from capsul_tui.widgets.table import Row, Table

_PAGE = 100
"""Rows that are read at first, and more of each time somebody comes to the last of them."""


class ForOperators(CapsulScreen[None]):
    """A screen over what only operators may see. It asks before each reading whether they still may."""

    # They hear of everybody's changes, and on a busy day there is always one.
    LEAST_SECONDS = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(number), f"app.go('{number}')", name, show=False, tooltip=name)
        for number, name in enumerate(
            (
                "the board: everything at a glance",
                "all accounts",
                "the hosts",
                "everybody's operations",
                "what is said to everybody",
                "topups that need a person",
                "who did what",
            )
        )
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._key_id = str(visit.caller.key_id)
        self.add_class("operator")

    def on_mount(self) -> None:
        self.where(self.WHERE)

    def where(self, words: str) -> None:
        super().where(f"OPERATOR / {words}")

    def hear(self, changes: Iterable[Change]) -> None:
        """Of a change of the key that opened these screens too, whatever is being asked above them."""
        news = list(changes)
        if any(it.table == "ssh_key" and it.id == self._key_id for it in news):
            beside(self, self._leave_if_no_operator, group="key")
        super().hear(news)

    async def _leave_if_no_operator(self) -> None:
        try:
            await self.operator()
        except NotPermitted as error:
            self.turn_away(error)
        except CapsulError:
            # Whatever is read or done next asks again.
            return

    async def operator(self) -> Caller:
        """Whose key is an operator's at this moment. Raises NotPermitted when it is none any more."""
        who = await self.visit.look_up()
        if not isinstance(who, Caller) or not who.operator:
            raise NotPermitted("This key is not an operator's any more: another operator changed that.")
        return who

    async def read(self) -> None:
        try:
            await self.look(await self.operator())
        except NotPermitted as error:
            self.turn_away(error)

    async def look(self, operator: Caller) -> None:
        """Reads what is shown as an operator, and shows it."""

    def refused(self, error: CapsulError) -> None:
        if isinstance(error, NotPermitted):
            self.turn_away(error)
        else:
            super().refused(error)

    def turn_away(self, error: NotPermitted) -> None:
        """Closes all that is for operators, with whatever was asked there, and says why at home."""
        app = self.capsul_app
        while any(isinstance(it, ForOperators) for it in app.screen_stack):
            app.pop_screen()
        if isinstance(app.screen, CapsulScreen):
            app.screen.refused(error)


class OperatorList(ForOperators, ListScreen):
    """A list of everybody's. It is read a page at a time: coming to the end of what is there brings more."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self.limit = _PAGE
        self._end: str | None = None
        """The last row that was read, if there may be more after it."""

    def show(self, rows: Sequence[Row]) -> None:
        """Shows what was read."""
        self._end = rows[-1].key if len(rows) >= self.limit else None
        self.table.show(rows)

    @property
    def has_more(self) -> bool:
        """Whether there may be more than was read."""
        return self._end is not None

    def on_table_moved(self, event: Table.Moved) -> None:
        event.stop()
        if self._end is not None and event.key == self._end:
            self.limit += _PAGE
            self.read_again()
        self.moved_to(event.key)

    def moved_to(self, key: str | None) -> None:
        """The cursor is on another thing, or on none."""

    def _filter(self, words: str) -> None:
        super()._filter(words)
        if words and self.has_more:
            shown, there_are = self.table.count
            self.say(f"{shown} of the first {there_are} have “{words}”. Esc shows all, and at its end more is read.")


class Lines(Table):
    """A list of which there is no more to see than its lines, and what stands below them."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return super().check_action(action, parameters) if action != "open" else False

    def action_open(self) -> None:
        """By a click, too."""
