"""What the commands in the host's shell do, as the owner of the database."""

from pathlib import Path

from capsul.config import Settings
from capsul.errors import BadRequest, RuleBroken
from capsul.models import PublicKey
from db import accounts, capsuls, installation, keys
from db.admin import as_owner
from services.enrolment import normalise_address
from sshgate.public_keys import parse_public_keys


def read_public_key(file: Path) -> PublicKey:
    """The one public key in the file.

    Raises:
        BadRequest: the file cannot be read, or does not hold one public key.
    """
    try:
        parsed = parse_public_keys(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{file} cannot be read: {error}") from error
    if len(parsed) != 1:
        raise BadRequest(f"{file} holds {len(parsed)} public keys; one is needed.")
    return parsed[0]


async def add_operator_key(url: str, key: PublicKey, email: str, settings: Settings) -> None:
    """Makes the account too if there is none. Safe to repeat. Raises BadRequest: the address is none."""
    address, normalised = normalise_address(email)
    async with as_owner(url) as connection:
        account_id = await accounts.by_address_or_id(connection, normalised)
        if account_id is None:
            account_id = await accounts.make(connection, settings.terms_version, address, normalised)
        name = (key.comment or "operator")[:60]
        owner = await keys.add_operator(connection, account_id, key.fingerprint, key.line, name)
        await accounts.write_audit(connection, owner, "host shell", "operator key added", target=key.fingerprint)


async def put_host(url: str, host_id: str, uri: str, memory_mib: int, disk_gib: int) -> None:
    """Adds the host or changes it."""
    async with as_owner(url) as connection:
        await capsuls.put_host(connection, host_id, uri, memory_mib, disk_gib)
        await accounts.write_audit(connection, None, "host shell", "host put", target=host_id)


async def put_image(url: str, image_id: str, title: str, version: str, volume: str, user: str) -> None:
    """Adds the image or changes it."""
    async with as_owner(url) as connection:
        await capsuls.put_image(connection, image_id, title, version, volume, user)
        await accounts.write_audit(connection, None, "host shell", "image put", target=image_id)


async def put_size(url: str, size_id: str, vcpus: int, memory_mib: int, disk_gib: int, price_month: int) -> None:
    """Adds the size or changes it for capsuls to come. price_month in micro-units."""
    async with as_owner(url) as connection:
        await capsuls.put_size(connection, size_id, vcpus, memory_mib, disk_gib, price_month)
        await accounts.write_audit(connection, None, "host shell", "size put", target=size_id)


async def resume(url: str) -> int:
    """The new epoch. Raises RuleBroken when there is nothing to resume from."""
    async with as_owner(url) as connection:
        epoch = await installation.resume(connection)
        if epoch is None:
            raise RuleBroken("There is nothing to resume from: this database was not restored.")
        await accounts.write_audit(connection, None, "host shell", "resumed", target=f"epoch {epoch}")
        return epoch
