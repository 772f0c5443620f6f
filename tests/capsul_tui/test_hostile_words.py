"""Everything that is stored and shown has escape sequences and markup in it: no terminal ever gets them."""

import asyncio
import re
from collections.abc import Callable

from capsul.models import Caller
from capsul_tui.app import CapsulApp
from capsul_tui.places import OPERATOR_PLACES, PLACES
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.screens.capsul import CapsulDetailScreen
from capsul_tui.screens.operation import OperationScreen
from capsul_tui.screens.operator.account import AccountScreen
from capsul_tui.screens.operator.operation import OperationOfAnybodyScreen
from services import Services
from tests.capsul_tui.operator.conftest import in_state
from tests.capsul_tui.seats import Sit
from tests.conftest import Enrol, TestDatabase

_EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202e\x9b5m\r\n[bold red]X[/][link=http://e]"
_HARMLESS_OSC = (b"\x1b]11;?", b"\x1b]8;")
_WITHOUT_CHECKS = """
ALTER TABLE ssh_key DROP CONSTRAINT a_key_name_is_1_to_60_characters;
ALTER TABLE capsul DROP CONSTRAINT a_name_is_a_dns_label;
ALTER TABLE announcement DROP CONSTRAINT an_announcement_says_something;
ALTER TABLE transfer DISABLE TRIGGER ALL;
INSERT INTO operation_step (operation_id, account_id, position, name, state, started_at)
SELECT id, account_id, 1, 'disk', 'running', capsul_now() FROM operation;
"""
_SHOWN = {
    "email_address": ("address",),
    "ssh_key": ("name", "public_key"),
    "audit": ("action", "target", "reason"),
    "announcement": ("text",),
    "image": ("name", "version"),
    "host": ("uri", "trouble"),
    "capsul": ("name", "reason"),
    "operation": ("reason",),
    "operation_step": ("name",),
    "transfer": ("kind", "note"),
    "session": ("client", "terminal"),
}


async def _poison(database: TestDatabase) -> None:
    for statement in _WITHOUT_CHECKS.split(";\n"):
        await database.admin(statement)
    for table, columns in _SHOWN.items():
        for column in columns:
            await database.admin(f"UPDATE {table} SET {column} = left({column}, 20) || $1", _EVIL)


async def test_attack_by_escape_sequences_in_everything_that_is_stored_reaches_no_terminal(
    enrol: Enrol, services: Services, fresh_database: TestDatabase, sit: Sit
) -> None:
    me: Caller = await enrol("me@example.org", credit=50_000_000, operator=True)
    operation_id = await in_state(services, fresh_database, me, "web", "running")
    await services.operators.announce(me, "We move.")
    await _poison(fresh_database)
    [capsul] = await fresh_database.admin("SELECT id FROM capsul")
    async with sit(me, size=(200, 40), kind="xterm-kitty") as seat:
        await seat.until_sees("Balance")
        visit, app = seat.app.visit, seat.app
        screens: list[CapsulScreen[None]] = [
            *(place.screen(visit) for place in (*PLACES[1:], *OPERATOR_PLACES)),
            CapsulDetailScreen(visit, capsul["id"]),
            OperationScreen(visit, operation_id, capsul["id"]),
            OperationOfAnybodyScreen(visit, operation_id),
            AccountScreen(visit, str(me.account_id)),
        ]
        for screen in screens:
            app.call_later(app.push_screen, screen)
            await seat.until(_is_read(app, screen))
            await asyncio.sleep(0.05)
            seat.type("\r")
            await asyncio.sleep(0.05)
    sent = seat.wire.sent
    assert b"[bold red]X" in sent
    assert not re.search(b"\\x1b\\[2J(?!\\x1b\\[H\\x1b\\[\\?)|\xe2\x80\xae|\xc2\x9b", sent)
    assert all(osc.startswith(_HARMLESS_OSC) for osc in re.findall(rb"\x1b\][^\x07\x1b]*", sent))


def _is_read(app: CapsulApp, screen: CapsulScreen[None]) -> Callable[[], bool]:
    """Whether it is seen, with what it is to show."""
    return lambda: screen in app.screen_stack[-1:] and screen._read_at is not None
