"""What commands say to a person, and how they end."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable

import pytest

from tests.conftest import TestDatabase
from tests.sshgate.conftest import EnrolKey, KeyFile, Ssh
from tests.workers import QuickWorker

Client = Callable[..., Ssh]
CREATE = ("create", "--image", "tiny", "--size", "nano")


async def test_a_capsul_is_made_waited_for_listed_and_shown(ssh: Ssh, worker: QuickWorker) -> None:
    made = await ssh(*CREATE, "--name", "web", "--wait")
    assert made.status == 0
    assert made.out == "web is running.\n"
    assert re.match(r"o-[a-z2-7]+\n", made.err), "the id of the operation comes first"
    [heads, web] = (await ssh("ls")).out.splitlines()
    assert heads.split() == ["NAME", "STATE", "SIZE", "IMAGE", "ADDRESS", "CREATED", "(UTC)", "A", "MONTH", "ID"]
    assert web.startswith("web   running  nano  tiny")
    assert "1.00 USD" in web
    shown = (await ssh("show", "web")).out
    assert re.search(r"^State +running$", shown, re.MULTILINE)
    assert (await ssh("show", web.split()[-1])).out == shown


async def test_create_without_wait_answers_at_once_and_says_how_to_follow(ssh: Ssh) -> None:
    made = await ssh(*CREATE, "--name", "web")
    assert made.status == 0
    operation = re.search(r"o-[a-z2-7]+", made.out)
    assert operation is not None
    assert "web (c-" in made.out
    assert f"operation {operation[0]} --wait" in made.err


async def test_a_dry_run_makes_nothing(ssh: Ssh) -> None:
    quoted = await ssh(*CREATE, "--dry-run")
    assert quoted.status == 0
    assert "1.00 USD" in quoted.out
    assert json.loads((await ssh("ls", "--json")).out)["capsuls"] == []
    assert (await ssh(*CREATE, "--name", "UPPER", "--dry-run")).status == 3


async def test_waiting_for_ssh_is_refused_before_anything_is_made_and_after_what_comes_first(
    ssh: Ssh, stranger: Ssh, fresh_database: TestDatabase
) -> None:
    answer = await ssh(*CREATE, "--wait=ssh")
    assert answer.status == 3
    assert "nothing was made" in answer.err
    assert json.loads((await ssh("ls", "--json")).out)["capsuls"] == []
    assert (await ssh("create", "--image", "nothing", "--size", "nano", "--wait=ssh")).status == 4
    assert (await stranger(*CREATE, "--wait=ssh")).status == 77
    await fresh_database.admin("UPDATE ssh_key SET scope = 'read'")
    assert (await ssh(*CREATE, "--wait=ssh")).status == 77


async def test_waiting_for_ssh_is_refused_before_credit_is_looked_at(client: Client, enrol_key: EnrolKey) -> None:
    assert (await client(await enrol_key("poor"))(*CREATE, "--wait=ssh")).status == 3


async def test_what_runs_is_not_started_again(ssh: Ssh, worker: QuickWorker) -> None:
    await ssh(*CREATE, "--name", "web", "--wait")
    again = await ssh("start", "web", "--wait", "--json")
    document = json.loads(again.out)
    assert (again.status, document["changed"], document["operation"]) == (0, False, None)
    assert (await ssh("start", "web")).out == "web is running already.\n"


async def test_an_operation_that_fails_is_exit_8_with_the_document(ssh: Ssh, worker: QuickWorker) -> None:
    worker.trouble = "The host is on fire."
    failed = await ssh(*CREATE, "--wait", "--json")
    document = json.loads(failed.out)
    assert failed.status == 8
    assert document["operation"]["state"] == "failed"
    assert document["operation"]["reason"] == "The host is on fire."
    operation, error = failed.err.splitlines()
    assert operation == document["operation"]["id"]
    assert json.loads(error)["error"]["code"] == "operation_failed"
    assert "The host is on fire." in json.loads(error)["error"]["message"]
    later = await ssh("operation", operation, "--wait")
    assert later.status == 8
    assert "The host is on fire." in later.out
    assert (await ssh("operation", operation)).status == 0


async def test_an_operation_that_takes_too_long_is_exit_8_and_goes_on(ssh: Ssh) -> None:
    made = await ssh(*CREATE, "--name", "web", "--wait", "--timeout", "0.2", "--json")
    assert made.status == 8
    document = json.loads(made.out)
    assert document["operation"]["state"] == "queued"
    assert document["operation"]["reason"] == "The create was not done after 0.2 seconds; it goes on without you."
    assert f"operation {document['operation']['id']} --wait" in made.err
    assert "goes on without you" in made.err
    [listed] = json.loads((await ssh("operations", "--json")).out)["operations"]
    assert (listed["state"], listed["reason"]) == ("queued", ""), "that nobody waits is not its fault"
    again = await ssh("operation", listed["id"], "--wait", "--timeout", "0.1", "--json")
    assert again.status == 8
    assert "not done after 0.1 seconds" in json.loads(again.out)["operation"]["reason"]


@pytest.mark.parametrize("name", ["-web", "--web", "''", "UP", "'a b'"])
async def test_a_bad_name_is_refused_by_the_rule_for_names_whatever_it_looks_like(ssh: Ssh, name: str) -> None:
    await ssh(*CREATE, "--name", "web")
    for line in (f"rename web {name}", f"create --image tiny --size nano --name {name}"):
        answer = await ssh(line, "--json")
        assert (answer.status, json.loads(answer.err)["error"]["code"]) == (3, "bad_name"), line


async def test_the_same_request_twice_is_carried_out_once(ssh: Ssh) -> None:
    key = ("--idempotency-key", "k1", "--json")
    first, second = await ssh(*CREATE, *key), await ssh(*CREATE, *key)
    assert json.loads(first.out)["capsul"]["id"] == json.loads(second.out)["capsul"]["id"]
    other = await ssh("create", "--image", "tiny", "--size", "f1-xs", *key)
    assert other.status == 7
    assert json.loads(other.err)["error"]["code"] == "conflict"
    topups = [json.loads((await ssh("topup", "5", "--idempotency-key", "t", "--json")).out) for _ in range(2)]
    assert topups[0] == topups[1]


async def test_destroying_takes_the_name(ssh: Ssh, worker: QuickWorker) -> None:
    await ssh(*CREATE, "--name", "web", "--wait")
    for wrong in ("wbe", "''", "WEB"):
        assert (await ssh("destroy", "web", "--confirm", wrong)).status == 3
    assert (await ssh("destroy", "web")).status == 2
    assert (await ssh("rm", "web", "--confirm", "web", "--wait")).out == "web is destroyed.\n"
    assert (await ssh("show", "web")).status == 4
    assert "You have none yet" in (await ssh("ls")).err


async def test_a_neighbours_capsul_is_not_there(ssh: Ssh, client: Client, enrol_key: EnrolKey) -> None:
    capsul = json.loads((await ssh(*CREATE, "--name", "web", "--json")).out)["capsul"]["id"]
    neighbour = client(await enrol_key("neighbour", credit=20_000_000))
    for line in ("show {}", "start {}", "stop {}", "rename {} mine", "destroy {} --confirm web", "metrics {}"):
        there, nowhere = await neighbour(line.format(capsul)), await neighbour(line.format("c-aaaaaaaaaa"))
        assert (there.status, there.err) == (4, nowhere.err)


@pytest.mark.parametrize("line", ["ls", "create --image tiny --size nano", "balance", "topup 5", "keys", "admin hosts"])
async def test_guests_are_told_how_to_enrol(stranger: Ssh, line: str) -> None:
    answer = await stranger(line)
    assert (answer.status, answer.out) == (77, "")
    assert answer.err.count("\n") == 1
    assert "ssh capsul.test enrol YOU@EXAMPLE.ORG" in answer.err


async def test_words_that_make_no_command_come_before_permission(stranger: Ssh, ssh: Ssh) -> None:
    assert (await stranger("lss")).status == 2
    assert (await stranger("topup", "lots")).status == 2
    assert (await ssh("admin", "credit", "x")).status == 2
    assert (await ssh("admin", "credit", "x", "lots", "why")).status == 2
    assert (await ssh("admin", "credit", "x", "5", "why")).status == 77


async def test_enrolling_shows_the_code_and_asking_again_shows_the_same(stranger: Ssh) -> None:
    first, second = await stranger("enrol", "new@example.org"), await stranger("enrol", "new@example.org")
    assert first.status == 0
    assert re.match(r"Your code: [A-Z2-9]{4}-[A-Z2-9]{4}\n", first.out)
    assert first.out == second.out
    assert (await stranger("enrol", "nobody")).status == 2
    assert (await stranger("confirm", "no-such-token-at-all")).status == 77


async def test_enrolling_answers_alike_whether_or_not_the_address_is_known(
    stranger: Ssh, client: Client, member: KeyFile, new_key: Callable[..., KeyFile]
) -> None:
    del member
    known = await client(new_key("a"))("enrol", "me@example.org")
    unknown = await client(new_key("b"))("enrol", "xy@example.org")
    shape = re.compile(r"[A-Z2-9]{4}-[A-Z2-9]{4}|me@|xy@")
    assert shape.sub("", known.out) == shape.sub("", unknown.out)
    assert (known.status, known.err) == (unknown.status, unknown.err)


async def test_a_member_does_not_enrol_again(ssh: Ssh) -> None:
    for line in ("enrol other@example.org", "confirm ABCD-EFGH"):
        answer = await ssh(line)
        assert answer.status == 3
        assert "enrolled already" in answer.err


async def test_the_ledger_is_a_table_for_people_and_csv_for_spreadsheets(ssh: Ssh) -> None:
    assert "20.00 USD" in (await ssh("ledger")).out
    rows = list(csv.DictReader(io.StringIO((await ssh("ledger", "--csv")).out)))
    assert [(row["kind"], row["amount"], row["currency"], row["note"]) for row in rows] == [
        ("gift", "20.00", "USD", "for a test")
    ]
    assert list(csv.DictReader(io.StringIO((await ssh("ledger", "--csv", "--since", "2100-01-01")).out))) == []


async def test_lists_are_cut_where_asked(ssh: Ssh) -> None:
    for amount in ("5", "6", "7"):
        await ssh("topup", amount)
    assert len(json.loads((await ssh("topups", "--limit", "2", "--json")).out)["topups"]) == 2
    assert json.loads((await ssh("topups", "--since", "2100-01-01T00:00Z", "--json")).out)["topups"] == []
    assert len(json.loads((await ssh("topups", "--since", "1h", "--json")).out)["topups"]) == 3
    assert len(json.loads((await ssh("activity", "--limit", "1", "--json")).out)["activity"]) == 1


async def test_who_sees_a_list_that_was_cut_is_told_so(ssh: Ssh) -> None:
    for amount in ("5", "6"):
        await ssh("topup", amount)
    for name in ("topups", "activity", "ls", "ledger", "keys"):
        whole, cut = await ssh(name, "--limit", "100"), await ssh(name, "--limit", "1")
        assert "there may be more" not in whole.err
        assert ("The list ends after 1;" in cut.err) == (cut.out.count("\n") > 1), name
    assert (await ssh("topups", "--limit", "1", "--json")).err == ""


async def test_keys_and_accounts_are_lists_too(
    ssh: Ssh, client: Client, enrol_key: EnrolKey, new_key: Callable[..., KeyFile]
) -> None:
    operator = client(await enrol_key("op", email="op@example.org", operator=True))
    await ssh("keys", "add", "-", stdin="\n".join(new_key(name).line for name in "abc").encode())
    for asking, name, document in ((ssh, "keys", "keys"), (operator, "admin accounts", "accounts")):
        whole = json.loads((await asking(name, "--since", "1h", "--json")).out)[document]
        assert len(whole) == (4 if name == "keys" else 2)
        assert json.loads((await asking(name, "--limit", "1", "--json")).out)[document] == whole[:1]
        assert json.loads((await asking(name, "--since", "2100-01-01", "--json")).out)[document] == []


async def test_a_topups_link_is_short_and_its_qr_code_fits_a_terminal(ssh: Ssh) -> None:
    answer = await ssh("topup", "7.50", "--qr")
    link = re.search(r"http://capsul\.test/p/\w{8}\n", answer.out)
    assert link is not None
    code = [line for line in answer.out.splitlines() if "█" in line]
    assert 10 < len(code) <= 20
    assert max(map(len, code)) <= 60


async def test_waiting_for_a_topup_ends_when_it_is_paid(ssh: Ssh, fresh_database: TestDatabase) -> None:
    topup = json.loads((await ssh("topup", "5", "--json")).out)["topup"]["id"]
    waiting = await asyncio.create_subprocess_exec(
        *ssh.command("topup", "show", topup, "--wait", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ssh.process_environment(),
    )
    assert waiting.stderr is not None
    await waiting.stderr.readline()
    await fresh_database.admin("UPDATE topup SET state = 'paid', credited = amount WHERE id = $1", topup)
    out, _ = await asyncio.wait_for(waiting.communicate(), 10)
    assert waiting.returncode == 0
    assert json.loads(out)["topup"]["state"] == "paid"


@pytest.mark.parametrize("state", ["failed", "expired", "reversed"])
async def test_a_topup_that_comes_to_nothing_is_exit_8(ssh: Ssh, fresh_database: TestDatabase, state: str) -> None:
    topup = json.loads((await ssh("topup", "5", "--json")).out)["topup"]["id"]
    await fresh_database.admin("UPDATE topup SET state = $2 WHERE id = $1", topup, state)
    answer = await ssh("topup", "show", topup, "--wait", "--json")
    assert answer.status == 8
    assert json.loads(answer.out)["topup"]["state"] == state


async def test_a_topup_nobody_pays_in_time_is_exit_8(ssh: Ssh) -> None:
    topup = json.loads((await ssh("topup", "5", "--json")).out)["topup"]["id"]
    answer = await ssh("topup", "show", topup, "--wait", "--timeout", "0.1")
    assert answer.status == 8
    assert "was not paid within 0.1 seconds" in answer.err


async def test_prometheus_away_is_exit_75(ssh: Ssh) -> None:
    await ssh(*CREATE, "--name", "web")
    answer = await ssh("metrics", "web", "--json")
    assert answer.status == 75
    assert json.loads(answer.err)["error"]["retry_after"] > 0
