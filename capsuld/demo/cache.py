"""Keeps what was fetched from Debian, or built from it, in one folder that the demo and the tests share."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from capsuld.demo.processes import run, tool

CACHE = Path(__file__).parents[2] / ".cache"


def cached(path: Path, build: Callable[[Path], None]) -> Path:
    """This file or folder, built on first use; of several who want it at once, one builds and the rest wait.

    `build` gets a path beside it, which takes its name when all went well.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f"{path.name}.lock")):
        if not path.exists():
            draft = path.with_name(f"{path.name}.new")
            remove(draft)
            build(draft)
            draft.rename(path)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold this lock file; waits for whoever holds it, and a dead one holds nothing."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpack(packages: Sequence[str], into: Path) -> None:
    """Fetch Debian packages and unpack them here without installing: none of their scripts runs.

    Needs no privilege; raises `ServiceError` when a package cannot be had.
    """
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        run([tool("apt-get"), "download", "--quiet", *packages], folder=Path(folder))
        for package in sorted(Path(folder).glob("*.deb")):
            run([tool("dpkg-deb"), "--extract", str(package), str(into)])


def dependencies(package: str) -> list[str]:
    """Names of the packages that this one depends on; raises `ServiceError` when it is not known."""
    lines = run([tool("apt-cache"), "depends", "--important", package]).splitlines()
    return [line.split()[-1] for line in lines if line.strip().startswith("Depends:")]


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
