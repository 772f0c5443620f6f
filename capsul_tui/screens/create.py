"""Making a capsul: what of, how big, who may log in, what it is called; what that costs; and then Enter."""

import secrets
from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from capsul.errors import BadName, Conflict, NameTaken, NoCapacity, NotEnoughCredit, Unavailable
from capsul.models import Offer, OfferedSize
from capsul.money import MICRO
from capsul.rules import plain_text
from capsul.text import amount
from capsul_tui.money import lasts
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.screens.capsul_words import an_hour, name_refusal
from capsul_tui.screens.create_words import image_row, key_row, refusal_of_name, size_row, what_is_short
from capsul_tui.screens.operation import OperationScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.choices import Choices, Go
from capsul_tui.widgets.facts import Facts
from capsul_tui.widgets.line import Line
from capsul_tui.widgets.table import Column, Row, Table
from services.capsuls import CreateRequest

_USUAL_TOPUP = 20 * MICRO


class CreateScreen(CapsulScreen[None]):
    """One page; whatever is refused, nothing that was chosen or typed is lost."""

    WHERE = "Create a capsul"
    COMMAND = "create --image I --size S"
    TABLES = frozenset({"account", "audit", "capsul", "host", "image", "size", "ssh_key", "topup"})
    EVERY_SECONDS = 15.0
    AUTO_FOCUS = "#images"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-usual"), (34, "-high")]  # noqa: RUF012 - Textual's
    HELP = """\
A capsul is made from an image: a system that is installed already. Its size says how much of a host is yours alone,
and what that costs: by the second from now until you destroy it, running or stopped, and at most 672 hours a month.

The arrows choose, Enter or Tab goes on to the next choice, Shift+Tab back. Space marks a key: its holder may log in as
soon as it runs. All your keys that may do everything are marked at first. Without a name it is given one.

"Room" is how many more of a size fit now. There must be credit for a day of all your capsuls together, and for one
whole unit of the currency at least; t buys some.

On the last line Enter makes it, once: pressing again, or a line that is cut, never makes a second one."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark"),
        Binding("tab", "app.focus_next", "Next", show=False, tooltip="to the next choice"),
        Binding("shift+tab", "app.focus_previous", "Choice before", show=False, tooltip="back to the choice before"),
        Binding("t", "topup", "Top up", tooltip="buy credit"),
        Binding("escape", "back", "Give up"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._offer: Offer | None = None
        self._marked: frozenset[str] | None = None
        """Fingerprints; None for those that are marked at first."""
        self._idempotency_key = secrets.token_hex(16)
        self._made: OperationScreen | None = None

    def body(self) -> Iterable[Widget]:
        yield Choices("Image", Column("In commands", yields=1), empty="There are no images yet.", id="images")
        yield Choices(
            "Size",
            Column("Processors", right=True, yields=2),
            Column("Memory", right=True),
            Column("Disk", right=True),
            Column("A month", right=True),
            Column("An hour", right=True, yields=3),
            Column("Room", yields=1),
            empty="There are no sizes on offer.",
            id="sizes",
        )
        yield Choices("Keys that may log in", Column("Fingerprint", yields=2), Column("May here", yields=1), id="keys")
        with Horizontal(id="naming"):
            yield Static("Name", classes="label")
            yield Line(placeholder="one is made up", id="name", longest=60, select_on_focus=False)
        yield Facts(id="price", wraps=True)
        yield Go()
        yield Static(classes="filler")

    # What there is

    async def read(self) -> None:
        is_first = self._offer is None
        self._offer = offer = await self.visit.services.overview.offer(self.visit.caller)
        self._show()
        if is_first:
            best = next((it for it in offer.sizes if it.size.fits and it.needed <= offer.available), None)
            if best is not None:
                self._choices("#sizes").go_to(best.size.id)
            if offer.refusal:
                self.say(offer.refusal, "bad")

    def _choices(self, which: str) -> Choices:
        return self.query_one(which, Choices)

    @property
    def _chosen_image(self) -> str:
        return self._choices("#images").current or ""

    @property
    def _chosen_size(self) -> OfferedSize | None:
        chosen = self._choices("#sizes").current
        return next((it for it in self._offer.sizes if it.size.id == chosen), None) if self._offer else None

    @property
    def _typed_name(self) -> str:
        return self.query_one("#name", Line).value.strip()

    @property
    def _usual_keys(self) -> frozenset[str]:
        return (
            frozenset(it.fingerprint for it in self._offer.keys if it.scope == "full") if self._offer else frozenset()
        )

    @property
    def _marked_keys(self) -> frozenset[str]:
        if self._marked is None or self._offer is None:
            return self._usual_keys
        return self._marked & {it.fingerprint for it in self._offer.keys}

    def _show(self) -> None:
        """Everything, from what was read and what was chosen. Only what differs is drawn."""
        offer = self._offer
        if offer is None:
            return
        self._fill("#images", [image_row(it, self._chosen_image or offer.images[0].id) for it in offer.images])
        chosen = self._choices("#sizes").current or (offer.sizes[0].size.id if offer.sizes else "")
        self._fill("#sizes", [size_row(it, chosen, offer) for it in offer.sizes])
        self._fill("#keys", [key_row(it, it.fingerprint in self._marked_keys) for it in offer.keys])
        self._show_price(offer)
        self.equivalent.tell(self._command())

    def _fill(self, which: str, rows: list[Row]) -> None:
        table = self._choices(which)
        table.show(rows)
        table.styles.max_height = len(rows) + 1

    def _show_price(self, offer: Offer) -> None:
        it = self._chosen_size
        if it is None:
            return
        month = amount(it.size.price_month, it.size.currency)
        self.query_one("#price", Facts).show(
            [
                (
                    "Price",
                    f"{an_hour(it.size.price_month, it.size.currency)}, at most {month} a month, running or stopped",
                ),
                ("Lasts now", lasts(offer.hours_left)),
                ("Lasts then", lasts(it.hours_left)),
            ]
        )
        short = what_is_short(it, offer)
        image = next((image for image in offer.images if image.id == self._chosen_image), None)
        what = f"{image.name} {image.version}, {it.size.id}" if image else it.size.id
        self.query_one(Go).tell(
            short or f"Create {plain_text(self._typed_name) or 'it'}: {plain_text(what)}", bool(short)
        )

    def _command(self) -> str:
        words = [
            self.visit.ssh,
            "create",
            "--image",
            self._chosen_image,
            "--size",
            self._chosen_size.size.id if self._chosen_size else "",
        ]
        if self._typed_name:
            words += ["--name", plain_text(self._typed_name)]
        return " ".join([*words, *(f"--key {it}" for it in self._request_keys())])

    def _request_keys(self) -> tuple[str, ...]:
        return () if self._marked_keys == self._usual_keys else tuple(sorted(self._marked_keys))

    # Choosing

    def on_table_moved(self, event: Table.Moved) -> None:
        event.stop()
        if event.table.id != "keys":
            self._show()

    def on_table_opened(self, event: Table.Opened) -> None:
        """By a click."""
        event.stop()
        if event.table.id == "keys":
            self.action_mark()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "mark":
            return isinstance(self.focused, Choices) and self.focused.id == "keys"
        return super().check_action(action, parameters)

    def action_mark(self) -> None:
        under_cursor = self._choices("#keys").current
        if under_cursor is not None:
            self._marked = self._marked_keys ^ {under_cursor}
            self.say("" if self._marked_keys else "Mark one key at least: else nobody could log in.", "bad")
            self._show()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.say(refusal_of_name(self._typed_name, self._offer), "bad")
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    def action_topup(self) -> None:
        short = self._chosen_size.needed - self._offer.available if self._chosen_size and self._offer else 0
        # What is usual is proposed, unless it would not do.
        self.capsul_app.open_topup(-(-short // MICRO) * MICRO if short > _USUAL_TOPUP else None)

    # Making

    def on_go_pressed(self) -> None:
        if refusal := refusal_of_name(self._typed_name, self._offer):
            self.say(refusal, "bad")
            self.query_one("#name").focus()
        elif not self._marked_keys:
            self.say("Mark one key at least: else nobody could log in.", "bad")
            self._choices("#keys").focus()
        elif self._chosen_size is not None and self._chosen_image:
            request = CreateRequest(
                image=self._chosen_image,
                size=self._chosen_size.size.id,
                name=self._typed_name or None,
                keys=self._request_keys(),
                idempotency_key=self._idempotency_key,
            )
            self.attempt(lambda: self._create(request))

    async def _create(self, request: CreateRequest) -> None:
        try:
            accepted = await self.busy("creating", self.visit.services.capsuls.create(self.visit.caller, request))
        except (BadName, NameTaken) as error:
            self._refuse(name_refusal(error), "#name")
        except NoCapacity:
            self._refuse(f"There is no room for {request.size} now. Choose another size, or try later.", "#sizes")
        except NotEnoughCredit as error:
            self._refuse(f"{error.message.partition(' Add some')[0]} Press t to top up.", "Go")
        except Conflict:
            self.say("What you asked for first has been made after all. Press Esc: it is at home.", "bad")
        except Unavailable as error:
            self.say(f"{error.message} What you chose is still here; Enter tries again, and never makes two.", "bad")
        else:
            if accepted.operation is not None:
                self._made = OperationScreen(self.visit, accepted.operation.id, accepted.capsul.id)
                self._go_to_what_was_made()

    def _refuse(self, why: str, where: str) -> None:
        self.say(why, "bad")
        self.query_one(where).focus()
        self.read_again()

    def _go_to_what_was_made(self) -> None:
        if self._made is not None and self.is_current:
            self.app.switch_screen(self._made)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        del event
        self._go_to_what_was_made()
