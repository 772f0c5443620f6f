"""Operations on a host that answers like one: by steps, through deaths, never twice, with everything given back.

The host is libvirt's test driver behind a daemon of our own; tests/backends holds QEMU to the same contract.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import libvirt
import pytest

from backends.hypervisor import HostSettings, Hypervisor, LibvirtEvents
from capsul.config import Settings
from capsul.errors import BadState, Busy, Conflict, NoCapacity, Unavailable
from capsul.machines import Observed, PowerState
from capsul.models import Caller, Capsul
from capsuld.demo.libvirtd import LibvirtDaemon
from db import capsuls, installation, operations
from db.database import Database
from services import Services
from services.capsuls import CreateRequest
from services.work.hosts import Hosts
from services.work.operations import OperationWork
from services.work.reconcile import Reconciler
from tests.conftest import Enrol, TestDatabase
from tests.hosts import host_settings

_TEN = 10_000_000


class Worker:
    """What the worker is made of, moved by hand: nothing happens that the test does not ask for."""

    def __init__(
        self,
        services: Services,
        database: Database,
        admin: TestDatabase,
        hosts: Hosts,
        host_settings: HostSettings,
        events: LibvirtEvents,
        kept: Any,
    ) -> None:
        self.kept = kept
        self.host_settings = host_settings
        self.events = events
        self.services = services
        self.database = database
        self.admin = admin
        self.hosts = hosts
        self.work = OperationWork(database, hosts, shutdown_seconds=5)
        self.reconciler = Reconciler(database, hosts, self.work, repair_seconds=60)

    @property
    def host(self) -> Hypervisor:
        return self.hosts.by_name["host-1"]

    async def carry_out_everything(self) -> None:
        """Every operation that waits, also those that begin meanwhile."""
        while waiting := await self.admin.admin("SELECT id FROM operation WHERE state IN ('queued', 'running')"):
            for row in waiting:
                await self.work.carry_out(row["id"])

    async def create(self, owner: Caller, name: str = "web") -> Capsul:
        """A capsul that runs."""
        await self.services.capsuls.create(owner, CreateRequest("tiny", "nano", name=name))
        await self.carry_out_everything()
        return await self.services.capsuls.show(owner, name)

    async def state_on_host(self, capsul: Capsul) -> PowerState:
        return await self.host.state_of(capsul.uuid)

    async def promised(self) -> int:
        """MiB that the host has promised."""
        [row] = await self.admin.admin("SELECT committed_memory_mib AS mib FROM host")
        mib: int = row["mib"]
        return mib


@pytest.fixture
async def worker(
    services: Services,
    settings: Settings,
    work_database: Database,
    fresh_database: TestDatabase,
    libvirtd: LibvirtDaemon,
    libvirt_events: LibvirtEvents,
    tmp_path: Path,
) -> AsyncIterator[Worker]:
    uri = libvirtd.uri("test")
    await fresh_database.admin("UPDATE host SET uri = $1", uri)
    async with work_database.worker() as connection:
        this = await installation.read(connection)
    assert this is not None
    of_this_test = host_settings("test", uri, tmp_path, installation_id=this.id, epoch=this.epoch)
    # The test driver forgets everything when its last connection closes.
    kept = libvirt.open(uri)
    async with Hosts(work_database, lambda _: Hypervisor(of_this_test, libvirt_events)) as hosts:
        await hosts.refresh()
        yield Worker(services, work_database, fresh_database, hosts, of_this_test, libvirt_events, kept)
        for domain in kept.listAllDomains():
            if domain.isActive():
                domain.destroy()
            domain.undefine()
    kept.close()


@pytest.fixture
async def owner(enrol: Enrol) -> Caller:
    return await enrol(credit=_TEN)


async def test_a_created_capsul_runs_and_its_steps_are_kept(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    assert capsul.state == "running"
    assert await worker.state_on_host(capsul) is PowerState.RUNNING
    [operation] = await worker.services.operations.list(owner)
    assert [(step.name, step.state) for step in operation.steps] == [
        ("disk", "done"),
        ("definition", "done"),
        ("boot", "done"),
    ]
    assert all(step.seconds >= 0 for step in operation.steps)


@pytest.mark.parametrize(
    ("kind", "state", "on_host"),
    [
        ("stop", "stopped", PowerState.STOPPED),
        ("kill", "stopped", PowerState.STOPPED),
        ("restart", "running", PowerState.RUNNING),
    ],
)
async def test_what_is_asked_of_a_running_capsul_is_done(
    worker: Worker, owner: Caller, kind: str, state: str, on_host: PowerState
) -> None:
    capsul = await worker.create(owner)
    accepted = await getattr(worker.services.capsuls, kind)(owner, "web")
    assert accepted.changed
    await worker.carry_out_everything()
    assert (await worker.services.capsuls.show(owner, "web")).state == state
    assert await worker.state_on_host(capsul) is on_host


async def test_a_stopped_capsul_starts_again(worker: Worker, owner: Caller) -> None:
    await worker.create(owner)
    await worker.services.capsuls.stop(owner, "web")
    await worker.carry_out_everything()
    await worker.services.capsuls.start(owner, "web")
    await worker.carry_out_everything()
    assert (await worker.services.capsuls.show(owner, "web")).state == "running"
    assert not (await worker.services.capsuls.start(owner, "web")).changed


async def test_a_destroyed_capsul_leaves_nothing_and_its_name_is_free(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    await worker.services.capsuls.destroy(owner, "web", "web")
    await worker.carry_out_everything()
    assert await worker.state_on_host(capsul) is PowerState.ABSENT
    assert await worker.promised() == 0
    assert await worker.services.capsuls.list(owner) == []
    assert (await worker.services.capsuls.show(owner, capsul.id)).state == "destroyed"
    assert not (await worker.services.capsuls.destroy(owner, capsul.id, "web")).changed
    assert (await worker.create(owner)).id != capsul.id


async def test_another_request_waits_until_the_first_is_done(worker: Worker, owner: Caller) -> None:
    await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    with pytest.raises(Busy, match="create"):
        await worker.services.capsuls.destroy(owner, "web", "web")


async def test_the_same_request_while_it_is_under_way_is_the_same_operation(worker: Worker, owner: Caller) -> None:
    await worker.create(owner)
    first = await worker.services.capsuls.stop(owner, "web")
    again = await worker.services.capsuls.stop(owner, "web")
    assert first.operation is not None
    assert again.operation is not None
    assert (again.operation.id, again.changed) == (first.operation.id, False)


@pytest.mark.parametrize("step", ["disk", "definition", "boot"])
async def test_a_worker_that_dies_after_any_step_is_taken_over_from_there(
    worker: Worker, owner: Caller, step: str
) -> None:
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    assert accepted.operation is not None
    done = asyncio.Event()

    async def die_here(connection: object, operation_id: str, name: str, state: str) -> None:
        await end_step(connection, operation_id, name, state)  # type: ignore[arg-type]
        if name == step:
            done.set()
            await asyncio.Event().wait()

    end_step = operations.end_step
    try:
        operations.end_step = die_here
        doomed = asyncio.create_task(worker.work.carry_out(accepted.operation.id))
        await done.wait()
        doomed.cancel()
        await asyncio.gather(doomed, return_exceptions=True)
    finally:
        operations.end_step = end_step
    await worker.carry_out_everything()
    assert (await worker.services.capsuls.show(owner, "web")).state == "running"
    assert len(await worker.host.observe_all()) == 1


async def test_two_workers_with_the_same_operation_do_it_once(worker: Worker, owner: Caller) -> None:
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    assert accepted.operation is not None
    await asyncio.gather(*(worker.work.carry_out(accepted.operation.id) for _ in range(4)))
    [row] = await worker.admin.admin("SELECT attempts FROM operation")
    assert row["attempts"] == 1
    assert len(await worker.host.observe_all()) == 1


async def test_a_create_that_runs_out_of_time_gives_everything_back(worker: Worker, owner: Caller) -> None:
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    assert await worker.promised() == 128
    await worker.admin.admin("UPDATE operation SET deadline_at = capsul_now()")
    await worker.carry_out_everything()
    capsul = await worker.services.capsuls.show(owner, accepted.capsul.id)
    assert (capsul.state, capsul.reason) == ("failed", "It ran out of time.")
    assert await worker.promised() == 0
    assert await worker.state_on_host(capsul) is PowerState.ABSENT
    assert (await worker.services.billing.balance(owner)).available == _TEN


async def test_a_bug_ends_the_operation_with_words_for_the_member(worker: Worker, owner: Caller) -> None:
    await worker.admin.admin("UPDATE image SET volume = '../etc/passwd'")
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    await worker.carry_out_everything()
    capsul = await worker.services.capsuls.show(owner, accepted.capsul.id)
    assert accepted.operation is not None
    assert capsul.state == "failed"
    assert accepted.operation.id in capsul.reason
    assert "passwd" not in capsul.reason


async def test_room_of_a_failed_create_is_kept_until_absence_is_proven(worker: Worker, owner: Caller) -> None:
    await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    await worker.admin.admin("UPDATE operation SET deadline_at = capsul_now()")
    away = worker.hosts._open.pop("host-1")
    await worker.carry_out_everything()
    assert await worker.promised() == 128
    worker.hosts._open["host-1"] = away
    await worker.reconciler.look_at_all()
    assert await worker.promised() == 0


async def test_a_host_that_is_away_is_tried_again_until_the_deadline(worker: Worker, owner: Caller) -> None:
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    assert accepted.operation is not None
    away = worker.hosts._open.pop("host-1")
    with pytest.raises(Unavailable):
        await worker.work.carry_out(accepted.operation.id)
    worker.hosts._open["host-1"] = away
    await worker.carry_out_everything()
    assert (await worker.services.capsuls.show(owner, "web")).state == "running"


async def test_two_creates_race_for_the_last_slot_and_one_wins(worker: Worker, owner: Caller, enrol: Enrol) -> None:
    neighbour = await enrol(credit=_TEN)
    await worker.admin.admin("UPDATE host SET memory_mib = 128")
    answers = await asyncio.gather(
        *(
            worker.services.capsuls.create(caller, CreateRequest("tiny", "nano", name=f"n{number}"))
            for number in range(3)
            for caller in (owner, neighbour)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, NoCapacity) for answer in answers) == 5
    assert await worker.promised() == 128


async def test_a_capsul_that_shuts_down_from_within_is_stopped_and_stays_so(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    following = asyncio.create_task(worker.reconciler.follow(worker.host))
    await worker.host.shutdown(capsul.uuid)
    await _until_state(worker, owner, "stopped")
    await worker.reconciler.look_at_all()
    assert (await worker.services.capsuls.show(owner, "web")).desired == "stopped"
    assert await worker.admin.admin("SELECT FROM operation WHERE state = 'queued'") == []
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_what_is_found_off_without_having_been_asked_is_started_again(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    await worker.host.kill(capsul.uuid)
    await worker.reconciler.look_at_all()
    assert (await worker.services.capsuls.show(owner, "web")).state == "starting"
    await worker.carry_out_everything()
    assert await worker.state_on_host(capsul) is PowerState.RUNNING


async def test_the_reconciler_leaves_alone_what_an_operation_works_on(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    await worker.services.capsuls.stop(owner, "web")
    await worker.reconciler.look_at_all()
    assert (await worker.services.capsuls.show(owner, "web")).state == "stopping"
    assert await worker.state_on_host(capsul) is PowerState.RUNNING


async def test_a_capsul_without_a_row_is_reported_and_left_alone(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    async with worker.database.worker() as connection:
        spec = await capsuls.specification(connection, capsul.id)
    assert spec is not None
    await worker.admin.admin("UPDATE capsul SET uuid = gen_random_uuid(), desired = 'stopped', state = 'stopped'")
    await worker.reconciler.look_at_all()
    [row] = await worker.admin.admin("SELECT trouble FROM host")
    assert capsul.id in row["trouble"]
    assert await worker.host.state_of(UUID(str(capsul.uuid))) is PowerState.RUNNING


async def test_a_host_of_another_installation_is_left_alone(worker: Worker, owner: Caller) -> None:
    settings = replace(worker.host_settings, installation_id=uuid4())
    async with Hypervisor(settings, worker.events) as stranger:
        await stranger.wait_for(uuid4(), {PowerState.ABSENT}, 5)
        assert await stranger.claim()
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    await worker.carry_out_everything()
    capsul = await worker.services.capsuls.show(owner, accepted.capsul.id)
    assert capsul.state == "failed"
    assert "another installation" in capsul.reason
    await worker.reconciler.look_at_all()
    [row] = await worker.admin.admin("SELECT reachable, trouble FROM host")
    assert not row["reachable"]
    assert str(settings.installation_id) in row["trouble"]


async def test_an_overtaken_worker_touches_nothing_more(
    worker: Worker, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    assert accepted.operation is not None
    booting, go_on = asyncio.Event(), asyncio.Event()
    wait_for = Hypervisor.wait_for

    async def fails_late(self: Hypervisor, *wanted: object, **how: object) -> bool:
        if booting.is_set():
            return await wait_for(self, *wanted, **how)  # type: ignore[arg-type]
        booting.set()
        await go_on.wait()
        return False

    monkeypatch.setattr(Hypervisor, "wait_for", fails_late)
    slow = asyncio.create_task(worker.work.carry_out(accepted.operation.id))
    await booting.wait()
    # The lock goes with its connection, as when Postgres loses it; another worker then does the work.
    await worker.admin.admin(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await worker.carry_out_everything()
    go_on.set()
    await asyncio.gather(slow, return_exceptions=True)
    capsul = await worker.services.capsuls.show(owner, "web")
    assert capsul.state == "running"
    assert await worker.state_on_host(capsul) is PowerState.RUNNING
    assert await worker.promised() == 128


async def test_a_size_that_changes_leaves_capsuls_that_are_there_as_they_were(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    await worker.admin.admin("UPDATE size SET memory_mib = 3000, price_month = 9000000 WHERE id = 'nano'")
    async with worker.database.worker() as connection:
        specification = await capsuls.specification(connection, capsul.id)
    assert specification is not None
    assert specification.memory_mib == 128
    await worker.services.capsuls.destroy(owner, "web", "web")
    await worker.carry_out_everything()
    assert (await worker.services.capsuls.show(owner, capsul.id)).state == "destroyed"
    assert await worker.promised() == 0


@pytest.mark.parametrize("kind", ["start", "stop", "restart", "kill"])
async def test_a_failed_create_is_over(worker: Worker, owner: Caller, kind: str) -> None:
    accepted = await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    await worker.admin.admin("UPDATE operation SET deadline_at = capsul_now()")
    await worker.carry_out_everything()
    with pytest.raises(BadState):
        await getattr(worker.services.capsuls, kind)(owner, accepted.capsul.id)


@pytest.mark.parametrize("kind", ["start", "stop", "restart", "kill"])
async def test_what_is_being_destroyed_is_never_wanted_again(worker: Worker, owner: Caller, kind: str) -> None:
    capsul = await worker.create(owner)
    await worker.services.capsuls.destroy(owner, "web", "web")
    await worker.admin.admin("UPDATE operation SET deadline_at = capsul_now() WHERE state = 'queued'")
    await worker.carry_out_everything()
    with pytest.raises(BadState, match="destroyed"):
        await getattr(worker.services.capsuls, kind)(owner, capsul.id)
    await worker.reconciler.look_at_all()
    assert (await worker.services.capsuls.show(owner, capsul.id)).state == "destroyed"
    assert await worker.promised() == 0


async def test_what_was_seen_before_the_owner_stopped_it_starts_nothing(
    worker: Worker, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    capsul = await worker.create(owner)
    observe_all = Hypervisor.observe_all

    async def slowly(self: Hypervisor) -> list[Observed]:
        seen = await observe_all(self)
        await worker.services.capsuls.stop(owner, "web")
        await worker.carry_out_everything()
        return seen

    monkeypatch.setattr(Hypervisor, "observe_all", slowly)
    await worker.reconciler.look_at_all()
    monkeypatch.undo()
    await worker.reconciler.look_at_all()
    await worker.carry_out_everything()
    assert (await worker.services.capsuls.show(owner, "web")).state == "stopped"
    assert await worker.state_on_host(capsul) is PowerState.STOPPED


async def test_a_request_that_is_just_being_made_is_seen_by_the_reconciler(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    [expected] = await _expected(worker)
    async with worker.database.worker() as asking:
        await capsuls.change_state(asking, capsul.id, "stopping", "", "stopped")
        async with worker.database.worker() as looking:
            locking = asyncio.create_task(capsuls.lock_idle(looking, expected.id))
            await _until_somebody_waits(worker)
            await operations.insert(
                asking, owner.account_id, capsul.id, "stop", None, b"", "", "", timedelta(seconds=60)
            )
            await asking.execute("COMMIT; BEGIN")
            assert await locking is None


async def test_a_capsul_paused_on_its_host_is_left_to_whoever_paused_it(worker: Worker, owner: Caller) -> None:
    capsul = await worker.create(owner)
    worker.kept.lookupByUUID(capsul.uuid.bytes).suspend()
    await worker.reconciler.look_at_all()
    shown = await worker.services.capsuls.show(owner, "web")
    assert (shown.state, shown.reason, shown.desired) == ("running", "paused on its host", "running")


async def test_a_key_used_for_what_was_so_already_does_nothing_later(worker: Worker, owner: Caller) -> None:
    await worker.create(owner)
    assert not (await worker.services.capsuls.start(owner, "web", "k")).changed
    await worker.services.capsuls.stop(owner, "web")
    await worker.carry_out_everything()
    assert not (await worker.services.capsuls.start(owner, "web", "k")).changed
    assert (await worker.services.capsuls.show(owner, "web")).state == "stopped"
    with pytest.raises(Conflict):
        await worker.services.capsuls.destroy(owner, "web", "web", "k")


async def test_a_host_that_does_not_answer_is_given_nothing_new(worker: Worker, owner: Caller) -> None:
    await worker.admin.admin("UPDATE host SET reachable = false")
    with pytest.raises(Unavailable, match="answers"):
        await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano"))
    assert await worker.promised() == 0


async def test_work_that_lost_its_job_gets_another(worker: Worker, owner: Caller) -> None:
    await worker.services.capsuls.create(owner, CreateRequest("tiny", "nano", name="web"))
    await worker.admin.admin("DELETE FROM pgqueuer.pgqueuer")
    await worker.reconciler.enqueue_lost_work()
    await worker.reconciler.enqueue_lost_work()
    jobs = await worker.admin.admin("SELECT entrypoint FROM pgqueuer.pgqueuer WHERE entrypoint = 'operation'")
    assert len(jobs) == 1


async def test_an_operator_tries_a_failed_operation_again(worker: Worker, owner: Caller, enrol: Enrol) -> None:
    operator = await enrol(operator=True)
    await worker.create(owner)
    await worker.services.capsuls.stop(owner, "web")
    await worker.admin.admin("UPDATE operation SET deadline_at = capsul_now() WHERE state = 'queued'")
    await worker.carry_out_everything()
    [failed] = await worker.services.operators.operations(operator, "failed")
    assert failed.reason == "It ran out of time."
    assert (await worker.services.capsuls.show(owner, "web")).state == "running"
    again = await worker.services.operators.retry(operator, failed.id)
    assert again.id != failed.id
    await worker.carry_out_everything()
    stopped = await worker.services.capsuls.show(owner, "web")
    assert (stopped.state, stopped.desired) == ("stopped", "stopped")
    with pytest.raises(BadState):
        await worker.services.operators.retry(operator, failed.id)


async def _expected(worker: Worker) -> list[capsuls.Expected]:
    async with worker.database.worker() as connection:
        return await capsuls.expected_on_host(connection, "host-1")


async def _until_somebody_waits(worker: Worker) -> None:
    """Returns once a transaction waits for a lock."""
    async with asyncio.timeout(20):
        while not await worker.admin.admin(  # noqa: ASYNC110 - Postgres tells nobody who waits
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            await asyncio.sleep(0.01)


async def _until_state(worker: Worker, owner: Caller, state: str) -> None:
    with worker.services.changes.watch(frozenset({"capsul"})) as changes:
        async with asyncio.timeout(20):
            while (await worker.services.capsuls.show(owner, "web")).state != state:
                await changes.get()
