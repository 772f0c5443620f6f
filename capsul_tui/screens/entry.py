"""One line of the ledger in full."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from capsul.models import LedgerEntry
from capsul.money import decimal_text
from capsul.rules import plain_text
from capsul_tui.widgets.bars import KeyBar
from capsul_tui.widgets.facts import Facts

_WORDS = {"topup": "{about}", "topup reversed": "taken back: {about}", "gift": "gift"}
"""What kinds of transfers are called, where the books' own word is not what a person would say."""


def words(it: LedgerEntry) -> str:
    """What it was for, with the reason that somebody gave."""
    known = _WORDS.get(it.kind)
    if known is None:
        name = f"{it.kind} of {it.about}" if it.about else it.kind
    else:
        name = known.format(about=it.about or "topup")
    return f"{name[:1].upper()}{name[1:]}{f': {it.note}' if it.note else ''}"


def places(micro: int) -> int:
    """Decimal places that it takes to say it exactly: two at least."""
    return len(decimal_text(micro, 6).rstrip("0").rpartition(".")[2].ljust(2, "0"))


def signed(micro: int, decimals: int) -> str:
    """With its sign, whichever that is."""
    return f"{'+' if micro > 0 else ''}{decimal_text(micro, decimals)}"


def leads_to_topup(it: LedgerEntry) -> bool:
    """Whether what it was for is a topup."""
    return it.reference.startswith("t-")


def leads_to_capsul(it: LedgerEntry) -> bool:
    """Whether what it was for is a capsul."""
    return it.reference.startswith("c-")


class EntryDialog(ModalScreen[bool]):
    """True when what the line was for is to be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,o", "close(True)", "Open it"),
        Binding("escape,q", "close(False)", "Close"),
    ]

    def __init__(self, entry: LedgerEntry) -> None:
        super().__init__()
        self._entry = entry

    def compose(self) -> ComposeResult:
        it = self._entry

        def exact(micro: int) -> str:
            return f"{decimal_text(micro, places(micro))} {it.currency}"

        sign = "+" if it.amount > 0 else ""
        with Vertical(classes="dialog"):
            yield Static(Text(plain_text(words(it)), "bold"))
            yield Facts(
                ("Amount", f"{sign}{exact(it.amount)}"),
                ("When", f"{it.at:%Y-%m-%d %H:%M:%S} UTC"),
                ("Balance after", exact(it.total)),
                ("Wallet", it.wallet + (", spent first and never paid back" if it.wallet == "gift" else "")),
                ("Wallet after", exact(it.balance)),
                ("Kind", it.kind),
                ("About", it.about or None),
                ("Reference", it.reference or None),
                ("Line", str(it.id)),
            )
            yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        leads = leads_to_topup(self._entry) or leads_to_capsul(self._entry)
        return action != "close" or parameters != (True,) or leads

    def action_close(self, opens: bool) -> None:
        self.dismiss(opens)
