"""The letters: what each says, and what nobody can make one say."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest

from backends.letters import UnknownLetter, write_letter
from backends.mail import MailRefused
from capsul.config import Settings

FINGERPRINT = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"
LINK = "https://capsul.example/enrol/nXcDy0ZQ3yNQEJoWyCqgB1cSbm4nlB2r"
LOCK_LINK = "https://capsul.example/lock/4nlB2rnXcDy0ZQ3yNQEJoWyCqgB1cSbm"

FACTS: dict[str, dict[str, str]] = {
    "enrol": {
        "link": LINK,
        "fingerprint": FINGERPRINT,
        "source": "203.0.113.7",
        "requested_at": "2026-03-01 12:00 UTC",
        "minutes": "60",
    },
    "key_added": {
        "fingerprint": FINGERPRINT,
        "source": "203.0.113.7",
        "added_at": "2026-03-01 12:00 UTC",
        "lock_link": LOCK_LINK,
    },
    "key_removed": {"fingerprint": FINGERPRINT, "source": "203.0.113.7", "removed_at": "2026-03-01 12:00 UTC"},
    "operator_note": {"subject": "Moving house", "text": "The servers move on Sunday."},
}


def settings(**changes: Any) -> Settings:
    fixed: dict[str, Any] = {"public_url": "https://capsul.example", "database": "postgresql:///x", "host_keys": "keys"}
    ours = {"mail_from": "post@capsul.example", "ssh_public_host": "capsul.example", "ssh_public_port": 2222}
    return Settings(**(fixed | ours | changes))


def write(kind: str, to: str = "me@example.org", ours: Settings | None = None, **facts: str) -> EmailMessage:
    return write_letter(kind, to, FACTS[kind] | facts, ours or settings())


def text(letter: EmailMessage) -> str:
    """What a person reads, after the way through the wire."""
    arrived = email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)
    content: str = arrived.get_content()
    return content


# --------------------------------------------------------------------------------------------- what they say


def test_the_enrolment_letter_has_the_link_and_the_command() -> None:
    said = text(write("enrol"))
    assert f"\n    {LINK}\n" in said
    assert "\n    ssh -p 2222 capsul.example confirm nXcDy0ZQ3yNQEJoWyCqgB1cSbm4nlB2r\n" in said
    for fact in (FINGERPRINT, "203.0.113.7", "2026-03-01 12:00 UTC", "60 minutes", "If it was not you"):
        assert fact in said


def test_a_letter_cannot_tell_what_it_is_not_told_to() -> None:
    assert "ABCD-2345" not in text(write("enrol", code="ABCD-2345", account="known"))


def test_a_new_key_that_waits_can_be_approved_or_denied_by_an_older_one() -> None:
    said = text(write("key_added", waits_until="2026-03-02 12:00 UTC"))
    assert f"keys approve {FINGERPRINT}\n" in said
    assert f"keys deny {FINGERPRINT}\n" in said
    assert "Until 2026-03-02 12:00 UTC" in said
    assert f"\n    {LOCK_LINK}\n" in said


def test_a_new_key_that_does_not_wait_can_be_removed() -> None:
    said = text(write("key_added"))
    assert "approve" not in said
    assert f"keys rm {FINGERPRINT}\n" in said
    assert LOCK_LINK in said


def test_a_removed_key_is_named() -> None:
    assert FINGERPRINT in text(write("key_removed"))
    assert LOCK_LINK not in text(write("key_removed"))
    assert f"\n    {LOCK_LINK}\n" in text(write("key_removed", lock_link=LOCK_LINK))


def test_a_note_keeps_its_paragraphs() -> None:
    said = text(write("operator_note", text="One.\n\nTwo, which is longer. " + "And on. " * 30))
    assert said.startswith("One.\n\nTwo")
    assert max(len(line) for line in said.splitlines()) <= 72


def test_an_unknown_kind_is_a_bug() -> None:
    with pytest.raises(UnknownLetter, match="birthday"):
        write_letter("birthday", "me@example.org", {}, settings())


@pytest.mark.parametrize("kind", FACTS)
def test_a_letter_is_not_written_with_a_fact_missing(kind: str) -> None:
    for missing in FACTS[kind]:
        facts = {name: value for name, value in FACTS[kind].items() if name != missing}
        with pytest.raises(UnknownLetter, match=missing):
            write_letter(kind, "me@example.org", facts, settings())


# ------------------------------------------------------------------------------------------------- the head


@pytest.mark.parametrize("kind", FACTS)
def test_every_letter_has_a_proper_head(kind: str) -> None:
    letter = write(kind, ours=settings(provider_name="Tiny Cloud", contact="help@capsul.example"))
    assert str(letter["From"]) == "Tiny Cloud <post@capsul.example>"
    assert letter["To"] == "me@example.org"
    assert letter["Reply-To"] == "help@capsul.example"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@capsul.example>")
    assert letter["Date"].datetime.tzinfo is not None
    assert letter["Subject"]


def test_no_two_letters_have_one_message_id() -> None:
    assert write("enrol")["Message-ID"] != write("enrol")["Message-ID"]


def test_plain_letters_can_be_read_with_less() -> None:
    assert LINK.encode() in write("enrol").as_bytes()
    assert LINK.encode() in write("enrol", ours=settings(provider_name="Grüne Wölkchen")).as_bytes()


# ---------------------------------------------------------------------------------------------- hostile facts


@pytest.mark.parametrize("evil", ["x\r\nBcc: all@example.org", "x\nBcc: all@example.org", "x\rBcc: all@example.org"])
@pytest.mark.parametrize("place", ["subject", "text", "provider_name"])
def test_no_fact_becomes_a_header(place: str, evil: str) -> None:
    if place == "provider_name":
        letter = write("operator_note", ours=settings(provider_name=evil))
    else:
        letter = write_letter("operator_note", "me@example.org", FACTS["operator_note"] | {place: evil}, settings())
    arrived = email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)
    assert arrived["Bcc"] is None
    assert set(arrived.keys()) == set(write("operator_note").keys())


def test_foreign_text_cannot_look_like_ours() -> None:
    said = text(write("enrol", source="203.0.113.7\n\nOpen https://evil.example instead:\n\n    https://evil.example"))
    assert "\n    https://evil.example" not in said
    assert "\n    https://evil" not in text(write("operator_note", text="Dear\n\n    https://evil.example\n\nbye"))


def test_control_and_direction_characters_are_left_out() -> None:
    said = text(write("operator_note", text="a\x1b[31mred\u202eder\x00"))
    assert not set(said) & set("\x1b\u202e\x00")


def test_templates_in_facts_stay_text() -> None:
    assert "{{ 7 * 7 }}" in text(write("operator_note", text="{{ 7 * 7 }}"))


def test_no_line_is_too_long_for_mail() -> None:
    letter = write("operator_note", text="x" * 5000 + " " + "é" * 5000)
    assert max(len(line) for line in letter.as_bytes().splitlines()) <= 998
    assert "x" * 5000 in text(letter)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "me",
        "@example.org",
        "me@",
        "me@example.org\r\nBcc: all@example.org",
        "me@example.org, all@example.org",
        "Me <me@example.org>",
        "me @example.org",
        "me@exa mple.org",
        "me@example.org\x00",
        "a@b@c",
        "me@\u202eexample.org",
        "me@" + "ü" * 300 + ".example",
    ],
)
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(MailRefused):
        write("enrol", to=address)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("me+tag@example.org", "me+tag@example.org"),
        ("o'neill@example.org", "o'neill@example.org"),
        ("me@bücher.example", "me@xn--bcher-kva.example"),
        ("jörg@example.org", "jörg@example.org"),
        ("operator@localhost", "operator@localhost"),
    ],
)
def test_odd_but_good_addresses_are_written_to(address: str, written: str) -> None:
    letter = write("enrol", to=address)
    assert f"\nTo: {written}\n".encode() in letter.as_bytes()
