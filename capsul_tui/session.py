"""One person at the screens, from the first byte to the last."""

import asyncio
from contextlib import suppress

from capsul.errors import CapsulError
from capsul_tui.app import BROKEN, CapsulApp
from capsul_tui.driver import ChannelDriver, Wire
from capsul_tui.visit import Visit

_LAST_SECONDS = 5.0
"""How long an App may take to end that was told to."""


class ScreensSession:
    """An App and the task it runs in. Bytes come in by `feed` and go out by the wire."""

    def __init__(self, visit: Visit, wire: Wire) -> None:
        self._app = CapsulApp(visit, wire, self._take_up)
        self._driver: ChannelDriver | None = None
        # Until the App has its driver.
        self._size = (visit.terminal.columns, visit.terminal.rows)
        self._is_paused = False
        self._typed_ahead: list[bytes] = []

    @property
    def problem(self) -> CapsulError | None:
        """What to tell the person, now that the terminal is theirs again; None when they left by themselves."""
        return self._app.problem

    async def run(self) -> int:
        """The exit status, once the person has left. The terminal is as it was, however it ended.

        Cancelled, it ends the App as if the person had left, then raises CancelledError.
        """
        running = asyncio.ensure_future(self._run())
        try:
            status = await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._end(running)
            raise
        finally:
            if self._driver is not None:
                self._driver.stop_application_mode()
        return BROKEN if status is None else status

    def feed(self, data: bytes) -> None:
        """What was typed."""
        if self._driver is not None:
            self._driver.feed(data)
        else:
            self._typed_ahead.append(data)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._size = (columns, rows)
        if self._driver is not None:
            self._driver.resize(columns, rows)

    def pause(self) -> None:
        """Nothing more can be written for now."""
        self._is_paused = True
        if self._driver is not None:
            self._driver.pause()

    def resume(self) -> None:
        """There is room again."""
        self._is_paused = False
        if self._driver is not None:
            self._driver.resume()

    def _take_up(self, driver: ChannelDriver) -> None:
        """The App has its driver: what came before goes to it."""
        self._driver = driver
        driver.resize(*self._size)
        if self._is_paused:
            driver.pause()
        typed, self._typed_ahead = self._typed_ahead, []
        for data in typed:
            driver.feed(data)

    async def _run(self) -> int | None:
        loop = asyncio.get_running_loop()
        # Textual gives the loop a task factory of its own (Python 3.12), with which all else here was never tried.
        loop.call_soon(loop.set_task_factory, loop.get_task_factory())
        return await self._app.run_async(size=self._size)

    async def _end(self, running: "asyncio.Future[int | None]") -> None:
        self._app.exit()
        with suppress(Exception):
            async with asyncio.timeout(_LAST_SECONDS):
                await asyncio.shield(running)
        if not running.done():
            running.cancel()
            await asyncio.wait([running], timeout=_LAST_SECONDS)
