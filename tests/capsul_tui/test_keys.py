"""Keys, as their owner looks after them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncssh
import pytest
from syrupy.assertion import SnapshotAssertion
from textual import events

from capsul.models import Caller, Guest, KeyLimits, PublicKey
from capsul_tui.screens.keys import KeysScreen
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.capsul_tui.masks import without_places
from tests.conftest import Enrol, TestDatabase

_LAPTOP = PublicKey("SHA256:" + "l" * 43, "ssh-ed25519 LLLL", "laptop")
_ROBOT = PublicKey("SHA256:" + "r" * 43, "ssh-ed25519 RRRR", "robot")


def new_line(comment: str) -> str:
    """The line of a .pub file."""
    return asyncssh.generate_private_key("ssh-ed25519", comment=comment).export_public_key().decode().strip()


async def at_keys(person: Person) -> None:
    """Goes to the screen of keys."""
    await person.app.push_screen(KeysScreen(person.app.visit))
    await person.until_sees("Fingerprint" if person.app.size.width > 60 else "Signed in")
    await person.until_sees("full")


async def add(services: Services, me: Caller, key: PublicKey, limits: KeyLimits = KeyLimits()) -> str:  # noqa: B008
    """Puts a key on the list; gives the code that is to be confirmed."""
    [made] = await services.keys.add(me, [key], limits)
    assert made.confirm_code is not None
    return made.confirm_code


async def confirm(services: Services, key: PublicKey, code: str) -> None:
    """As whoever holds the key does."""
    await services.keys.confirm(Guest(key.fingerprint, key.line, "192.0.2.9", "elsewhere"), code)


async def paste(person: Person, text: str) -> None:
    """As a terminal pastes."""
    person.app.post_message(events.Paste(text))
    await person.pilot.pause()


async def states(services: Services, me: Caller) -> dict[str, str]:
    """Of all keys on the list, by name."""
    return {key.name: key.state for key in await services.keys.list(me)}


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_the_list_says_how_far_each_key_reaches_and_which_is_in_use(
    enrol: Enrol,
    open_screens: OpenScreens,
    services: Services,
    fresh_database: TestDatabase,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = await enrol("me@example.org", fingerprint="SHA256:" + "m" * 43, operator=True)
    await confirm(services, _LAPTOP, await add(services, me, _LAPTOP))
    await add(services, me, _ROBOT, KeyLimits("machines", (), datetime.now(UTC) + timedelta(days=30)))
    await fresh_database.admin(
        "UPDATE ssh_key SET name = CASE WHEN operator THEN 'desk' ELSE name END,"
        " last_used_at = CASE name WHEN 'laptop' THEN timestamptz '2026-01-02 03:04Z' END,"
        " expires_at = CASE name WHEN 'robot' THEN timestamptz '2032-01-02 03:04Z' END,"
        " confirm_code = CASE state WHEN 'pending' THEN 'ABCD-2345' END"
    )
    async with open_screens(me, size=size) as person:
        await at_keys(person)
        assert person.sees("this session")
        assert person.sees("full, operator")
        assert person.sees(me.fingerprint), "whole below"
        assert person.sees("May everything, and what operators may")
        await person.press("G")
        await person.until_sees(_ROBOT.fingerprint)
        assert person.sees("ssh -o IdentitiesOnly=yes -i KEYFILE capsul.test confirm ABCD-2345")
        assert without_places(person.screen()) == text_snapshot


async def test_a_key_confirmed_elsewhere_is_live_without_a_key_pressed(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    async with open_screens(me, size=(120, 40)) as person:
        await at_keys(person)
        code = await add(services, me, _LAPTOP)
        await person.until_sees("laptop pending")
        await confirm(services, _LAPTOP, code)
        await person.until_sees("laptop live")


async def test_sessions_of_each_key_are_counted(enrol: Enrol, open_screens: OpenScreens, services: Services) -> None:
    me = await enrol()
    await confirm(services, _LAPTOP, await add(services, me, _LAPTOP))
    laptop = await services.accounts.identify(_LAPTOP.fingerprint, "192.0.2.9")
    assert laptop is not None
    async with open_screens(me) as person:
        await at_keys(person)
        caller = services.accounts.caller(laptop, "elsewhere", "192.0.2.9")
        await services.sessions.begin(caller, laptop.id, "a client", "xterm 80x24")
        await person.until_sees("1 session")


async def test_several_pasted_lines_become_pending_keys_with_what_their_holders_must_run(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    async with open_screens(me, size=(120, 40)) as person:
        await at_keys(person)
        await person.press("a")
        await person.until_sees("What may they do?")
        lines = [new_line("desk@home"), new_line("robot@ci")]
        await paste(person, "\n".join(lines) + "\n")
        await person.until_sees("✓ robot@ci ssh-ed25519 SHA256:")
        await person.press("enter", "j")
        await person.until_sees("ssh capsul.test keys add - --scope machines < KEYS.pub")
        await person.press("enter")
        await person.until_sees("2 keys wait to be confirmed.")
        made = {key.name: key for key in await services.keys.list(me)}
        assert (made["desk@home"].scope, made["robot@ci"].scope) == ("machines", "machines")
        for name in ("desk@home", "robot@ci"):
            assert person.sees(f"ssh -o IdentitiesOnly=yes -i KEYFILE capsul.test confirm {made[name].confirm_code}")
        desk = made["desk@home"]
        await confirm(services, PublicKey(desk.fingerprint, desk.public_key, ""), desk.confirm_code or "")
        await person.until_sees("✓ confirmed: it opens your account now")
        assert person.sees("1 key waits to be confirmed.")
        await services.keys.remove(me, made["robot@ci"].fingerprint)
        await person.until_sees("✗ removed from the list")
        await person.press("escape")
        await person.until_sees("desk@home live")


async def test_lines_that_are_no_keys_are_refused_and_nothing_typed_is_lost(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    async with open_screens(me) as person:
        await at_keys(person)
        await person.press("a")
        await person.until_sees("What may they do?")
        await person.type("what")
        await person.press("tab")
        await person.until_sees("A public key is a line of a type, a long word and a comment")
        assert person.sees("what")
        good = new_line("desk@home")
        await paste(person, f"\n{good}")
        await person.press("tab")
        await person.until_sees("A public key is a line of a type, a long word and a comment")
        assert person.sees("desk@home")
        await person.press("escape")
        await person.until_gone("What may they do?")
        assert len(await services.keys.list(me)) == 1


async def test_a_key_that_is_on_the_list_already_is_refused_with_the_lines_left_there(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me, line = await enrol(), new_line("desk@home")
    async with open_screens(me) as person:
        await services.keys.add(me, person.app.visit.parse_keys(line))
        await at_keys(person)
        await person.press("a")
        await person.until_sees("What may they do?")
        await paste(person, line)
        await person.press("tab", "enter")
        await person.until_sees("already")
        assert person.sees("✓ desk@home")
        await person.press("shift+tab", *["backspace"] * 4)
        await person.until_sees("✓ desk@ ")


async def test_a_key_that_may_not_change_keys_is_told_so(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    await confirm(services, _ROBOT, await add(services, me, _ROBOT, KeyLimits("read")))
    key = await services.accounts.identify(_ROBOT.fingerprint, me.source)
    assert key is not None
    async with open_screens(services.accounts.caller(key, "robot", me.source)) as person:
        await at_keys(person)
        await person.press("D", "y")
        await person.until_sees("This key's scope is read: it may not do that. Use another key.")
        assert (await states(services, me))["robot"] == "live"


async def test_a_key_is_renamed_and_a_name_that_is_refused_is_not_lost(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    async with open_screens(me, size=(120, 40)) as person:
        await at_keys(person)
        await person.press("n")
        await person.until_sees("$ ssh capsul.test keys rename")
        await person.press("ctrl+a", "ctrl+k")
        await person.type("x" * 61)
        await person.press("enter")
        await person.until_sees("1 to 60 characters.")
        await person.press("backspace", "enter")
        await person.until_sees(f"The key is called {'x' * 60} now.")
        assert list(await states(services, me)) == ["x" * 60]
        await person.press("n")
        await person.until_sees("What is")
        await person.press("escape")
        await person.until_gone("What is")


async def test_a_removed_key_is_gone_once_its_owner_has_seen_what_ends(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    await confirm(services, _LAPTOP, await add(services, me, _LAPTOP))
    async with open_screens(me) as person:
        await at_keys(person)
        await person.press("G", "D")
        await person.until_sees("Remove the key “laptop”?")
        assert person.sees(_LAPTOP.fingerprint)
        assert person.sees("It opens your account no more.")
        assert person.sees("$ ssh capsul.test keys rm")
        await person.press("enter")
        await person.until_gone("Remove the key")
        assert "laptop" in await states(services, me), "Enter keeps it"
        await person.press("D", "y")
        await person.until_sees("laptop opens your account no more.")
        await person.until_gone("laptop live")
        assert "laptop" not in await states(services, me)


async def test_the_last_key_that_may_do_everything_stays_and_the_reason_is_said(
    enrol: Enrol, open_screens: OpenScreens, services: Services
) -> None:
    me = await enrol()
    async with open_screens(me) as person:
        await at_keys(person)
        await person.press("D")
        await person.until_sees("It is the key of this very session: these screens close")
        await person.press("y")
        await person.until_sees("This is your last key that may do everything. Add and confirm another one first")
        assert len(await services.keys.list(me)) == 1


@pytest.fixture
async def recovered(enrol: Enrol, services: Services, fresh_database: TestDatabase) -> tuple[Caller, Caller]:
    """The old key of an account, and a new one that came by mail and waits."""
    old = await enrol("me@example.org")
    await confirm(services, _LAPTOP, await add(services, old, _LAPTOP))
    await fresh_database.admin(
        "UPDATE ssh_key SET waits_until = capsul_now() + interval '2 days' WHERE name = 'laptop'"
    )
    key = await services.accounts.identify(_LAPTOP.fingerprint, "192.0.2.9")
    assert key is not None
    return old, services.accounts.caller(key, "new", "192.0.2.9")


async def test_an_older_key_approves_one_that_waits(
    recovered: tuple[Caller, Caller], open_screens: OpenScreens, services: Services
) -> None:
    old, _ = recovered
    async with open_screens(old) as person:
        await at_keys(person)
        assert not person.sees("A Approve"), "there is nothing to approve in the key in use"
        await person.press("j")
        await person.until_sees("A approves it, X throws it out.")
        assert person.sees("A Approve")
        await person.press("A")
        await person.until_sees("Approve the key “laptop”?")
        assert person.sees("$ ssh capsul.test keys approve")
        await person.press("y")
        await person.until_sees("laptop may do everything now.")
        await person.until_sees("laptop live")
        assert not person.sees("A Approve")


async def test_an_older_key_throws_out_one_that_waits(
    recovered: tuple[Caller, Caller], open_screens: OpenScreens, services: Services
) -> None:
    old, _ = recovered
    async with open_screens(old) as person:
        await at_keys(person)
        await person.press("j", "X")
        await person.until_sees("Whoever has it could read your mail")
        await person.press("y")
        await person.until_sees("laptop is thrown out.")
        assert "laptop" not in await states(services, old)


async def test_a_key_that_waits_cannot_approve_itself(
    recovered: tuple[Caller, Caller], open_screens: OpenScreens
) -> None:
    async with open_screens(recovered[1]) as person:
        await at_keys(person)
        await person.press("G", "A", "y")
        await person.until_sees("This key is new to the account and may only look, top up and stop until")


async def test_names_that_strangers_give_keys_steer_nothing(
    enrol: Enrol, open_screens: OpenScreens, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    await fresh_database.admin("UPDATE ssh_key SET name = E'[bold]\\x1b[2Jx[/] :-)'")
    async with open_screens(me) as person:
        await at_keys(person)
        await person.until_sees("[bold] [2Jx[/] :-)")
        await person.press("D")
        await person.until_sees("Remove the key “[bold] [2Jx[/] :-)”?")


async def test_enter_shows_all_about_a_key(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol(public_key="ssh-ed25519 AAAA" + "Z" * 64)) as person:
        await at_keys(person)
        await person.press("enter")
        await person.until_sees("Added")
        assert len(re.findall("Z", person.screen())) == 64
        await person.press("escape")
        await person.until_gone("Added")


async def test_when_rights_change_the_screens_go_by_the_new_ones_at_once(
    enrol: Enrol, open_screens: OpenScreens, services: Services, fresh_database: TestDatabase
) -> None:
    me = await enrol()
    await confirm(services, _LAPTOP, await add(services, me, _LAPTOP))
    async with open_screens(me) as person:
        await at_keys(person)
        await fresh_database.admin("UPDATE ssh_key SET scope = 'read' WHERE id = $1", me.key_id)
        await person.until(lambda: person.app.visit.caller == replace(me, scope="read"))
        await person.press("G", "D", "y")
        await person.until_sees("This key's scope is read")


_FIXED_LINES = """\
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILdjBgVKGefItBYJxUQqSw02jzAZT3QSfpkHTRdqTKBY desk@home
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPWqHHzlrmnKVV4n5ImoN2R13dGqG3DQvGYWkg11xcyQ robot@ci
"""


@pytest.mark.parametrize("size", [*SIZES, (60, 20)])
async def test_the_way_of_new_keys_onto_the_list(
    enrol: Enrol,
    open_screens: OpenScreens,
    services: Services,
    fresh_database: TestDatabase,
    size: tuple[int, int],
    text_snapshot: SnapshotAssertion,
) -> None:
    me = await enrol("me@example.org")
    async with open_screens(me, size=size) as person:
        await at_keys(person)
        await person.press("a")
        await person.until_sees("What may they do?")
        await paste(person, _FIXED_LINES)
        await person.until_sees("✓ robot@ci")
        await person.press("enter")
        await person.until_sees("Put them on the list")
        assert person.screen() == text_snapshot(name="pasted")
        await person.press("j", "j", "enter")
        await person.until_sees("2 keys wait to be confirmed.")
        await fresh_database.admin(
            "UPDATE ssh_key SET confirm_code = CASE name WHEN 'robot@ci' THEN 'ABCD-2345' ELSE 'EFGH-6789' END,"
            " name = name WHERE state = 'pending'"
        )
        await person.until_sees("pending, code ABCD-2345")
        assert person.screen() == text_snapshot(name="pending")


async def test_lines_without_brackets_around_the_paste_are_several_keys_too(
    enrol: Enrol, open_screens: OpenScreens
) -> None:
    """As terminals send them that do not tell a paste from typing."""
    async with open_screens(await enrol(), size=(120, 40)) as person:
        await at_keys(person)
        await person.press("a")
        await person.until_sees("What may they do?")
        for line in _FIXED_LINES.splitlines():
            await person.type(line)
            await person.press("enter")
        await person.until_sees("✓ desk@home")
        await person.until_sees("✓ robot@ci")
        await person.press("enter")
        await person.until_sees("Put them on the list")
