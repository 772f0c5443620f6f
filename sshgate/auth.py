"""Which of a client's keys lets it in, and as whom.

A proved key of an account lets its owner in. A proved key that is unknown does not end the search, for clients offer
their keys one after the other and the right one may come later. When none is known, the first one makes a guest.
"""

import base64
import hashlib
from dataclasses import dataclass

import asyncssh

from capsul.errors import CapsulError
from capsul.models import Guest
from services.accounts import Accounts
from sshgate.bugs import our_bug
from sshgate.identity import HealthCheck, Identity, Member, TurnedAway
from sshgate.limits import Limits
from sshgate.public_keys import weakness

ENROL = "enrol"
"""The user name that lets in the first proved key, known or not: for scripts, which cannot be asked anything."""
HEALTH = "health"
"""The user name that needs no key, for it is told nothing but that we are here."""


@dataclass(frozen=True)
class Proof:
    """A key that the client was seen to hold."""

    fingerprint: str
    public_key: str


def read_proof(key: bytes) -> Proof:
    """What a public key in SSH's own encoding is called."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    kind = key[4 : 4 + int.from_bytes(key[:4], "big")].decode("ascii", "replace")
    return Proof(f"SHA256:{digest}", f"{kind} {base64.b64encode(key).decode()}")


class KeyRules:
    """The rules of one connection. `identity` is who is let in: it counts from `auth_completed` on, not before."""

    def __init__(self, accounts: Accounts, limits: Limits, source: str, session_id: str) -> None:
        self.user = ""
        self.identity: Identity | None = None
        self._accounts = accounts
        self._limits = limits
        self._source = source
        self._session_id = session_id
        self._first: Proof | None = None
        self._unknown: set[str] = set()
        self._requests = 0

    def may_be_proved(self, key: asyncssh.SSHKey) -> bool:
        """Whether a key that is shown is worth a proof. Nothing is concluded from a key that is merely shown.

        A key that was proved already and is unknown gets a plain no; else the client would offer it for ever.

        Raises:
            asyncssh.DisconnectError: this connection has tried too often.
        """
        self._count_request()
        return weakness(key) is None and key.get_fingerprint() not in self._unknown

    async def decide(self, key: bytes) -> bool:
        """Whether a key that was just proved lets its holder in."""
        proof = read_proof(key)
        self._first = self._first or proof
        identity = await self.identify(proof.fingerprint)
        if identity is None and self.user == ENROL:
            identity = self._guest(proof)
        if identity is None:
            self._unknown.add(proof.fingerprint)
            return False
        self.identity = identity
        return True

    async def identify(self, fingerprint: str) -> Identity | None:
        """Whose key this is now; None when it is nobody's."""
        try:
            key = await self._accounts.identify(fingerprint, self._source)
        except CapsulError as error:
            return TurnedAway(error)
        except Exception as error:  # noqa: BLE001 - one of the doors: the person is told, the log has the rest
            return TurnedAway(our_bug(error, self._session_id))
        return Member(key) if key else None

    def may_be_guest(self) -> bool:
        """Whether any key was proved yet. Raises asyncssh.DisconnectError: this connection has tried too often."""
        self._count_request()
        return self._first is not None

    def admit_guest(self) -> bool:
        """Lets in whoever has proved a key, any key. False when none was proved."""
        if self._first is None:
            return False
        self.identity = self._guest(self._first)
        return True

    def admit_health_check(self) -> None:
        """Lets anybody in, as nobody."""
        self.identity = HealthCheck()

    def _count_request(self) -> None:
        self._requests += 1
        if self._requests > self._limits.requests or len(self._unknown) >= self._limits.unknown_keys:
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
                "Too many keys were offered. Offer the right one only: ssh -o IdentitiesOnly=yes -i KEYFILE",
            )

    def _guest(self, proof: Proof) -> Guest:
        return Guest(proof.fingerprint, proof.public_key, self._source, self._session_id)
