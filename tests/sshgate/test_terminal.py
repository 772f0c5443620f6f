"""With a terminal at the other end."""

import asyncio
import json
from collections.abc import Callable

import pytest

from sshgate.terminal import Environment, Terminal, why_no_colours
from tests.sshgate.conftest import Ssh

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


async def test_a_shell_without_a_terminal_gets_help_and_exit_2(ssh: Ssh, stranger: Ssh) -> None:
    for asking in (ssh, stranger):
        answer = await asking.with_("-T")()
        assert (answer.status, answer.out) == (2, "")
        assert "COMMAND [--json]" in answer.err
    assert "enrol" in answer.err


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
    assert Terminal.asked_for("xterm", 0, 0) == Terminal("xterm", 80, 24), "it does not know"
    assert Terminal.asked_for("xterm", 1, 1) == Terminal("xterm", 20, 5)
    assert Terminal.asked_for("\x1b[31m" * 50, 2**32 - 1, 2**32 - 1).columns == 500
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
    assert why_no_colours(xterm, {}) is None
    assert why_no_colours(xterm, {"NO_COLOR": ""}) is None
    assert why_no_colours(xterm, {"NO_COLOR": "1"}) == "NO_COLOR is set"
    assert why_no_colours(None, {}) == "there is no terminal"
    assert why_no_colours(Terminal("dumb", 80, 24), {}) == "TERM is dumb"
    assert why_no_colours(Terminal("", 80, 24), {}) == "TERM is empty"
