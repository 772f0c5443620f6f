"""With a terminal at the other end."""

import asyncio
import json
import re
from collections.abc import Callable

import pytest

from sshgate.commands.documents import exact
from sshgate.commands.text import Cell, Paint, amount, fields, span, table, width
from sshgate.terminal import Environment, Terminal, wants_colours
from tests.sshgate.conftest import QuickWorker, Ssh

ESCAPE = "\x1b["


async def test_a_pipe_gets_no_colours_and_plain_lines(ssh: Ssh) -> None:
    answer = await ssh("balance")
    assert ESCAPE not in answer.out
    assert "\r" not in answer.out


async def test_a_terminal_gets_colours_and_its_own_line_ends(ssh: Ssh) -> None:
    answer = await ssh.with_("-tt")("balance")
    assert ESCAPE in answer.out
    assert answer.out.count("\r\n") == answer.out.count("\n") > 0


@pytest.mark.parametrize("changed", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
async def test_no_colours_for_who_wants_none(ssh: Ssh, changed: dict[str, str]) -> None:
    answer = await ssh.with_("-tt", "-oSendEnv=NO_COLOR", **changed)("balance")
    assert ESCAPE not in answer.out
    assert "20.00 USD" in answer.out


async def test_json_is_the_same_with_a_terminal(ssh: Ssh) -> None:
    answer = await ssh.with_("-tt")("balance", "--json")
    assert json.loads(answer.out)["balance"] == "20.00"
    assert ESCAPE not in answer.out


async def test_a_member_without_a_command_sees_who_they_are_and_what_they_have(ssh: Ssh) -> None:
    answer = await ssh.with_("-tt")()
    assert answer.status == 0
    assert "me@example.org" in answer.out
    assert "Balance: 20.00 USD" in answer.out
    assert "help" in answer.out


async def test_a_guest_without_a_command_sees_how_to_enrol(stranger: Ssh) -> None:
    answer = await stranger.with_("-tt")()
    assert answer.status == 0
    assert "e-mail" in answer.out
    assert "enrol you@example.org" in answer.out


async def test_a_shell_without_a_terminal_gets_help_and_exit_2(ssh: Ssh, stranger: Ssh) -> None:
    for asking in (ssh, stranger):
        answer = await asking.with_("-T")()
        assert (answer.status, answer.out) == (2, "")
        assert "COMMAND [--json]" in answer.err
    assert "enrol" in answer.err


async def test_somebody_who_watches_sees_the_steps(ssh: Ssh, worker: QuickWorker) -> None:
    answer = await ssh.with_("-tt")("create", "--image", "tiny", "--size", "nano", "--name", "web", "--wait")
    assert answer.status == 0
    steps = re.findall(r"^  (\w+) +done +\d+\.\d s", answer.err, re.MULTILINE)
    assert steps == ["disk", "definition", "boot"]


async def test_ctrl_c_ends_a_command(ssh: Ssh) -> None:
    topup = json.loads((await ssh("topup", "5", "--json")).out)["topup"]["id"]
    process = await asyncio.create_subprocess_exec(
        *ssh.with_("-tt").command("topup", "show", topup, "--wait"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ssh.process_environment(),
    )
    assert process.stderr is not None
    await process.stderr.readline()
    _, err = await asyncio.wait_for(process.communicate(b"\x03"), 10)
    assert process.returncode == 130
    assert b"Interrupted." in err


async def test_ctrl_d_ends_what_is_typed(ssh: Ssh, new_key: Callable[..., object]) -> None:
    answer = await ssh.with_("-tt")("keys", "add", "-", stdin=b"not a key\r\x04 and more")
    assert answer.status == 2
    assert "A public key is a line" in answer.err


def test_sizes_that_no_terminal_has_are_made_some() -> None:
    assert Terminal.asked_for("xterm", 0, 0) == Terminal("xterm", 20, 5)
    assert Terminal.asked_for("\x1b[31m" * 50, 2**32 - 1, 2**32 - 1).columns == 1000
    assert "\x1b" not in Terminal.asked_for("\x1b[31m", 80, 24).kind


def test_variables_without_use_are_not_kept() -> None:
    environment = Environment()
    assert environment.accept("LANG", "C.UTF-8")
    assert environment.accept("NO_COLOR", "\x1b[31m")
    assert not environment.accept("LD_PRELOAD", "x")
    assert not environment.accept("LC_ALL", "x" * 1000)
    assert environment == {"LANG": "C.UTF-8", "NO_COLOR": " [31m"}


def test_colours_need_a_terminal_that_has_them() -> None:
    xterm = Terminal("xterm", 80, 24)
    assert wants_colours(xterm, {})
    assert wants_colours(xterm, {"NO_COLOR": ""})
    assert not wants_colours(xterm, {"NO_COLOR": "1"})
    assert not wants_colours(None, {})
    assert not wants_colours(Terminal("dumb", 80, 24), {})


def test_columns_line_up_whatever_is_in_them() -> None:
    rows: list[tuple[Cell, ...]] = [
        ("é", Paint("running", "green"), 5),
        ("日本", Paint("x", "red"), 1234),
        (None, "", "1"),
    ]
    plain = table(("NAME", "STATE", ">COUNT"), rows, colours=False).splitlines()
    assert plain == ["NAME  STATE    COUNT", "é     running      5", "日本  x         1234", "-                  1"]
    coloured = table(("NAME", "STATE", ">COUNT"), rows, colours=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines() == plain
    assert width("e\u0301") == 1


def test_what_strangers_say_does_not_steer_the_terminal() -> None:
    evil = "\x1b[2J\u202e\x07"
    said = table(("X",), [(evil,), (Paint(evil, "red"),)], colours=False) + fields([("Y", evil)], colours=False)
    assert all(c.isprintable() or c == "\n" for c in said)


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00"),
        (20_000_000, "20.00"),
        (7_441, "0.007441"),
        (-7_440, "-0.00744"),
        (1_500_000, "1.50"),
        (-1, "-0.000001"),
    ],
)
def test_money_for_scripts_is_exact(micro: int, text: str) -> None:
    assert exact(micro) == text


def test_nobody_is_promised_more_than_there_is() -> None:
    assert amount(19_999_999, "USD") == "19.99 USD"
    assert (span(47.9), span(48), span(0.5), span(None)) == (
        "47 hours",
        "2 days",
        "30 minutes",
        "for ever: nothing burns",
    )
