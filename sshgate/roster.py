"""Who is at the screens of this gate: told to the database, so that it is seen and can be ended from anywhere."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog

from capsul.errors import CapsulError
from capsul.models import Caller
from services import Services
from sshgate.bugs import our_bug
from sshgate.errands import Errands

_log = structlog.get_logger()

_ALIVE_SECONDS = 60.0
"""How often the sessions of this gate are said to be there. After 3 minutes without a word they count as over."""
_LAST_SECONDS = 2.0
"""How long the end of the gate may wait until the ends of its sessions are written down."""


class EndedFromElsewhereError(CapsulError):
    """This session was ended from another one of yours."""

    code = "ended"
    exit_status = 0


class Roster:
    """The open screens of one gate. Whatever goes wrong with it is logged, and is nobody else's trouble."""

    def __init__(self, services: Services, alive_seconds: float = _ALIVE_SECONDS) -> None:
        self._sessions = services.sessions
        self._changes = services.changes
        self._alive_seconds = alive_seconds
        self._gate = uuid4()
        self._loops = Errands()
        self._errands = Errands()
        self._held: dict[str, Attendance] = {}
        self._over: set[str] = set()
        """Whose end is not written down yet: while the database is away, it cannot be."""

    def start(self) -> None:
        """From now on it listens, and says who is there."""
        self._loops.start(self._keep_alive())
        self._loops.start(self._hear())

    async def close(self) -> None:
        """Waits a moment for what is still to be written down."""
        await self._errands.finish(_LAST_SECONDS)
        await self._loops.close()

    def attend(self, stop: Callable[[CapsulError], None]) -> "Attendance":
        """Somebody is at the screens; `stop` ends them. Not on the list yet: see Attendance.begin."""
        return Attendance(self, stop)

    # What an attendance does

    def do(self, errand: Awaitable[None]) -> "asyncio.Task[None]":
        """Beside everything else."""
        return self._errands.start(_without_fail(errand))

    async def write(self, attendance: "Attendance", caller: Caller, client: str, terminal: str) -> None:
        """Puts it on the list. Meanwhile it may have ended already."""
        attendance.session_id = await self._sessions.begin(caller, self._gate, client, terminal)
        self._held[attendance.session_id] = attendance
        if attendance.is_over:
            await self.erase(attendance.session_id)
        else:
            # Somebody may have seen it there, and asked, before it was held here.
            await self._end_those_asked_for()

    async def erase(self, session_id: str) -> None:
        """Takes it off the list."""
        self._held.pop(session_id, None)
        self._over.add(session_id)
        await self._sessions.ended(session_id)
        self._over.discard(session_id)

    # All of them

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._alive_seconds)
            await _without_fail(self._say_who_is_there())

    async def _say_who_is_there(self) -> None:
        for session_id in tuple(self._over):
            await self.erase(session_id)
        if self._held:
            await self._sessions.alive(self._gate)
            await self._end_those_asked_for()

    async def _hear(self) -> None:
        # A change without an id stands for any that may have been missed, and is told whatever it concerns.
        with self._changes.watch(frozenset({"session"}), lambda change: change.id in self._held) as changes:
            while True:
                await changes.get()
                while not changes.empty():
                    changes.get_nowait()
                if self._held:
                    await _without_fail(self._end_those_asked_for())

    async def _end_those_asked_for(self) -> None:
        for session_id in await self._sessions.asked_of(self._gate):
            if held := self._held.get(session_id):
                held.stop(EndedFromElsewhereError())


class Attendance:
    """One person at the screens, as the roster knows them."""

    def __init__(self, roster: Roster, stop: Callable[[CapsulError], None]) -> None:
        self.session_id = ""
        """Its id on the list of open sessions; empty while it is not there."""
        self.is_over = False
        self.stop = stop
        self._roster = roster
        self._written: asyncio.Task[None] | None = None

    def begin(self, caller: Caller, client: str, terminal: str) -> None:
        """Puts it on the list, once, without waiting for that. `terminal` is its type and size."""
        is_on_its_way = self._written is not None and not self._written.done()
        if not (self.session_id or self.is_over or is_on_its_way):
            self._written = self._roster.do(self._roster.write(self, caller, client, terminal))

    def end(self) -> None:
        """Takes it off the list, without waiting for that."""
        self.is_over = True
        if self.session_id:
            self._roster.do(self._roster.erase(self.session_id))


async def _without_fail(errand: Awaitable[None]) -> None:
    try:
        await errand
    except CapsulError as error:
        _log.warning("the list of open sessions is not kept", why=error.message)
    except Exception as error:  # noqa: BLE001 - one of the doors: nobody's session ends for lack of a row
        our_bug(error, "")
