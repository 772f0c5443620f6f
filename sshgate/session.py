"""One channel of a connection: a command given by `ssh host COMMAND`, or somebody at a terminal."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

import asyncssh
import structlog

from capsul.errors import BadRequest, CapsulError
from sshgate.bugs import our_bug
from sshgate.commands.context import Context
from sshgate.commands.dispatch import wants_json
from sshgate.commands.json_text import error_text
from sshgate.commands.live import Live
from sshgate.commands.style import Style
from sshgate.house import Host, House
from sshgate.identity import HealthCheck, Identity, Member, TurnedAway
from sshgate.limits import neighbourhood
from sshgate.screens import Screens
from sshgate.streams import Input, Output, StalledError
from sshgate.terminal import Environment, Terminal, why_no_colours
from sshgate.words import NO_FILES, NOT_TEXT, foreign_program, is_text

_log = structlog.get_logger()

_MOST_TYPED_AHEAD = 4096
"""Bytes: more than anybody types while a screen is drawn."""

NO_FORWARDING = "Nothing is forwarded here: neither ports, nor sockets, nor agents, nor X11."


class InterruptedByPersonError(CapsulError):
    """Interrupted."""

    code = "interrupted"
    exit_status = 130


@dataclass
class _Request:
    """What the client asked this channel to be."""

    line: str | None = None
    subsystem: str | None = None
    terminal: Terminal | None = None
    environment: Environment = field(default_factory=Environment)

    @property
    def is_for_screens(self) -> bool:
        """Whether somebody came to look around, at a terminal that can show it."""
        no_command = self.subsystem is None and not (self.line or "").strip()
        return no_command and self.terminal is not None and self.terminal.can_move

    @property
    def what(self) -> str:
        """For the log: never what was typed."""
        if self.subsystem is not None:
            return "subsystem"
        return "shell" if self.line is None else "command"


class Session(asyncssh.SSHServerSession[bytes]):
    """From the request of the client to the exit status. It owns one task, which ends when the channel does."""

    def __init__(self, house: House, host: Host) -> None:
        self.environment = Environment()
        self._house = house
        self._host = host
        self._request = _Request(environment=self.environment)
        self._input = Input()
        self._what = ""
        self._who = ""
        self._screens: Screens | None = None
        self._typed_ahead = bytearray()
        """For the screens, before there are any."""
        self._stop_reason: CapsulError | None = None
        self._task: asyncio.Task[None] | None = None

    # What asyncssh calls

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        self._channel = chan
        self._output = Output(chan, self._house.keeper.limits.stalled_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._task is not None:
            self._task.cancel()
        self._host.forget(self)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        del term_modes
        self._request.terminal = Terminal.asked_for(term_type, *term_size[:2])
        self._output.to_terminal()
        self._input.from_terminal(self._output.echo)
        return True

    def exec_requested(self, command: str) -> bool:
        self._request.line = command
        return True

    def shell_requested(self) -> bool:
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        self._request.subsystem = subsystem
        return True

    def session_started(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        del pixwidth, pixheight
        if self._request.terminal is not None:
            self._request.terminal = Terminal.asked_for(self._request.terminal.kind, width, height)
            if self._screens is not None:
                self._screens.resize(self._request.terminal)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        del datatype
        if self._screens is not None:
            self._screens.feed(data)
        elif self._request.is_for_screens:
            self._typed_ahead += data[: _MOST_TYPED_AHEAD - len(self._typed_ahead)]
        elif not self._input.feed(data):
            self.stop(InterruptedByPersonError())

    def eof_received(self) -> bool:
        self._input.end()
        # The other direction stays open: what the command has to say is still to come.
        return True

    def signal_received(self, signal: str) -> None:
        if signal in ("INT", "TERM", "HUP", "QUIT"):
            self.stop(InterruptedByPersonError())

    def pause_writing(self) -> None:
        self._output.pause()
        if self._screens is not None:
            self._screens.pause()

    def resume_writing(self) -> None:
        self._output.resume()
        if self._screens is not None:
            self._screens.resume()

    # What the gate calls

    def stop(self, why: CapsulError) -> None:
        """Ends the command; the client is told why, and gets the exit status of the error."""
        if self._task is not None and not self._task.done() and self._stop_reason is None:
            self._stop_reason = why
            self._task.cancel()

    def stop_screens(self, why: CapsulError) -> None:
        """Screens never end by themselves; a command may be about to."""
        if self._screens is not None:
            self.stop(why)

    async def ended(self) -> None:
        """Waits for the end of the command, if one was started. Never raises what it raised."""
        if self._task is not None:
            await asyncio.wait([self._task])

    # What we do

    async def _run(self) -> None:
        started = time.monotonic()
        status: int | None = None
        try:
            status = await self._answer_or_explain()
            self._channel.exit(status)
        except BrokenPipeError:
            self._channel.abort()
        except StalledError:
            self._host.cut()
        finally:
            self._note_the_end(started, status)

    async def _answer_or_explain(self) -> int:
        try:
            return await self._answer()
        except CapsulError as error:
            return await self._explain(error)
        except asyncio.CancelledError:
            if self._stop_reason is None:
                raise
            return await self._explain(self._stop_reason)
        except (BrokenPipeError, StalledError):
            raise
        except Exception as error:  # noqa: BLE001 - one of the doors: the person gets a reference, the log the rest
            return await self._explain(our_bug(error, self._host.facts().session_id))

    async def _answer(self) -> int:
        identity = await self._host.identity()
        self._who = name_for_log(identity)
        if isinstance(identity, HealthCheck):
            await self._output.write("ok\n")
            return 0
        if isinstance(identity, TurnedAway):
            raise identity.error
        source = self._host.facts().source
        with self._house.keeper.hold("session", holder(identity, source), source):
            return await self._serve(self._context(identity))

    def _context(self, identity: Identity) -> Context:
        if isinstance(identity, HealthCheck | TurnedAway):
            raise TypeError(identity)
        return Context(
            services=self._house.services,
            manual=self._house.commands.manual,
            identity=identity,
            connection=self._host.facts(),
            terminal=self._request.terminal,
            environment=self.environment,
            style=self._style(),
            live=Live(self._output, self._request.terminal),
            output=self._output,
            input=self._input,
        )

    def _style(self) -> Style:
        terminal = self._request.terminal
        return Style(why_no_colours(terminal, self.environment) is None, terminal.columns if terminal else None)

    async def _serve(self, context: Context) -> int:
        if self._host.tried_forwarding():
            await self._output.write_error(context.style.say(NO_FORWARDING))
        if self._request.subsystem is not None:
            raise BadRequest(NO_FILES)
        if self._request.line is None or not self._request.line.strip():
            return await self._shell(context)
        if not is_text(self._request.line):
            raise BadRequest(NOT_TEXT)
        if sentence := foreign_program(self._request.line):
            raise BadRequest(sentence)
        call = self._house.commands.find(self._request.line)
        self._what = call.name
        return await call.run(context)

    async def _shell(self, context: Context) -> int:
        if context.terminal is None:
            await self._output.write_error(context.manual.overview(context.ssh, context.identity, context.style))
            return BadRequest.exit_status
        if not self._request.is_for_screens:
            return await self._house.commands.find("plain").run(context)
        self._what = "screens"
        attendance = self._house.roster.attend(self.stop)
        self._screens = Screens(self._house.commands, context, self._host, attendance, self._channel)
        self._screens.feed(bytes(self._typed_ahead))
        try:
            return await self._screens.run()
        finally:
            self._screens = None

    async def _explain(self, error: CapsulError) -> int:
        as_json = wants_json(self._request.line)
        text = f"{error_text(error)}\n" if as_json else self._style().say(error.message)
        await self._output.write_error(text)
        return error.exit_status

    def _note_the_end(self, started: float, status: int | None) -> None:
        facts = self._host.facts()
        _log.info(
            "session ended",
            session=facts.session_id,
            who=self._who,
            source=facts.source,
            what=self._what or self._request.what,
            seconds=round(time.monotonic() - started, 3),
            exit=status,
        )


def holder(identity: Identity, source: str) -> UUID | str:
    """Who is counted for what an identity holds: the account, or the network that somebody without one comes from."""
    return identity.key.account_id if isinstance(identity, Member) else neighbourhood(source)


def name_for_log(identity: Identity) -> str:
    """Who it was, without a word about them."""
    if isinstance(identity, Member):
        return f"account {identity.key.account_id} key {identity.key.fingerprint}"
    if isinstance(identity, HealthCheck):
        return "health check"
    if isinstance(identity, TurnedAway):
        return "turned away"
    return f"guest {identity.fingerprint}"
