"""What can be done with one capsul, a key each."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from capsul.errors import BadName, NameTaken
from capsul.models import Accepted, Caller, CapsulDetails, OperationKind
from capsul.rules import plain_text
from capsul_tui.screens.base import ListScreen
from capsul_tui.screens.capsul_words import ALREADY, lost, name_refusal, ssh_to, what_became_of, why_not
from capsul_tui.screens.dialogs import ConfirmDialog, DestroyDialog, TextDialog
from capsul_tui.visit import Visit


class CapsulActions(ListScreen):
    """A screen about one capsul, before anything is shown of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start"),
        Binding("S", "stop", "Stop", tooltip="ask its system to shut down"),
        Binding("r", "restart", "Restart", tooltip="shut down and start again"),
        Binding("x", "kill", "Kill", tooltip="pull the plug"),
        Binding("D", "destroy", "Destroy", tooltip="destroy it for good, disk and all"),
        Binding("n", "rename", "Rename"),
        Binding("y", "copy", "Copy ssh", tooltip="send the line to log in to your clipboard"),
    ]

    def __init__(self, visit: Visit, capsul_id: str) -> None:
        super().__init__(visit)
        self.capsul_id = capsul_id
        self.details: CapsulDetails | None = None
        """As they were last read."""
        self._asked = ""
        """The operation that was asked for here, until it has ended."""
        self._was_gone = False
        self._command = ("show", "")

    def why_not(self, action: str) -> str:
        it = self.details
        if action not in ("start", "stop", "restart", "kill", "destroy", "rename", "copy"):
            return ""
        if it is None:
            return "One moment: it is being looked at."
        if action == "copy":
            return "" if ssh_to(it.capsul) else f"{plain_text(it.capsul.name)} has no address to log in to."
        if action == "rename":
            return what_became_of(it.capsul)
        return why_not(it, action)  # type: ignore[arg-type]  # the kinds of operations are among these

    def action_start(self) -> None:
        self.attempt(lambda: self._ask_for("start", self.visit.services.capsuls.start))

    def action_stop(self) -> None:
        self.attempt(lambda: self._ask_for("stop", self.visit.services.capsuls.stop))

    def action_restart(self) -> None:
        self.attempt(self._restart)

    def action_kill(self) -> None:
        self.attempt(self._kill)

    def action_destroy(self) -> None:
        self.attempt(self._destroy)

    def action_rename(self) -> None:
        self.attempt(self._rename)

    def action_copy(self) -> None:
        if self.details is not None:
            line = ssh_to(self.details.capsul)
            self.app.copy_to_clipboard(line)
            self.say(f"Sent to your terminal, for its clipboard if it has one: {line}")

    async def _ask_for(self, kind: OperationKind, ask: Callable[[Caller, str], Awaitable[Accepted]]) -> None:
        self.tell_command(kind, f"--confirm {self.name_now}" if kind == "destroy" else "")
        accepted = await self.busy(f"asking for {kind}", ask(self.visit.caller, self.capsul_id))
        if accepted.operation is None:
            self.say(f"{self.name_now} {ALREADY[kind]} already.")
        else:
            self._asked = accepted.operation.id
            self.say(f"Asked for {kind}. You see here how it goes; it goes on if you leave.")
            self.read_again()

    async def _restart(self) -> None:
        consequences = ["Its system is asked to shut down, and it is started again."]
        if await self._confirm("restart", f"Restart {self.name_now}?", consequences):
            await self._ask_for("restart", self.visit.services.capsuls.restart)

    async def _kill(self) -> None:
        consequences = [
            "What it has not written to its disk is lost, as when the power fails.",
            "S asks its system to shut down instead.",
        ]
        if await self._confirm("kill", f"Pull the plug of {self.name_now}?", consequences):
            await self._ask_for("kill", self.visit.services.capsuls.kill)

    async def _confirm(self, command: str, question: str, consequences: Sequence[str]) -> bool:
        line = f"{self.visit.ssh} {command} {self.name_now}"
        return await self.app.push_screen_wait(ConfirmDialog(question, consequences, line))

    async def _destroy(self) -> None:
        if self.details is None:
            return
        line = f"{self.visit.ssh} destroy {self.name_now} --confirm {self.name_now}"
        typed = await self.app.push_screen_wait(DestroyDialog(self.name_now, lost(self.details), line))
        if typed is not None:
            destroy = self.visit.services.capsuls.destroy
            await self._ask_for("destroy", lambda caller, capsul_id: destroy(caller, capsul_id, typed))

    async def _rename(self) -> None:
        typed: str | None = self.name_now
        refusal = ""
        while True:
            typed = await self.app.push_screen_wait(
                TextDialog(
                    f"A new name for {self.name_now}",
                    typed or "",
                    refusal,
                    f"{self.visit.ssh} rename {self.name_now} {{}}",
                    "Small letters, digits and hyphens. Inside, it keeps the host name it was made with.",
                )
            )
            if typed is None:
                return
            try:
                renaming = self.visit.services.capsuls.rename(self.visit.caller, self.capsul_id, typed.strip())
                renamed = await self.busy("renaming", renaming)
            except (BadName, NameTaken) as error:
                refusal = name_refusal(error)
            else:
                self.say(f"It is called {renamed.name} now.", "good")
                return

    def say_what_came_of_it(self, it: CapsulDetails) -> None:
        """Of what was asked for on this screen, once it has ended; and of the capsul, once it has."""
        asked = next((operation for operation in it.operations if operation.id == self._asked), None)
        if asked is not None and asked.ended:
            self._asked = ""
            if asked.state == "failed":
                self.say(f"The {asked.kind} failed: {asked.reason}", "bad")
            else:
                self.say(f"The {asked.kind} is done. {self.name_now} is {it.capsul.state}.", "good")
        gone = what_became_of(it.capsul)
        if gone and not self._was_gone and (asked is None or asked.state != "failed"):
            self.say(gone)
        self._was_gone = bool(gone)

    @property
    def name_now(self) -> str:
        return plain_text(self.details.capsul.name) if self.details else self.capsul_id

    def tell_command(self, command: str = "", rest: str = "") -> None:
        """Shows what does the same; without a command, the last one by the capsul's name as it is now."""
        if command:
            self._command = command, rest
        command, rest = self._command
        known_as = self.name_now
        if self.details is not None and self.details.capsul.ended_at is not None:
            # It can only be looked at, and is only known by its id.
            command, rest, known_as = "show", "", self.capsul_id
        self.equivalent.tell(f"{self.visit.ssh} {command} {known_as} {rest}".rstrip())
