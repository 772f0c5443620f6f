"""The road by keys alone: OpenSSH in a terminal window of 80 columns and 24 lines, and eyes that read it."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.journeys.demo import Demo
from tests.journeys.people import Member, Ssh, smallest
from tests.windows import Window

OpenWindow = Callable[[Ssh], Window]

LEFT = 0
DOTS = re.compile("[\u2801-\u28ff]")
"""What a graph is drawn with."""
SOON = 3.0
"""Seconds within which a change is on every screen; a little more than what is promised, for a busy machine."""


@pytest.fixture
def open_window() -> Iterator[OpenWindow]:
    """`open_window(ssh)`: `ssh host` in a window of its own."""
    with ExitStack() as windows:
        yield lambda ssh: windows.enter_context(Window(ssh.with_("-tt").command()))


def found(window: Window, pattern: str) -> str:
    """What stands on the screen of this form."""
    match = re.search(pattern, "\n".join(window.terminal.lines))
    assert match is not None, "\n".join(window.terminal.lines)
    return match[0]


def test_a_stranger_becomes_the_owner_of_a_running_capsul_by_keys_alone(
    demo: Demo, stranger: Ssh, address: str, open_window: OpenWindow
) -> None:
    window = open_window(stranger)
    enrols(window, demo, address)
    pays(window)
    creates(window)
    looks(window, really_runs=demo.runs_on_qemu())
    destroys(window)
    window.press("q")
    assert window.wait() == LEFT
    assert window.terminal.is_as_at_first


def enrols(window: Window, demo: Demo, address: str) -> None:
    window.until_sees("Your e-mail address")
    window.press(address, "enter")
    window.until_sees("Your code")
    code = found(window, r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b")
    link = re.search(r"http://\S+/enrol/\S+", demo.letter(address))
    assert link is not None
    assert httpx.post(link[0], data={"code": code}).status_code == 200
    window.until_sees("Balance 0.00 USD")
    assert window.sees(address)


def pays(window: Window) -> None:
    window.press("t")
    window.until_sees("How much?")
    window.press("enter")
    window.until_sees("Waits for 20.00 USD to be paid")
    assert httpx.post(found(window, r"http://\S+/p/\w{8}"), data={"action": "pay"}).status_code == 303
    window.until_sees("Paid: 20.00 USD")
    window.press("escape")
    window.until_sees("Balance 20.00 USD")


def creates(window: Window) -> None:
    window.press("c")
    window.until_sees("Create it:")
    # The image, the size, the keys: what is marked will do.
    window.press("enter", "enter", "enter", "web", "enter")
    window.until_sees("--name web")
    window.press("enter")
    window.until_sees("create web")
    window.until_sees("prepared from the image ✓ done", 60)
    window.until_sees("switched on ✓ done", 60)


def looks(window: Window, *, really_runs: bool) -> None:
    window.press("enter")
    window.until_sees("State running since")
    assert window.sees("Log in")
    if really_runs:
        window.press("m")
        window.until_sees("▸Memory")
        window.until(lambda: bool(DOTS.search("".join(window.terminal.lines))), 60)


def destroys(window: Window) -> None:
    window.press("D")
    window.until_sees("Keep it")
    window.press("wbe", "enter")
    window.until_sees("web")
    assert window.sees("Keep it"), "another name destroys nothing"
    window.press("ctrl+u", "backspace", "backspace", "backspace", "web", "enter")
    window.until(lambda: not window.terminal.sees("Keep it"))
    window.until_sees("destroyed", 60)
    window.press("escape")
    window.until_sees("You have no capsuls yet")


def test_what_one_session_does_the_other_sees_without_a_key(member: Member, open_window: OpenWindow) -> None:
    first, second = open_window(member.ssh), open_window(member.ssh)
    for window in (first, second):
        window.until_sees("You have no capsuls yet")
    assert member.ssh(*smallest("web")).status == 0
    for window in (first, second):
        window.until_sees("web", SOON)
        window.until_sees("running", 60)
    first.press("enter")
    first.until_sees("State running")
    first.press("n")
    first.until_sees("Give up")
    first.press("ctrl+u", "backspace", "backspace", "backspace", "site", "enter")
    second.until_sees("site running", SOON)
    first.until_sees("/ site", SOON)
    topup = member.ssh.ask("topup", "5")["topup"]
    assert httpx.post(topup["url"], data={"action": "pay"}).status_code == 303
    # Less what the capsul has used up meanwhile.
    second.until(lambda: bool(re.search(r"Balance (25\.00|24\.9\d) USD", second.terminal.text)))
