"""Mailbox and terminal must be in the same hands."""

import asyncio
import re
from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv4Network

import pytest

from backends.mail import MailAway, MailRefused
from capsul.config import Settings
from capsul.errors import BadRequest, NotPermitted, RuleBroken, TooMany, Unavailable
from capsul.models import Guest
from db.database import Database
from services import Services
from services.enrolment import Enrolments
from services.work.letters import LetterWork
from tests.conftest import Enrol, TestDatabase
from tests.services.conftest import Letterbox


def guest(name: str, source: str = "192.0.2.7") -> Guest:
    return Guest("SHA256:" + sha256(name.encode()).hexdigest()[:43], f"ssh-ed25519 {name}", source, f"session-{name}")


class Mailman:
    """Carries out the letters that are due, and reads the token in the newest."""

    def __init__(self, database: TestDatabase, work: LetterWork, letterbox: Letterbox) -> None:
        self._database = database
        self._work = work
        self.letterbox = letterbox

    async def deliver(self) -> None:
        for row in await self._database.admin("SELECT id FROM mail WHERE state = 'queued' ORDER BY id"):
            await self._work.send(str(row["id"]))

    async def token(self, kind: str = "enrol") -> str:
        await self.deliver()
        for letter in reversed(self.letterbox.letters):
            if found := re.search(rf"/{kind}/(\S+)", letter.get_content()):
                return found[1]
        pytest.fail(f"no letter has a link to {kind}")


@pytest.fixture
def mailman(fresh_database: TestDatabase, letter_work: LetterWork, letterbox: Letterbox) -> Mailman:
    return Mailman(fresh_database, letter_work, letterbox)


async def test_link_and_code_together_enrol(services: Services, mailman: Mailman) -> None:
    begun = await services.enrolment.begin(guest("a"), "a@example.org")
    submitted = await services.enrolment.submit(await mailman.token(), begun.code, "198.51.100.1")
    assert submitted.outcome == "enrolled"
    key = await services.accounts.identify(guest("a").fingerprint, "192.0.2.7")
    assert key is not None
    assert key.scope == "full"


async def test_the_mail_does_not_have_the_code(services: Services, mailman: Mailman) -> None:
    begun = await services.enrolment.begin(guest("a"), "a@example.org")
    await mailman.deliver()
    [letter] = mailman.letterbox.letters
    assert begun.code not in letter.as_string()
    assert begun.code.replace("-", "") not in letter.as_string()
    assert guest("a").fingerprint in letter.get_content()


async def test_the_token_is_kept_nowhere(services: Services, mailman: Mailman, fresh_database: TestDatabase) -> None:
    await services.enrolment.begin(guest("a"), "a@example.org")
    token = await mailman.token()
    for table in ("mail", "mailed_token", "enrolment", "audit"):
        rows = await fresh_database.admin(f"SELECT t::text AS whole FROM {table} AS t")
        assert token not in "".join(row["whole"] for row in rows), table


async def test_looking_at_the_link_changes_nothing(services: Services, mailman: Mailman) -> None:
    begun = await services.enrolment.begin(guest("a"), "a@example.org")
    token = await mailman.token()
    for _ in range(10):
        page = await services.enrolment.page(token)
        assert page is not None
        assert (page.state, page.tries_left) == ("waiting", 3)
    assert (await services.enrolment.submit(token, begun.code, "192.0.2.7")).outcome == "enrolled"


async def test_three_wrong_codes_end_it(services: Services, mailman: Mailman) -> None:
    begun = await services.enrolment.begin(guest("a"), "a@example.org")
    token = await mailman.token()
    left = [(await services.enrolment.submit(token, "WRNG-WRNG", "192.0.2.7")).tries_left for _ in range(3)]
    assert left == [2, 1, 0]
    assert (await services.enrolment.submit(token, begun.code, "192.0.2.7")).outcome == "over"
    assert await services.accounts.identify(guest("a").fingerprint, "192.0.2.7") is None


async def test_an_enrolment_is_used_once(services: Services, mailman: Mailman) -> None:
    begun = await services.enrolment.begin(guest("a"), "a@example.org")
    token = await mailman.token()
    await services.enrolment.submit(token, begun.code, "192.0.2.7")
    assert (await services.enrolment.submit(token, begun.code, "192.0.2.7")).outcome == "over"
    with pytest.raises(RuleBroken):
        await services.enrolment.confirm_token(guest("a"), token)


