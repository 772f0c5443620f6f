"""Processes start on a database they know, say when they cannot, and end when they are told to."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from capsul.errors import Unavailable
from services import Services
from services.capsuls import CreateRequest
from tests.capsuld.conftest import Program, Running
from tests.conftest import Enrol, TestDatabase

Start = Callable[[str], Awaitable[Running]]


@pytest.mark.parametrize(("name", "ready"), [("gate", '"event": "listening"'), ("worker", '"event": "ready"')])
async def test_a_process_ends_well_when_it_is_told_to(start: Start, name: str, ready: str) -> None:
    running = await start(name)
    await running.says(ready)
    assert await running.stop() == 0
    assert "Traceback" not in running.log.read_text()


async def test_the_web_door_ends_well_when_it_is_told_to(start: Start, program: Program) -> None:
    running = await start("web")
    await _answers(program)
    assert await running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize("name", ["gate", "web", "worker"])
async def test_no_process_starts_under_another_currency(program: Program, name: str) -> None:
    program.settings["currency"] = "EUR"
    finished = await program.run(name)
    assert finished.status != 0
    assert "USD" in finished.errors
    assert "Traceback" not in finished.errors


@pytest.mark.parametrize("name", ["gate", "web", "worker"])
async def test_no_process_starts_on_a_database_it_does_not_know(
    program: Program, fresh_database: TestDatabase, name: str
) -> None:
    await fresh_database.admin("DELETE FROM capsul_meta.migration WHERE number = 2")
    finished = await program.run(name)
    assert finished.status != 0
    assert "capsul migrate" in finished.errors


async def test_migrating_again_says_that_nothing_was_to_do(program: Program) -> None:
    finished = await program.run("migrate")
    assert (finished.status, finished.output) == (0, "up to date\n")


async def test_a_broken_configuration_is_said_in_one_sentence(program: Program) -> None:
    program.settings["ssh_prot"] = 22
    finished = await program.run("config", "check")
    assert finished.status == 2
    assert "ssh_prot" in finished.errors
    assert "capsul.toml" in finished.errors


async def test_secrets_are_not_shown(program: Program) -> None:
    program.settings["smtp_password"] = "hunter2"
    finished = await program.run("config", "check")
    assert finished.status == 0
    assert "smtp_password" in finished.output
    assert "hunter2" not in finished.output


async def test_check_says_what_does_not_work_and_exits_1(program: Program) -> None:
    finished = await program.run("check")
    assert finished.status == 1
    assert "ok    database" in finished.output
    assert "FAIL  ssh door" in finished.output


async def test_an_operator_key_may_be_added_again_and_again(
    program: Program, services: Services, fresh_database: TestDatabase
) -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO5zAtHkpmLyhPRqTsSaIiUa4XdHGDKr3R3Y7AqYJj8f somebody"
    file = program.folder / "id.pub"
    file.write_text(line)
    for _ in range(2):
        assert (await program.run("operator", "add-key", str(file))).status == 0
    [row] = await fresh_database.admin("SELECT fingerprint FROM ssh_key WHERE operator")
    key = await services.accounts.identify(row["fingerprint"], "192.0.2.1")
    assert key is not None
    account, _ = await services.accounts.whoami(services.accounts.caller(key, "s", "192.0.2.1"))
    assert account.email == "operator@localhost"


async def test_sizes_and_images_are_data(program: Program, services: Services, enrol: Enrol) -> None:
    caller = await enrol()
    size = ["size", "add", "f9", "--vcpus=2", "--memory-mib=256", "--disk-gib=3", "--price=2.50"]
    image = ["image", "add", "debian-12", "--title=Debian", "--version=12", "--volume=d.qcow2", "--user=debian"]
    assert (await program.run(*size)).status == 0
    assert (await program.run(*image)).status == 0
    assert (
        await program.run("size", "add", "f10", "--vcpus=2", "--memory-mib=1", "--disk-gib=3", "--price=x")
    ).status == 2
    assert 2_500_000 in [size.price_month for size in await services.capsuls.sizes(caller)]
    assert "Debian" in [image.name for image in await services.capsuls.images(caller)]


async def test_after_a_restore_nothing_is_done_until_somebody_says_resume(
    program: Program, start: Start, services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    owner = await enrol(credit=5_000_000)
    accepted = await services.capsuls.create(owner, CreateRequest("tiny", "nano"))
    await fresh_database.admin("UPDATE installation SET cluster_identity = 'another cluster'")
    running = await start("worker")
    await running.says("capsul resume")
    assert accepted.operation is not None
    with pytest.raises(Unavailable, match="backup"):
        await services.capsuls.create(owner, CreateRequest("tiny", "nano"))
    assert not (await services.operations.wait(owner, accepted.operation.id, 2)).ended
    assert "FAIL  database" in (await program.run("check")).output
    await running.stop()
    resumed = await program.run("resume")
    assert "epoch 2" in resumed.output
    assert (await program.run("resume")).status == 3
    running = await start("worker")
    ended = await services.operations.wait(owner, accepted.operation.id, 30)
    assert ended.state == "done"


async def _answers(program: Program) -> None:
    """Waits until the web door's health says something."""
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(30):
        while True:
            try:
                await client.get(f"http://127.0.0.1:{program.settings['http_port']}/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
