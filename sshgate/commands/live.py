"""What is going on, while it goes on: for somebody who watches a terminal, on standard error, gone when it is over."""

import asyncio
from types import TracebackType
from typing import Self

from sshgate.streams import Output, StalledError
from sshgate.terminal import Terminal

_LONGEST_SILENCE = 1.0
"""Seconds after which somebody who waits for an answer wants to see that there is something to wait for."""
_BACK_AND_CLEAR = "\r\x1b[K"
_NARROW = 20


class Live:
    """One line, drawn anew each second: `async with Live(output, terminal) as live`.

    Without a terminal nothing is ever drawn. One that cannot go back in a line gets a line of its own for each thing
    that takes longer than a second.
    """

    def __init__(self, output: Output, terminal: Terminal | None) -> None:
        self._output = output
        self._columns = terminal.columns if terminal else 0
        self._can_go_back = terminal is not None and terminal.can_move
        self._what = "working"
        self._since = 0.0
        self._is_drawn = False
        self._is_told = False
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._since = _now()
        if self._columns:
            self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        await self.hush()

    async def now(self, what: str, seconds: float = 0.0) -> None:
        """It is this that goes on, and when it is new, has for so many seconds."""
        if what != self._what:
            self._what, self._since, self._is_told = what, _now() - seconds, False
        if self._ticking and self._can_go_back:
            await self._draw()

    async def note(self, line: str) -> None:
        """A line that stays. Nothing without a terminal."""
        if self._columns:
            await self._clear()
            await self._output.write_error(f"{line}\n")

    async def hush(self) -> None:
        """Nothing more is drawn, and what was drawn is cleared away."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
            # Whether the client is gone, the command itself will find; anything else is a mistake of ours.
            error = None if self._ticking.cancelled() else self._ticking.exception()
            self._ticking = None
            if error is not None and not isinstance(error, BrokenPipeError | StalledError):
                raise error
        await self._clear()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_LONGEST_SILENCE)
            if self._can_go_back:
                await self._draw()
            elif not self._is_told and _now() - self._since >= _LONGEST_SILENCE:
                self._is_told = True
                await self._output.write_error(f"  {self._what.rstrip()}\n")

    async def _draw(self) -> None:
        seconds = f"{round(_now() - self._since):6d} s"
        room = max(self._columns - len(seconds) - 3, _NARROW)
        self._is_drawn = True
        await self._output.write_error(f"{_BACK_AND_CLEAR}  {self._what[:room]}{seconds}")

    async def _clear(self) -> None:
        if self._is_drawn:
            self._is_drawn = False
            await self._output.write_error(_BACK_AND_CLEAR)


def _now() -> float:
    return asyncio.get_running_loop().time()
