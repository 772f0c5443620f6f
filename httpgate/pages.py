"""Turns what there is to say into pages: templates, filters, and the pages for everything that goes wrong."""

import re
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from capsul.config import Settings
from capsul.errors import (
    BadRequest,
    CapsulError,
    Conflict,
    NotEnoughCredit,
    NotFound,
    NotPermitted,
    Refused,
    TooMany,
    Unavailable,
)
from capsul.money import decimal_text
from capsul.rules import plain_text, when

_STATUS: tuple[tuple[type[CapsulError], int], ...] = (
    (BadRequest, 400),
    (NotEnoughCredit, 402),
    (NotPermitted, 403),
    (NotFound, 404),
    (Refused, 409),
    (Conflict, 409),
    (TooMany, 429),
    (Unavailable, 503),
)
"""The first that fits."""

_KEPT = {"Cache-Control": "max-age=3600"}


class Pages:
    """Renders templates. Whatever is put into one is escaped there."""

    def __init__(self, settings: Settings) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("httpgate"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"plain": plain_text, "when": when, "money": decimal_text, "memory": _memory}
        self._templates.globals |= {
            "provider": plain_text(settings.provider_name),
            "contact": plain_text(settings.contact),
            "contact_href": _href(settings.contact),
            # Behind a proxy we may live below a path.
            "base": urlsplit(settings.public_url).path.rstrip("/"),
            "ssh_command": settings.ssh_command,
        }
        static = files("httpgate") / "static"
        self._style = (static / "style.css").read_bytes()
        self._icon = (static / "icon.svg").read_bytes()

    def page(self, name: str, status: int = 200, /, **words: Any) -> Response:
        """The template of this name, as a response."""
        return HTMLResponse(self._templates.get_template(f"{name}.html").render(words), status)

    def problem(self, status: int, title: str, message: str, **words: Any) -> Response:
        """A page that says what is wrong, and nothing else."""
        return self.page("problem", status, **({"reference": None} | words), title=title, message=message)

    async def refusal(self, request: Request, error: Exception) -> Response:
        """What a service refused, in its own words."""
        assert isinstance(error, CapsulError)  # noqa: S101 - registered for nothing else
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        title = "Please try again" if isinstance(error, Unavailable) else HTTPStatus(status).phrase
        response = self.problem(status, title, error.message)
        if isinstance(error, Unavailable):
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    async def http_error(self, request: Request, error: Exception) -> Response:
        """What the protocol refuses."""
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
        phrase = HTTPStatus(error.status_code).phrase
        message = "There is nothing at this address." if error.status_code == 404 else error.detail
        response = self.problem(error.status_code, phrase, message)
        response.headers.update(error.headers or {})
        return response

    def bug(self, reference: str) -> Response:
        """Something nobody foresaw; the reference is in the log."""
        message = "Something broke on our side. It was written down; if you tell us, mention the reference."
        return self.problem(500, "Something broke", message, reference=reference)

    async def style(self, request: Request) -> Response:
        return Response(self._style, media_type="text/css", headers=_KEPT)

    async def icon(self, request: Request) -> Response:
        return Response(self._icon, media_type="image/svg+xml", headers=_KEPT)


def _memory(mebibytes: int) -> str:
    return f"{mebibytes // 1024} GiB" if mebibytes % 1024 == 0 else f"{mebibytes} MiB"


def _href(contact: str) -> str | None:
    """What a click on the contact does, if there is anything to click on."""
    if re.fullmatch(r"[^\s@:/]+@[^\s@:/]+", contact):
        return f"mailto:{contact}"
    return contact if contact.startswith(("https://", "http://")) else None
