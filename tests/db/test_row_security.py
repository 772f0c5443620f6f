"""Postgres is the second lock: a forgotten WHERE shows a member nothing of anybody else's."""

from uuid import uuid4

import asyncpg
import pytest

from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase

# Tables that belong to nobody, and why members may or may not see them.
_PUBLIC = {"clock", "installation", "size", "image", "announcement"}
_CLOSED = {"enrolment", "host", "sandbox_checkout"}

_TABLES = """
SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS guarded,
       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'account_id') AS scoped
FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace = 'capsul'::regnamespace
"""


async def test_every_table_is_guarded_or_is_on_the_list_of_those_that_need_not_be(fresh_database: TestDatabase) -> None:
    for table in await fresh_database.admin(_TABLES):
        if table["scoped"] or table["name"] == "account":
            assert table["guarded"], f"{table['name']} belongs to accounts and is not guarded"
        else:
            assert table["name"] in _PUBLIC | _CLOSED, f"{table['name']} is neither guarded nor listed"


async def test_a_member_sees_its_own_rows_and_nothing_else_in_any_table(
    fresh_database: TestDatabase, services: Services, enrol: Enrol
) -> None:
    me, neighbour = await enrol(credit=20_000_000), await enrol(credit=20_000_000)
    for member in (me, neighbour):
        await services.capsuls.create(member, CreateRequest("tiny", "nano"))
        await services.payments.topup(member, 5_000_000)
        await services.sessions.begin(member, uuid4(), "SSH-2.0-OpenSSH_9.2", "xterm 80x24")
    connection = await _as_member(fresh_database, str(me.account_id))
    for table in await fresh_database.admin(_TABLES):
        name = table["name"]
        if not (table["scoped"] or name == "account"):
            continue
        owner = "id" if name == "account" else "account_id"
        allowed = await connection.fetchval(f"SELECT has_any_column_privilege('capsul.{name}', 'SELECT')")
        if not allowed:
            continue
        seen = {row[0] for row in await connection.fetch(f"SELECT DISTINCT {owner} FROM {name}")}
        assert seen <= {me.account_id}, name
    assert await connection.fetchval("SELECT count(*) FROM capsul") == 1
    await connection.close()


