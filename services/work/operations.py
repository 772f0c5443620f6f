"""Carries out operations as named, idempotent steps. The worker may die at any instruction and begin again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from backends.hypervisor import Hypervisor, HypervisorFailed
from capsul.errors import CapsulError, OperationFailed, Unavailable
from capsul.machines import PowerState
from capsul.models import CapsulState, OperationKind
from db import capsuls, operations
from db.capsuls import Specification
from db.database import Database
from db.operations import Claim, Overtaken
from services.work.hosts import Hosts
from services.work.specification import capsul_spec

OFF = frozenset({PowerState.STOPPED, PowerState.CRASHED, PowerState.ABSENT})
_PRESS_AGAIN_SECONDS = 3.0
"""A guest that still boots does not hear the power button; one that shuts down does not mind hearing it twice."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class _Work:
    """One capsul on its host."""

    host: Hypervisor
    specification: Specification
    patience: float
    """Seconds that a guest may take to come up or to go down."""

    @property
    def uuid(self) -> UUID:
        return self.specification.uuid

    async def prepare_disk(self) -> None:
        await self.host.prepare_disk(capsul_spec(self.specification))

    async def define(self) -> None:
        await self.host.define(capsul_spec(self.specification))

    async def boot(self) -> None:
        await self.host.start(self.uuid)
        if not await self.host.wait_for(self.uuid, {PowerState.RUNNING}, self.patience):
            raise OperationFailed("It was started but did not come up.")

    async def shut_down(self) -> None:
        left = self.patience
        while left > 0:
            await self.host.shutdown(self.uuid)
            patience = min(left, _PRESS_AGAIN_SECONDS)
            if await self.host.wait_for(self.uuid, OFF, patience):
                return
            left -= patience
        raise OperationFailed(
            f"It did not shut down within {self.patience:.0f} seconds of being asked. To pull the plug: kill"
        )

    async def power_off(self) -> None:
        await self.host.kill(self.uuid)
        if not await self.host.wait_for(self.uuid, OFF, self.patience):
            raise OperationFailed("It could not be switched off.")

    async def forget(self) -> None:
        await self.host.undefine(self.uuid)

    async def delete_disk(self) -> None:
        await self.host.delete_disk(self.uuid)

    async def prove_absence(self) -> None:
        if await self.host.state_of(self.uuid) is not PowerState.ABSENT:
            raise OperationFailed("The host still has it.")


_Step = tuple[str, Callable[[_Work], Awaitable[None]]]

STEPS: dict[OperationKind, tuple[_Step, ...]] = {
    "create": (("disk", _Work.prepare_disk), ("definition", _Work.define), ("boot", _Work.boot)),
    "start": (("definition", _Work.define), ("boot", _Work.boot)),
    "stop": (("shutdown", _Work.shut_down),),
    "restart": (("shutdown", _Work.shut_down), ("definition", _Work.define), ("boot", _Work.boot)),
    "kill": (("power off", _Work.power_off),),
    "destroy": (
        ("power off", _Work.power_off),
        ("definition", _Work.forget),
        ("disk", _Work.delete_disk),
        ("absence", _Work.prove_absence),
    ),
}
"""What each operation does, in order, under the names that people see."""

_AFTERWARDS: dict[OperationKind, tuple[CapsulState, str]] = {
    "create": ("running", "running"),
    "start": ("running", "running"),
    "stop": ("stopped", "stopped"),
    "restart": ("running", "running"),
    "kill": ("stopped", "stopped"),
    "destroy": ("destroyed", "destroyed"),
}
"""The state that each operation leads to, and what is wanted from then on."""


