"""Kinds of arguments that several commands take. Reading them is part of reading the line: it comes before all else."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from capsul.errors import BadRequest
from capsul.money import parse_amount

_SPAN = re.compile(r"(\d{1,5})(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST = 10_000
_LONGEST_WAIT = 86_400


def read_since(text: str) -> datetime:
    """The moment meant by `--since`. Raises BadRequest when it is neither a span nor a time."""
    return _read_moment("--since", text, -1)


def read_expiry(text: str) -> datetime:
    """The moment meant by `--expires`. Raises BadRequest when it is neither a span nor a time."""
    return _read_moment("--expires", text, +1)


def _read_moment(option: str, text: str, direction: int) -> datetime:
    """A span before (-1) or after (+1) now, or a time; UTC unless it says otherwise."""
    if span := _SPAN.fullmatch(text):
        return datetime.now(UTC) + direction * timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{option} takes a span such as 12h or 7d, or a time such as 2026-01-31T12:00Z.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def read_network(text: str) -> IPv4Network | IPv6Network:
    """A network or one address. Raises BadRequest when it is neither."""
    try:
        return ip_network(text)
    except ValueError:
        raise BadRequest("--from takes an address or a network, such as 192.0.2.7 or 192.0.2.0/24.") from None


def read_limit(text: str) -> int:
    """How many. Raises BadRequest unless it is between 1 and the most we list."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST:
        raise BadRequest(f"--limit takes a number from 1 to {_MOST}.")
    return int(text)


def read_announcement_id(text: str) -> int:
    """An announcement's number. Raises BadRequest for anything else."""
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadRequest("An announcement's id is a number (see: admin announcements).")
    return int(text)


def read_timeout(text: str) -> float:
    """Seconds. Raises BadRequest unless it is between 0 and a day."""
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) or float(text) > _LONGEST_WAIT:
        raise BadRequest(f"--timeout takes seconds, from 0 to {_LONGEST_WAIT}.")
    return float(text)


def read_idempotency_key(text: str) -> str:
    """A word of the caller's. Raises BadRequest for one that is empty or very long."""
    if not 1 <= len(text) <= 200:
        raise BadRequest("--idempotency-key takes 1 to 200 characters.")
    return text


def read_hyphen(text: str) -> str:
    """A hyphen. Raises BadRequest for anything else: no files of the caller can be seen from here."""
    if text != "-":
        raise BadRequest("--user-data takes a hyphen, and the data on standard input: --user-data - < FILE")
    return text


def _by(read: Callable[[str], object]) -> Callable[[Any, Sequence[Token]], object]:
    return lambda _, tokens: read(tokens[0].value)


Since = Annotated[
    datetime | None,
    Parameter(
        name="--since",
        converter=_by(read_since),
        help="Only what is newer: 30m, 12h, 7d, 4w, or a time such as 2026-01-31T12:00Z.",
    ),
]
Expiry = Annotated[
    datetime | None,
    Parameter(
        name="--expires",
        converter=_by(read_expiry),
        help="When they stop counting: in 12h, 7d or 4w, or at a time such as 2026-01-31T12:00Z.",
    ),
]
Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...],
    Parameter(
        name="--from",
        negative=(),
        converter=lambda _, tokens: tuple(read_network(token.value) for token in tokens),
        help="Where they may come from: an address or a network; may be said more than once.",
    ),
]
Limit = Annotated[
    int,
    Parameter(
        name="--limit",
        converter=_by(read_limit),
        allow_leading_hyphen=True,
        help=f"At most so many, up to {_MOST}.",
    ),
]
Wait = Annotated[bool, Parameter(name="--wait", negative=(), help="Come back only when it is done.")]
WaitFor = Annotated[
    Literal["running", "ssh"] | None,
    Parameter(name="--wait", help="Come back only when it runs (--wait or --wait=running)."),
]
Timeout = Annotated[
    float | None,
    Parameter(
        name="--timeout",
        converter=_by(read_timeout),
        allow_leading_hyphen=True,
        help="Seconds to wait at most. What goes on goes on without you.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Parameter(
        name="--idempotency-key",
        converter=_by(read_idempotency_key),
        allow_leading_hyphen=True,
        help="A word of your choice: the same request with the same word is carried out once, and answered alike.",
    ),
]
UserData = Annotated[
    str | None,
    Parameter(
        name="--user-data",
        converter=_by(read_hyphen),
        allow_leading_hyphen=True,
        help="A hyphen: cloud-init user data, 64 KiB at most, is read from standard input.",
    ),
]
Amount = Annotated[
    int,
    Parameter(name="AMOUNT", converter=_by(parse_amount), allow_leading_hyphen=True, help="Such as 20 or 7.50."),
]

AnnouncementId = Annotated[
    int,
    Parameter(
        name="ID",
        converter=_by(read_announcement_id),
        allow_leading_hyphen=True,
        help="The announcement's id (see: admin announcements).",
    ),
]

CapsulName = Annotated[str, Parameter(name="CAPSUL", help="The name of one of your capsuls, or its id.")]
Words = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""Trailing text: taken as it comes, to the end of the line."""