@pytest.mark.parametrize("account_id", ["", "00000000-0000-0000-0000-000000000000"])
async def test_without_an_account_a_member_sees_no_rows_at_all(
    fresh_database: TestDatabase, services: Services, enrol: Enrol, account_id: str
) -> None:
    member = await enrol(credit=20_000_000)
    await services.capsuls.create(member, CreateRequest("tiny", "nano"))
    connection = await _as_member(fresh_database, account_id)
    for table in ("account", "capsul", "operation", "transfer", "ledger_account", "ssh_key", "audit"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    await connection.close()


async def test_a_member_writes_to_no_other_account(fresh_database: TestDatabase, enrol: Enrol) -> None:
    me, neighbour = await enrol(), await enrol()
    connection = await _as_member(fresh_database, str(me.account_id))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(
            "INSERT INTO audit (account_id, actor, action) VALUES ($1, 'member', 'forged')", neighbour.account_id
        )
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_account SET balance = balance + 1",
        "INSERT INTO transfer (idempotency_key) VALUES ('x')",
        "UPDATE transfer SET amount = 1",
        "DELETE FROM transfer",
        "SELECT post_transfer('x', 'promo', 'y', 1, 'gift', '', '', now(), NULL)",
        "UPDATE capsul SET state = 'running'",
        "UPDATE topup SET state = 'paid'",
        "UPDATE account SET state = 'active'",
        "UPDATE clock SET shift = '1 year'",
        "SELECT * FROM enrolment",
        "SELECT * FROM host",
        "SELECT release_room('c-aaaaaaaaaa')",
        "INSERT INTO session (id, account_id, key_id, source, client, terminal, gate) SELECT 'x', account_id, id,"
        " '192.0.2.7', '', '', gen_random_uuid() FROM ssh_key",
        "UPDATE session SET seen_at = now()",
        "UPDATE session SET ended_at = NULL",
        "DELETE FROM session",
    ],
)
async def test_a_member_may_not(fresh_database: TestDatabase, enrol: Enrol, statement: str) -> None:
    me = await enrol()
    connection = await _as_member(fresh_database, str(me.account_id))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_a_member_changes_no_neighbours_capsul_through_a_definer_function(
    fresh_database: TestDatabase, services: Services, enrol: Enrol
) -> None:
    me, neighbour = await enrol(), await enrol(credit=20_000_000)
    accepted = await services.capsuls.create(neighbour, CreateRequest("tiny", "nano"))
    connection = await _as_member(fresh_database, str(me.account_id))
    for call in ("change_state($1, 'destroyed', '', 'destroyed')", "reserve_room($1)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"SELECT {call}", accepted.capsul.id)
    await connection.close()


async def test_a_member_asks_for_no_operation_on_a_neighbours_capsul(
    fresh_database: TestDatabase, services: Services, enrol: Enrol
) -> None:
    me, neighbour = await enrol(), await enrol(credit=20_000_000)
    accepted = await services.capsuls.create(neighbour, CreateRequest("tiny", "nano"))
    await fresh_database.admin("UPDATE operation SET state = 'done'")
    connection = await _as_member(fresh_database, str(me.account_id))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await connection.execute(
            "INSERT INTO operation (account_id, capsul_id, kind, deadline_at) VALUES ($1, $2, 'destroy', now())",
            me.account_id,
            accepted.capsul.id,
        )
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ssh_key (account_id, fingerprint, public_key, name, scope, operator, state, proved_at)"
        " VALUES ($1, 'SHA256:0000000000000000000000000000000000000000000', '', 'x', 'full', true, 'live', now())",
        "INSERT INTO topup (account_id, provider, currency, amount, state, credited)"
        " VALUES ($1, 'sandbox', 'USD', 1, 'paid', 1)",
        "INSERT INTO audit (account_id, actor, action, at) VALUES ($1, 'member', 'backdated', now() - interval '1 y')",
    ],
)
async def test_a_member_writes_no_column_that_is_not_its_to_write(
    fresh_database: TestDatabase, enrol: Enrol, statement: str
) -> None:
    me = await enrol()
    connection = await _as_member(fresh_database, str(me.account_id))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement, me.account_id)
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT source FROM session",
        "SELECT client FROM session",
        "SELECT account_id FROM session",
        "UPDATE session SET account_id = account_id",
        "UPDATE session SET end_asked_at = NULL",
        "DELETE FROM session",
    ],
)
async def test_the_door_says_that_sessions_begin_and_end_and_sees_nothing_of_whose_they_are(
    fresh_database: TestDatabase, statement: str
) -> None:
    connection = await asyncpg.connect(fresh_database.url, user="capsul_web", server_settings={"search_path": "capsul"})
    await connection.execute("SET ROLE capsul_door")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_functions_of_later_migrations_are_not_everybodys(fresh_database: TestDatabase) -> None:
    connection = await asyncpg.connect(fresh_database.admin_url)
    await connection.execute(
        "SET ROLE capsul_owner; CREATE FUNCTION capsul.later() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    for role in ("capsul_member", "capsul_door"):
        assert not await connection.fetchval(f"SELECT has_function_privilege('{role}', 'capsul.later()', 'EXECUTE')")
    await connection.close()


@pytest.mark.parametrize(
    ("login", "role"),
    [
        ("capsul_gate", "capsul_worker"),
        ("capsul_web", "capsul_member"),
        ("capsul_web", "capsul_operator"),
        ("capsul_work", "capsul_operator"),
        ("capsul_gate", "capsul_owner"),
    ],
)
async def test_no_process_becomes_a_role_that_is_not_its_own(
    fresh_database: TestDatabase, login: str, role: str
) -> None:
    connection = await asyncpg.connect(fresh_database.url, user=login)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(f"SET ROLE {role}")
    await connection.close()


@pytest.mark.parametrize("login", ["capsul_gate", "capsul_web", "capsul_work"])
async def test_a_login_that_has_become_nobody_can_do_nothing(fresh_database: TestDatabase, login: str) -> None:
    connection = await asyncpg.connect(fresh_database.url, user=login)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("SELECT * FROM capsul.account")
    await connection.close()


@pytest.mark.parametrize("statement", ["UPDATE transfer SET amount = 1", "DELETE FROM transfer", "TRUNCATE transfer"])
async def test_not_even_the_owner_changes_the_books(fresh_database: TestDatabase, enrol: Enrol, statement: str) -> None:
    await enrol(credit=1_000_000)
    with pytest.raises(asyncpg.RestrictViolationError):
        await fresh_database.admin(statement)


async def _as_member(database: TestDatabase, account_id: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(database.url, user="capsul_gate", server_settings={"search_path": "capsul"})
    await connection.execute("SET ROLE capsul_member")
    await connection.execute("SELECT set_config('capsul.account_id', $1, false)", account_id)
    return connection