class OperationWork:
    """The work function for jobs that point to operations."""

    def __init__(self, database: Database, hosts: Hosts, shutdown_seconds: float) -> None:
        self._database = database
        self._hosts = hosts
        self._shutdown_seconds = shutdown_seconds

    async def carry_out(self, operation_id: str) -> None:
        """From the first step that is not done to the end; does nothing when somebody else is at it.

        Raises:
            Unavailable: the host or the database is away, and there is time left to try again.
        """
        async with self._database.exclusively(f"operation:{operation_id}") as mine:
            if not mine:
                return
            async with self._database.worker() as connection:
                claim = await operations.claim(connection, operation_id)
                specification = await capsuls.specification(connection, claim.capsul_id) if claim else None
            if claim is None or specification is None:
                return
            try:
                await self._attempt_or_fail(claim, specification)
            except Overtaken:
                _log.warning("an operation was overtaken", operation=claim.id, attempt=claim.attempts)

    async def _attempt_or_fail(self, claim: Claim, specification: Specification) -> None:
        try:
            await self._attempt(claim, specification)
        except Overtaken:
            raise
        except (OperationFailed, HypervisorFailed) as error:
            await self._fail(claim, specification, error)
        except Unavailable as away:
            if claim.seconds_left > 0:
                raise
            await self._fail(claim, specification, OperationFailed(f"It ran out of time: {away.message}"))
        except Exception:  # noqa: BLE001 - the one door of work: the member is told, the log has the rest
            _log.exception("an operation met a bug", operation=claim.id, kind=claim.kind)
            reason = f"Something broke on our side. Please quote {claim.id} to the operators."
            await self._fail(claim, specification, OperationFailed(reason))

    async def _attempt(self, claim: Claim, specification: Specification) -> None:
        work = await self._work(specification)
        try:
            async with asyncio.timeout(max(claim.seconds_left, 0)):
                for name, act in STEPS[claim.kind]:
                    await self._step(claim, name, partial(act, work))
        except TimeoutError:
            raise OperationFailed("It ran out of time.") from None
        async with self._database.worker() as connection:
            await operations.finish(connection, claim, "done")
            state, desired = _AFTERWARDS[claim.kind]
            await capsuls.change_state(connection, claim.capsul_id, state, "", desired)
            if claim.kind == "destroy":
                await capsuls.release_room(connection, claim.capsul_id)

    async def _work(self, specification: Specification) -> _Work:
        return _Work(await self._hosts.ours(specification.host_id), specification, self._shutdown_seconds)

    async def _step(self, claim: Claim, name: str, act: Callable[[], Awaitable[None]]) -> None:
        async with self._database.worker() as connection:
            if not await operations.begin_step(connection, claim, name):
                return
        await act()
        async with self._database.worker() as connection:
            await operations.end_step(connection, claim.id, name, "done")

    async def _fail(self, claim: Claim, specification: Specification, error: CapsulError) -> None:
        _log.warning("operation failed", operation=claim.id, kind=claim.kind, capsul=claim.capsul_id, why=str(error))
        state, reason = await self._state_after_failure(claim, specification, error)
        async with self._database.worker() as connection:
            await operations.finish(connection, claim, "failed", error.message)
            await operations.fail_open_steps(connection, claim.id)
            desired = None if state not in ("running", "stopped") else state
            await capsuls.change_state(connection, claim.capsul_id, state, reason, desired)
        if claim.kind == "create":
            await self.clear_away(specification)

    async def _state_after_failure(
        self, claim: Claim, specification: Specification, error: CapsulError
    ) -> tuple[CapsulState, str]:
        if claim.kind == "create":
            return "failed", error.message
        if claim.kind == "destroy":
            return "stopping", "being destroyed; an operator will look at what is in the way"
        try:
            host = await self._hosts.ours(specification.host_id)
            seen = await host.state_of(specification.uuid)
        except CapsulError:
            return "unreachable", error.message
        return ("running" if seen is PowerState.RUNNING else "stopped"), ""

    async def clear_away(self, specification: Specification) -> None:
        """Takes whatever there is of a capsul off its host, then gives its room back: only on proven absence.

        What fails here is tried again by the reconciler until it has worked.
        """
        try:
            work = await self._work(specification)
            for _, act in STEPS["destroy"]:
                await act(work)
        except CapsulError as error:
            _log.warning("not cleared away yet", capsul=specification.id, why=str(error))
            return
        async with self._database.worker() as connection:
            if specification.desired == "destroyed" and specification.state not in ("failed", "destroyed"):
                await capsuls.change_state(connection, specification.id, "destroyed")
            await capsuls.release_room(connection, specification.id)
