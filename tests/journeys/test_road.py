"""The road by command: a stranger becomes the owner of a running capsul, and the books say what it cost."""

import re
import time
from decimal import Decimal
from typing import Any

import httpx

from tests.journeys.demo import Demo, eventually
from tests.journeys.people import Ssh, ask_to_enrol

FIGURES = {"cpu", "memory", "disk_read", "disk_write", "net_rx", "net_tx"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_a_stranger_becomes_the_owner_of_a_running_capsul(demo: Demo, stranger: Ssh, address: str) -> None:
    assert stranger("doctor").status == 0
    assert stranger("ls").status == 77
    enrols(stranger, address)
    pays(stranger)
    before = time.time()
    capsul = makes_a_capsul(stranger)
    watches(stranger, really_runs=demo.runs_on_qemu(), since=before)
    stops_and_starts(stranger, capsul)
    destroys(stranger, capsul)
    assert [entry["amount"] for entry in stranger.ask("ledger")["entries"]] == ["20.00"]


def enrols(ssh: Ssh, address: str) -> None:
    """By the mailed page and the code in the terminal."""
    link = ask_to_enrol(ssh, address)
    assert link.type_code(link.code).status_code == 200
    answer = ssh.ask("whoami")
    assert answer["account"]["email"] == address
    assert answer["account"]["state"] == "active"
    key = {name: answer["key"][name] for name in ("fingerprint", "scope", "operator")}
    assert key == {"fingerprint": ssh.keys[0].fingerprint, "scope": "full", "operator": False}


def pays(ssh: Ssh) -> None:
    """In the sandbox, once, however often the button is pressed."""
    topup = ssh.ask("topup", "20")["topup"]
    assert re.fullmatch(rf"{ssh.demo.http}/p/[A-Za-z0-9]{{8}}", topup["url"])
    for _ in range(2):
        assert 'value="pay"' in httpx.get(topup["url"]).text
        assert ssh.ask("balance")["balance"] == "0.00"
    for _ in range(2):
        assert httpx.post(topup["url"], data={"action": "pay"}).status_code == 303
    assert ssh.ask("topup", "show", topup["id"], "--wait")["topup"]["state"] == "paid"
    balance = ssh.ask("balance")
    assert (balance["balance"], balance["currency"], balance["hours_left"]) == ("20.00", "USD", None)


def makes_a_capsul(ssh: Ssh) -> dict[str, Any]:
    answer = ssh("create", "--image", "tiny", "--size", "nano", "--name", "web", "--wait", "--json")
    assert answer.status == 0, answer
    capsul, operation = answer.document["capsul"], answer.document["operation"]
    assert answer.err.splitlines()[0] == operation["id"]
    assert operation["state"] == "done"
    assert all(step["state"] == "done" and step["seconds"] >= 0 for step in operation["steps"])
    assert (capsul["name"], capsul["state"]) == ("web", "running")
    assert re.fullmatch(r"c-[a-z2-7]{10}", capsul["id"])
    assert TIME.fullmatch(capsul["created_at"])
    assert ssh.ask("ls")["capsuls"] == [capsul]
    assert isinstance(capsul, dict)
    return capsul


def watches(ssh: Ssh, *, really_runs: bool, since: float) -> None:
    """Figures of all six kinds; none from before there was anything to measure."""
    assert set(ssh.ask("metrics", "web")["series"]) == FIGURES
    if really_runs:
        points = eventually(lambda: ssh.ask("metrics", "web", "--range", "5m")["series"]["memory"]["points"])
        assert points[0][0] >= int(since)
        assert points[-1][1] > 0
    balance = ssh.ask("balance")
    assert Decimal(balance["burn_per_hour"]) > 0
    assert balance["hours_left"] > 24


def stops_and_starts(ssh: Ssh, capsul: dict[str, Any]) -> None:
    assert ssh.ask("start", "web")["changed"] is False
    assert ssh.ask("stop", "web", "--wait")["capsul"]["state"] == "stopped"
    started = ssh.ask("start", capsul["id"], "--wait")
    assert started["changed"] is True
    assert started["capsul"]["state"] == "running"


def destroys(ssh: Ssh, capsul: dict[str, Any]) -> None:
    assert ssh("destroy", "web", "--confirm", "wbe").status == 3
    assert ssh.ask("destroy", "web", "--confirm", "web", "--wait")["capsul"]["state"] == "destroyed"
    assert ssh.ask("ls")["capsuls"] == []
    assert ssh.ask("show", capsul["id"])["capsul"]["state"] == "destroyed"
    assert ssh.ask("balance")["hours_left"] is None