async def test_an_enrolment_ends_after_an_hour(
    services: Services, mailman: Mailman, fresh_database: TestDatabase
) -> None:
    begun = await services.enrolment.begin(guest("a"), "a@example.org")
    token = await mailman.token()
    await fresh_database.shift_clock(timedelta(minutes=61))
    assert await services.enrolment.page(token) is None
    assert (await services.enrolment.submit(token, begun.code, "192.0.2.7")).outcome == "over"


async def test_a_token_confirms_only_the_key_it_was_mailed_for(services: Services, mailman: Mailman) -> None:
    await services.enrolment.begin(guest("victim"), "victim@example.org")
    token = await mailman.token()
    with pytest.raises(NotPermitted):
        await services.enrolment.confirm_token(guest("thief"), token)
    assert (await services.enrolment.confirm_token(guest("victim"), token)).is_new


async def test_the_same_key_reconnecting_sees_the_same_code(services: Services, mailman: Mailman) -> None:
    first = await services.enrolment.begin(guest("a"), "a@example.org")
    again = await services.enrolment.begin(guest("a"), "A@Example.org")
    assert again.code == first.code
    await mailman.deliver()
    assert len(mailman.letterbox.letters) == 1


async def test_another_address_replaces_the_first(services: Services, mailman: Mailman) -> None:
    await services.enrolment.begin(guest("a"), "a@example.org")
    token = await mailman.token()
    await services.enrolment.begin(guest("a"), "b@example.org")
    with pytest.raises(RuleBroken):
        await services.enrolment.confirm_token(guest("a"), token)


async def test_the_answer_is_the_same_for_a_known_address(services: Services, enrol: Enrol) -> None:
    await enrol("known@example.org")
    known = await services.enrolment.begin(guest("a"), "known@example.org")
    unknown = await services.enrolment.begin(guest("b"), "unknown@example.org")
    assert (known.state, known.tries_left) == (unknown.state, unknown.tries_left)


@pytest.mark.parametrize("email", ["operator@localhost", "me@example.test", "Jörg@bücher.example"])
async def test_an_address_need_not_be_of_the_wide_world(services: Services, email: str) -> None:
    assert (await services.enrolment.begin(guest("a"), email)).state == "waiting"


@pytest.mark.parametrize("email", ["", "me", "me@", "@example.org", "me@exa mple.org", "me@example.org\nBcc: x@y.z"])
async def test_what_is_no_address_is_refused(services: Services, email: str) -> None:
    with pytest.raises(BadRequest):
        await services.enrolment.begin(guest("a"), email)


async def test_one_source_cannot_flood_an_address_nor_lock_its_owner_out(services: Services) -> None:
    for number in range(5):
        await services.enrolment.begin(guest(f"flood-{number}", "203.0.113.9"), "victim@example.org")
    with pytest.raises(TooMany, match="hour"):
        await services.enrolment.begin(guest("flood-6", "203.0.113.9"), "victim@example.org")
    assert (await services.enrolment.begin(guest("victim", "192.0.2.7"), "victim@example.org")).state == "waiting"


async def test_a_flood_at_the_same_moment_or_from_one_ipv6_customer_is_one_flood(services: Services) -> None:
    asked = [
        services.enrolment.begin(guest(f"flood-{number}", f"2001:db8:1:2::{number:x}"), "victim@example.org")
        for number in range(1, 16)
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, TooMany) for answer in answers) == 10
    assert not [answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, TooMany)]


async def test_one_key_that_asks_twice_at_once_gets_one_code(services: Services) -> None:
    asked = [services.enrolment.begin(guest("a"), "a@example.org") for _ in range(6)]
    assert len({begun.code for begun in await asyncio.gather(*asked)}) == 1


async def test_a_source_on_the_allow_list_has_no_limit(gate_database: Database, settings: Settings) -> None:
    allowed = settings.model_copy(update={"unlimited_networks": [IPv4Network("203.0.113.0/24")]})
    enrolments = Enrolments(gate_database, allowed)
    for number in range(8):
        await enrolments.begin(guest(f"many-{number}", "203.0.113.9"), "me@example.org")


async def test_a_second_key_of_a_poor_account_may_do_everything_at_once(
    services: Services, enrol: Enrol, mailman: Mailman
) -> None:
    await enrol("me@example.org")
    begun = await services.enrolment.begin(guest("new"), "me@example.org")
    submitted = await services.enrolment.submit(await mailman.token(), begun.code, "192.0.2.7")
    assert submitted.enrolled is not None
    assert not submitted.enrolled.is_new
    assert not submitted.enrolled.waits


