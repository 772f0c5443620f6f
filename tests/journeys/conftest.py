"""Journeys: the whole program as separate processes, met with the real OpenSSH client and over real HTTP.

Most share one demo, each with keys and accounts of its own. Its clock may be moved on, never back. Who kills
something brings it back.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.demo import Demo, running_demo
from tests.journeys.people import Key, Member, Ssh, enrol, make_key

NewSsh = Callable[..., Ssh]
NewMember = Callable[..., Member]

HERE = Path(__file__).parent
SECONDS = 300
"""How long a journey may take. Whoever comes first waits for the demo, which may have to fetch its parts."""

_NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all, on QEMU where it can be had."""
    with running_demo(tmp_path_factory.mktemp("demo") / "state") as demo:
        yield demo


@pytest.fixture(scope="session")
def known_hosts(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the front page says of the demo's host key, as ssh keeps it."""
    file = tmp_path_factory.mktemp("ssh") / "known_hosts"
    file.write_text(f"{demo.known_hosts()}\n")
    return file


@pytest.fixture
def new_key(tmp_path: Path) -> Callable[[], Key]:
    """A key that nobody knows."""
    return lambda: make_key(tmp_path, f"key-{next(_NUMBERS)}")


@pytest.fixture
def new_ssh(demo: Demo, known_hosts: Path, new_key: Callable[[], Key]) -> Iterator[NewSsh]:
    """`new_ssh(key, …)`: the ssh of somebody with these keys, or with a new one."""
    made: list[Ssh] = []

    def new(*keys: Key) -> Ssh:
        made.append(Ssh(demo, known_hosts, keys or (new_key(),)))
        return made[-1]

    yield new
    for ssh in made:
        ssh.hang_up()


@pytest.fixture
def stranger(new_ssh: NewSsh) -> Ssh:
    """The ssh of somebody whom nobody knows."""
    return new_ssh()


@pytest.fixture
def address() -> str:
    """An e-mail address that nobody has used."""
    return f"member-{next(_NUMBERS)}@example.org"


@pytest.fixture
def new_member(new_ssh: NewSsh) -> Iterator[NewMember]:
    """`new_member(credit=20)`: somebody who has just enrolled, and has paid that much in."""
    made: list[Member] = []

    def new(credit: int = 0) -> Member:
        ssh = new_ssh()
        member = Member(f"member-{next(_NUMBERS)}@example.org", ssh.keys[0], ssh)
        enrol(ssh, member.address)
        made.append(member)
        if credit:
            member.pay(credit)
        return member

    yield new
    for member in made:
        member.clear_away()


@pytest.fixture
def member(new_member: NewMember) -> Member:
    """Somebody with an account and 20 units on it."""
    return new_member(credit=20)
