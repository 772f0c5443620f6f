"""libvirt's event loop on a thread of its own: events, keep-alive and close callbacks of all hosts come from it."""

import threading
from types import TracebackType
from typing import Any, Self

import libvirt

THREAD_NAME = "libvirt-events"


class LibvirtEvents:
    """The one event loop libvirt can have in a process. Start it before the first connection is opened.

    Callbacks run on its thread and must not block: while one does, no host is heard and keep-alive stops. (libvirt's
    asyncio implementation is not used because it is not safe when calls are made from threads.)

    Raises:
        RuntimeError: on start, when the process has one already.
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def start(self) -> Self:
        if any(thread.name == THREAD_NAME for thread in threading.enumerate()):
            raise RuntimeError("libvirt's event loop runs in this process already; pass that one on")
        libvirt.registerErrorHandler(_keep_quiet, None)
        libvirt.virEventRegisterDefaultImpl()
        self._thread.start()
        return self

    def require_running(self) -> None:
        """Raises RuntimeError unless the loop runs: connections opened without it would be deaf for ever."""
        if not self._thread.is_alive():
            raise RuntimeError("start libvirt's event loop before opening a connection")

    def stop(self) -> None:
        """Ends the thread. Close every connection first: afterwards nothing is heard from them."""
        self._stopping.set()
        # The loop sleeps until something happens; a timeout that is due at once wakes it.
        timer = libvirt.virEventAddTimeout(0, _do_nothing, None)
        self._thread.join()
        libvirt.virEventRemoveTimeout(timer)

    def _run(self) -> None:
        while not self._stopping.is_set():
            libvirt.virEventRunDefaultImpl()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _keep_quiet(_context: Any, _error: Any) -> None:
    """Errors arrive as exceptions; without this libvirt prints each on stderr as well."""


def _do_nothing(_timer: int, _opaque: Any) -> None:
    """Woken is all it takes."""
