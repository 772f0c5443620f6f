"""The life of a demo: beside another one, in an awkward place, interrupted, started again, killed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.demo import Demo, eventually, running_demo
from tests.journeys.people import Key, Member, Ssh, enrol, finish, make_key, smallest

LONGEST_SOCKET_PATH = 108


@dataclass(frozen=True)
class Remains:
    """What there is of a demo after its end."""

    processes: Sequence[int]
    folders: Sequence[Path]
    listens: bool


NOTHING = Remains(processes=[], folders=[], listens=False)


@dataclass(frozen=True)
class FirstLife:
    """Somebody enrolled, paid 20, made two capsuls and stopped one; a third was being made when Ctrl-C was pressed."""

    account: str
    host_key: str
    is_known_to_the_other_demo: bool
    exit_status: int
    said_after_ready: str
    left: Remains


@dataclass(frozen=True)
class SecondLife:
    """The same somebody came again; then the demo was killed."""

    account: str
    host_key: str
    balance: str
    capsuls: dict[str, str]
    left: Remains


@dataclass(frozen=True)
class Life:
    """A demo that was started, used, interrupted, started again and killed, while another ran beside it."""

    state: Path
    first: FirstLife
    second: SecondLife
    modes: list[int]


@pytest.fixture(scope="module")
def life(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    closed = folder / ("x" * 60)
    state = closed / ("y" * 60) / "state"
    closed.mkdir(mode=0o700)
    key = make_key(folder, "key")
    with running_demo(state) as running:
        first = first_life(running, demo, folder, key)
    with running_demo(state) as running:
        second = second_life(running, folder, key)
    return Life(state, first, second, [path.stat().st_mode & 0o777 for path in (closed, state)])


def first_life(demo: Demo, other: Demo, folder: Path, key: Key) -> FirstLife:
    member = Member("life@example.org", key, ssh_to(demo, folder, key))
    enrol(member.ssh, member.address)
    member.pay(20)
    member.create("runs")
    member.create("stands")
    member.ssh.ask("kill", "stands", "--wait")
    account, host_key, folders = member.account_id(), host_key_of(demo), demo.runtime_folders()
    assert len(demo.processes()) > 10
    assert len(folders) >= 6
    is_known = ssh_to(other, folder, key).ask("doctor")["key"]["enrolled"]
    making = member.ssh.start(*smallest("half-made"), "--wait")
    assert making.stderr is not None
    assert making.stderr.readline().startswith("o-")
    status = demo.interrupt()
    finish(making)
    assert demo.process.stdout is not None
    return FirstLife(account, host_key, is_known, status, demo.process.stdout.read(), remains(demo, folders))


def second_life(demo: Demo, folder: Path, key: Key) -> SecondLife:
    member = Member("life@example.org", key, ssh_to(demo, folder, key))
    eventually(lambda: not {"creating", "starting"} & set(member.capsuls().values()))
    account, host_key, folders = member.account_id(), host_key_of(demo), demo.runtime_folders()
    balance, capsuls = member.balance(), member.capsuls()
    demo.process.kill()
    demo.process.wait()
    eventually(lambda: remains(demo, folders) == NOTHING, 30)
    return SecondLife(account, host_key, balance, capsuls, remains(demo, folders))


def remains(demo: Demo, folders: Sequence[Path]) -> Remains:
    return Remains(demo.processes(), [folder for folder in folders if folder.exists()], demo.listens())


def ssh_to(demo: Demo, folder: Path, key: Key) -> Ssh:
    """The ssh of somebody with this key, going to this demo."""
    known_hosts = folder / f"known_hosts-{demo.ssh_port}"
    known_hosts.write_text(f"{demo.known_hosts()}\n")
    return Ssh(demo, known_hosts, (key,))


def host_key_of(demo: Demo) -> str:
    return demo.known_hosts().split()[2]


def test_two_demos_at_once_know_nothing_of_each_others_members(life: Life) -> None:
    assert life.first.is_known_to_the_other_demo is False


def test_a_demo_lives_in_a_closed_folder_with_a_long_path_and_leaves_its_mode_alone(life: Life) -> None:
    assert len(str(life.state)) > LONGEST_SOCKET_PATH
    assert life.modes == [0o700, 0o700]


def test_a_demo_says_one_line_on_standard_output(life: Life) -> None:
    assert life.first.said_after_ready == ""


def test_ctrl_c_leaves_nothing_behind(life: Life) -> None:
    assert life.first.exit_status == 0
    assert life.first.left == NOTHING


def test_a_demo_that_is_killed_leaves_nothing_behind_within_30_seconds(life: Life) -> None:
    assert life.second.left == NOTHING


def test_a_demo_started_again_knows_the_account_the_money_and_its_own_host_key(life: Life) -> None:
    assert life.second.account == life.first.account
    assert life.second.balance == "20.00"
    assert life.second.host_key == life.first.host_key


def test_a_demo_started_again_starts_what_ran_and_leaves_what_was_stopped(life: Life) -> None:
    assert (life.second.capsuls["runs"], life.second.capsuls["stands"]) == ("running", "stopped")


def test_a_demo_started_again_finishes_what_was_being_made(life: Life) -> None:
    assert life.second.capsuls["half-made"] == "running"


def test_a_demo_is_not_disturbed_by_the_end_of_another(life: Life, demo: Demo, stranger: Ssh) -> None:
    assert life.second.left == NOTHING
    assert stranger("doctor").status == 0
    assert demo.process.poll() is None
