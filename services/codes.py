"""Short codes that a person reads in one place and types in another."""

import hmac
import secrets

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Capitals and digits without lookalikes: no I, L, O, 0, 1."""


def new_code() -> str:
    """XXXX-XXXX: 39 bits, meant for a handful of tries."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def normalise_code(typed: str) -> str:
    """What somebody meant who typed small letters, spaces, or no hyphen."""
    letters = "".join(c for c in typed.upper() if c.isascii() and c.isalnum())[:16]
    return f"{letters[:4]}-{letters[4:]}"


def same_code(typed: str, code: str) -> bool:
    """Compared in a time that does not depend on where they differ."""
    return hmac.compare_digest(normalise_code(typed).encode(), code.encode())
