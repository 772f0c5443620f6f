"""docs/commands.md, written from the commands themselves: `python -m sshgate.commands.reference > docs/commands.md`."""

import sys

from sshgate.commands.context import Command
from sshgate.commands.dispatch import Commands
from sshgate.commands.help import EXITS, Manual, exits, explanation

_TOP = """\
# Commands

Written from the program's own help by `python -m sshgate.commands.reference`.

Everything is done by `ssh HOST COMMAND`. `ssh HOST help COMMAND` and `ssh HOST COMMAND --help` say what stands here.

## What holds for every command

What you asked for comes on standard output, everything else on standard error. `--json`, anywhere on the line, gives
one JSON document instead of text. Every document has `"schema": 1` and is described by a JSON Schema in
[schemas/](schemas/). Money is a decimal string with its currency beside it; times are RFC 3339 in UTC.

When something does not go well, standard error has one sentence, or with `--json` a document such as

    {"schema": 1, "error": {"code": "insufficient_credit", "message": "…"}}

and the exit status says what kind of thing went wrong:

| exit | meaning |
|---|---|
"""

_AFTER_EXITS = """
A command that is interrupted, by Ctrl-C at a terminal or by a signal, ends with 130.

Checks come in this order: the words, the key's permission, whether the thing exists, the rules, credit, room.

ssh joins its words into one line, which is read here as a shell would read it: what must stay together needs quotation
marks twice, as in `ssh HOST 'admin accounts "two words"'`.

At a terminal (`ssh -t`) lists are as wide as it is: what can be had elsewhere is left out of them, the rest stands
beneath its row. Without one a row is one line and nothing is left out. Progress is shown at a terminal only. There are
colours unless `TERM` is `dumb` or `NO_COLOR` was sent.

Changes that take time answer at once with an operation. `--wait` waits until it has ended, and prints its id on
standard error first, so that nothing is lost with the connection. `--idempotency-key WORD` makes a request safe to
repeat: the same request with the same word is carried out once.

A key that is not enrolled yet may give the commands under *Start* only. Scripts that enrol a key use the user
name `enrol`, which takes the first key they offer: `ssh -o BatchMode=yes enrol@HOST enrol you@example.org`. The user
name `health` needs no key and is answered with `ok`. No other user name means anything.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    manual = Commands().manual
    by_name = {command.name: command for command in manual.commands}
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXITS.items())
    parts = [_TOP + rows + _AFTER_EXITS]
    for heading, names in manual.groups(for_operators=True):
        parts.append(f"\n## {heading}\n")
        parts.extend(_section(by_name[name], manual) for name in names)
    return "".join(parts)


def schema_file(command: Command) -> str:
    """Where the command's document is described, in docs/schemas/."""
    return f"{'-'.join(command.path)}.json"


def _section(command: Command, manual: Manual) -> str:
    options = "".join(f"| `{_cell(name)}` | {_cell(text)} |\n" for name, text in manual.options(command))
    examples = "".join(f"    ssh HOST {example}\n" for example in command.examples)
    also = f"Also called: {', '.join(f'`{alias}`' for alias in command.aliases)}.\n\n" if command.aliases else ""
    codes = ", ".join(str(code) for code in exits(command))
    return (
        f"\n### {command.name}\n\n"
        f"    {f'{command.name} {command.usage}'.rstrip()}\n\n"
        f"{explanation(command)}\n\n{also}"
        f"| argument | |\n|---|---|\n{options}\n{examples}\n"
        f"Exit status: {codes}. Document: [{schema_file(command)}](schemas/{schema_file(command)}).\n"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
