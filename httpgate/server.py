"""Serves the web door with uvicorn inside our own event loop: our signals, our log, our way to stop."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from capsul.errors import CapsulError

REQUEST_SECONDS = 20.0
"""How long a request may take to arrive, from the connection or its first byte to the end of its body."""

_MOST_CONNECTIONS = 1000
_KEEP_ALIVE_SECONDS = 15
_BACKLOG = 512

_ARRIVING = frozenset({"IDLE", "SEND_BODY"})
"""What h11, uvicorn's parser, calls a client that has not sent its request whole."""


class CannotListen(CapsulError):
    """The web door cannot listen where it should."""

    code = "cannot_listen"


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    ready: "asyncio.Future[int] | None" = None,
    stop: asyncio.Event | None = None,
    grace: float = 10.0,
) -> None:
    """Serves until `stop` is set or this is cancelled; requests under way get `grace` seconds to end.

    `ready` is given the port once connections are taken: the one asked for, or the one found for port 0; it is
    cancelled if that never happens. No signal handler is set.

    Raises:
        CannotListen: the port is taken, or the address is not ours.
    """
    try:
        listener = listen(host, port)
        await _serve(_Server(_configure(app, grace), ready, listener.getsockname()[1]), listener, stop)
    finally:
        # Whoever waits for it must not wait for ever.
        if ready is not None and not ready.done():
            ready.cancel()


async def _serve(server: uvicorn.Server, listener: socket.socket, stop: asyncio.Event | None) -> None:
    stopping = asyncio.create_task(_stop_when_told(server, stop or asyncio.Event()))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        stopping.cancel()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at the first address of this name.

    Raises:
        CannotListen: says where, and why not.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "another program listens there already" if taken else (error.strerror or str(error))
        raise CannotListen(f"Cannot listen at {host} port {port}: {why}.") from error


async def _stop_when_told(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _configure(app: ASGIApp, grace: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_ImpatientProtocol,
        ws="none",
        lifespan="off",
        # Addresses are secrets here: our own line names routes only.
        access_log=False,
        log_config=None,
        # Where a request comes from is found in limits.py, by our own settings and not by the environment.
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(grace)),
    )


class _Server(uvicorn.Server):
    """Leaves signals alone, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: "asyncio.Future[int] | None", port: int) -> None:
        super().__init__(config)
        self._ready = ready
        self._port = port

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(self._port)


class _ImpatientProtocol(H11Protocol):
    """Cuts a client that does not get on with its request: uvicorn itself waits for ever for headers, and for the
    rest of a body that was answered already."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # uvicorn takes its own "no" for a "yes" as soon as anybody in the process listens to that logger.
        self.access_log = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if str(self.conn.their_state) not in _ARRIVING:
            self._forget_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
