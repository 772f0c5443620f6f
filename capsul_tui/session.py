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
        self._app = CapsulApp(visit, wire)
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
        running = asyncio.ensure_future(self._app.run_async(size=self._size))
        try:
            status = await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._end(running)
            raise
        return BROKEN if status is None else status

    def feed(self, data: bytes) -> None:
        """What was typed."""
        if driver := self._driver:
            driver.feed(data)
        else:
            self._typed_ahead.append(data)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._size = (columns, rows)
        if driver := self._driver:
            driver.resize(columns, rows)

    def pause(self) -> None:
        """Nothing more can be written for now."""
        if driver := self._driver:
            driver.pause()

    def resume(self) -> None:
        """There is room again."""
        if driver := self._driver:
            driver.resume()

    @property
    def _driver(self) -> ChannelDriver | None:
        driver = self._app._driver
        return driver if isinstance(driver, ChannelDriver) else None

    async def _end(self, running: "asyncio.Future[int | None]") -> None:
        self._app.exit()
        with suppress(Exception):
            async with asyncio.timeout(_LAST_SECONDS):
                await asyncio.shield(running)
        if not running.done():
            running.cancel()
            await asyncio.wait([running], timeout=_LAST_SECONDS)
        if driver := self._driver:
            driver.stop_application_mode()
