"""The help teaches, is complete, and says the same everywhere."""

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from capsul import errors
from sshgate.commands import ALL_COMMANDS
from sshgate.commands.context import Command
from sshgate.commands.dispatch import Commands
from sshgate.commands.help import EXITS, exits, explanation, summary
from sshgate.commands.overview import GROUPS, Row
from sshgate.commands.reference import reference, schema_file
from sshgate.server import SshGate
from tests.sshgate.conftest import EnrolKey, Ssh
from tests.sshgate.liars import connect, honest

DOCS = Path(__file__).parents[2] / "docs"

CONTRACT = (
    "help doctor enrol confirm whoami version ls show create start stop restart kill rename destroy operation "
    "operations metrics sizes images balance ledger topup topups keys activity sessions"
)

by_name = pytest.mark.parametrize("command", ALL_COMMANDS, ids=lambda command: command.name)


def parameters(command: Command) -> list[str]:
    """What the command takes, as it is typed."""
    return [name for name, _ in Commands().manual.options(command) if name != "--json"]


def test_every_command_of_the_contract_is_there() -> None:
    assert set(CONTRACT.split()) <= {command.name for command in ALL_COMMANDS}
    aliases = {alias for command in ALL_COMMANDS for alias in command.aliases}
    assert {"new", "rm", "ps", "list", "inspect", "reboot"} <= aliases


def test_every_command_stands_in_the_overview_once() -> None:
    assert sorted(command.name for command in Commands().manual.commands) == sorted(c.name for c in ALL_COMMANDS)


@pytest.mark.parametrize("row", [row for _, rows in GROUPS for row in rows], ids=lambda row: row.shown)
def test_what_the_overview_shows_is_how_the_commands_are_typed(row: Row) -> None:
    words = re.findall(r"[a-z]+", row.shown)
    assert all(command.split()[-1] in words for command in row.commands)


@by_name
def test_the_usage_names_everything_a_command_takes(command: Command) -> None:
    for name in parameters(command):
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", command.usage), name


@by_name
def test_the_usage_names_nothing_a_command_does_not_take(command: Command) -> None:
    typed = set(re.findall(r"--[a-z-]+", command.usage))
    assert typed <= set(parameters(command))


@by_name
def test_everything_a_command_takes_is_explained(command: Command) -> None:
    explained = Commands().manual.options(command)
    assert all(text.endswith((".", ")")) for _, text in explained), explained


@by_name
def test_every_command_has_a_summary_an_explanation_and_examples_that_are_understood(command: Command) -> None:
    assert re.fullmatch(r"[A-Z].{10,100}[.]", summary(command))
    assert "Raises" not in explanation(command)
    assert command.examples
    for example in command.examples:
        line = re.sub(r" [<>] \S+$", "", example).replace("$(cat ~/.ssh/id_ed25519.pub)", "ssh-ed25519 AAAA")
        assert Commands().find(line).command is command


@by_name
def test_exit_statuses_are_the_published_ones(command: Command) -> None:
    assert set(exits(command)) <= set(EXITS)


def test_every_error_ends_with_a_published_exit_status() -> None:
    classes = [it for _, it in inspect.getmembers(errors, inspect.isclass) if issubclass(it, errors.CapsulError)]
    assert {it.exit_status for it in classes} <= set(EXITS)


async def test_help_is_exit_0_for_guests_too(gate: SshGate) -> None:
    async with connect(gate.port, [honest(asyncssh.generate_private_key("ssh-ed25519"))]) as guest:
        for name in (command.name for command in ALL_COMMANDS):
            answers = [await guest.run(line) for line in (f"{name} --help", f"{name} -h", f"help {name}")]
            assert {answer.exit_status for answer in answers} == {0}, name
            assert len({answer.stdout for answer in answers}) == 1
            assert "Exit status:" in str(answers[0].stdout)
            assert "Examples:" in str(answers[0].stdout)


async def test_help_for_a_group_names_all_of_it(ssh: Ssh) -> None:
    answer = await ssh("help", "admin")
    admin = [command for command in ALL_COMMANDS if command.is_for_operators]
    assert all(f"  {command.name} " in answer.out and summary(command) in answer.out for command in admin)
    assert answer.out.count("\n") == len(admin) + 2
    assert (await ssh("admin", "--help")).out == (await ssh("admin", "-h")).out == answer.out
    assert "Exit status:" in (await ssh("help", "admin", "ledger")).out, "the only one of its group"


async def test_help_for_a_command_names_those_that_go_on_from_it(ssh: Ssh) -> None:
    assert "See also: keys add, keys rm, keys rename" in (await ssh("help", "keys")).out
    answer = await ssh("help", "keys", "--json")
    assert [command["name"] for command in json.loads(answer.out)["commands"]] == ["keys"]


async def test_help_by_an_alias_is_the_commands(ssh: Ssh) -> None:
    assert (await ssh("help", "new")).out == (await ssh("help", "create")).out


async def test_only_operators_are_shown_what_is_for_operators(
    ssh: Ssh, client: Callable[..., Ssh], enrol_key: EnrolKey
) -> None:
    assert "admin" not in (await ssh("help")).out
    assert "help admin\n" in (await client(await enrol_key("op", operator=True))("help")).out


def test_the_reference_is_what_the_program_says() -> None:
    assert (DOCS / "commands.md").read_text() == reference(), (
        "write it anew: python -m sshgate.commands.reference > docs/commands.md"
    )


def test_every_document_is_described_and_nothing_else_is() -> None:
    described = {path.name for path in (DOCS / "schemas").glob("*.json")}
    assert described == {schema_file(command) for command in ALL_COMMANDS} | {"error.json", "definitions.json"}
