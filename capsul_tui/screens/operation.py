"""Something that is being done to a capsul, step by step."""

import time
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from capsul.models import Capsul, Change, Operation, OperationKind, Step
from capsul.rules import plain_text
from capsul.text import moment, tone
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.screens.capsul_words import ssh_to
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Facts
from capsul_tui.widgets.table import Cell
from capsul_tui.widgets.words import show_words

STEPS: dict[OperationKind, dict[str, str]] = {
    "create": {"disk": "prepared from the image", "definition": "made known to its host", "boot": "switched on"},
    "start": {"definition": "made known to its host", "boot": "switched on"},
    "stop": {"shutdown": "its system asked to shut down"},
    "restart": {
        "shutdown": "its system asked to shut down",
        "definition": "made known to its host",
        "boot": "switched on",
    },
    "kill": {"power off": "switched off"},
    "destroy": {
        "power off": "switched off",
        "definition": "its host forgets it",
        "disk": "deleted",
        "absence": "its host asked whether it is gone",
    },
}
"""What is done in each, in order, and what that means."""

_ADVICE: dict[OperationKind, str] = {
    "create": "What was begun is cleared away, and costs nothing. Press c at home to create another one.",
    "start": "Press Enter to open the capsul, and s there to try again.",
    "stop": "Press Enter to open the capsul: S there asks it again, x pulls the plug.",
    "restart": "Press Enter to open the capsul: its state says what can be done now.",
    "kill": "Press Enter to open the capsul, and x there to try again.",
    "destroy": "It costs nothing any more. We go on clearing it away: there is nothing for you to do.",
}
_SIGNS = {"running": "▸", "done": "✓", "failed": "✗", "queued": "·"}


class OperationScreen(CapsulScreen[None]):
    """How far it is, as it happens."""

    WHERE = "Operation"
    COMMAND = "operation ID --wait"
    TABLES = frozenset({"operation", "operation_step", "capsul"})
    AUTO_FOCUS = None
    HELP = """\
What was asked for is done in steps, each in its turn. Their times are those of our clock: leaving, or losing the line,
changes nothing. Home shows what is under way, and every capsul's screen lists what was done to it.

If a step fails, it says why, and the capsul is left in a state that is safe."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open the capsul"),
        Binding("o", "open", "Open the capsul", show=False),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, visit: Visit, operation_id: str, capsul_id: str) -> None:
        super().__init__(visit)
        self.operation_id = operation_id
        self.capsul_id = capsul_id
        self._operation: Operation | None = None
        self._capsul: Capsul | None = None
        self._seen_at = 0.0
        self.equivalent.tell(f"{visit.ssh} operation {operation_id} --wait")

    def body(self) -> Iterable[Widget]:
        yield Facts(id="operation", wraps=True)
        yield Facts(id="steps")
        yield Static(id="what-now")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    def concerns(self, change: Change) -> bool:
        return super().concerns(change) and change.id in ("", self.operation_id, self.capsul_id)

    async def read(self) -> None:
        services, caller = self.visit.services, self.visit.caller
        self._operation = await services.operations.show(caller, self.operation_id)
        self._capsul = await services.capsuls.show(caller, self.capsul_id)
        self._seen_at = time.monotonic()
        self._show(self._operation, self._capsul)

    def _tick(self) -> None:
        if self._operation is not None and not self._operation.ended and self.is_current:
            self._show_steps(self._operation)

    def _show(self, it: Operation, capsul: Capsul) -> None:
        self.where(f"{it.kind} {it.capsul_name}")
        self.query_one("#operation", Facts).show(
            [
                ("What", f"{it.kind} {it.capsul_name}"),
                ("State", Cell(f"{_SIGNS[it.state]} {_state(it)}", tone(it.state))),
                ("Asked for", moment(it.created_at)),
                ("Log in", (ssh_to(capsul) or None) if it.state == "done" and capsul.state == "running" else None),
            ]
        )
        self._show_steps(it)
        show_words(self.query_one("#what-now", Static), _what_now(it, capsul, self.visit.services.settings.contact))
        self.refresh_bindings()

    def _show_steps(self, it: Operation) -> None:
        since = time.monotonic() - self._seen_at
        begun = {step.name: step for step in it.steps}
        names = [*STEPS[it.kind], *(name for name in begun if name not in STEPS[it.kind])]
        longest = max(len(name) for name in names)
        lines = [
            (f"{name.ljust(longest)}  {STEPS[it.kind].get(name, '')}", _step(begun.get(name), since, it.ended))
            for name in names
        ]
        self.query_one("#steps", Facts).show(lines)

    def why_not(self, action: str) -> str:
        if action == "open" and (self._operation is None or not self._operation.ended):
            return "It is not done yet. You may leave: it goes on without you."
        return ""

    def action_open(self) -> None:
        self.capsul_app.open_capsul(self.capsul_id)


def _state(it: Operation) -> str:
    if it.state == "queued":
        return "waits for its turn"
    if not it.ended or it.finished_at is None or it.started_at is None:
        return "under way"
    return f"{it.state} after {(it.finished_at - it.started_at).total_seconds():.1f} s"


def _step(step: Step | None, since: float, ended: bool) -> Cell:
    if step is None:
        return Cell("· not reached" if ended else "· to come", "off")
    seconds = f"{int(step.seconds + since)} s" if step.state == "running" else f"{step.seconds:.1f} s"
    return Cell(f"{_SIGNS[step.state]} {step.state.ljust(8)} {seconds.rjust(8)}", tone(step.state))


def _what_now(it: Operation, capsul: Capsul, contact: str) -> str:
    if not it.ended:
        return "You may leave: it goes on without you, and home shows how far it is."
    if it.state == "failed":
        why = it.reason or "It failed, and nobody said why."
        return f"{plain_text(why)}\n\n{_ADVICE[it.kind]} If that does not help, write to {contact}, and name {it.id}."
    if it.kind == "destroy":
        return f"{plain_text(it.capsul_name)} is gone, and costs nothing any more. Press Esc to go back."
    return f"{plain_text(capsul.name)} is {capsul.state}. Press Enter to open it."
