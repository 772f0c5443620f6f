"""`capsul …` in the shell of the host: starts the processes, and does what nobody may do from outside."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import pydantic
from cyclopts import App, Parameter

from capsul import VERSION
from capsul.config import Settings, config_file, read_settings
from capsul.errors import CapsulError
from capsul.money import parse_amount
from capsuld import check as checks
from capsuld import host_shell, processes
from capsuld.logs import set_up_logs
from db.migrate import migrate as bring_up_to_date

AdminDatabase = Annotated[str, Parameter(name="--admin-database", env_var="CAPSUL_ADMIN_DATABASE")]
"""Postgres URL of whoever may migrate: a superuser, or the owner of the database."""

app = App(
    name="capsul",
    help="Virtual machines for the members of a small provider, by ssh alone.",
    version=VERSION,
    version_flags=["--version"],
)
operator = App(name="operator", help="Who may use the operator commands.")
host = App(name="host", help="Hosts that capsuls run on.")
image = App(name="image", help="Images that capsuls are made from.")
size = App(name="size", help="Sizes on offer.")
config = App(name="config", help="The configuration.")
for part in (operator, host, image, size, config):
    app.command(part)


@app.command
def gate() -> None:
    """Run the SSH door."""
    _serve("gate", processes.gate)


@app.command
def web() -> None:
    """Run the web door."""
    _serve("web", processes.web)


@app.command
def worker() -> None:
    """Run the worker: operations, payments, mail, metrics."""
    _serve("worker", processes.worker)


@app.command
def migrate(*, admin_database: AdminDatabase) -> None:
    """Bring the database up to the schema of this release. Safe to run again."""
    applied = asyncio.run(bring_up_to_date(admin_database, read_settings().currency))
    _say(f"applied: {', '.join(applied)}" if applied else "up to date")


@app.command
def resume(*, admin_database: AdminDatabase) -> None:
    """Let the system act again after a restore, once you have seen that it should."""
    epoch = asyncio.run(host_shell.resume(admin_database))
    _say(f"resumed; this is epoch {epoch}. Restart the worker.")


@app.command
def check() -> None:
    """Ask every part whether it works; exit 1 if one does not."""
    findings = asyncio.run(checks.check(read_settings()))
    for finding in findings:
        _say(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.what}: {finding.detail}")
    if not all(finding.fine for finding in findings):
        sys.exit(1)


@config.command(name="check")
def check_config() -> None:
    """Read the configuration and say what it comes to; secrets are not shown."""
    for name, value in sorted(read_settings()):
        _say(f"{name} = {value}")


@operator.command(name="add-key")
def add_operator_key(file: Path, *, email: str = "operator@localhost", admin_database: AdminDatabase) -> None:
    """Make a public key an operator's.

    Parameters
    ----------
    file
        A public key as ssh-keygen writes it (….pub).
    email
        The account it belongs to; made if there is none.
    """
    key = host_shell.read_public_key(file)
    asyncio.run(host_shell.add_operator_key(admin_database, key, email, read_settings()))
    _say(f"{key.fingerprint} is an operator's key of {email}")


@host.command(name="add")
def add_host(name: str, *, uri: str, memory_mib: int, disk_gib: int, admin_database: AdminDatabase) -> None:
    """Add a host, or change its address and what may be promised on it.

    Parameters
    ----------
    uri
        As libvirt has it: qemu:///system, qemu+tls://host/system.
    memory_mib
        What capsuls may have in all.
    disk_gib
        What capsuls may have in all.
    """
    asyncio.run(host_shell.put_host(admin_database, name, uri, memory_mib, disk_gib))
    _say(f"host {name} is known")


@image.command(name="add")
def add_image(
    name: str, *, title: str, version: str, volume: str, user: str = "root", admin_database: AdminDatabase
) -> None:
    """Add an image, or change what is known of it.

    Parameters
    ----------
    title
        What people call it: Debian.
    version
        Which one: 12.
    volume
        The file in image_path on every host.
    user
        Who logs in.
    """
    asyncio.run(host_shell.put_image(admin_database, name, title, version, volume, user))
    _say(f"image {name} is on offer")


@size.command(name="add")
def add_size(
    name: str, *, vcpus: int, memory_mib: int, disk_gib: int, price: str, admin_database: AdminDatabase
) -> None:
    """Add a size, or change it for capsuls to come.

    Parameters
    ----------
    price
        A month, in whole units: 5.00.
    """
    asyncio.run(host_shell.put_size(admin_database, name, vcpus, memory_mib, disk_gib, parse_amount(price)))
    _say(f"size {name} is on offer")


def main() -> None:
    """The console command. Says in one sentence what went wrong, and exits with the error's own status."""
    try:
        app()
    except CapsulError as error:
        sys.exit(_fail(error.message, error.exit_status))
    except pydantic.ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        sys.exit(_fail(f"The configuration is not right: {problems}. It is read from {config_file()}.", 2))


def _serve(name: str, run: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    set_up_logs(name)
    asyncio.run(run(read_settings()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _fail(line: str, status: int) -> int:
    sys.stderr.write(f"capsul: {line}\n")
    return status
