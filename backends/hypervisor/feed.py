"""What happens on a host, for as many listeners as want to know."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from capsul.machines import HostEvent, Resync

BACKLOG = 10_000
"""Events kept for a listener that does not keep up. Beyond it they are exchanged for one Resync."""


class Feed:
    """Gives every listener every event, in order. A slow listener costs itself a Resync, and others nothing."""

    def __init__(self, host: str, backlog: int = BACKLOG) -> None:
        self._host = host
        self._backlog = backlog
        self._listeners: set[asyncio.Queue[HostEvent]] = set()

    def publish(self, event: HostEvent) -> None:
        for queue in self._listeners:
            if queue.full():
                _empty(queue)
                queue.put_nowait(
                    Resync(self._host, "the listener did not keep up and events were lost", datetime.now(UTC))
                )
            queue.put_nowait(event)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[HostEvent]]:
        """A queue that holds what is published from now on."""
        queue: asyncio.Queue[HostEvent] = asyncio.Queue(self._backlog)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)


def _empty(queue: asyncio.Queue[HostEvent]) -> None:
    while not queue.empty():
        queue.get_nowait()
