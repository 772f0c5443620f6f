"""What is in somebody's way, and until when: said by `doctor`, and on the first screen.

`ssh` is what a person types before the name of a command; `contact` is how to reach an operator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from capsul.models import Account, Balance, Capsul, Enrolment, Guest, Key, Overview
from capsul.text import moment

_WELL = frozenset({"creating", "running", "stopping", "stopped", "starting", "moving"})
_HOW_FAR = {
    "machines": "This key may do all to capsuls that it created, and nothing to money and keys.",
    "read": "This key may only look.",
}

What = Literal["not_enrolled", "enrolment", "account", "key_waits", "key_scope", "key_expires", "credit", "capsul"]


@dataclass(frozen=True)
class Obstacle:
    """One thing that is in the way."""

    what: What
    message: str
    """A sentence for a person: what it is, and what can be done."""
    until: datetime | None = None
    """When it goes away, or comes, by itself."""


def in_the_way_of_member(it: Overview, ssh: str, contact: str) -> list[Obstacle]:
    """Of somebody with an account: the most general first."""
    return [
        *_of_account(it.account, contact),
        *_of_key(it.key, ssh),
        *_of_money(it.balance, ssh),
        *_of_capsuls(it.capsuls),
    ]


def in_the_way_of_guest(guest: Guest, begun: Enrolment | None, ssh: str) -> list[Obstacle]:
    """Of somebody whose key belongs to no account. `begun` is the newest enrolment of that key."""
    again = f"To enrol it: {ssh} enrol YOU@EXAMPLE.ORG"
    if begun is None:
        return [Obstacle("not_enrolled", f"This key is not enrolled yet. {again}")]
    if is_waiting(begun):
        message = (
            f"This key waits to be enrolled for {begun.address}. Follow the link in our mail and type the code "
            f"{begun.code} there, by {moment(begun.expires_at)}. If that address was wrong: {ssh} enrol EMAIL"
        )
        return [Obstacle("enrolment", message, begun.expires_at)]
    if begun.state == "enrolled":
        message = f"This key was enrolled, but opens no account now: it was removed, has expired, or may not come from \
{guest.source}. {again}"
        return [Obstacle("not_enrolled", message)]
    return [Obstacle("not_enrolled", f"The enrolment for {begun.address} is over. {again}")]


def is_waiting(begun: Enrolment | None) -> bool:
    """Whether somebody may still type the code of this enrolment."""
    return begun is not None and begun.state == "waiting" and begun.expires_at > datetime.now(UTC)


def _of_account(account: Account, contact: str) -> Sequence[Obstacle]:
    if account.state == "active":
        return []
    return [Obstacle("account", f"The account is {account.state}: its keys may only look. Please write to {contact}.")]


def _of_key(key: Key, ssh: str) -> list[Obstacle]:
    found = []
    if key.waits_until is not None and key.waits_until > datetime.now(UTC):
        message = (
            f"This key is new to the account: it may only look, top up and stop until {moment(key.waits_until)}. "
            f"Any older key can approve it at once: {ssh} keys approve {key.fingerprint}"
        )
        found.append(Obstacle("key_waits", message, key.waits_until))
    if key.scope in _HOW_FAR:
        found.append(Obstacle("key_scope", _HOW_FAR[key.scope]))
    if key.expires_at is not None:
        message = f"This key opens the account until {moment(key.expires_at)}, and no longer."
        found.append(Obstacle("key_expires", message, key.expires_at))
    return found


def _of_money(balance: Balance, ssh: str) -> Sequence[Obstacle]:
    if balance.available > 0:
        return []
    return [Obstacle("credit", f"There is no credit: nothing can be created. Add some: {ssh} topup 20")]


def _of_capsuls(capsuls: Sequence[Capsul]) -> list[Obstacle]:
    return [
        Obstacle(
            "capsul", f"{it.name} is {it.state} since {moment(it.state_since)}{f': {it.reason}' * bool(it.reason)}"
        )
        for it in capsuls
        if it.state not in _WELL
    ]
