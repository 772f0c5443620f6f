"""What all screens of the product have in common: they read, they show, they are told of changes, they never lie."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextvars import Context
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import Worker

from capsul.errors import CapsulError, Unavailable
from capsul.models import Change
from capsul_tui.visit import Visit
from capsul_tui.widgets.bars import Equivalent, KeyBar, PlacesBar, Says, TopBar
from capsul_tui.widgets.line import Line
from capsul_tui.widgets.table import Table

if TYPE_CHECKING:
    from capsul_tui.app import CapsulApp

Result = TypeVar("Result")
Answer = TypeVar("Answer")

_AGAIN_SECONDS = 3.0
"""After a reading that failed."""
_LATE_SECONDS = 4.0
"""A reading that takes longer than this has no answer yet: what is shown may be old."""
_MOST_FILTERED = 200
"""Characters of a filter: all rows are asked for each of its words at every key."""
_A_MOMENT = 0.3
"""Seconds in which nobody wonders what goes on."""


def beside(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = False
) -> Worker[None]:
    """Does it beside everything else. Not a coroutine: one that is cancelled before its first step complains."""
    worker: Worker[None] = node.run_worker(partial(_while_there, node, work), group=group, exclusive=exclusive)
    return worker


async def _while_there(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await work()
    except NoMatches:
        # What is closed loses its parts first, and is cancelled then: in between, an answer finds nowhere to stand.
        if node.is_attached and not node._pruning:
            raise


class CapsulScreen(Screen[Result], Generic[Result]):
    """A screen over services. Those that show something say in `TABLES` what it is made of, and read it in `read`."""

    TABLES: ClassVar[frozenset[str]] = frozenset()
    """Whose changes make it read again at once."""
    EVERY_SECONDS: ClassVar[float | None] = None
    """How often it reads again although nothing was said to have changed: for what time alone changes."""
    LEAST_SECONDS: ClassVar[float] = 0.0
    """Between two readings, however much news there is."""
    WHERE: ClassVar[str] = ""
    """Its name, in the top line."""
    PLACE: ClassVar[str] = ""
    """Its name among the screens that are one key away, if it is one of them."""
    COMMAND: ClassVar[str] = ""
    """What shows the same by `ssh host COMMAND`."""
    HELP: ClassVar[str] = ""
    """What there is to know about it, in Markdown's plainest form, beside its keys."""
    AUTO_FOCUS: ClassVar[str | None] = "Table"

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit
        self._news = asyncio.Event()
        self._shown = asyncio.Event()
        self._doing: Worker[None] | None = None
        self._is_ill = False
        self._read_at: datetime | None = None
        self._top = TopBar(visit.services.settings.provider_name, self.WHERE)
        self._says = Says()
        self.equivalent = Equivalent(f"{visit.ssh} {self.COMMAND}" if self.COMMAND else "")

    @property
    def capsul_app(self) -> "CapsulApp":
        """The App, as what it is."""
        return cast("CapsulApp", self.app)

    # What a screen is made of

    def compose(self) -> ComposeResult:
        yield self._top
        if self.PLACE:
            yield PlacesBar(self.capsul_app.places, self.PLACE)
        yield from self.body()
        yield from self.feet()

    def feet(self) -> Iterable[Widget]:
        """What stands below everything."""
        yield self._says
        yield self.equivalent
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """What stands between the bars."""
        return ()

    async def read(self) -> None:
        """Reads what is shown, and shows it. May raise CapsulError: then what was shown stays, and says so."""

    def on_mount(self) -> None:
        self._top.tell(whose=self.capsul_app.whose)
        if self.TABLES or self.EVERY_SECONDS:
            # Textual calls the handlers of all classes of a screen, also of those that call each other: once is enough.
            beside(self, self._keep_reading, group="reading", exclusive=True)

    # News

    def hear(self, changes: Iterable[Change]) -> None:
        """Something changed; called by the App for every screen, shown or not."""
        if any(self.concerns(change) for change in changes):
            self.read_again()

    def concerns(self, change: Change) -> bool:
        """Whether a change is one of what is shown. A change without a table may be any."""
        return change.table in self.TABLES or not change.table

    def read_again(self) -> None:
        """Soon."""
        self._news.set()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        # Its widgets have their styles since they are there, and get others with another theme, shown or not.
        event.refresh_styles = False
        self._top.tell(whose=self.capsul_app.whose)
        self._shown.set()

    def on_screen_suspend(self) -> None:
        self._shown.clear()

    async def _keep_reading(self) -> None:
        while True:
            self._news.clear()
            late = self.set_timer(_LATE_SECONDS, self._say_old)
            pause = self.EVERY_SECONDS if await self._read_once() else _AGAIN_SECONDS
            late.stop()
            self.capsul_app.take_keys()
            await asyncio.sleep(self.LEAST_SECONDS)
            await self._news_or(pause)
            # While nobody sees it, nothing is read: the newest will do, once somebody does.
            await self._shown.wait()

    async def _news_or(self, pause: float | None) -> None:
        """Returns when there is news, or after so many seconds."""
        loop = asyncio.get_running_loop()
        # A timer keeps the context that it was set in until its time, though it is cancelled: none of this session's.
        timer = loop.call_later(pause, self._news.set, context=Context()) if pause is not None else None
        try:
            await self._news.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _read_once(self) -> bool:
        try:
            await self.read()
        except Unavailable as error:
            self._say_old()
            self.say(error.message, "bad")
            self._is_ill = True
            return False
        except CapsulError as error:
            self.say(error.message, "bad")
            return True
        if self._is_ill:
            self._is_ill = False
            self.say("")
        connected = self.visit.services.changes.connected
        self._read_at = datetime.now(UTC)
        self._top.tell_state("live" if connected else f"as of {self._as_of()}, reconnecting", connected)
        return connected

    def _say_old(self) -> None:
        self._top.tell_state(f"not up to date since {self._as_of()}", False)

    def _as_of(self) -> str:
        return f"{self._read_at:%H:%M:%S} UTC" if self._read_at else "the start"

    # Doing

    def attempt(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does something that may take time or be refused; a refusal is said, with its reason.

        One thing at a time: while it goes on, the same key again does nothing. The work may ask, by
        `await self.app.push_screen_wait(dialog)`, and shows what goes on by `busy`.
        """
        if self._doing is None or self._doing.is_finished:
            self.say("")
            self._doing = beside(self, partial(self._attempt, work), group="attempt")

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except CapsulError as error:
            self.refused(error)

    async def busy(self, doing: str, work: Awaitable[Answer]) -> Answer:
        """Waits for a service; if that takes longer than a moment, says what is going on meanwhile."""
        going_on = f"{doing} …"
        slow = self.set_timer(_A_MOMENT, lambda: self.say(going_on))
        try:
            return await work
        finally:
            slow.stop()
            if self.said == going_on:
                self.say("")

    def refused(self, error: CapsulError) -> None:
        """Says why something is not done, and what can be."""
        self.say(self.capsul_app.in_words(error), "bad")

    def say(self, text: str, kind: str = "") -> None:
        """A sentence for the person: `kind` is "bad", "good" or nothing."""
        if self.is_mounted:
            self._says.say(text, kind)

    def why_not(self, action: str) -> str:
        """Why a key's action makes no sense now, in a sentence; empty when it does.

        A key of which this says something is not shown, and says it when it is pressed.
        """
        del action
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if self.why_not(action) else super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if reason := self.why_not(binding.action):
                event.stop()
                self.say(reason, "bad")

    @property
    def said(self) -> str:
        """The sentence that stands there now."""
        return self._says.text

    def where(self, words: str) -> None:
        """Names what is shown, in the top line."""
        self._top.tell(where=words)

    def action_back(self) -> None:
        self.dismiss(None)


class ListScreen(CapsulScreen[None]):
    """A screen that is mostly one list, which can be filtered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("ctrl+r", "read_again", "Read again", show=False),
        Binding("escape", "back", "Back"),
    ]

    def feet(self) -> Iterable[Widget]:
        yield FilterInput()
        yield from super().feet()

    @property
    def table(self) -> Table:
        """The list."""
        return self.query_one(Table)

    def action_filter(self) -> None:
        self.query_one(FilterInput).open(self.table.words)

    def action_read_again(self) -> None:
        self.read_again()

    def action_back(self) -> None:
        if self.table.words:
            self._filter("")
        else:
            self.leave()

    def leave(self) -> None:
        """What Esc does when there is no filter to take away."""
        self.dismiss(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        if isinstance(event.input, FilterInput):
            event.stop()
            self._filter(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if isinstance(event.input, FilterInput):
            event.stop()
            event.input.close()
            self.table.focus()

    def _filter(self, words: str) -> None:
        self.table.words = words
        shown, there_are = self.table.count
        self.say(f"{shown} of {there_are} have “{words}”. Esc shows all." if words else "")


class FilterInput(Line):
    """Appears on `/`, goes with Enter, and with Esc takes the filter away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Show all")]

    def __init__(self) -> None:
        super().__init__("", "words that it must have, or !words that it must not", _MOST_FILTERED)
        self.display = False

    def open(self, words: str) -> None:
        self.display = True
        self.value = words
        # At once: what is typed next is for this line already.
        self.screen.set_focus(self)

    def close(self) -> None:
        self.display = False

    def action_give_up(self) -> None:
        self.value = ""
        self.close()
        screen = self.screen
        if isinstance(screen, ListScreen):
            screen.table.focus()

    def on_blur(self, event: events.Blur) -> None:
        del event
        self.close()
