"""What the page for making a capsul says of each choice."""

from capsul.errors import BadName
from capsul.models import Image, Key, Offer, OfferedSize
from capsul.rules import check_name, price_per_hour
from capsul.text import amount, disk, hourly, memory, short_fingerprint
from capsul_tui.widgets.table import Cell, Row


def image_row(it: Image, chosen: str) -> Row:
    """A system to begin with."""
    note = ", no longer kept up" if it.deprecated else ""
    return Row(it.id, (f"{_chosen(it.id == chosen)} {it.name} {it.version}{note}", it.id))


def size_row(it: OfferedSize, chosen: str, offer: Offer) -> Row:
    """A size, what it costs, and whether it can be had now."""
    size = it.size
    if not size.fits:
        room = Cell("no room now", "bad")
    elif it.needed > offer.available:
        room = Cell(f"needs {amount(it.needed, offer.currency)}", "bad")
    else:
        room = Cell(f"{size.fits} fit" if size.fits > 1 else "one fits", "good")
    return Row(
        size.id,
        (
            f"{_chosen(size.id == chosen)} {size.id}",
            str(size.vcpus),
            memory(size.memory_mib),
            disk(size.disk_gib),
            amount(size.price_month, size.currency),
            hourly(price_per_hour(size.price_month)),
            room,
        ),
    )


def key_row(it: Key, marked: bool) -> Row:
    """Somebody who may log in to it, or not."""
    return Row(it.fingerprint, (f"[{'x' if marked else ' '}] {it.name}", short_fingerprint(it.fingerprint), it.scope))


def _chosen(is_chosen: bool) -> str:
    return "●" if is_chosen else "○"


def refusal_of_name(name: str, offer: Offer | None) -> str:
    """What is wrong with a name, as far as it can be told before it is tried; empty when nothing is."""
    if not name:
        return ""
    try:
        check_name(name)
    except BadName as error:
        return error.message
    if offer is not None and name in offer.names:
        return f"You have a capsul called {name} already. Choose another name, or none: then one is made up."
    return ""


def what_is_short(it: OfferedSize, offer: Offer) -> str:
    """Why this size cannot be made now, and what can be done; empty when it can."""
    if not it.size.fits:
        return f"There is no room for {it.size.id} now. Choose another size, or try later."
    if it.needed > offer.available:
        needed, has = amount(it.needed + 9_999, offer.currency), amount(offer.available, offer.currency)
        return (
            f"{it.size.id} needs {needed} of credit: what a day of all your capsuls costs, and never less than one "
            f"{offer.currency}. You have {has}. Press t to top up."
        )
    return ""
