"""The door, as strangers find it."""

import secrets
from hashlib import sha256

import pytest
from syrupy.assertion import SnapshotAssertion

from capsul.models import Guest, PublicKey
from services import Services
from tests.capsul_tui.conftest import SIZES, OpenScreens, Person
from tests.conftest import Enrol, TestDatabase

FINGERPRINT = "SHA256:" + "a" * 43


@pytest.fixture
def stranger() -> Guest:
    return Guest(FINGERPRINT, "ssh-ed25519 AAAAstranger", "192.0.2.9", "test")


async def token_for(database: TestDatabase) -> str:
    """What the worker would put into the mail."""
    token = secrets.token_urlsafe()
    await database.admin(
        "INSERT INTO mailed_token (token_hash, purpose, enrolment_id, expires_at)"
        " SELECT $1, 'enrol', id, expires_at FROM enrolment WHERE state = 'waiting'",
        sha256(token.encode()).digest(),
    )
    return token


async def asks(person: Person, address: str) -> None:
    await person.type(address)
    await person.press("enter")
    await person.until_sees("Your code")


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_stranger_sees_who_they_seem_to_be_and_is_asked_for_an_address(
    stranger: Guest, open_screens: OpenScreens, size: tuple[int, int], text_snapshot: SnapshotAssertion
) -> None:
    async with open_screens(stranger, size=size) as person:
        assert person.sees(FINGERPRINT)
        assert person.sees("192.0.2.9")
        assert person.sees("Your e-mail address")
        assert person.sees("From 1.00 USD a month")
        assert person.sees("ssh -o IdentitiesOnly=yes -i KEYFILE capsul.test")
        assert person.screen() == text_snapshot


async def test_sixty_columns_are_enough_for_a_stranger(stranger: Guest, open_screens: OpenScreens) -> None:
    async with open_screens(stranger, size=(60, 20)) as person:
        await asks(person, "new@example.org")
        assert person.sees("Mail sent to new@example.org")


async def test_the_code_is_on_the_waiting_screen_and_the_screen_moves_on_by_itself(
    stranger: Guest, services: Services, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(stranger) as person:
        await asks(person, "new@example.org")
        begun = await services.enrolment.status(FINGERPRINT)
        assert begun is not None
        assert person.sees(begun.code)
        await services.enrolment.submit(await token_for(fresh_database), begun.code, "203.0.113.5")
        await person.until_sees("Balance 0.00 USD")
        assert person.sees("new@example.org")


async def test_the_token_of_the_mail_does_without_a_browser(
    stranger: Guest, fresh_database: TestDatabase, open_screens: OpenScreens
) -> None:
    async with open_screens(stranger) as person:
        await asks(person, "new@example.org")
        await person.type(await token_for(fresh_database))
        await person.press("enter")
        await person.until_sees("Balance 0.00 USD")


async def test_a_wrong_token_is_refused_in_words_and_stays_where_it_was_typed(
    stranger: Guest, open_screens: OpenScreens
) -> None:
    async with open_screens(stranger) as person:
        await asks(person, "new@example.org")
        await person.type("not-a-token")
        await person.press("enter")
        await person.until_sees("That token is unknown, too old, or belongs to another key.")
        assert person.sees("not-a-token")


async def test_what_is_no_address_is_refused_in_words_and_not_lost(stranger: Guest, open_screens: OpenScreens) -> None:
    async with open_screens(stranger) as person:
        await person.type("nobody")
        await person.press("enter")
        await person.until_sees("That is not an e-mail address")
        assert person.sees("nobody")
        await person.type("@example.org")
        await person.press("enter")
        await person.until_sees("Mail sent to nobody@example.org")


async def test_an_empty_line_is_answered_with_what_to_type(stranger: Guest, open_screens: OpenScreens) -> None:
    async with open_screens(stranger) as person:
        await person.press("enter")
        await person.until_sees("Type your e-mail address first.")


async def test_another_address_can_be_given_while_waiting(stranger: Guest, open_screens: OpenScreens) -> None:
    async with open_screens(stranger) as person:
        await asks(person, "wrnog@example.org")
        await person.press("escape")
        await person.until_sees("Your e-mail address")
        await person.press("escape")
        await person.until_sees("Your code")
        await person.press("escape")
        await person.until_sees("Your e-mail address")
        await person.type("right@example.org")
        await person.press("enter")
        await person.until_sees("Mail sent to right@example.org")


async def test_who_comes_back_finds_the_same_code(
    stranger: Guest, services: Services, open_screens: OpenScreens
) -> None:
    begun = await services.enrolment.begin(stranger, "new@example.org")
    async with open_screens(stranger) as person:
        assert person.sees(begun.code)
        assert not person.sees("Your e-mail address")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("UPDATE enrolment SET state = 'spent'", "Too many wrong codes"),
        ("UPDATE enrolment SET expires_at = now() - interval '1 minute'", "That code was not used in time"),
    ],
)
async def test_what_became_of_an_enrolment_is_said_while_one_looks(
    stranger: Guest, fresh_database: TestDatabase, open_screens: OpenScreens, state: str, said: str
) -> None:
    async with open_screens(stranger) as person:
        await asks(person, "new@example.org")
        await fresh_database.admin(state)
        await person.until_sees(said)
        assert person.sees("Your e-mail address")


async def test_a_key_that_a_member_has_listed_comes_in_by_its_code(
    stranger: Guest, services: Services, enrol: Enrol, open_screens: OpenScreens
) -> None:
    member = await enrol("me@example.org")
    [key] = await services.keys.add(member, [PublicKey(FINGERPRINT, "ssh-ed25519 AAAAstranger", "laptop")])
    async with open_screens(stranger) as person:
        await person.press("tab")
        await person.type((key.confirm_code or "").lower())
        await person.press("enter")
        await person.until_sees("me@example.org")
        assert person.sees("Balance")


async def test_a_guest_gets_help_for_this_screen_by_f1(stranger: Guest, open_screens: OpenScreens) -> None:
    async with open_screens(stranger) as person:
        assert person.sees("f1 Help")
        await person.press("f1")
        await person.until_sees("You are known here by your SSH key")
        await person.press("escape")
        await person.until_sees("Your e-mail address")


async def test_a_guest_goes_to_no_screen_of_members(stranger: Guest, open_screens: OpenScreens) -> None:
    async with open_screens(stranger) as person:
        for key in ("tab", "tab", "1", "2", "3", "c", "t", "O"):
            await person.press(key)
        assert person.sees("you are a guest")
