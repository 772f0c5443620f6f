"""`capsul …` in the shell of the host: starts the processes, and does what nobody may do from outside.

Each command is imported when it is given and not before: a process holds only what it is made of.
"""

import sys

import pydantic
from cyclopts import App

from capsul import VERSION
from capsul.config import config_file
from capsul.errors import CapsulError

app = App(
    name="capsul",
    help="Virtual machines for the members of a small provider, by ssh alone.",
    version=VERSION,
    version_flags=["--version"],
)
app.command("capsuld.gate:run", name="gate", help="Run the SSH door.")
app.command("capsuld.web:run", name="web", help="Run the web door.")
app.command("capsuld.worker:run", name="worker", help="Run the worker: operations, payments, mail, metrics.")
app.command("capsuld.commands:migrate", name="migrate", help="Bring the database up to the schema of this release.")
app.command("capsuld.commands:resume", name="resume", help="Let the system act again after a restore.")
app.command("capsuld.commands:check", name="check", help="Ask every part whether it works.")

_GROUPS = (
    ("operator", "Who may use the operator commands.", "add-key", "add_operator_key", "Make a key an operator's."),
    ("host", "Hosts that capsuls run on.", "add", "add_host", "Add a host, or change it."),
    ("image", "Images that capsuls are made from.", "add", "add_image", "Add an image, or change it."),
    ("size", "Sizes on offer.", "add", "add_size", "Add a size, or change it for capsuls to come."),
    ("config", "The configuration.", "check", "check_config", "Read it and say what it comes to."),
)
for _group, _about, _name, _function, _help in _GROUPS:
    _part = App(name=_group, help=_about)
    _part.command(f"capsuld.commands:{_function}", name=_name, help=_help)
    app.command(_part)


def main() -> None:
    """The console command. Says in one sentence what went wrong, and exits with the error's own status."""
    try:
        app()
    except CapsulError as error:
        sys.exit(_fail(error.message, error.exit_status))
    except pydantic.ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        sys.exit(_fail(f"The configuration is not right: {problems}. It is read from {config_file()}.", 2))


def _fail(line: str, status: int) -> int:
    sys.stderr.write(f"capsul: {line}\n")
    return status
