"""People who come to a demo with OpenSSH, a browser and a mailbox."""

import os
import re
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from tests.journeys.demo import Demo, as_document

MINUTE = 60.0


@dataclass(frozen=True)
class Key:
    """A key pair on the disk."""

    file: Path
    fingerprint: str
    line: str


def make_key(folder: Path, name: str) -> Key:
    """A new key pair."""
    file = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)], check=True)
    said = subprocess.run(["ssh-keygen", "-lf", str(file)], check=True, capture_output=True, text=True)
    return Key(file, said.stdout.split()[1], file.with_suffix(".pub").read_text().strip())


@dataclass(frozen=True)
class Answer:
    """What came of a command."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        return as_document(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """What the JSON document at the end of standard error says."""
        error = as_document(self.err.splitlines()[-1])["error"]
        assert isinstance(error, dict)
        return error


@dataclass(frozen=True)
class Ssh:
    """Somebody's OpenSSH: it knows the host's key, uses the keys given here and no others, and reads no settings."""

    demo: Demo
    known_hosts: Path
    keys: tuple[Key, ...] = ()
    options: tuple[str, ...] = ()
    agent: str = ""
    """Socket of the agent, if there is one."""
    under_way: "list[subprocess.Popen[str]]" = field(default_factory=list, compare=False, repr=False)
    """What was started, ended or not."""

    def with_(self, *options: str) -> "Ssh":
        """The same with more options."""
        return replace(self, options=(*self.options, *options))

    def command(self, *words: str) -> list[str]:
        """The whole command line."""
        settings = {
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "IdentityAgent": self.agent or "none",
            "IdentitiesOnly": "no" if self.agent else "yes",
            "LogLevel": "ERROR",
        }
        options = [f"-o{name}={value}" for name, value in settings.items()]
        # Without a file, ssh would look for keys in the home of whoever runs the tests.
        keys = [word for key in self.keys for word in ("-i", str(key.file))] or ["-oIdentityFile=none"]
        where = ["-p", str(self.demo.ssh_port), "127.0.0.1"]
        return ["ssh", "-F", "none", *self.options, *options, *keys, *where, *words]

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """The command under way."""
        process = subprocess.Popen(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"]},
        )
        self.under_way.append(process)
        return process

    def hang_up(self) -> None:
        """Ends whatever is still under way."""
        for process in self.under_way:
            with process:
                process.kill()

    def __call__(self, *words: str, stdin: str = "") -> Answer:
        """`ssh host WORDS`, to its end."""
        done = subprocess.run(
            self.command(*words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=MINUTE,
            env={"PATH": os.environ["PATH"]},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def ask(self, *words: str) -> dict[str, Any]:
        """The document that the command answers with when all is well."""
        answer = self(*words, "--json")
        assert answer.status == 0, answer
        return answer.document


def finish(process: "subprocess.Popen[str]", seconds: float = MINUTE) -> Answer:
    """The answer of a command under way, once it has ended. Of standard error, what was not read before."""
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        finally:
            process.kill()
        return Answer(process.returncode, out, err)


@dataclass(frozen=True)
class Link:
    """A mailed enrolment: where it leads to, and what it takes there."""

    url: str
    token: str
    code: str

    def type_code(self, code: str) -> httpx.Response:
        """What the page answers to a code."""
        return httpx.post(self.url, data={"code": code})


def ask_to_enrol(ssh: Ssh, address: str) -> Link:
    """`enrol ADDRESS`, and the letter that comes of it."""
    old = len(ssh.demo.letters(address))
    enrolment = ssh.ask("enrol", address)["enrolment"]
    letter = ssh.demo.letter(address, enrolment["fingerprint"], after=old)
    found = re.search(r"(http://\S+/enrol/(\S+))", letter)
    assert found is not None
    assert enrolment["code"] not in letter
    return Link(found[1], found[2], enrolment["code"])


def enrol(ssh: Ssh, address: str) -> None:
    """The whole way, by the page."""
    link = ask_to_enrol(ssh, address)
    assert link.type_code(link.code).status_code == 200


@dataclass(frozen=True)
class Member:
    """Somebody with an account of their own."""

    address: str
    key: Key
    ssh: Ssh = field(repr=False)

    @property
    def demo(self) -> Demo:
        return self.ssh.demo

    def account_id(self) -> str:
        account_id = self.ssh.ask("whoami")["account"]["id"]
        assert isinstance(account_id, str)
        return account_id

    def pay(self, amount: int) -> None:
        """Tops up so many units, and waits for the money."""
        topup = self.ssh.ask("topup", str(amount))["topup"]
        assert httpx.post(topup["url"], data={"action": "pay"}).status_code == 303
        assert self.ssh.ask("topup", "show", topup["id"], "--wait")["topup"]["state"] == "paid"

    def balance(self) -> str:
        balance = self.ssh.ask("balance")["balance"]
        assert isinstance(balance, str)
        return balance

    def create(self, name: str, *options: str) -> dict[str, Any]:
        """The document of a capsul of the smallest size that runs."""
        return self.ssh.ask(*smallest(name), "--wait", *options)

    def capsuls(self) -> dict[str, str]:
        """States by name."""
        return {capsul["name"]: capsul["state"] for capsul in self.ssh.ask("ls")["capsuls"]}

    def clear_away(self) -> None:
        """Destroys what there is, so that it does not take the machine's time from the tests that follow."""
        listed = self.ssh("ls", "--json")
        for capsul in listed.document["capsuls"] if listed.status == 0 else ():
            self.ssh("destroy", capsul["id"], "--confirm", capsul["name"])


def smallest(name: str) -> list[str]:
    """The command that creates a capsul of the smallest size."""
    return ["create", "--image", "tiny", "--size", "nano", "--name", name]
