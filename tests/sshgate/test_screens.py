"""Every command on the terminals that people have: nothing runs over the edge, nothing is lost."""

import json
from collections.abc import Callable

import pytest

from sshgate.commands import ALL_COMMANDS
from sshgate.commands.style import width
from sshgate.server import SshGate
from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, Ssh, Terminal, seen
from tests.workers import QuickWorker

LONG_NAME = "the-quite-long-name-of-a-database-server"
REASON = "the host has no room for it, and neither has any other that could take it for now"
LISTS = (
    "ls",
    f"show {LONG_NAME}",
    "operations",
    "sizes",
    "images",
    "balance",
    "ledger",
    "topups",
    "whoami",
    "keys",
    "activity",
    "sessions",
    "doctor",
    "admin hosts",
    "admin accounts",
    "admin capsuls",
    "admin operations",
    "admin audit",
    "admin account op@example.org",
    "admin announcements",
    "admin topups",
)


@pytest.fixture
async def operator(enrol_key: EnrolKey, client: Callable[..., Ssh], fresh_database: TestDatabase) -> KeyFile:
    """An operator's key, in an account where all sorts of things have happened."""
    key = await enrol_key("op", email="op@example.org", credit=20_000_000, operator=True)
    ssh = client(key)
    await ssh("create", "--image", "tiny", "--size", "nano", "--name", LONG_NAME)
    await ssh("create", "--image", "tiny", "--size", "nano")
    await ssh("topup", "12.50")
    await ssh("admin", "credit", "op@example.org", "5", "for", "the", "trouble", "that", "there", "was", "yesterday")
    await fresh_database.admin("UPDATE capsul SET state = 'failed', reason = $1", REASON)
    await fresh_database.admin("UPDATE operation SET state = 'failed', reason = $1", REASON)
    await fresh_database.admin("UPDATE host SET reachable = false, trouble = $1", REASON)
    await ssh("admin", "announce", REASON)
    await fresh_database.admin("UPDATE topup SET state = 'failed', credited = 1")
    await fresh_database.admin(
        "INSERT INTO session (id, account_id, key_id, source, client, terminal, gate)"
        " SELECT '0123456789ab', account_id, id, '192.0.2.7', 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3',"
        " 'xterm-256color 120x40', gen_random_uuid() FROM ssh_key"
    )
    return key


@pytest.mark.parametrize("columns", [60, 80, 120])
async def test_no_list_runs_over_the_edge(gate: SshGate, operator: KeyFile, columns: int) -> None:
    terminal = Terminal(gate.port, operator, columns=columns)
    for line in LISTS:
        answer = await terminal(line)
        assert answer.status == 0, (line, answer.err)
        for shown in seen(answer.out + answer.err):
            # A fingerprint is never broken, and stands beside what it is.
            assert width(shown) <= columns or ("SHA256:" in shown.split()[-1] and columns == 60), (line, shown)


@pytest.mark.parametrize("columns", [60, 80, 120])
async def test_reasons_and_ids_are_whole_on_every_terminal(gate: SshGate, operator: KeyFile, columns: int) -> None:
    terminal = Terminal(gate.port, operator, columns=columns)
    for line in ("ls", "operations", "admin capsuls", "admin operations", "admin hosts"):
        said = " ".join(" ".join(seen((await terminal(line)).out)).split())
        assert REASON in said, line
    [first, second] = json.loads((await terminal("ls --json")).out)["capsuls"]
    listed = "\n".join(seen((await terminal("ls")).out)).split()
    assert {first["id"], second["id"], first["name"], second["name"]} <= set(listed)
    assert operator.fingerprint in "\n".join(seen((await terminal("keys")).out)).split()


async def test_a_pipe_gets_one_line_a_row(client: Callable[..., Ssh], operator: KeyFile) -> None:
    ssh = client(operator)
    for line, rows in (("ls", 2), ("operations", 2), ("admin hosts", 1), ("admin capsuls", 2), ("keys", 1)):
        assert (await ssh(line)).out.count("\n") == rows + 1, line


@pytest.mark.parametrize("columns", [40, 80, 120])
async def test_help_is_never_broken_within_a_word(gate: SshGate, member: KeyFile, columns: int) -> None:
    terminal = Terminal(gate.port, member, columns=columns)
    for name in ["", *(command.name for command in ALL_COMMANDS), "admin"]:
        for shown in seen((await terminal(f"help {name}")).out):
            # A command line is there to be copied: it is left to the terminal to wrap.
            assert width(shown) <= columns or "  ssh " in shown, (name, shown)


async def test_the_overview_fits_a_small_terminal_for_everybody(
    gate: SshGate, ssh: Ssh, stranger: Ssh, enrol_key: EnrolKey
) -> None:
    for key in (ssh.keys[0], stranger.keys[0], await enrol_key("op", operator=True)):
        lines = seen((await Terminal(gate.port, key)("help")).out)
        assert len(lines) < 24, "with the prompt after it"
        assert all(width(line) <= 80 for line in lines)


async def test_errors_and_hints_are_whole_words_too(gate: SshGate, member: KeyFile, stranger: Ssh) -> None:
    for key, line in (
        (member, "show nothing-that-there-could-be-under-any-name-at-all"),
        (member, "create --image tiny --size f1-xx --name x"),
        (member, f"create --image tiny --size nano --name {LONG_NAME}"),
        (member, "scp -t x"),
        (stranger.keys[0], "ls"),
        (stranger.keys[0], "enrol somebody.with-a-long-name@a-long-domain.example.org"),
    ):
        answer = await Terminal(gate.port, key)(line)
        assert all(width(shown) <= 80 for shown in seen(answer.out + answer.err)), line
    [said] = [" ".join(seen((await Terminal(gate.port, stranger.keys[0])("ls")).err))]
    assert said == (
        "This key does not belong to an account yet. Enrol it with:     ssh capsul.test enrol YOU@EXAMPLE.ORG"
    )


@pytest.mark.parametrize("kind", ["dumb", "xterm"])
async def test_only_colours_differ_where_there_are_none(gate: SshGate, operator: KeyFile, kind: str) -> None:
    coloured = await Terminal(gate.port, operator)("ls")
    plain = await Terminal(gate.port, operator, kind=kind)("ls")
    assert seen(plain.out) == seen(coloured.out)
    assert ("\x1b" in plain.out) == (kind != "dumb")


async def test_waiting_prints_no_more_than_it_must_on_a_small_terminal(
    gate: SshGate, member: KeyFile, worker: QuickWorker
) -> None:
    answer = await Terminal(gate.port, member, columns=40)("create --image tiny --size nano --wait")
    assert answer.status == 0
    assert all(width(line) <= 40 for line in seen(answer.err))
