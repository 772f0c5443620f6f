"""What a stranger sees: who they seem to be, how their key becomes theirs here, and what to do if it is another one."""

import re
from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from capsul.errors import NotPermitted
from capsul.models import Enrolment, Guest
from capsul.obstacles import is_waiting
from capsul.text import amount, moment
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.visit import Visit
from capsul_tui.widgets.facts import Facts
from capsul_tui.widgets.ink import ink
from capsul_tui.widgets.line import Line
from capsul_tui.widgets.words import show_words

_CODE = re.compile(r"[A-Za-z0-9]{4}[- ]?[A-Za-z0-9]{4}")


class GuestScreen(CapsulScreen[None]):
    """Asks for an e-mail address, waits with the code, and moves on by itself."""

    WHERE = "you are a guest"
    COMMAND = "enrol YOU@EXAMPLE.ORG"
    TABLES = frozenset({"enrolment", "ssh_key", "announcement"})
    EVERY_SECONDS = 5.0
    AUTO_FOCUS = "#email"
    HELP = """\
You are known here by your SSH key, and by nothing else: no password, no account on a web site. This screen makes the
key yours.

Type your e-mail address and press Enter. We send a mail with a link, and this terminal shows a code. Open the link,
and type the code into the page: then this screen moves on by itself. The code is not in the mail, so whoever reads
your mail gains nothing, and a link that somebody else asked for does nothing by being opened.

Without a browser: copy the token at the end of the mail into the second field.

If you have an account already, with another key, come with that one:
ssh -o IdentitiesOnly=yes -i KEYFILE and the name of this server. If that key is lost, type the address of your
account here: this key is added to it, after a while if there is something to lose.

If a member has put this key on their list, type the code that they have told you into the second field."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next field"),
        Binding("escape", "another", "Another address"),
        Binding("escape", "code", "Back to the code"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._begun: Enrolment | None = None
        self._asks_anew = False
        self._has_moved_on = False

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="guest", can_focus=False):
            yield Static(id="offer")
            yield Facts(id="seen")
            yield Static(id="what")
            yield Static("Your e-mail address", id="email-label", classes="label")
            yield Line(placeholder="you@example.org", id="email")
            yield Static("Token of our mail, or code of a key that waits", id="word-label", classes="label")
            yield Line(placeholder="only if you have one", id="word")
            yield Static(id="roads")

    async def read(self) -> None:
        guest = await self.visit.look_up()
        if not isinstance(guest, Guest):
            self._move_on()
            return
        services = self.visit.services
        sizes = await services.capsuls.price_list()
        announcements = await services.accounts.announcements()
        begun = await services.enrolment.status(guest.fingerprint)
        from_price = f" From {amount(sizes[0].price_month, sizes[0].currency)} a month." if sizes else ""
        news = "".join(f"\n{moment(it.created_at)}: {it.text}" for it in announcements[:1])
        show_words(self.query_one("#offer", Static), f"Virtual machines for members, by ssh alone.{from_price}{news}")
        self._show(guest, begun)

    def _show(self, guest: Guest, begun: Enrolment | None) -> None:
        self._begun = begun
        waits = is_waiting(begun) and not self._asks_anew
        self.query_one("#seen", Facts).show(
            [
                ("Your key", guest.fingerprint),
                ("You come from", guest.source),
                ("Mail sent to", begun.address if waits and begun else None),
                ("Good until", moment(begun.expires_at) if waits and begun else None),
            ]
        )
        show_words(self.query_one("#what", Static), self._what_now(begun, waits))
        for field in ("#email", "#email-label"):
            self.query_one(field).display = not waits
        if waits and self.focused is self.query_one("#email"):
            self.query_one("#word", Input).focus()
        show_words(self.query_one("#roads", Static), "" if waits else self._other_roads())
        self.equivalent.tell(f"{self.visit.ssh} {'confirm TOKEN' if waits else 'enrol YOU@EXAMPLE.ORG'}")
        self.refresh_bindings()

    def _what_now(self, begun: Enrolment | None, waits: bool) -> Text:
        if waits and begun:
            text = Text("Open the link in our mail, and type this code into the page:\n\n")
            text.append("      Your code  ").append(f"{begun.code}\n\n", ink(self, "key"))
            return text.append("This screen moves on by itself.", ink(self, "quiet"))
        if begun is not None and begun.state == "enrolled":
            return Text(
                "This key was enrolled, but opens no account now: it was removed, has expired, or may not come from "
                "here. Enrol it again with your address."
            )
        if begun is not None and begun.state == "spent":
            return Text("Too many wrong codes: that enrolment is over. Start again with your address.")
        if begun is not None and begun.state == "waiting" and not is_waiting(begun):
            return Text("That code was not used in time. Start again with your address.")
        return Text("This key is not enrolled yet. Type your e-mail address: we send you a link.")

    def _other_roads(self) -> str:
        other = self.visit.ssh.replace("ssh", "ssh -o IdentitiesOnly=yes -i KEYFILE", 1)
        return (
            f"Another key of yours opens an account here? Come with it:\n  {other}\n"
            "That key is lost? Type the address of the account: this key is added to it."
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        # Two meanings of Esc, of which one at a time makes sense.
        if action in ("another", "code"):
            return is_waiting(self._begun) and self._asks_anew == (action == "code")
        return True

    def action_another(self) -> None:
        """The address was wrong."""
        self._asks_anew = True
        self._show(self.visit.guest, self._begun)
        self.query_one("#email", Input).focus()

    def action_code(self) -> None:
        """It was right after all."""
        self._asks_anew = False
        self._show(self.visit.guest, self._begun)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        typed = event.value.strip()
        if not typed:
            self.say("Type your e-mail address first." if event.input.id == "email" else "Type the token first.", "bad")
        elif event.input.id == "email":
            self.attempt(lambda: self._enrol(typed))
        else:
            self.attempt(lambda: self._confirm(typed))

    async def _enrol(self, email: str) -> None:
        begun = await self.busy("sending a mail", self.visit.services.enrolment.begin(self.visit.guest, email))
        self._asks_anew = False
        self._show(self.visit.guest, begun)

    async def _confirm(self, word: str) -> None:
        services, guest = self.visit.services, self.visit.guest
        if _CODE.fullmatch(word):
            await services.keys.confirm(guest, word)
        else:
            await services.enrolment.confirm_token(guest, word.rstrip("/").rpartition("/")[2])
        if isinstance(await self.visit.look_up(), Guest):
            raise NotPermitted("That was right, but the key opens no account yet. Try again in a moment.")
        self._move_on()

    def _move_on(self) -> None:
        """Once, although the change and the answer both tell of it."""
        if not self._has_moved_on:
            self._has_moved_on = True
            self.capsul_app.become_member()
