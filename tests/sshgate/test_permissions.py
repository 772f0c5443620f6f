"""Commands about keys, scopes and operators: who may do what, by ssh."""

import json
from collections.abc import Callable

from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, Ssh

Client = Callable[..., Ssh]
CREATE = ("create", "--image", "tiny", "--size", "nano")


async def test_keys_may_be_added_as_words_or_as_lines(ssh: Ssh, new_key: Callable[..., KeyFile]) -> None:
    first, second, third = (new_key(name) for name in ("first", "second", "third"))
    added = await ssh("keys", "add", first.line, second.line)
    assert (added.status, added.out.count("\n")) == (0, 2)
    assert "confirm CODE" in added.err
    assert (await ssh("keys", "add", "-", stdin=f"# mine\n\n{third.line}\n".encode())).status == 0
    assert (await ssh("keys", "add", first.line)).status == 3
    listed = json.loads((await ssh("keys", "--json")).out)["keys"]
    assert {key["fingerprint"] for key in listed} >= {key.fingerprint for key in (first, second, third)}


async def test_the_last_full_key_stays(ssh: Ssh, member: KeyFile) -> None:
    answer = await ssh("keys", "rm", member.fingerprint)
    assert answer.status == 3
    assert "last key" in answer.err
    assert (await ssh("ls")).status == 0


async def test_a_key_that_may_only_look_is_refused_what_it_may_not_do(ssh: Ssh, fresh_database: TestDatabase) -> None:
    await fresh_database.admin("UPDATE ssh_key SET scope = 'read'")
    assert (await ssh("ls")).status == 0
    for line in (" ".join(CREATE), "topup 5", "keys add ssh-ed25519 AAAA", "keys rm SHA256:x", "stop nothing"):
        assert (await ssh(line)).status in (2, 77), line
    assert (await ssh(*CREATE)).status == 77


async def test_operators_commands_are_closed_as_a_group(ssh: Ssh) -> None:
    for line in (
        "admin hosts",
        "admin accounts",
        "admin capsuls",
        "admin operations",
        "admin retry o-1",
        "admin credit me@example.org 5 why",
        "admin lock me@example.org why",
        "admin unlock me@example.org why",
        "admin announce hello",
        "admin announcements",
        "admin announcements end 1",
        "admin account me@example.org",
        "admin topups",
        "admin images",
        "admin sizes",
        "admin audit",
        "admin ledger verify",
    ):
        answer = await ssh(line)
        assert (answer.status, answer.err) == (77, "This needs an operator's key.\n"), line
    assert json.loads((await ssh("balance", "--json")).out)["balance"] == "20.00"


async def test_an_operator_gives_credit_locks_and_looks(ssh: Ssh, client: Client, enrol_key: EnrolKey) -> None:
    operator = client(await enrol_key("op", email="op@example.org", operator=True))
    assert (
        await operator("admin", "credit", "me@example.org", "5", "for", "the", "trouble")
    ).out == "Given: 5.00 USD\n"
    assert "for the trouble" in (await ssh("ledger")).out
    assert (await operator("admin", "lock", "me@example.org", "looks", "stolen")).status == 0
    assert (await ssh("topup", "5")).status == 77
    assert (await ssh("ls")).status == 0
    assert (await operator("admin", "unlock", "me@example.org", "is", "not")).status == 0
    assert (await ssh("topup", "5")).status == 0
    assert "host-1" in (await operator("admin", "hosts")).out
    assert "me@example.org" in (await operator("admin", "accounts", "me@")).out
    assert (await operator("admin", "ledger", "verify")).out == "The books are sound.\n"
    assert (await operator("admin", "topups")).out == "No topup needs a person.\n"
    assert (await operator("admin", "account", "nobody@example.org")).status == 4
    shown = (await operator("admin", "account", "me@example.org")).out
    assert all(word in shown for word in ("25.00 USD", "for the trouble", "Keys\n", "account locked"))
    assert "Capsuls\n" not in shown, "there are none"
    assert (await operator("admin", "announce", "We", "move.")).out == "Announced to everybody (1).\n"
    assert (await operator("admin", "announcements", "end", "1")).status == 0
    assert (await operator("admin", "announcements", "end", "1")).status == 4
    assert "We move." in (await operator("admin", "announcements")).out
    assert "account locked" in (await operator("admin", "audit")).out
    assert (await operator("admin", "credit", "me@example.org", "5")).status == 2


async def test_books_that_are_not_sound_are_exit_8_with_what_is_wrong(
    client: Client, enrol_key: EnrolKey, member: KeyFile, fresh_database: TestDatabase
) -> None:
    del member
    operator = client(await enrol_key("op", operator=True))
    await fresh_database.admin("UPDATE ledger_account SET balance = balance + 1 WHERE balance IS NOT NULL")
    answer = await operator("admin", "ledger", "verify", "--json")
    assert answer.status == 8
    document = json.loads(answer.out)
    assert document["sound"] is False
    assert document["problems"]
