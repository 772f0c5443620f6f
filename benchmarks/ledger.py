"""Transfers a second: 32 writers, 64 wallets, each transfer a transaction of its own through the definer function."""

import asyncio
import itertools
import tempfile
import time
from pathlib import Path

import asyncpg

from benchmarks.measure import percentile, say, say_machine
from capsuld.demo.postgres import PostgresServer
from db import accounts, billing
from db.billing import Posting
from db.database import Database
from db.migrate import migrate

WRITERS = 32
WALLETS = 64
SECONDS = 10.0


async def main() -> None:
    """Postgres with fsync on, on this machine's disk, as the demo runs it."""
    say_machine()
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "data") as server:
        connection = await asyncpg.connect(server.dsn("postgres"))
        await connection.execute("CREATE DATABASE bench")
        await connection.close()
        await migrate(server.dsn("bench"), "USD")
        url = server.dsn("bench").replace("postgres@", "", 1)
        async with Database.connect(url, "capsul_work", most_connections=WRITERS) as database:
            wallets = await _wallets(server.dsn("bench"))
            latencies = await _write(database, wallets)
    say("transfers a second", f"{len(latencies) / SECONDS:,.0f}")
    say("latency p50, p99", f"{percentile(latencies, 0.5) * 1000:.1f} ms, {percentile(latencies, 0.99) * 1000:.1f} ms")


async def _wallets(url: str) -> list[str]:
    connection = await asyncpg.connect(url, server_settings={"search_path": "capsul"})
    try:
        owners = [
            await accounts.make(connection, "1", f"m{number}@example.org", f"m{number}@example.org")
            for number in range(WALLETS)
        ]
        return [billing.wallet(owner, "gift") for owner in owners]
    finally:
        await connection.close()


async def _write(database: Database, wallets: list[str]) -> list[float]:
    numbers = itertools.count()
    latencies: list[float] = []
    deadline = time.perf_counter() + SECONDS

    async def writer() -> None:
        while (begun := time.perf_counter()) < deadline:
            number = next(numbers)
            posting = Posting(f"bench:{number}", "promo", wallets[number % WALLETS], 1, "gift")
            async with database.worker() as connection:
                await billing.post(connection, posting, await accounts.now(connection))
            latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return latencies


if __name__ == "__main__":
    asyncio.run(main())
