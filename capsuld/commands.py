"""The commands of `capsul` that come to an end: setting up, looking after, asking."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from capsul.config import read_settings
from capsul.money import parse_amount
from capsuld import check as checks
from capsuld import host_shell
from db.migrate import migrate as bring_up_to_date

AdminDatabase = Annotated[str, Parameter(name="--admin-database", env_var="CAPSUL_ADMIN_DATABASE")]
"""Postgres URL of whoever may migrate: a superuser, or the owner of the database."""


def migrate(*, admin_database: AdminDatabase) -> None:
    """Bring the database up to the schema of this release. Safe to run again."""
    applied = asyncio.run(bring_up_to_date(admin_database, read_settings().currency))
    say(f"applied: {', '.join(applied)}" if applied else "up to date")


def resume(*, admin_database: AdminDatabase) -> None:
    """Let the system act again after a restore, once you have seen that it should."""
    epoch = asyncio.run(host_shell.resume(admin_database))
    say(f"resumed; this is epoch {epoch}. Restart the worker.")


def check() -> None:
    """Ask every part whether it works; exit 1 if one does not."""
    findings = asyncio.run(checks.check(read_settings()))
    for finding in findings:
        say(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.what}: {finding.detail}")
    if not all(finding.fine for finding in findings):
        sys.exit(1)


def check_config() -> None:
    """Read the configuration and say what it comes to; secrets are not shown."""
    for name, value in sorted(read_settings()):
        say(f"{name} = {value}")


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
    say(f"{key.fingerprint} is an operator's key of {email}")


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
    say(f"host {name} is known")


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
    say(f"image {name} is on offer")


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
    say(f"size {name} is on offer")


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{line}\n")
