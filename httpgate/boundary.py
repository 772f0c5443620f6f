"""Around every request: security headers, one line in the log, and a page instead of a traceback."""

import logging
import secrets
import time
from collections.abc import Sequence

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from capsul.config import Network
from httpgate.limits import source_of
from httpgate.pages import Pages

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A page may be kept only where its response says so: most addresses here are secrets.
    "Cache-Control": "no-store",
}

_log: structlog.stdlib.BoundLogger = structlog.get_logger("httpgate")


class Boundary:
    """The outermost of ours. Addresses are never logged, only the names of routes: an address may be a secret."""

    def __init__(self, app: ASGIApp, *, pages: Pages, trusted: Sequence[Network]) -> None:
        self._app = app
        self._pages = pages
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Watched(send)
        scope["source"] = source_of(scope, self._trusted)
        began = time.monotonic()
        try:
            await self._app(scope, receive, request.send)
        except ClientDisconnect:
            pass
        except Exception as error:  # noqa: BLE001 - the edge of the program: whatever nobody foresaw becomes a page
            await self._apologise(error, scope, receive, request)
        finally:
            # Whoever watches us asks every few seconds; that is worth a line only when the answer is bad.
            level = logging.DEBUG if _route(scope) == "health" and request.status == 200 else logging.INFO
            _log.log(
                level,
                "request",
                route=_route(scope),
                method=_method(scope),
                status=request.status,
                source=scope["source"],
                milliseconds=round((time.monotonic() - began) * 1000, 1),
            )

    async def _apologise(self, error: Exception, scope: Scope, receive: Receive, request: "_Watched") -> None:
        reference = secrets.token_hex(4)
        _log.error("bug", reference=reference, route=_route(scope), source=scope["source"], exc_info=error)
        if request.status is None:
            await self._pages.bug(reference)(scope, receive, request.send)


class _Watched:
    """Sends on what the application sends, with our headers where it did not set its own."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None
        """None until the response has begun: nobody may have waited for it."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "name", None) or "none"


def _method(scope: Scope) -> str:
    """The method, if it is one that exists: anybody can send any word."""
    method: str = scope["method"]
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
