"""ctrl+p: finds anything by a part of its name."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from capsul_tui.screens.base import CapsulScreen

if TYPE_CHECKING:
    from capsul_tui.app import CapsulApp


class Palette(Provider):
    """What the screen beneath can do, the other screens, and the commands."""

    async def discover(self) -> Hits:
        for name, what, run in self._entries():
            yield DiscoveryHit(name, run, help=what)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, what, run in self._entries():
            if (score := matcher.match(f"{name} {what}")) > 0:
                yield Hit(score, matcher.highlight(name), run, help=what)

    def _entries(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        app = cast("CapsulApp", self.app)
        if isinstance(self.screen, CapsulScreen):
            for active in self.screen.active_bindings.values():
                binding = active.binding
                # Not what moves about: that is known, or found in the help.
                wanted = binding.description and (binding.show or binding.tooltip) and active.node is not app
                if active.enabled and wanted:
                    key = binding.key
                    what = binding.tooltip or f"on this screen, key {app.get_key_display(binding)}"
                    yield binding.description, what, partial(app.simulate_key, key)
        for key, name in app.places:
            yield name, f"key {key}", partial(app.simulate_key, key)
        yield "Help", "what this screen is for, and its keys", app.action_help
        yield "Light or dark", "for a terminal with the other background", app.action_turn_theme
        for command, what in app.visit.commands():
            yield f": {command}", what, partial(app.open_command_line, f"{command} ")
        yield "Quit", "your capsuls keep running", app.action_leave
