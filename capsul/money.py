"""Money at the edges: decimal text in, micro-units inside, decimal text out."""

from decimal import Decimal, InvalidOperation

from capsul.errors import BadRequest

MICRO = 1_000_000
"""Micro-units in one unit of the currency."""

CENT = MICRO // 100


def parse_amount(text: str) -> int:
    """Micro-units for text such as `20`, `20.00` or `7.5`.

    Raises:
        BadRequest: it is not a plain positive decimal with at most two places.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    plain = text.isascii() and text.replace(".", "", 1).isdigit()
    if not plain or not amount.is_finite() or amount <= 0 or amount != round(amount, 2) or amount > 1_000_000:
        raise BadRequest("An amount is a positive number such as 20 or 20.00.")
    return int(amount * MICRO)


def decimal_text(micro: int, places: int = 2) -> str:
    """Micro-units as plain decimal text, rounded down so that nobody is promised more than there is."""
    unit = MICRO // 10**places
    whole = micro // unit
    sign, whole = ("-", -whole) if whole < 0 else ("", whole)
    return f"{sign}{whole // 10**places}.{whole % 10**places:0{places}d}"
