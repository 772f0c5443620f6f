"""What there is to be had, on one screen of 24 lines: `ssh host help`."""

from dataclasses import dataclass

from sshgate.commands.style import Style, width, wrap


@dataclass(frozen=True)
class Row:
    """A few commands that belong together, in a line."""

    shown: str
    """How they are typed."""
    about: str
    commands: tuple[str, ...]
    """Their names."""


GROUPS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        "Capsuls",
        (
            Row("ls, show CAPSUL", "what you have; all about one", ("ls", "show")),
            Row("create --image I --size S", "make one; --dry-run tells its price", ("create",)),
            Row(
                "start, stop, restart, kill",
                "each with CAPSUL; --wait sees it done",
                ("start", "stop", "restart", "kill"),
            ),
            Row(
                "rename, destroy, metrics",
                "another name; the end of it; how busy it is",
                ("rename", "destroy", "metrics"),
            ),
            Row("operation ID, operations", "what is being done, and what was", ("operation", "operations")),
            Row("sizes, images", "what there is, and what it costs", ("sizes", "images")),
        ),
    ),
    (
        "Money",
        (
            Row(
                "balance, ledger, topups", "what you have; where it went and came from", ("balance", "ledger", "topups")
            ),
            Row("topup AMOUNT, show ID", "add credit: a link to pay at; see it paid", ("topup", "topup show")),
        ),
    ),
    (
        "You",
        (
            Row("whoami, activity", "who you are; what was done, by which key", ("whoami", "activity")),
            Row("keys, keys add, keys rm", "which keys open your account", ("keys", "keys add", "keys rm")),
            Row(
                "keys rename, approve, deny",
                "what you call one; may a new one in",
                ("keys rename", "keys approve", "keys deny"),
            ),
            Row("sessions, sessions end", "where your screens are open; end one", ("sessions", "sessions end")),
        ),
    ),
    (
        "Start",
        (
            Row("enrol EMAIL, confirm WORD", "make a key yours", ("enrol", "confirm")),
            Row("doctor, version", "what we see of you, what is in your way", ("doctor", "version")),
            Row("help COMMAND, plain", "all about one; a glance without screens", ("help", "plain")),
        ),
    ),
)
_HEADING = max(len(heading) for heading, _ in GROUPS) + 2
_SHOWN = max(len(row.shown) for _, rows in GROUPS for row in rows) + 2


def overview(ssh: str, style: Style) -> str:
    """How commands are given, and the groups of them."""
    parts = [style.say(f"{ssh} COMMAND [--json], or without a COMMAND: the screens")]
    for heading, rows in GROUPS:
        heads = [heading, *[""] * (len(rows) - 1)]
        parts.append("\n")
        parts.extend(_line(head, row, style) for head, row in zip(heads, rows, strict=True))
    return "".join(parts)


def _line(heading: str, row: Row, style: Style) -> str:
    head = f"{heading.ljust(_HEADING)}{row.shown.ljust(_SHOWN)}"
    if style.columns is not None and width(head) + width(row.about) > style.columns:
        # Too narrow for two columns: what it is for goes beneath.
        indent = " " * _HEADING
        text = f"{heading.ljust(_HEADING)}{row.shown}\n" + wrap(row.about, style.columns, f"{indent}  ", f"{indent}  ")
    else:
        text = head + row.about
    return f"{style.paint(heading, 'bold')}{text[len(heading) :]}\n"
