"""Every command's JSON is what docs/schemas/ says, field by field, with nothing more and nothing less."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backends.metrics import UNITS
from capsul.machines import Series
from capsul.models import Caller, Capsul
from services import Services
from services.metrics import CapsulMetrics
from sshgate.commands import ALL_COMMANDS
from sshgate.commands.context import Command
from sshgate.commands.reference import schema_file
from sshgate.server import SshGate
from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, OpenGate, Ssh
from tests.workers import QuickWorker

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
Client = Callable[..., Ssh]


def closed(schema: Any) -> Any:
    """The schema with nothing allowed that it does not name: what is new must be described."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: closed(part) for name, part in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        strict["unevaluatedProperties"] = False
    return strict


def validator(file: str) -> Draft202012Validator:
    """Strict, in one piece, and with formats checked."""
    text = (SCHEMAS / file).read_text().replace('"definitions.json#', '"#')
    definitions = json.loads((SCHEMAS / "definitions.json").read_text())["$defs"]
    schema = closed({**json.loads(text), "$defs": definitions})
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def check(command: str, document: Any) -> None:
    """Raises unless the document is one of this command's."""
    validator(f"{command.replace(' ', '-')}.json").validate(document)


class MeasuredMetrics(CapsulMetrics):
    """Figures as Prometheus would give them: some with points, some without."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def series(self, caller: Caller, reference: str, span: str) -> tuple[Capsul, dict[str, Series]]:
        points = {"cpu": ((1_790_000_000, 12.5), (1_790_000_020, 100.0)), "memory": ((1_790_000_000, 2.0**27),)}
        figures = {name: Series(unit, points.get(name, ())) for name, unit in UNITS.items()}
        return await self._services.capsuls.show(caller, reference), figures


@pytest.fixture
async def gate(open_gate: OpenGate, services: Services, worker: QuickWorker) -> AsyncIterator[SshGate]:
    """With somebody who works, and figures."""
    del worker
    async with open_gate(instead=replace(services, metrics=MeasuredMetrics(services))) as opened:
        yield opened


class Asker:
    """Asks with --json, checks every answer against its schema, and notes which commands were tried."""

    def __init__(self) -> None:
        self.tried: set[str] = set()

    async def __call__(self, ssh: Ssh, name: str, *words: str, stdin: bytes | None = None) -> Any:
        answer = await ssh(*name.split(), *words, "--json", stdin=stdin)
        assert answer.status == 0, (name, answer.err)
        assert answer.out.count("\n") == 1
        document = json.loads(answer.out)
        check(name, document)
        self.tried.add(name)
        return document


async def test_every_commands_document_is_as_described(
    client: Client,
    member: KeyFile,
    enrol_key: EnrolKey,
    new_key: Callable[..., KeyFile],
    fresh_database: TestDatabase,
) -> None:
    ask, ssh = Asker(), client(member)
    await the_guests_road(ask, client, new_key, fresh_database)
    await the_members_road(ask, ssh, client, new_key, fresh_database)
    await the_operators_road(ask, client(await enrol_key("op", email="op@example.org", operator=True)), fresh_database)
    assert ask.tried == {command.name for command in ALL_COMMANDS}


async def the_guests_road(ask: Asker, client: Client, new_key: Callable[..., KeyFile], database: TestDatabase) -> None:
    guest = client(new_key("guest"))
    for name in ("help", "doctor", "version", "plain"):
        await ask(guest, name)
    enrolment = (await ask(guest, "enrol", "guest@example.org"))["enrolment"]
    assert (enrolment["state"], enrolment["fingerprint"]) == ("waiting", guest.keys[0].fingerprint)
    assert (await ask(guest, "doctor"))["enrolment"] == enrolment
    token = secrets.token_urlsafe()
    await database.admin(
        "INSERT INTO mailed_token (token_hash, purpose, enrolment_id, expires_at)"
        " SELECT $1, 'enrol', id, expires_at FROM enrolment WHERE code = $2",
        sha256(token.encode()).digest(),
        enrolment["code"],
    )
    enrolled = (await ask(guest, "confirm", token))["enrolled"]
    assert (enrolled["is_new"], enrolled["waits"]) == (True, False)


async def the_members_road(
    ask: Asker, ssh: Ssh, client: Client, new_key: Callable[..., KeyFile], database: TestDatabase
) -> None:
    me = await ask(ssh, "whoami")
    assert me["account"]["email"] == "me@example.org"
    for name in ("sizes", "images", "ls", "balance", "ledger", "keys"):
        await ask(ssh, name)
    create = ("--image", "tiny", "--size", "nano", "--name", "web")
    assert "capsul" not in await ask(ssh, "create", *create, "--dry-run")
    made = await ask(ssh, "create", *create, "--wait")
    assert (made["capsul"]["state"], made["operation"]["state"], made["changed"]) == ("running", "done", True)
    assert [step["name"] for step in made["operation"]["steps"]] == ["disk", "definition", "boot"]
    assert (await ask(ssh, "start", "web"))["changed"] is False
    glance = await ask(ssh, "plain")
    assert (glance["account"]["email"], glance["capsuls"][0]["name"]) == ("me@example.org", "web")
    assert (await ask(ssh, "metrics", "web"))["series"]["net_rx"] == {"unit": "bytes_per_second", "points": []}
    for name in ("show", "stop", "start", "restart", "kill"):
        await ask(ssh, name, "web", *([] if name == "show" else ["--wait"]))
    await ask(ssh, "rename", "web", "blog")
    await ask(ssh, "operation", made["operation"]["id"])
    await ask(ssh, "operations")
    assert (await ask(ssh, "ls"))["capsuls"][0]["name"] == "blog"
    gone = await ask(ssh, "destroy", "blog", "--confirm", "blog", "--wait")
    assert gone["capsul"]["state"] == "destroyed"
    topup = (await ask(ssh, "topup", "12.50"))["topup"]
    assert (topup["amount"], topup["state"]) == ("12.50", "waiting")
    assert (await ask(ssh, "topup show", topup["id"]))["topup"] == topup
    assert (await ask(ssh, "topups"))["topups"] == [topup]
    await the_keys_road(ask, ssh, client, new_key, database)
    await the_sessions_road(ask, ssh, database)
    assert {entry["action"] for entry in (await ask(ssh, "activity"))["activity"]} >= {
        "capsul create",
        "key added, pending",
    }


async def the_keys_road(
    ask: Asker, ssh: Ssh, client: Client, new_key: Callable[..., KeyFile], database: TestDatabase
) -> None:
    for name, end in (("second", "keys rm"), ("third", "keys deny")):
        key = new_key(name)
        [pending] = (await ask(ssh, "keys add", f"'{key.line}'"))["keys"]
        assert (pending["state"], pending["fingerprint"]) == ("pending", key.fingerprint)
        assert (await ask(client(key), "confirm", pending["confirm_code"]))["key"]["state"] == "live"
        await ask(ssh, "keys rename", key.fingerprint, "my", name)
        assert [it["name"] for it in (await ask(ssh, "keys"))["keys"]][1] == f"my {name}"
        wait = "UPDATE ssh_key SET waits_until = capsul_now() + interval '1 day' WHERE fingerprint = $1"
        await database.admin(wait, key.fingerprint)
        assert (await ask(client(key), "doctor"))["waits_until"] is not None
        if end == "keys rm":
            await ask(ssh, "keys approve", key.fingerprint)
        assert (await ask(ssh, end, key.fingerprint))["fingerprint"] == key.fingerprint


async def the_sessions_road(ask: Asker, ssh: Ssh, database: TestDatabase) -> None:
    await database.admin(
        "INSERT INTO session (id, account_id, key_id, source, client, terminal, gate)"
        " SELECT '0123456789ab', k.account_id, k.id, '192.0.2.7', 'OpenSSH', 'xterm 80x24', gen_random_uuid()"
        " FROM ssh_key AS k JOIN email_address AS e ON e.account_id = k.account_id"
        " WHERE e.normalised = 'me@example.org' AND k.state = 'live' LIMIT 1"
    )
    [session] = (await ask(ssh, "sessions"))["sessions"]
    assert (session["source"], session["terminal"]) == ("192.0.2.7", "xterm 80x24")
    assert (await ask(ssh, "sessions end", session["id"]))["session"] == session["id"]


async def the_operators_road(ask: Asker, operator: Ssh, database: TestDatabase) -> None:
    for name in ("hosts", "accounts", "capsuls", "operations", "images", "sizes", "audit", "ledger verify"):
        await ask(operator, f"admin {name}")
    given = (await ask(operator, "admin credit", "me@example.org", "5", "for", "a", "test"))["entry"]
    assert (given["amount"], given["wallet"], given["note"]) == ("5.00", "gift", "for a test")
    said = (await ask(operator, "admin announce", "We", "move", "on", "Sunday."))["announcement"]
    assert said["ends_at"] is None
    ended = (await ask(operator, "admin announcements end", str(said["id"])))["announcement"]
    assert (await ask(operator, "admin announcements"))["announcements"] == [ended]
    await database.admin("UPDATE topup SET state = 'failed', credited = 1")
    [trouble] = (await ask(operator, "admin topups"))["topups"]
    assert (trouble["email"], trouble["state"], trouble["amount"]) == ("me@example.org", "failed", "12.50")
    await database.admin("UPDATE topup SET credited = 0")
    assert (await ask(operator, "admin topups"))["topups"] == []
    await ask(operator, "admin lock", "me@example.org", "for a test")
    await ask(operator, "admin unlock", "me@example.org", "for a test")
    await ask(operator, "admin credit", "op@example.org", "5", "for", "a", "test")
    await ask(operator, "create", "--image", "tiny", "--size", "nano", "--name", "mine", "--wait")
    stopped = (await ask(operator, "stop", "mine", "--wait"))["operation"]["id"]
    await database.admin("UPDATE operation SET state = 'failed' WHERE id = $1", stopped)
    await database.admin("UPDATE capsul SET state = 'running' WHERE name = 'mine'")
    again = (await ask(operator, "admin retry", stopped))["operation"]
    assert (again["kind"], again["id"] != stopped) == ("stop", True)
    mine = await ask(operator, "admin account", "op@example.org")
    assert [capsul["name"] for capsul in mine["capsuls"]] == ["mine"]
    assert [entry["total"] for entry in mine["entries"]] == ["5.00"]
    assert again["id"] in [operation["id"] for operation in mine["operations"]]
    assert "operation retried" in [entry["action"] for entry in mine["audit"]]


@pytest.mark.parametrize("command", ALL_COMMANDS, ids=lambda command: command.name)
def test_every_schema_is_one(command: Command) -> None:
    validator(schema_file(command))


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ("lss", 2, "usage"),
        ("show '", 2, "usage"),
        ("create --image tiny --size nano --name UPPER", 3, "bad_name"),
        ("create --image tiny --size nano --wait=ssh", 3, "refused"),
        ("show nothing", 4, "not_found"),
        ("create --image nothing --size nano", 4, "not_found"),
        ("create --image tiny --size f1-xx", 6, "no_capacity"),
        ("sessions end 0123456789ab", 4, "not_found"),
        ("admin hosts", 77, "not_permitted"),
        ("topup 20 --method card", 3, "refused"),
        ("topup 100000", 3, "refused"),
    ],
)
async def test_every_error_is_as_described(ssh: Ssh, line: str, status: int, code: str) -> None:
    answer = await ssh(line, "--json")
    assert (answer.status, answer.out) == (status, ""), answer.err
    document = json.loads(answer.err)
    check("error", document)
    assert document["error"]["code"] == code
    plain = await ssh(line)
    assert (plain.status, plain.out) == (status, "")
    assert plain.err == f"{document['error']['message']}\n"


async def test_who_has_no_credit_is_told_how_to_get_some(client: Client, enrol_key: EnrolKey) -> None:
    ssh = client(await enrol_key("poor"))
    answer = await ssh("create", "--image", "tiny", "--size", "f1-xx", "--json")
    assert answer.status == 5, "credit is looked at before room"
    document = json.loads(answer.err)
    check("error", document)
    assert document["error"]["code"] == "insufficient_credit"
    assert "topup" in document["error"]["message"]
