"""Reads what a form sends: little, soon, and of one kind."""

import asyncio
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_BYTES = 64 * 1024
SECONDS = 10.0
"""How long a body may take to arrive."""

_MOST_FIELDS = 20
_FORM = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of a field that is there twice, the last. Without a body, none.

    Raises:
        HTTPException: 413 it is too big, 408 it does not arrive, 415 it is not of the kind that our forms send,
            400 it has too many fields.
    """
    body = await _read_body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != _FORM:
        raise HTTPException(415, f"A form is sent as {_FORM}.")
    try:
        return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise HTTPException(400, "That form has too many fields.") from error


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise HTTPException(413, f"That is more than {MOST_BYTES // 1024} KiB. None of our forms needs it.")
    except TimeoutError as error:
        raise HTTPException(
            408, "The request did not arrive in time. Please try again.", headers={"Connection": "close"}
        ) from error
    return bytes(body)
