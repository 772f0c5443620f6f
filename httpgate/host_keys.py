"""Our SSH host keys as members compare them: fingerprints and a line for known_hosts."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

_SHORTEST_LINE = 2


@dataclass(frozen=True)
class HostKey:
    type: str
    fingerprint: str
    known_hosts: str
    """A line for ~/.ssh/known_hosts."""


def read_host_keys(folder: Path, host: str, port: int) -> tuple[HostKey, ...]:
    """The keys in the folder's `*.pub` files, the usual one first, for members who reach us at this host and port.

    Certificates and what cannot be read are left out: nothing that is shown may be wrong.
    """
    try:
        files = sorted(folder.glob("*.pub"))
        lines = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    except OSError:
        return ()
    name = host if port == 22 else f"[{host}]:{port}"
    keys = [key for key in (_host_key(line, name) for line in lines) if key is not None]
    return tuple(sorted(keys, key=lambda key: (key.type != "ssh-ed25519", key.type)))


def _host_key(line: str, name: str) -> HostKey | None:
    words = line.split()
    if len(words) < _SHORTEST_LINE or "-cert-" in words[0]:
        return None
    kind, encoded = words[:2]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    # The blob repeats the type after its length: a cheap proof that this is a public key.
    if blob[4 : 4 + len(kind)] != kind.encode():
        return None
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return HostKey(kind, f"SHA256:{digest}", f"{name} {kind} {encoded}")
