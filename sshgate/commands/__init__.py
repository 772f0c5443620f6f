"""The commands of `ssh host COMMAND`, a file for each subject."""

from sshgate.commands import (
    account,
    admin,
    admin_accounts,
    admin_money,
    capsuls,
    catalogue,
    doctor,
    guests,
    keys,
    metrics,
    money,
    operations,
    plain,
    power,
    sessions,
)
from sshgate.commands.context import Command

ALL_COMMANDS: tuple[Command, ...] = (
    *guests.COMMANDS,
    *doctor.COMMANDS,
    *plain.COMMANDS,
    *capsuls.COMMANDS,
    *power.COMMANDS,
    *metrics.COMMANDS,
    *operations.COMMANDS,
    *catalogue.COMMANDS,
    *money.COMMANDS,
    *account.COMMANDS,
    *keys.COMMANDS,
    *sessions.COMMANDS,
    *admin.COMMANDS,
    *admin_accounts.COMMANDS,
    *admin_money.COMMANDS,
)
