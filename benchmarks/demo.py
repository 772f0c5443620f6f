"""A demo of its own for a benchmark, with one member who has enrolled and paid."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Member:
    """Somebody with a key and an account."""

    key: Path
    port: int

    def words(self, port: int | None = None) -> list[str]:
        """The beginning of an ssh command line that depends on nothing of the user's."""
        options = ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"]
        flags = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", "-q", *flags, "-i", str(self.key), "-p", str(port or self.port), "bench@127.0.0.1"]

    def run(self, *words: str) -> Any:
        """The document that a command answers with."""
        done = subprocess.run([*self.words(), *words, "--json"], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)


@contextmanager
def running_demo(folder: Path, hypervisor: str) -> Iterator[Member]:
    """The whole product in `folder`, and a member with 20 units of credit."""
    command = [sys.executable, "-m", "capsuld.demo.supervisor", "--state", str(folder / "state")]
    command += ["--ssh-port", "0", "--http-port", "0", "--hypervisor", hypervisor]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            ready = demo.stdout.readline()
            found = re.match(r"READY ssh=127\.0\.0\.1:(\d+) http=\S+ mail=(\S+) ", ready)
            if found is None:
                raise SystemExit("the demo did not start")
            yield _enrolled(folder, int(found[1]), Path(found[2]))
        finally:
            demo.terminate()


def _enrolled(folder: Path, port: int, mail: Path) -> Member:
    key = folder / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    member = Member(key, port)
    code = _as_guest(member, "enrol", "bench@example.org")["enrolment"]["code"]
    httpx.post(_link(mail), data={"code": code}).raise_for_status()
    topup = member.run("topup", "20")["topup"]
    httpx.post(topup["url"], data={"action": "pay"})
    member.run("topup", "show", topup["id"], "--wait")
    return member


def _as_guest(member: Member, *words: str) -> Any:
    line = [word.replace("bench@", "enrol@") if word == "bench@127.0.0.1" else word for word in member.words()]
    done = subprocess.run([*line, *words, "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _link(mail: Path) -> str:
    """The link in the newest letter, once there is one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for letter in (mail / "new").glob("*"):
            if found := re.search(r"http://\S+/enrol/\S+", letter.read_text()):
                return found[0]
        time.sleep(0.05)
    raise SystemExit("no letter came")
