"""One line for each session: who, from where, how long, what, and how it ended; never what was secret."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog

from capsul.models import Balance, Caller
from db.database import Database
from services import Services
from services.billing import Billing
from tests.sshgate.conftest import KeyFile, OpenGate, Ssh, eventually


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as captured:
        yield captured


async def ended(logs: list[Any]) -> dict[str, Any]:
    """The last session's line."""
    await eventually(lambda: any(line["event"] == "session ended" for line in logs))
    found: dict[str, Any] = [line for line in logs if line["event"] == "session ended"][-1]
    return found


async def test_a_session_leaves_one_line(logs: list[Any], ssh: Ssh, member: KeyFile) -> None:
    await ssh("show", "nothing")
    line = await ended(logs)
    assert line["what"] == "show"
    assert line["exit"] == 4
    assert line["source"] == "127.0.0.1"
    assert member.fingerprint in line["who"]
    assert 0 <= line["seconds"] < 10
    assert len([it for it in logs if it["event"] == "session ended"]) == 1


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("confirm SECRET-token", "confirm"),
        ("enrol secret@example.org", "enrol"),
        ("SECRET", "command"),
        ("keys add SECRET", "keys add"),
        ("scp -t SECRET", "command"),
    ],
)
async def test_what_was_typed_is_not_logged(logs: list[Any], stranger: Ssh, line: str, what: str) -> None:
    await stranger(line)
    assert (await ended(logs))["what"] == what
    assert "secret" not in repr(logs).lower()


async def test_keys_that_were_offered_but_not_used_are_not_logged(
    logs: list[Any], client: Callable[..., Ssh], new_key: Callable[..., KeyFile], member: KeyFile
) -> None:
    other = new_key("other")
    await client(other, member)("ls")
    await ended(logs)
    assert other.fingerprint not in repr(logs)


class BrokenBilling(Billing):
    """Billing with a mistake of ours in it."""

    async def balance(self, caller: Caller) -> Balance:
        raise ZeroDivisionError("secret detail")


async def test_our_mistake_is_a_reference_to_them_and_a_traceback_to_us(
    logs: list[Any],
    open_gate: OpenGate,
    client: Callable[..., Ssh],
    member: KeyFile,
    services: Services,
    gate_database: Database,
) -> None:
    async with open_gate(instead=replace(services, billing=BrokenBilling(gate_database))) as gate:
        answer = await client(member, port=gate.port)("balance", "--json")
        line = await ended(logs)
    [bug] = [it for it in logs if it["event"] == "bug"]
    error = json.loads(answer.err)["error"]
    assert (answer.status, answer.out, line["exit"]) == (1, "", 1)
    assert error["code"] == "bug"
    assert error["reference"] == bug["reference"]
    assert bug["session"] == line["session"]
    assert isinstance(bug["exc_info"], ZeroDivisionError)
    assert "secret detail" not in answer.err
