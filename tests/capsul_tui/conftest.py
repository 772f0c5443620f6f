"""The screens without a terminal: real services, real Postgres, Textual's pilot for the fingers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from textual.pilot import Pilot

from capsul.errors import CapsulError, NotPermitted
from capsul.models import Caller, Guest
from capsul_tui.app import CapsulApp
from capsul_tui.terminal import Terminal
from capsul_tui.visit import CommandAnswer, Visit
from services import Services
from sshgate.public_keys import parse_public_keys
from tests.capsul_tui.screen_text import text_of

SIZES = [(80, 24), (120, 40)]
"""Columns and rows that every screen must look well at."""

OpenScreens = Callable[..., AbstractAsyncContextManager["Person"]]
NewVisit = Callable[..., tuple[Visit, list[Exception]]]


@dataclass
class Person:
    """Somebody at the screens."""

    app: CapsulApp
    pilot: Pilot[int]
    bugs: list[Exception] = field(default_factory=list)

    def sees(self, text: str) -> bool:
        """Whether these words stand somewhere on the screen, however lines are broken."""
        return " ".join(text.split()) in " ".join(self.screen().split())

    def screen(self) -> str:
        """All that is seen, a line each."""
        return text_of(self.app)

    async def press(self, *keys: str) -> None:
        """One after the other, as Textual names them."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Letters into whatever has the focus."""
        await self.pilot.press(*text)

    async def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        """Returns once it is so. Fails with the screen as it is then."""
        try:
            async with asyncio.timeout(seconds):
                while not is_so():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s. The screen:\n{self.screen()}") from None
        await self.settle()

    async def settle(self) -> None:
        """Returns once the screen is at rest: what is read at once is drawn in several steps."""
        before = ""
        while before != (now := self.screen()):
            before = now
            await self.pilot.pause(0.02)

    async def until_sees(self, text: str) -> None:
        """Returns once these words are on the screen."""
        try:
            await self.until(lambda: self.sees(text))
        except AssertionError as error:
            raise AssertionError(f"waited for {text!r}, {error}") from None

    async def until_gone(self, text: str) -> None:
        """Returns once these words are on the screen no more."""
        await self.until(lambda: not self.sees(text))


@pytest.fixture
def new_visit(services: Services) -> NewVisit:
    """`visit, bugs = new_visit(caller or guest, size=…, kind=…, environment=…)`: what screens are given of the door.

    Mistakes of ours are noted in `bugs`. `answer` is what comes of every command.
    """

    def new(
        who: Caller | Guest,
        *,
        size: tuple[int, int] = (80, 24),
        kind: str = "xterm-256color",
        environment: Mapping[str, str] | None = None,
        answer: CommandAnswer | None = None,
    ) -> tuple[Visit, list[Exception]]:
        bugs: list[Exception] = []
        known = [who]

        async def look_up() -> Caller | Guest:
            fingerprint, source = known[0].fingerprint, known[0].source
            key = await services.accounts.identify(fingerprint, source)
            if key is None and isinstance(known[0], Caller):
                raise NotPermitted("This key does not open the account any more.")
            if key is not None:
                known[0] = services.accounts.caller(key, known[0].session_id, source)
            return known[0]

        async def run_command(line: str, columns: int) -> CommandAnswer:
            return answer or CommandAnswer(0, f"{line} at {columns} columns\n", "")

        def report_bug(error: Exception) -> CapsulError:
            bugs.append(error)
            return CapsulError("Something broke on our side.")

        visit = Visit(
            services=services,
            terminal=Terminal(kind, *size, environment or {}),
            session_id="test",
            who=lambda: known[0],
            look_up=look_up,
            commands=lambda: [("ls", "List your capsuls."), ("topup", "Buy credit.")],
            run_command=run_command,
            parse_keys=parse_public_keys,
            own_session=lambda: known[0].session_id,
            report_bug=report_bug,
        )
        return visit, bugs

    return new


@pytest.fixture
def open_screens(new_visit: NewVisit) -> OpenScreens:
    """`async with open_screens(caller or guest, size=(80, 24)) as person`: at their first screen, which has been read.

    Other options are those of `new_visit`.
    """

    @asynccontextmanager
    async def opened(
        who: Caller | Guest, *, size: tuple[int, int] = (80, 24), **options: object
    ) -> AsyncIterator[Person]:
        visit, bugs = new_visit(who, size=size, **options)
        app = CapsulApp(visit)
        async with app.run_test(size=size) as pilot:
            person = Person(app, pilot, bugs)
            await person.until(lambda: person.sees("● live") or person.sees("* live") or person.sees("not up to date"))
            yield person
            assert not bugs, bugs

    return opened
