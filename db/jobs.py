"""Jobs: who works on what, when. PgQueuer dispatches; what is to be done stands in our own tables."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job, Schedule

from capsul.errors import Unavailable
from db.database import NOTICE_DEATH, Login

Work = Callable[[str], Awaitable[None]]
Chore = Callable[[], Awaitable[None]]

_HEARTBEAT = timedelta(seconds=5)
_LONGEST_PAUSE_SECONDS = 30
_AT_ONCE = 16
_AT_ONCE_OF_A_KIND = 8
"""So that slow work of one kind never holds up the others."""
_RECONNECT_SECONDS = 1.0

_log = structlog.get_logger()


class Jobs:
    """Hands jobs to work functions, and calls chores by the clock (cron expressions).

    A work function is given the id that its job points to. It may be called again for the same id: after
    Unavailable (later, more and more patiently), or when the process that had it died.
    """

    def __init__(self, work: Mapping[str, Work], chores: Mapping[tuple[str, str], Chore]) -> None:
        self._work = work
        self._chores = chores

    async def run(self, url: str, login: Login, password: str | None = None) -> None:
        """Until cancelled; begins anew whenever the database was away."""
        while True:
            try:
                await self._run_once(url, login, password)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                _log.warning("jobs wait for the database", error=str(error))
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _run_once(self, url: str, login: Login, password: str | None) -> None:
        connection = await asyncpg.connect(
            url,
            user=login,
            password=password,
            timeout=5,
            server_settings={"application_name": f"{login} jobs", **NOTICE_DEATH},
        )
        try:
            await connection.execute("SET ROLE capsul_worker")
            queuer = _queuer(connection)
            for name, work in self._work.items():
                queuer.entrypoint(name, concurrency_limit=_AT_ONCE_OF_A_KIND)(_job(work))
            for (name, cron), chore in self._chores.items():
                queuer.schedule(name, cron, clean_old=True)(_schedule(chore))
            await queuer.run(
                dequeue_timeout=timedelta(seconds=5),
                batch_size=_AT_ONCE // 4,
                max_concurrent_tasks=_AT_ONCE,
                heartbeat_timeout=_HEARTBEAT,
            )
        finally:
            connection.terminate()


def _queuer(connection: asyncpg.Connection) -> PgQueuer:
    settings = DBSettings(db_schema="pgqueuer")
    queries = Queries(
        AsyncpgDriver(connection),
        qbe=QueryBuilderEnvironment(settings),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )
    return PgQueuer(connection=queries.driver, channel=settings.channel, queries=queries)


def _job(work: Work) -> Callable[[Job], Awaitable[None]]:
    async def run(job: Job) -> None:
        subject = (job.payload or b"").decode()
        try:
            await work(subject)
        except Unavailable as away:
            pause = min(2**job.attempts, _LONGEST_PAUSE_SECONDS, away.retry_after)
            _log.info("tried again later", work=job.entrypoint, subject=subject, why=str(away), seconds=pause)
            raise RetryRequested(timedelta(seconds=pause), str(away)) from away

    return run


def _schedule(chore: Chore) -> Callable[[Schedule], Awaitable[None]]:
    async def run(_: Schedule) -> None:
        try:
            await chore()
        except Unavailable as away:
            _log.warning("chore put off", why=str(away))

    return run
