"""What there is to be had: sizes and images."""

from collections.abc import Sequence

from capsul.models import Image, Size
from capsul.rules import price_per_hour
from capsul.text import amount, disk, memory
from sshgate.commands import documents
from sshgate.commands.context import Command, Given, Reply
from sshgate.commands.documents import exact
from sshgate.commands.style import Style
from sshgate.commands.tables import Column, table


async def sizes(*, context: Given) -> Reply:
    """List the sizes and what they cost, cheapest first.

    A capsul costs the same whether it runs or is stopped. A month is paid with 672 hours; the rest of it is free.
    """
    found = await context.services.capsuls.sizes(context.caller)
    return Reply({"sizes": [documents.size(size) for size in found]}, size_table(found, context.style))


async def images(*, context: Given) -> Reply:
    """List what a capsul can be made from."""
    found = await context.services.capsuls.images(context.caller)
    return Reply({"images": [documents.image(image) for image in found]}, image_table(found, context.style))


def size_table(found: Sequence[Size], style: Style) -> str:
    """Sizes, a line each."""
    rows = [
        (
            size.id,
            size.vcpus,
            memory(size.memory_mib),
            disk(size.disk_gib),
            amount(size.price_month, size.currency),
            f"{exact(price_per_hour(size.price_month))} {size.currency}",
            "yes" if size.fits else "not now",
        )
        for size in found
    ]
    return table(("SIZE", ">CPUS", ">MEMORY", ">DISK", ">A MONTH", ">AN HOUR", Column("ROOM", yields=1)), rows, style)


def image_table(found: Sequence[Image], style: Style) -> str:
    """Images, a line each."""
    rows = [
        (image.id, image.name, image.version, image.login_user, "deprecated" if image.deprecated else None)
        for image in found
    ]
    return table(("IMAGE", "NAME", "VERSION", "LOG IN AS", "NOTE"), rows, style)


COMMANDS = (
    Command(("sizes",), sizes, "", (), ("sizes", "sizes --json")),
    Command(("images",), images, "", (), ("images",)),
)
