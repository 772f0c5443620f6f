"""What the screen of a capsul says of it: facts, what was done to it, and why something cannot be done now."""

from capsul.errors import BadState, CapsulError, NameTaken
from capsul.models import Capsul, CapsulDetails, Operation, OperationKind, Promise
from capsul.rules import plain_text, price_per_hour
from capsul.text import amount, disk, hourly, memory, moment, short_fingerprint, tone, when
from capsul_tui.widgets.facts import Fact
from capsul_tui.widgets.table import Cell, Row
from services.capsuls import is_wanted_work

ALREADY: dict[OperationKind, str] = {
    "create": "is there",
    "start": "runs",
    "stop": "is stopped",
    "restart": "is restarting",
    "kill": "is stopped",
    "destroy": "is gone",
}
"""What is so when there is nothing to be done."""


def facts(it: CapsulDetails) -> list[Fact]:
    """All that is to be known of it, what is needed most first."""
    capsul, promise = it.capsul, it.promise
    since = f"since {moment(capsul.state_since)}"
    return [
        ("State", Cell(f"{capsul.state} {since}", tone(capsul.state))),
        ("Why", Cell(capsul.reason, tone(capsul.state)) if capsul.reason else None),
        ("Log in", None if capsul.ended_at else ssh_to(capsul) or "no address yet"),
        ("Addresses", ", ".join(filter(None, (capsul.ipv4, capsul.ipv6))) or None),
        ("Image", f"{promise.image_name} {promise.image_version} ({capsul.image_id})"),
        ("Size", f"{capsul.size_id}: {_promised(promise)}"),
        ("Costs", _costs(capsul)),
        ("Created", f"{moment(capsul.created_at)} by key {_key(promise)}"),
        ("Id", capsul.id),
    ]


def ssh_to(capsul: Capsul) -> str:
    """What is typed to log in; empty while there is no address."""
    address = capsul.ipv4 or capsul.ipv6
    return f"ssh {capsul.login_user}@{address}" if address and capsul.ended_at is None else ""


def _promised(it: Promise) -> str:
    processors = "1 processor" if it.vcpus == 1 else f"{it.vcpus} processors"
    return f"{processors}, {memory(it.memory_mib)} memory, {disk(it.disk_gib)} disk"


def _costs(it: Capsul) -> str:
    if it.ended_at is not None:
        return "nothing any more"
    if it.desired == "destroyed":
        return "nothing any more: it is being destroyed"
    month = amount(it.price_month, it.currency)
    return f"{an_hour(it.price_month, it.currency)}, at most {month} a month, running or stopped"


def an_hour(price_month: int, currency: str) -> str:
    """A price by the hour."""
    return f"{hourly(price_per_hour(price_month))} {currency} an hour"


def _key(it: Promise) -> str:
    name = it.key_name or short_fingerprint(it.key_fingerprint)
    return name if it.key_state == "live" else f"{name}, removed since"


def row(it: Operation) -> Row:
    """A line of the list of what was done."""
    return Row(it.id, (when(it.created_at), it.kind, Cell(it.state, tone(it.state)), _how(it)), it.id)


def _how(it: Operation) -> str:
    if it.state == "failed":
        return it.reason
    if it.state == "queued":
        return "waits for its turn"
    if not it.steps:
        return "" if it.ended else "begins"
    return ", ".join(
        f"{step.name} {step.seconds:.1f} s" if step.state == "done" else f"{step.name} …" for step in it.steps
    )


def why_not(it: CapsulDetails, kind: OperationKind) -> str:
    """Why it makes no sense to ask for this now, in a sentence; empty when it does."""
    name = plain_text(it.capsul.name)
    under_way = next((operation for operation in it.operations if not operation.ended), None)
    if under_way is not None:
        return f"{name} is busy: {under_way.kind} is under way. Press o, then Enter, to see how far it is."
    try:
        return "" if is_wanted_work(it.capsul, kind) else f"{name} {ALREADY[kind]} already."
    except BadState as error:
        return error.message


def lost(it: CapsulDetails) -> list[str]:
    """What destroying it takes away."""
    capsul = it.capsul
    addresses = " and ".join(filter(None, (capsul.ipv4, capsul.ipv6)))
    return [
        f"Its disk of {disk(it.promise.disk_gib)} is deleted with everything on it.",
        *([f"Its address {addresses} is given back, and may become somebody else's."] if addresses else []),
        "Nothing more is measured, and its graphs are forgotten in time.",
        f"It stops costing {an_hour(capsul.price_month, capsul.currency)} at once.",
        "Nothing brings it back.",
    ]


def name_refusal(error: CapsulError) -> str:
    """What is said of a name that was not taken."""
    if isinstance(error, NameTaken):
        return "You have a capsul of that name already. Choose another name."
    return error.message


def what_became_of(it: Capsul) -> str:
    """Said when there is nothing left to be done with it; empty while there is."""
    if it.state == "destroyed":
        return f"{plain_text(it.name)} was destroyed on {moment(it.ended_at)}. Press Esc to go back."
    if it.ended_at is not None:
        return f"{plain_text(it.name)} was never finished, and costs nothing. Press Esc to go back."
    return ""
