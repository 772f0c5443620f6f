"""A capsul's figures over time."""

from backends.metrics import Metrics
from capsul.machines import Series
from capsul.models import Caller, Capsul
from db.database import Database
from services.access import as_member
from services.capsuls import find


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
