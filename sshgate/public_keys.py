"""Public keys as people write them down, and whether a key is strong enough."""

import re
from collections.abc import Sequence

import asyncssh

from capsul.errors import BadRequest
from capsul.models import PublicKey
from sshgate.algorithms import LEAST_RSA_BITS
from sshgate.undocumented import rsa_bits

_TYPE = re.compile(r"(sk-)?(ssh-(ed25519|rsa|ed448)|ecdsa-sha2-nistp(256|384|521))(@openssh\.com)?")
_MOST_LINES = 50
_LONGEST_COMMENT = 200


def parse_public_keys(text: str) -> list[PublicKey]:
    """Keys out of lines as in a `.pub` file. Empty lines and lines that begin with # are left out.

    Raises:
        BadRequest: there is no key, or a line is not one we take.
    """
    lines = [line.strip() for line in text.splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    if not wanted:
        raise BadRequest("There is no public key: give the line of a .pub file, as in: keys add ssh-ed25519 AAAA…")
    if len(wanted) > _MOST_LINES:
        raise BadRequest(f"At most {_MOST_LINES} keys at once.")
    return [_parse(line) for line in wanted]


def lines_of_words(words: Sequence[str]) -> str:
    """The lines that were there before a shell and ssh made one line of words of them."""
    lines: list[list[str]] = []
    for word in words:
        if not lines or _TYPE.fullmatch(word):
            lines.append([])
        lines[-1].append(word)
    return "\n".join(" ".join(line) for line in lines)


def _parse(line: str) -> PublicKey:
    kind, _, rest = line.partition(" ")
    blob, _, comment = rest.strip().partition(" ")
    if not _TYPE.fullmatch(kind) or not blob:
        raise BadRequest("A public key is a line of a type, a long word and a comment: ssh-ed25519 AAAA… you@laptop")
    try:
        key = asyncssh.import_public_key(f"{kind} {blob}")
    except asyncssh.KeyImportError:
        raise BadRequest("A key on that list cannot be read. Was a part of it lost on the way?") from None
    if trouble := weakness(key):
        raise BadRequest(trouble)
    return PublicKey(key.get_fingerprint(), public_line(key), comment.strip()[:_LONGEST_COMMENT])


def public_line(key: asyncssh.SSHKey) -> str:
    """Type and base64, without a comment."""
    return " ".join(key.export_public_key().decode("ascii", "replace").split()[:2])


def weakness(key: asyncssh.SSHKey) -> str | None:
    """A sentence on why a key is not taken; None when it is."""
    kind = key.get_algorithm()
    if not _TYPE.fullmatch(kind):
        return f"Keys of type {kind} are not taken. Make a new one: ssh-keygen -t ed25519"
    if kind == "ssh-rsa" and (bits := rsa_bits(key)) < LEAST_RSA_BITS:
        return (
            f"An RSA key of {bits} bits is too short; it takes {LEAST_RSA_BITS}. Make a new one: ssh-keygen -t ed25519"
        )
    return None
