"""The hosts: what they have, what of it is promised, and what ails them."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget

from capsul.models import Caller, Host
from capsul.text import disk, memory, moment, share
from capsul_tui.screens.operator.base import Lines, OperatorList
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Fact, Facts
from capsul_tui.widgets.meter import meter, meter_tone
from capsul_tui.widgets.table import Cell, Column, Row

_CELLS = 10
_WIDE_CELLS = 20


class HostsScreen(OperatorList):
    """A line each, and all facts of the one under the cursor."""

    WHERE = "Hosts"
    PLACE = "Hosts"
    COMMAND = "admin hosts"
    TABLES = frozenset({"host", "capsul"})
    EVERY_SECONDS: ClassVar[float | None] = 15.0
    HELP = """\
Where capsuls run. A bar is what of a host's memory or disk is promised to capsuls: nothing more is promised than there
is, and a stopped capsul keeps its promise.

A host that does not answer is tried again by itself; its capsuls are shown as unreachable meanwhile, and what is asked
of them waits. Below the list is what is known of the host under the cursor. Hosts are added, and told to take no new
capsuls, from the shell of the server."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._hosts: dict[str, Host] = {}

    def body(self) -> Iterable[Widget]:
        yield Lines(
            Column("Host", squeezes=True, least=8),
            "State",
            Column("Memory", yields=2),
            Column("Disk", yields=3),
            Column("Capsuls", right=True, yields=6),
            Column("New", yields=5),
            Column("Trouble", yields=4, squeezes=True, least=12),
            empty="There are no hosts: nothing can be created.",
        )
        yield Facts(id="host", wraps=True)

    async def look(self, operator: Caller) -> None:
        found = await self.visit.services.operators.hosts(operator)
        self._hosts = {it.id: it for it in found}
        self.show([_row(it) for it in found])
        self._show_facts()

    def moved_to(self, key: str | None) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        it = self._hosts.get(self.table.current or "")
        facts = self.query_one(Facts)
        facts.show(_facts(it) if it else ())
        facts.display = it is not None


def state_of(it: Host) -> Cell:
    """Whether it answers."""
    return Cell("reachable", "good") if it.reachable else Cell("unreachable", "bad")


def memory_meter(it: Host, cells: int = _CELLS) -> Cell:
    """What of its memory is promised."""
    taken, there_is = it.committed_memory_mib, it.memory_mib
    return Cell(meter(taken, there_is, cells), meter_tone(taken, there_is))


def disk_meter(it: Host, cells: int = _CELLS) -> Cell:
    """What of its disk is promised."""
    taken, there_is = it.committed_disk_gib, it.disk_gib
    return Cell(meter(taken, there_is, cells), meter_tone(taken, there_is))


def _row(it: Host) -> Row:
    takes_new = Cell("takes new", "good") if it.accepts_new else Cell("takes none", "busy")
    return Row(it.id, (it.id, state_of(it), memory_meter(it), disk_meter(it), str(it.capsuls), takes_new, it.trouble))


def _facts(it: Host) -> Sequence[Fact]:
    since = f"not since {moment(it.seen_at)}" if it.seen_at else "never since it was added"
    ram, space = memory_meter(it, _WIDE_CELLS), disk_meter(it, _WIDE_CELLS)
    taken_ram = share(memory(it.committed_memory_mib), memory(it.memory_mib))
    taken_space = share(disk(it.committed_disk_gib), disk(it.disk_gib))
    return (
        ("Host", it.id),
        ("At", it.uri),
        ("Answers", Cell("yes", "good") if it.reachable else Cell(since, "bad")),
        ("Trouble", Cell(it.trouble, "bad") if it.trouble else None),
        ("Memory", Cell(f"{ram.text}  {taken_ram}", ram.tone)),
        ("Disk", Cell(f"{space.text}  {taken_space}", space.tone)),
        ("Capsuls", f"{it.capsuls}; {'new ones may come' if it.accepts_new else 'no new ones come'}"),
    )
