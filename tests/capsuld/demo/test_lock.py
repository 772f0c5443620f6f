"""The lock: everything pinned with hashes, nothing that names a registry."""

import re
import tomllib

from capsuld.demo.product import ROOT

LOCK = (ROOT / "requirements.txt").read_text()
PINS = re.split(r"\n(?=\S)", LOCK.strip())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_is_pinned_with_hashes() -> None:
    assert len(PINS) > 20
    for pin in PINS:
        assert re.match(r"[a-z0-9.-]+==[^\s;]+ ", pin), pin
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", pin), pin


def test_no_address_stands_in_it() -> None:
    for word in ("://", "--index-url", "--extra-index-url", "--find-links", " @ "):
        assert word not in LOCK


def test_it_holds_all_that_the_project_asks_for_and_what_builds_libvirts_bindings() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"], "setuptools"]
    locked = {pin.partition("==")[0] for pin in PINS}
    assert {normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in wanted} <= locked
