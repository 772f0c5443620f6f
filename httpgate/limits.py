"""Where a request comes from, and how often somebody may try."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

from capsul.config import Network
from capsul.errors import TooMany

Address = IPv4Address | IPv6Address

_NOWHERE = "0.0.0.0"  # noqa: S104 - says that an address is unknown; nothing listens on it
_MOST_SOURCES = 10_000


def source_of(scope: Scope, trusted: Sequence[Network]) -> str:
    """The address that a request comes from, as text.

    A proxy's word for it (X-Forwarded-For) is taken from trusted proxies only, hop by hop from our side: what is
    written before the first address that is not one of theirs is anybody's claim.
    """
    peer = _address(scope["client"][0]) if scope.get("client") else None
    if peer is None:
        return _NOWHERE
    claimed = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
    for hop in reversed(claimed.split(",")):
        further = _address(hop.strip())
        if further is None or not is_in(peer, trusted):
            break
        peer = further
    return str(peer)


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks has the address."""
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """The address, an IPv4 one in IPv6 clothes as IPv4; None when it is not one."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class RateLimit:
    """At most so many requests of one source at once, and no more than that again in so many seconds.

    IPv6 sources count by /64: whoever has one address has them all.
    """

    def __init__(
        self, *, most: int, seconds: float, exempt: Sequence[Network], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._per_second = most / seconds
        self._exempt = exempt
        self._clock = clock
        self._used: OrderedDict[IPv4Network | IPv6Network, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many sources are remembered."""
        return len(self._used)

    def spend(self, source: str) -> None:
        """Counts one request.

        Raises:
            TooMany: with the seconds to wait.
        """
        address = ip_address(source)
        if is_in(address, self._exempt):
            return
        network = (IPv4Network if address.version == 4 else IPv6Network)(
            (address, 32 if address.version == 4 else 64), strict=False
        )
        now = self._clock()
        used, since = self._used.pop(network, (0.0, now))
        used = max(0.0, used - (now - since) * self._per_second) + 1
        if used > self._most:
            self._used[network] = (used - 1, now)
            raise TooMany(retry_after=math.ceil((used - self._most) / self._per_second))
        self._used[network] = (used, now)
        if len(self._used) > _MOST_SOURCES:
            self._used.popitem(last=False)