async def test_a_recovered_account_with_something_to_lose_makes_its_new_key_wait(
    services: Services, enrol: Enrol, mailman: Mailman, fresh_database: TestDatabase
) -> None:
    await enrol("me@example.org", credit=5_000_000)
    begun = await services.enrolment.begin(guest("new"), "me@example.org")
    submitted = await services.enrolment.submit(await mailman.token(), begun.code, "192.0.2.7")
    assert submitted.enrolled is not None
    assert submitted.enrolled.waits
    key = await services.accounts.identify(guest("new").fingerprint, "192.0.2.7")
    assert key is not None
    caller = services.accounts.caller(key, "s", "192.0.2.7")
    assert (await services.billing.balance(caller)).balance == 5_000_000
    assert (await services.payments.topup(caller, 5_000_000)).state == "waiting"
    with pytest.raises(NotPermitted, match="approve"):
        await services.keys.remove(caller, caller.fingerprint)
    await fresh_database.shift_clock(timedelta(hours=25))
    later = await services.accounts.identify(guest("new").fingerprint, "192.0.2.7")
    assert later is not None
    assert later.waits_until is None


async def test_every_address_is_told_of_a_new_key_and_the_mail_can_lock_the_account(
    services: Services, enrol: Enrol, mailman: Mailman
) -> None:
    owner = await enrol("me@example.org", credit=5_000_000)
    begun = await services.enrolment.begin(guest("thief"), "me@example.org")
    await services.enrolment.submit(await mailman.token(), begun.code, "192.0.2.7")
    lock = await mailman.token("lock")
    assert guest("thief").fingerprint in mailman.letterbox.letters[-1].get_content()
    assert await services.accounts.lock_by_token(lock)
    with pytest.raises(NotPermitted, match="locked"):
        await services.payments.topup(owner, 5_000_000)
    assert (await services.billing.balance(owner)).balance == 5_000_000


async def test_a_link_that_has_locked_an_account_locks_it_no_second_time(
    services: Services, enrol: Enrol, mailman: Mailman
) -> None:
    operator = await enrol(operator=True)
    await enrol("me@example.org")
    begun = await services.enrolment.begin(guest("new"), "me@example.org")
    await services.enrolment.submit(await mailman.token(), begun.code, "192.0.2.7")
    lock = await mailman.token("lock")
    assert await services.accounts.can_lock(lock)
    assert await services.accounts.lock_by_token(lock)
    await services.operators.unlock(operator, "me@example.org", "it is them")
    assert not await services.accounts.can_lock(lock)
    assert not await services.accounts.lock_by_token(lock)


async def test_who_takes_an_operators_mailbox_waits_too(services: Services, enrol: Enrol, mailman: Mailman) -> None:
    await enrol("op@example.org", operator=True)
    begun = await services.enrolment.begin(guest("thief"), "op@example.org")
    submitted = await services.enrolment.submit(await mailman.token(), begun.code, "192.0.2.7")
    assert submitted.enrolled is not None
    assert submitted.enrolled.waits


async def test_a_made_up_token_locks_nothing(services: Services, enrol: Enrol) -> None:
    owner = await enrol()
    assert not await services.accounts.lock_by_token("made-up")
    assert (await services.payments.topup(owner, 5_000_000)).state == "waiting"


async def test_a_mail_server_that_is_away_is_tried_again(
    services: Services, letter_work: LetterWork, letterbox: Letterbox, fresh_database: TestDatabase
) -> None:
    await services.enrolment.begin(guest("a"), "a@example.org")
    [row] = await fresh_database.admin("SELECT id FROM mail")
    letterbox.trouble = MailAway("connection refused")
    with pytest.raises(Unavailable):
        await letter_work.send(str(row["id"]))
    letterbox.trouble = None
    await letter_work.send(str(row["id"]))
    assert len(letterbox.letters) == 1
    await letter_work.send(str(row["id"]))
    assert len(letterbox.letters) == 1


async def test_a_letter_that_is_refused_for_good_is_given_up(
    services: Services, letter_work: LetterWork, letterbox: Letterbox, fresh_database: TestDatabase
) -> None:
    await services.enrolment.begin(guest("a"), "a@example.org")
    [row] = await fresh_database.admin("SELECT id FROM mail")
    letterbox.trouble = MailRefused("550 no such mailbox")
    await letter_work.send(str(row["id"]))
    [row] = await fresh_database.admin("SELECT state, last_error FROM mail")
    assert row["state"] == "given up"
    assert "550" in row["last_error"]
