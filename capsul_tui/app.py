"""The product as a Textual App: a table of screens and keys. It decides nothing."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Literal

from rich.console import Console
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import ANSIToTruecolor, LineFilter
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.worker import WorkerFailed

from capsul.errors import CapsulError, Unavailable
from capsul.models import Caller, Change, Guest
from capsul_tui.colours import Ascii, To256, WithoutColours
from capsul_tui.driver import ChannelDriver, Wire
from capsul_tui.keyboard import BackgroundSeen
from capsul_tui.live import follow
from capsul_tui.palette import Palette
from capsul_tui.places import OPERATOR_PLACES, PLACES, Place
from capsul_tui.quirks import tame_textual
from capsul_tui.screens.base import CapsulScreen, beside
from capsul_tui.screens.capsul import CapsulDetailScreen
from capsul_tui.screens.command_line import CommandLineScreen
from capsul_tui.screens.guest import GuestScreen
from capsul_tui.screens.help import HelpScreen
from capsul_tui.screens.home import HomeScreen
from capsul_tui.screens.operation import OperationScreen
from capsul_tui.screens.operator.account import AccountScreen
from capsul_tui.screens.operator.base import ForOperators
from capsul_tui.screens.topup import TopupScreen
from capsul_tui.shared_styles import share_styles, variables_of
from capsul_tui.terminal import Depth
from capsul_tui.theme import DARK, LIGHT, SIXTEEN, THEMES
from capsul_tui.visit import Visit

_MOMENT = 0.2
"""Seconds for which nobody minds that a terminal is empty."""

LEFT, BROKEN = 0, 1
"""Exit statuses: the person left, or something broke on our side."""

_COLOUR_SYSTEMS: dict[Depth, Literal["truecolor", "256", "standard"]] = {
    "truecolor": "truecolor",
    "256": "256",
    "16": "standard",
    "none": "standard",
}
"""As rich calls them."""


class CapsulApp(App[int]):
    """One session."""

    CSS_PATH = "capsul.tcss"
    LOOK_UP_SECONDS: ClassVar[float] = 45.0
    """How often it is asked whether the key of the session still opens the account."""
    COMMANDS: ClassVar[set[type[Palette]]] = {Palette}  # type: ignore[assignment]  # Textual's is of any providers
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("f1", "help", "Help", key_display="f1"),
        Binding("colon", "command", "Command", key_display=":", show=False),
        Binding("ctrl+c", "leave", "Quit", priority=True),
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True),
        Binding("ctrl+t", "turn_theme", "Light or dark", show=False),
        *(Binding(place.key, f"go('{place.key}')", place.name, show=False) for place in PLACES),
    ]

    def __init__(
        self,
        visit: Visit,
        wire: Wire | None = None,
        has_driver: Callable[[ChannelDriver], None] = lambda driver: None,
    ) -> None:
        tame_textual()
        share_styles()
        driver = partial(ChannelDriver, wire=wire, asks=visit.terminal.answers, begun=has_driver) if wire else None
        super().__init__(driver_class=driver)  # type: ignore[arg-type]  # any factory will do
        self._is_held_back = False
        # The server's NO_COLOR is not the person's.
        self.no_color = False
        self.visit = visit
        self.whose = ""
        """Whose account it is, for the top line."""
        self.problem: CapsulError | None = None
        """What to tell the person once the terminal is theirs again."""
        self._depth = visit.terminal.depth
        self._line_filters = self._filters_for_terminal()
        self.console = Console(
            file=self.console.file,
            color_system=_COLOUR_SYSTEMS[self._depth],
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
            force_terminal=True,
            _environ={},
        )
        # The cursor glides over nobody's network.
        self.animation_level = "none"
        self._begin_with_theme(SIXTEEN.name if self._depth in ("16", "none") else DARK.name)

    # The terminal

    def _begin_with_theme(self, name: str) -> None:
        """Before anything has a style: set as usual, it would have everything styled twice."""
        for theme in THEMES:
            self.register_theme(theme)
        self.set_reactive(CapsulApp.theme, name)
        self._styled_by = name
        # Or else the sixteen colours of a terminal would be taken for those of Textual's own, and none for some.
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_css_variables(self) -> dict[str, str]:
        """Of a theme of ours, made once a process."""
        if self.theme not in [theme.name for theme in THEMES]:
            return super().get_css_variables()
        self.theme_variables = variables_of(self.theme)
        return self.theme_variables

    def refresh_css(self, animate: bool = True) -> None:
        """Only if another theme was chosen: Textual does it at the start as well."""
        if self.theme != self._styled_by:
            self._styled_by = self.theme
            super().refresh_css(animate)
            for screen in self.screen_stack:
                for node in screen.walk_children(Widget):
                    # Words have colours that no stylesheet knows of.
                    node.refresh()

    def _filters_for_terminal(self) -> list[LineFilter]:
        filters: list[LineFilter] = []
        if self._depth == "256":
            filters.append(To256())
        if self._depth == "none":
            filters.append(WithoutColours())
        if not self.visit.terminal.has_unicode:
            filters.append(Ascii())
        return filters

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own go by the environment of the server, but for the one that a theme of sixteen does without."""
        to_truecolor = () if self.native_ansi_color else super().get_line_filters()
        return [*(it for it in to_truecolor if isinstance(it, ANSIToTruecolor)), *self._line_filters]

    def on_background_seen(self, event: BackgroundSeen) -> None:
        if self._depth in ("truecolor", "256"):
            self.theme = LIGHT.name if event.is_light else DARK.name

    def action_turn_theme(self) -> None:
        if self._depth in ("truecolor", "256"):
            self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def copy_to_clipboard(self, text: str) -> None:
        """By OSC 52: whether the terminal did it, nobody can know from here."""
        self._clipboard = text
        if isinstance(self._driver, ChannelDriver):
            self._driver.say(f"\x1b]52;c;{b64encode(text.encode()).decode()}\x07")

    def _set_pointer_shape(self, shape: str) -> None:
        """Nothing: it would stay after the last screen, and terminals that do not know it print it."""

    def take_keys(self) -> None:
        """The first screen is there: what was typed ahead is for it."""
        self._show()
        if isinstance(self._driver, ChannelDriver):
            self._driver.take_keys()

    def _hold_back(self) -> None:
        """Draws nothing until there is something to see, or a moment is over: once, not first without and then with."""
        if isinstance(self._driver, ChannelDriver):
            self._is_held_back = True
            self._begin_batch()
            self.set_timer(_MOMENT, self._show)

    def _show(self) -> None:
        if self._is_held_back:
            self._is_held_back = False
            self._end_batch()
            self.screen.refresh(layout=True)

    # Who is there

    def get_default_screen(self) -> Screen[object]:
        """Where somebody begins: a guest at the door, a member at home."""
        return self._first_screen()  # type: ignore[return-value]  # nobody waits for what it returns

    def _first_screen(self) -> CapsulScreen[None]:
        return GuestScreen(self.visit) if isinstance(self.visit.who(), Guest) else HomeScreen(self.visit)

    def on_mount(self) -> None:
        self._hold_back()
        self._follow(self.visit.who())
        # That a key expires, nobody tells.
        self.set_interval(self.LOOK_UP_SECONDS, lambda: self._look_up_beside(or_end=True))

    def _follow(self, who: Caller | Guest) -> None:
        changes = self.visit.services.changes
        beside(self, partial(follow, changes, who, self._tell), group="live", exclusive=True)

    def _look_up_beside(self, *, or_end: bool) -> None:
        self.run_worker(self._look_up(or_end), group="who", exclusive=True)

    async def _look_up(self, or_end: bool) -> None:
        """Goes on with what the key may do now. When it opens nothing any more, the door ends all that goes by it; of
        what the door is not told of, it is for us to end it."""
        try:
            before, now = self.visit.who(), await self.visit.look_up()
        except Unavailable:
            return
        except CapsulError as error:
            if or_end:
                self.problem = error
                self.exit(BROKEN)
            return
        if isinstance(before, Caller) and isinstance(now, Caller) and before.operator != now.operator:
            self._follow(now)

    def _is_of_this_key(self, change: Change) -> bool:
        who = self.visit.who()
        return change.table == "ssh_key" and isinstance(who, Caller) and change.id == str(who.key_id)

    def _tell(self, news: Sequence[Change]) -> None:
        if any(self._is_of_this_key(change) for change in news):
            self._look_up_beside(or_end=False)
        for screen in self.screen_stack:
            if isinstance(screen, CapsulScreen):
                screen.hear(news)

    def become_member(self) -> None:
        """The guest has an account now. What they saw as a guest is never returned to."""
        self._follow(self.visit.who())
        self.push_screen(HomeScreen(self.visit))

    def is_operator(self) -> bool:
        """Whether the key of this session is an operator's."""
        who = self.visit.who()
        return isinstance(who, Caller) and who.operator

    # Keys that are the same everywhere

    @property
    def places(self) -> list[tuple[str, str]]:
        """Keys and names of the screens that are one key away."""
        return [(place.key, place.name) for place in self._places]

    @property
    def _places(self) -> Sequence[Place]:
        """Those of operators while somebody is among what is for operators."""
        return OPERATOR_PLACES if any(isinstance(it, ForOperators) for it in self.screen_stack) else PLACES

    async def action_go(self, key: str) -> None:
        """To one of the places: what was open above the first of them is left."""
        first_place = self._places[0]
        first = next((it for it in self.screen_stack if isinstance(it, first_place.screen)), None)
        place = next((it for it in self._places if it.key == key), None)
        if first is None or place is None or isinstance(self.screen, ModalScreen):
            return
        while self.screen is not first:
            await self.pop_screen()
        if place is not first_place:
            await self.push_screen(place.screen(self.visit))

    def open_account(self, account_id: str) -> None:
        """All about it, for operators: the screen that is open beneath, if there is one."""
        self.call_later(self._open_account, account_id)

    async def _open_account(self, account_id: str) -> None:
        beneath = [it for it in self.screen_stack if isinstance(it, AccountScreen) and it.account_id == account_id]
        while beneath and self.screen is not beneath[-1]:
            await self.pop_screen()
        if not beneath:
            await self.push_screen(AccountScreen(self.visit, account_id))

    def get_key_display(self, binding: Binding) -> str:
        """Old fonts have no sign for the Enter key: there it is called by its name."""
        shown = super().get_key_display(binding)
        return shown if self.visit.terminal.has_braille else shown.replace("⏎", "enter")

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen) and isinstance(self.screen, CapsulScreen):
            self.push_screen(HelpScreen(self.visit, self.screen))

    def action_command(self) -> None:
        self.open_command_line("")

    def open_command_line(self, line: str) -> None:
        """The same commands as over ssh; `line` stands there already."""
        self.push_screen(CommandLineScreen(self.visit, line))

    def open_topup(self, amount: int | None = None) -> None:
        """Where credit is bought; `amount` in micro-units is proposed."""
        self.push_screen(TopupScreen(self.visit, amount))

    def open_capsul(self, capsul_id: str) -> None:
        """Its screen: the one that is open beneath, if there is one."""
        self.call_later(self._open_capsul, capsul_id)

    async def _open_capsul(self, capsul_id: str) -> None:
        def is_it(screen: Screen[object]) -> bool:
            return isinstance(screen, CapsulDetailScreen) and screen.capsul_id == capsul_id

        if any(is_it(screen) for screen in self.screen_stack):
            while not is_it(self.screen):
                await self.pop_screen()
        elif isinstance(self.screen, OperationScreen):
            await self.switch_screen(CapsulDetailScreen(self.visit, capsul_id))
        else:
            await self.push_screen(CapsulDetailScreen(self.visit, capsul_id))

    def action_leave(self) -> None:
        self.exit(LEFT)

    # Words, and the end

    def in_words(self, error: CapsulError) -> str:
        """What a person is told of an error that was meant for them: commands in it are the ones they can type."""
        return error.message

    def _handle_exception(self, error: Exception) -> None:
        """Textual would print the traceback, with everything that was held, to the server's standard error."""
        cause = error.error if isinstance(error, WorkerFailed) else error
        if self.problem is None:
            self.problem = cause if isinstance(cause, CapsulError) else self.visit.report_bug(_as_exception(cause))
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._return_code = BROKEN
        self.exit(BROKEN)


def _as_exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(repr(error))
