"""A capsul's figures over time."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from backends.metrics import SPANS, Metrics
from capsul.machines import Series
from capsul.models import Caller, Capsul
from db import capsuls
from db.database import Database
from services.access import as_member
from services.capsuls import find

_SPARKS = "5m"
SPARK_SECONDS = SPANS[_SPARKS].length
"""How far back `CapsulMetrics.sparks` goes: enough to see which capsul is busy now."""

SPAN_SECONDS: Mapping[str, int] = MappingProxyType({name: span.length for name, span in SPANS.items()})
"""The ranges that `CapsulMetrics.series` knows, the shortest first, and how far back each goes."""


class CapsulMetrics:
    """What Prometheus remembers of a member's capsuls."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def series(self, caller: Caller, reference: str, span: str) -> tuple[Capsul, dict[str, Series]]:
        """The capsul and its six figures; a figure without data has no points.

        Raises:
            NotFound: no such capsul.
            BadRequest: no such range.
            Unavailable: Prometheus is away.
        """
        async with as_member(self._database, caller, "look") as connection:
            capsul = await find(connection, caller, reference)
        return capsul, await self._metrics.capsul_series(capsul.id, span)

    async def sparks(self, caller: Caller, capsul_ids: Sequence[str]) -> dict[str, Series]:
        """The processors' load of those of the capsuls that are the caller's, over the last SPARK_SECONDS, by id.

        It is one light question for all of them. A capsul without figures has no points.

        Raises:
            Unavailable: Prometheus is away.
        """
        async with as_member(self._database, caller, "look") as connection:
            own = {capsul.id for capsul in await capsuls.of_account(connection, caller.account_id)}
        asked = [capsul_id for capsul_id in capsul_ids if capsul_id in own]
        return await self._metrics.cpu_of(asked, _SPARKS) if asked else {}
