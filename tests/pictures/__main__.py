"""Makes the pictures of docs/pictures from a demo of its own, seen by a real ssh: `./scripts/pictures`.

It takes some minutes: figures have to come together before there is a graph.
"""

import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import libvirt
from textual.theme import Theme

from capsul_tui.theme import DARK, LIGHT
from capsuld.demo.processes import port_is_taken
from capsuld.demo.product import ROOT
from tests.journeys.demo import running_demo
from tests.journeys.people import Key, Member, Ssh, enrol, make_key
from tests.pictures.svg import draw
from tests.windows import Window

TITLE = "ssh"
FOLDER = ROOT / "docs" / "pictures"
SIZE, HIGH = (100, 30), (100, 34)
"""Columns and rows. Where there is room, the load stands at home, and empty lines among what is chosen from."""
USUAL_PORTS = {"ssh": 2222, "http": 8080}
"""Those of a demo, and of README."""
OFF_SECONDS, LOOK_SECONDS = 25, 200
"""How long a capsul is off, so that graphs show it, and how old it is when it is looked at."""
QUIET_SECONDS, SETTLED_SECONDS = 0.5, 3.0
"""How long nothing comes once all has come; and how long that is waited for."""
WORK = (
    "while :; do for n in 1 2 4 1 3 6 2 1; do timeout 1 sh -c 'while :; do :; done';"
    " dd if=/dev/zero of=/dev/vda seek=900 bs=1M count=$n conv=fsync; sleep $n; done; done >/dev/null 2>&1 &"
    " echo at''work\n"
)
"""Something to measure: it reckons, writes and rests, in turns."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        operator = make_key(folder, "operator")
        ports = [f"--{kind}-port={port}" for kind, port in USUAL_PORTS.items() if not port_is_taken(port)]
        options = ["--hypervisor=qemu", f"--operator-key={operator.file}.pub", *ports]
        say("starting a demo")
        with running_demo(folder / "state", *options) as demo:
            known_hosts = folder / "known_hosts"
            known_hosts.write_text(f"{demo.known_hosts()}\n")
            key = make_key(folder, "laptop")
            member = Member("ada@example.org", key, Ssh(demo, known_hosts, (key,)))
            live(member)
            say("taking pictures")
            picture_member(member.ssh)
            picture_operator(Ssh(demo, known_hosts, (operator,)))


def live(member: Member) -> None:
    """What somebody does in their first minutes, with time between."""
    enrol(member.ssh, member.address)
    rename_key(member.ssh, member.key)
    member.pay(20)
    begun = time.monotonic()
    for name, size in (("web", "f1-xs"), ("mail", "nano"), ("forum", "nano")):
        say(f"creating {name}")
        member.ssh.ask("create", "--image", "tiny", "--size", size, "--name", name, "--wait")
    member.ssh.ask("stop", "forum", "--wait")
    set_to_work(member, "web", "mail")
    wait(begun + LOOK_SECONDS / 2 - OFF_SECONDS)
    member.ssh.ask("stop", "web", "--wait")
    wait(begun + LOOK_SECONDS / 2)
    member.ssh.ask("start", "web", "--wait")
    set_to_work(member, "web")
    wait(begun + LOOK_SECONDS)


def rename_key(ssh: Ssh, key: Key) -> None:
    ssh.ask("keys", "rename", key.fingerprint, "laptop")


def set_to_work(member: Member, *names: str) -> None:
    """By the serial line, where the tiny image has a shell."""
    [host] = member.demo.admin("SELECT uri FROM capsul.host")
    with contextlib.closing(libvirt.open(host["uri"])) as connection:
        for name in names:
            capsul = member.ssh.ask("show", name)["capsul"]
            line = connection.newStream()
            connection.lookupByName(capsul["id"]).openConsole(None, line, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
            # Where a shell is already, it asks again; where there is none yet, it will.
            say_and_hear(line, "\n", "/ # ")
            say_and_hear(line, WORK, "atwork")
            line.finish()


def say_and_hear(line: Any, said: str, answer: str) -> None:
    line.send(said.encode())
    heard = b""
    while answer.encode() not in heard:
        heard += line.recv(1024)


def wait(until: float) -> None:
    say(f"waiting {until - time.monotonic():.0f} s for figures")
    time.sleep(max(0, until - time.monotonic()))


def picture_member(ssh: Ssh) -> None:
    with opened(ssh) as window:
        window.resize(*HIGH)
        window.until_sees("Processors of web, last 5 minutes")
        window.until_sees("(max")
        keep(window, "home")
        turn_to(LIGHT, window)
        keep(window, "light", LIGHT)
        turn_to(DARK, window)
        window.resize(*SIZE)
        window.press("enter")
        window.until_sees("How it went")
        window.until_sees("(max")
        keep(window, "capsul")
        window.press("escape")
        window.until_sees("Burns")
        window.press("c")
        window.until_sees("Keys that may log in")
        window.press("tab", "j", "tab", "tab", "wiki")
        window.until_sees("--name wiki")
        window.resize(*HIGH)
        keep(window, "create")
        window.resize(*SIZE)
        window.press("escape")
        window.until_sees("Burns")
        window.press("t")
        window.until_sees("How much?")
        window.press("enter")
        window.until_sees("Waits for")
        keep(window, "topup")


def turn_to(theme: Theme, window: Window) -> None:
    window.press("ctrl+t")
    screen = window.terminal.screen
    window.until(lambda: f"#{screen.buffer[screen.lines // 2][0].bg}" == theme.background)


def picture_operator(ssh: Ssh) -> None:
    with opened(ssh) as window:
        window.until_sees("Balance")
        window.press("O")
        window.until_sees("Needs a person")
        keep(window, "operator")


def opened(ssh: Ssh) -> Window:
    command = ssh.with_("-oSendEnv=COLORTERM LANG").command()
    return Window(command, size=SIZE, COLORTERM="truecolor", LANG="C.UTF-8")


def keep(window: Window, name: str, theme: Theme = DARK) -> None:
    settle(window)
    file = FOLDER / f"{name}.svg"
    file.write_text(draw(window.terminal.screen, theme, TITLE), encoding="utf-8")
    say(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1024} KiB")


def settle(window: Window) -> None:
    """Until nothing comes any more; not for ever, because cursors blink."""
    end = time.monotonic() + SETTLED_SECONDS
    seen = -1
    while len(window.raw) != seen and time.monotonic() < end:
        seen = len(window.raw)
        time.sleep(QUIET_SECONDS)
        window.look()


def say(words: str) -> None:
    sys.stderr.write(f"pictures: {words}\n")


if __name__ == "__main__":
    main()
