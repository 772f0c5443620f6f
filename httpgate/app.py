"""The web door whole: every address it answers, and what is done for each request before and after.

What is not listed is a plain 404; that includes `/webhooks/...` while no provider is configured that would call it
(a provider that gets a 404 is misconfigured and should say so, not try again for days) and `/metrics`, which the
worker shows on a listener of its own.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from capsul.config import Settings
from capsul.errors import CapsulError
from httpgate.boundary import Boundary
from httpgate.health import Health
from httpgate.home import Home
from httpgate.limits import RateLimit
from httpgate.links import Links
from httpgate.pages import Pages
from httpgate.payments import Payments
from services import Services

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(services: Services, settings: Settings, host_keys: Path) -> Starlette:
    """The application. `host_keys` is the folder whose `*.pub` files are shown; it may fill up later."""
    pages = Pages(settings)
    home = Home(services.capsuls, pages, settings, host_keys)
    health = Health(services, host_keys)
    codes = RateLimit(most=30, seconds=600, exempt=settings.unlimited_networks)
    presses = RateLimit(most=60, seconds=60, exempt=settings.unlimited_networks)
    links = Links(services, pages, codes)
    payments = Payments(services, pages, presses)
    routes = [
        Route("/", home.show, name="home"),
        Route("/enrol/{token}", _either(links.show_enrolment, links.enrol), name="enrol", methods=["GET", "POST"]),
        Route("/lock/{token}", _either(links.show_lock, links.lock), name="lock", methods=["GET", "POST"]),
        Route("/p/{link}", _either(payments.show, payments.press), name="pay", methods=["GET", "POST"]),
        Route("/healthz", health.show, name="health"),
        Route("/style.css", pages.style, name="style"),
        Route("/icon.svg", pages.icon, name="icon"),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Boundary, pages=pages, trusted=settings.trusted_proxies)],
        exception_handlers={CapsulError: pages.refusal, HTTPException: pages.http_error},
    )
    # A redirect to the same address with or without a slash would be built from a Host header we did not write.
    app.router.redirect_slashes = False
    return app


def _either(get: Endpoint, post: Endpoint) -> Endpoint:
    """One address, two verbs: so that a 405 names both."""

    async def endpoint(request: Request) -> Response:
        return await (post if request.method == "POST" else get)(request)

    return endpoint
