"""The screens, served over one channel: what they are given of the door, and what they give back."""

import asyncio
from dataclasses import replace

import asyncssh

from capsul.errors import CapsulError, NotPermitted
from capsul.models import Caller, Guest
from capsul_tui.session import ScreensSession
from capsul_tui.terminal import Terminal as Shown
from capsul_tui.visit import CommandAnswer, Visit
from sshgate.bugs import our_bug
from sshgate.commands.context import Context
from sshgate.commands.dispatch import Commands
from sshgate.commands.help import summary
from sshgate.commands.live import Live
from sshgate.commands.style import Style
from sshgate.house import Host
from sshgate.identity import Identity, Member, TurnedAway
from sshgate.public_keys import parse_public_keys
from sshgate.roster import Attendance
from sshgate.streams import CapturedOutput, Input
from sshgate.terminal import Terminal

_WRITE_AHEAD = 64 * 1024
"""Bytes that may wait for the client's window before nothing more is drawn. A frame is smaller."""


class Screens:
    """From a shell at a terminal to the exit status."""

    def __init__(
        self,
        commands: Commands,
        context: Context,
        host: Host,
        attendance: Attendance,
        channel: "asyncssh.SSHServerChannel[bytes]",
    ) -> None:
        self._commands = commands
        self._context = context
        self._host = host
        self._attendance = attendance
        self._channel = channel
        self._stalled: asyncio.TimerHandle | None = None
        channel.set_write_buffer_limits(_WRITE_AHEAD)
        self._visit = self._make_visit()
        self._session = ScreensSession(self._visit, self)

    async def run(self) -> int:
        """The exit status. Raises what is to be told to the person, now that the terminal is theirs again."""
        self._attend(self._who(self._host.known_as()))
        try:
            status = await self._session.run()
        finally:
            self._attendance.end()
            self._forget_stall()
        if self._session.problem is not None:
            raise self._session.problem
        await self._context.output.write(self._context.style.say(self._goodbye()))
        return status

    def _goodbye(self) -> str:
        keeps = "Your capsuls keep running. " if isinstance(self._host.known_as(), Member) else ""
        return f"{keeps}Come back any time: {self._context.ssh}"

    # What the channel tells

    def feed(self, data: bytes) -> None:
        """Somebody typed."""
        self._session.feed(data)

    def resize(self, terminal: Terminal) -> None:
        """The terminal has another size."""
        self._session.resize(terminal.columns, terminal.rows)

    def pause(self) -> None:
        """The client's window is full. It may be for a long time, not for ever."""
        self._session.pause()
        seconds = self._context.output.stalled_seconds
        self._stalled = asyncio.get_running_loop().call_later(seconds, self._host.cut)

    def resume(self) -> None:
        """There is room again."""
        self._forget_stall()
        self._session.resume()

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    # What the screens ask for

    def write(self, data: bytes) -> None:
        """To the terminal, if it is still there."""
        try:
            self._channel.write(data)
        except BrokenPipeError:
            # The session hears of it by itself, and ends.
            return

    def pause_reading(self) -> None:
        """The client is to wait with what it sends."""
        self._channel.pause_reading()

    def resume_reading(self) -> None:
        """The client may go on."""
        self._channel.resume_reading()

    def _make_visit(self) -> Visit:
        context, terminal = self._context, self._context.terminal
        if terminal is None:
            raise TypeError("there is no terminal to draw on")
        return Visit(
            services=context.services,
            terminal=Shown(terminal.kind, terminal.columns, terminal.rows, context.environment),
            session_id=context.connection.session_id,
            who=lambda: self._who(self._host.known_as()),
            look_up=self._look_up,
            commands=self._names,
            run_command=self._run_command,
            parse_keys=parse_public_keys,
            own_session=lambda: self._attendance.session_id,
            report_bug=lambda error: our_bug(error, context.connection.session_id),
        )

    def _who(self, identity: Identity) -> Caller | Guest:
        if isinstance(identity, Guest):
            return identity
        if isinstance(identity, Member):
            connection = self._context.connection
            return self._context.services.accounts.caller(identity.key, connection.session_id, connection.source)
        raise identity.error if isinstance(identity, TurnedAway) else NotPermitted()

    async def _look_up(self) -> Caller | Guest:
        who = self._who(await self._host.identity())
        self._attend(who)
        return who

    def _attend(self, who: Caller | Guest) -> None:
        """Puts members on the roster, guests once they have become members."""
        terminal = self._visit.terminal
        if isinstance(who, Caller):
            size = f"{terminal.kind} {terminal.columns}x{terminal.rows}"
            self._attendance.begin(who, self._context.connection.client, size)

    def _names(self) -> list[tuple[str, str]]:
        identity = self._host.known_as()
        may_operate = isinstance(identity, Member) and identity.key.operator
        return [
            (it.name, summary(it))
            for it in self._commands.all
            if (it.for_guests or isinstance(identity, Member)) and (may_operate or not it.is_for_operators)
        ]

    async def _run_command(self, line: str, columns: int) -> CommandAnswer:
        """As `ssh host LINE` would answer at a terminal of so many columns."""
        output = CapturedOutput()
        nothing = Input()
        nothing.end()
        identity = await self._host.identity()
        if not isinstance(identity, Member | Guest):
            return CommandAnswer(NotPermitted.exit_status, "", "This key does not open the account any more.\n")
        style = Style(self._context.style.colours, columns)
        context = replace(
            self._context, identity=identity, style=style, live=Live(output, None), output=output, input=nothing
        )
        try:
            status = await self._commands.find(line).run(context)
        except CapsulError as error:
            status = await _explain(error, output, style)
        except Exception as error:  # noqa: BLE001 - a mistake in a command is no reason to end the screens
            status = await _explain(our_bug(error, self._context.connection.session_id), output, style)
        return CommandAnswer(status, output.out, output.err)


async def _explain(error: CapsulError, output: CapturedOutput, style: Style) -> int:
    await output.write_error(style.say(error.message))
    return error.exit_status
