"""What somebody sees who comes with a terminal and without a command."""

from capsul.models import Guest
from sshgate.commands.capsuls import capsul_table
from sshgate.commands.context import Context
from sshgate.commands.text import amount, paint, span


async def welcome(context: Context) -> int:
    """A few lines, and the exit status. The screens will stand here."""
    is_guest = isinstance(context.identity, Guest)
    await context.output.write(await (_for_guest(context) if is_guest else _for_member(context)))
    return 0


async def _for_guest(context: Context) -> str:
    ssh, provider = context.ssh, context.services.settings.provider_name
    return (
        f"{paint(provider, 'bold', context.colours)}: virtual machines for members, by ssh alone.\n\n"
        f"This key is not enrolled yet. Enrol it with your e-mail address:\n\n"
        f"    {ssh} enrol you@example.org\n\n"
        f"What else can be asked: {ssh} help\n"
    )


async def _for_member(context: Context) -> str:
    services, ssh = context.services, context.ssh
    account, _ = await services.accounts.whoami(context.caller)
    balance = await services.billing.balance(context.caller)
    mine = await services.capsuls.list(context.caller)
    name = paint(services.settings.provider_name, "bold", context.colours)
    money = f"Balance: {amount(balance.available, balance.currency)}, lasts {span(balance.hours_left)}"
    capsuls = capsul_table(mine, context.colours) if mine else f"No capsuls yet: {ssh} help create\n"
    return f"{name}  {paint(account.email, 'bold', False)}\n{money}\n\n{capsuls}\nAll commands: {ssh} help\n"
