"""Keys come pending, count once proved, and never leave an account or an installation without one."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network

import pytest

from capsul.errors import NotFound, NotPermitted, RuleBroken
from capsul.models import Caller, Guest, KeyLimits, PublicKey, Scope
from services import Services
from services.capsuls import CreateRequest
from tests.conftest import Enrol, TestDatabase


def public_key(name: str) -> PublicKey:
    return PublicKey("SHA256:" + sha256(name.encode()).hexdigest()[:43], f"ssh-ed25519 {name}", name)


def holder_of(key: PublicKey) -> Guest:
    return Guest(key.fingerprint, key.line, "192.0.2.9", "session")


async def second_key(services: Services, owner: Caller, scope: Scope = "full", name: str = "second") -> Caller:
    """Adds a key and lets its holder confirm it."""
    [pending] = await services.keys.add(owner, [public_key(name)], KeyLimits(scope))
    assert pending.confirm_code is not None
    key = await services.keys.confirm(holder_of(public_key(name)), pending.confirm_code)
    return services.accounts.caller(key, "s2", "192.0.2.9")


async def test_an_added_key_counts_only_once_its_holder_has_confirmed(services: Services, enrol: Enrol) -> None:
    owner = await enrol()
    added = public_key("laptop")
    [pending] = await services.keys.add(owner, [added])
    assert pending.state == "pending"
    assert await services.accounts.identify(added.fingerprint, "192.0.2.9") is None
    assert pending.confirm_code is not None
    confirmed = await services.keys.confirm(holder_of(added), pending.confirm_code.lower().replace("-", ""))
    assert confirmed.account_id == owner.account_id
    assert await services.accounts.identify(added.fingerprint, "192.0.2.9") is not None


async def test_somebody_elses_code_confirms_nothing(services: Services, enrol: Enrol) -> None:
    owner = await enrol()
    [pending] = await services.keys.add(owner, [public_key("laptop")])
    assert pending.confirm_code is not None
    with pytest.raises(NotFound):
        await services.keys.confirm(holder_of(public_key("thief")), pending.confirm_code)
    with pytest.raises(NotFound):
        await services.keys.confirm(holder_of(public_key("laptop")), "AAAA-AAAA")


async def test_a_key_cannot_be_squatted_by_adding_it_first(services: Services, enrol: Enrol) -> None:
    squatter, owner = await enrol(), await enrol()
    await services.keys.add(squatter, [public_key("wanted")])
    caller = await second_key(services, owner, name="wanted")
    assert caller.account_id == owner.account_id


async def test_the_last_full_key_stays(services: Services, enrol: Enrol) -> None:
    owner = await enrol()
    await second_key(services, owner, scope="read")
    with pytest.raises(RuleBroken, match="last key"):
        await services.keys.remove(owner, owner.fingerprint)


async def test_a_removed_key_is_nobodys(services: Services, enrol: Enrol) -> None:
    owner = await enrol()
    other = await second_key(services, owner)
    await services.keys.remove(other, owner.fingerprint)
    assert await services.accounts.identify(owner.fingerprint, "192.0.2.7") is None
    assert [key.fingerprint for key in await services.keys.list(other)] == [other.fingerprint]


async def test_a_key_of_scope_machines_touches_only_what_it_created(services: Services, enrol: Enrol) -> None:
    owner = await enrol(credit=20_000_000)
    robot = await second_key(services, owner, scope="machines")
    await services.capsuls.create(owner, CreateRequest("tiny", "nano", name="mine"))
    made = await services.capsuls.create(robot, CreateRequest("tiny", "nano", name="its"))
    assert made.changed
    assert (await services.capsuls.rename(robot, "its", "renamed")).name == "renamed"
    for forbidden in (
        services.capsuls.rename(robot, "mine", "stolen"),
        services.capsuls.destroy(robot, "mine", "mine"),
        services.payments.topup(robot, 5_000_000),
        services.keys.add(robot, [public_key("more")]),
    ):
        with pytest.raises(NotPermitted):
            await forbidden


async def test_a_key_of_scope_read_looks_and_does_nothing(services: Services, enrol: Enrol) -> None:
    owner = await enrol(credit=20_000_000)
    reader = await second_key(services, owner, scope="read")
    assert (await services.billing.balance(reader)).balance == 20_000_000
    with pytest.raises(NotPermitted):
        await services.capsuls.create(reader, CreateRequest("tiny", "nano"))


async def test_a_key_is_refused_from_elsewhere_than_its_networks(services: Services, enrol: Enrol) -> None:
    owner, office = await enrol(), public_key("office")
    networks = (IPv4Network("198.51.100.0/24"), IPv6Network("2001:db8::/32"))
    [pending] = await services.keys.add(owner, [office], KeyLimits(networks=networks))
    assert pending.networks == ("198.51.100.0/24", "2001:db8::/32")
    assert pending.confirm_code is not None
    await services.keys.confirm(holder_of(office), pending.confirm_code)
    assert await services.accounts.identify(office.fingerprint, "192.0.2.7") is None
    assert await services.accounts.identify(office.fingerprint, "198.51.100.7") is not None
    assert await services.accounts.identify(office.fingerprint, "2001:db8::7") is not None


async def test_an_expired_key_is_nobodys(services: Services, enrol: Enrol, fresh_database: TestDatabase) -> None:
    owner, guest_key = await enrol(), public_key("for-a-week")
    expires_at = datetime.now(UTC) + timedelta(days=7)
    [pending] = await services.keys.add(owner, [guest_key], KeyLimits(expires_at=expires_at))
    assert pending.confirm_code is not None
    await services.keys.confirm(holder_of(guest_key), pending.confirm_code)
    assert await services.accounts.identify(guest_key.fingerprint, "192.0.2.9") is not None
    await fresh_database.shift_clock(timedelta(days=7))
    assert await services.accounts.identify(guest_key.fingerprint, "192.0.2.9") is None
    with pytest.raises(RuleBroken, match="future"):
        await services.keys.add(owner, [public_key("too-late")], KeyLimits(expires_at=expires_at))


async def test_the_last_operator_key_stays(services: Services, enrol: Enrol) -> None:
    operator = await enrol(operator=True)
    other = await second_key(services, operator)
    with pytest.raises(RuleBroken, match="operator"):
        await services.keys.remove(other, operator.fingerprint)


async def test_an_older_key_approves_or_denies_a_waiting_one(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    owner = await enrol()
    new = await second_key(services, owner)
    wait = "UPDATE ssh_key SET waits_until = capsul_now() + interval '1 day' WHERE id = $1"
    await fresh_database.admin(wait, new.key_id)
    await services.keys.approve(owner, new.fingerprint)
    approved = await services.accounts.identify(new.fingerprint, "192.0.2.9")
    assert approved is not None
    assert approved.waits_until is None
    await fresh_database.admin(wait, new.key_id)
    await services.keys.deny(owner, new.fingerprint)
    assert await services.accounts.identify(new.fingerprint, "192.0.2.9") is None


async def test_a_waiting_key_does_not_approve_itself(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    owner = await enrol()
    await second_key(services, owner)
    await fresh_database.admin(
        "UPDATE ssh_key SET waits_until = capsul_now() + interval '1 day' WHERE id = $1", owner.key_id
    )
    key = await services.accounts.identify(owner.fingerprint, "192.0.2.7")
    assert key is not None
    with pytest.raises(NotPermitted):
        await services.keys.approve(services.accounts.caller(key, "s", "192.0.2.7"), owner.fingerprint)


async def test_an_expired_key_is_not_one_that_is_left(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    owner = await enrol()
    other = await second_key(services, owner)
    await fresh_database.admin("UPDATE ssh_key SET expires_at = capsul_now() WHERE id = $1", other.key_id)
    with pytest.raises(RuleBroken, match="last key"):
        await services.keys.remove(owner, owner.fingerprint)


async def test_no_key_is_confirmed_on_a_locked_account(
    services: Services, enrol: Enrol, fresh_database: TestDatabase
) -> None:
    owner = await enrol()
    [pending] = await services.keys.add(owner, [public_key("laptop")])
    await fresh_database.admin("UPDATE account SET state = 'locked'")
    assert pending.confirm_code is not None
    with pytest.raises(RuleBroken, match="locked"):
        await services.keys.confirm(holder_of(public_key("laptop")), pending.confirm_code)
