"""How much one source or one account may ask of the gate at a time. Every refusal says why and for how long."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from capsul.config import Network
from capsul.errors import TooMany


@dataclass(frozen=True)
class Limits:
    """Numbers that an operator has no reason to change; tests do."""

    starting: int = 100
    """Connections at a time that have not proved a key yet. At twice as many, newcomers are dropped unheard."""
    starting_from_one_source: int = 20
    channels: int = 32
    """Open at a time on one connection."""
    requests: int = 200
    """Tries to authenticate on one connection."""
    unknown_keys: int = 40
    """Keys without an account that one connection may prove."""
    stalled_seconds: float = 900.0
    """How long a client may take to read what was sent before it is cut off."""
    goodbye_seconds: float = 2.0
    """How long a command may go on after the key of its session was removed."""


class Doorkeeper:
    """Counts what is open. Sources in `unlimited` are let through by every count."""

    def __init__(
        self, limits: Limits, sessions_per_account: int, login_seconds: int, unlimited: Sequence[Network]
    ) -> None:
        self.limits = limits
        self._sessions_per_account = sessions_per_account
        self._login_seconds = login_seconds
        self._unlimited = tuple(unlimited)
        self._starting: Counter[str] = Counter()
        self._held: Counter[str] = Counter()

    def arrived(self, source: str) -> None:
        """A connection was opened. Each needs one `settled` later."""
        self._starting[neighbourhood(source)] += 1

    def settled(self, source: str) -> None:
        """It proved a key, or is gone."""
        _take_one(self._starting, neighbourhood(source))

    def refusal(self, source: str) -> TooMany | None:
        """Why a connection that has arrived may not go on; None when it may."""
        if self._is_unlimited(source):
            return None
        if self._starting[neighbourhood(source)] > self.limits.starting_from_one_source:
            return self._too_many("There are too many unfinished connections from your network.")
        if self._starting.total() > self.limits.starting:
            return self._too_many("There are too many unfinished connections.")
        return None

    def is_flood(self, source: str) -> bool:
        """Whether even a word of refusal costs too much."""
        return not self._is_unlimited(source) and self._starting.total() > 2 * self.limits.starting

    @contextmanager
    def hold(self, what: str, holder: UUID | str, source: str) -> Iterator[None]:
        """One more connection or session (`what`, a singular) of an account, or of a guest's network.

        Raises:
            TooMany: it has as many as it may have.
        """
        held = f"{what} {holder}"
        if self._held[held] >= self._sessions_per_account and not self._is_unlimited(source):
            raise TooMany(
                f"There are {self._held[held]} {what}s of yours open, as many as may be. Close one, or try again "
                f"in a minute.",
                retry_after=60,
            )
        self._held[held] += 1
        try:
            yield
        finally:
            _take_one(self._held, held)

    def _too_many(self, why: str) -> TooMany:
        return TooMany(f"{why} Try again in {self._login_seconds} seconds.", retry_after=self._login_seconds)

    def _is_unlimited(self, source: str) -> bool:
        address = ip_address(source)
        return any(address in network for network in self._unlimited)


def neighbourhood(source: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 that one IPv6 customer has to itself."""
    address = ip_address(source)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address) >> 64 << 64, 64)))
    return source


def plain_address(peer: str) -> str:
    """An address as it is counted and logged: without a scope, and IPv4 as IPv4."""
    address = ip_address(peer.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def _take_one(counter: Counter[str], of: str) -> None:
    counter[of] -= 1
    if counter[of] <= 0:
        del counter[of]
