"""Sentences, facts, tables and figures, as wide as they may be."""

import re

import pytest

from capsul.text import amount, disk, lasting, memory, share, span, storage
from sshgate.commands.documents import exact
from sshgate.commands.style import Style, width, wrap
from sshgate.commands.tables import Column, table
from sshgate.commands.text import Cell, Fingerprint, Paint, fields, state

NOBODY, COLOURS = Style(), Style(colours=True)
WIDTHS = range(40, 161, 3)
LONG_NAME = "the-quite-long-name-of-a-database-server"
WHO = "SHA256:UTQEk3eBXQRTcL3iwH2M4j9FN7qEOxdn73CGY2NJwxU"
COLUMNS = (
    "NAME",
    "STATE",
    Column("IMAGE", yields=3, spare=True),
    Column("KEY", yields=2),
    Column("WHY", yields=1),
    ">COUNT",
    "NOTHING",
    "ID",
)
ROWS: list[tuple[Cell, ...]] = [
    (
        LONG_NAME,
        state("held"),
        "debian",
        Fingerprint(WHO),
        "it was paid for by nobody for a month",
        12,
        None,
        "c-aaaaaaaaaa",
    ),
    ("日本", state("running"), "debian", None, None, 1234, None, "c-bbbbbbbbbb"),
]


def bare(text: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_columns_line_up_whatever_is_in_them() -> None:
    rows: list[tuple[Cell, ...]] = [
        ("é", Paint("running", "green"), 5),
        ("日本", Paint("x", "red"), 1234),
        (None, "", "1"),
    ]
    plain = table(("NAME", "STATE", ">COUNT"), rows, NOBODY).splitlines()
    assert plain == ["NAME  STATE    COUNT", "é     running      5", "日本  x         1234", "-                  1"]
    assert bare(table(("NAME", "STATE", ">COUNT"), rows, COLOURS)).splitlines() == plain
    assert width("e\u0301") == 1


def test_without_a_terminal_a_row_is_one_line_with_all_of_it() -> None:
    lines = table(COLUMNS, ROWS, NOBODY).splitlines()
    assert len(lines) == 3
    assert all(text in lines[1] for text in (LONG_NAME, WHO, "debian", "by nobody for a month", "c-aaaaaaaaaa"))


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("colours", [True, False])
def test_no_line_of_a_table_is_wider_than_the_terminal(columns: int, colours: bool) -> None:
    for line in bare(table(COLUMNS, ROWS, Style(colours, columns))).splitlines():
        # A word is never broken: one that is wider than the terminal stands alone.
        assert width(line) <= columns or len(line.split()) == 1, line


@pytest.mark.parametrize("columns", WIDTHS)
def test_names_ids_and_reasons_are_whole_at_any_width(columns: int) -> None:
    words = " ".join(table(COLUMNS, ROWS, Style(columns=columns)).split())
    for text in (
        LONG_NAME,
        "c-aaaaaaaaaa",
        "c-bbbbbbbbbb",
        "日本",
        "held",
        "1234",
        "it was paid for by nobody for a month",
    ):
        assert text in words


def test_what_can_be_had_elsewhere_is_left_out_first_and_the_rest_goes_beneath_its_row() -> None:
    assert "debian" in table(COLUMNS, ROWS, Style(columns=400))
    narrow = table(COLUMNS, ROWS, Style(columns=75)).splitlines()
    assert "debian" not in "".join(narrow)
    assert narrow[0].split() == ["NAME", "STATE", "COUNT", "ID"]
    assert narrow[2] == f"  key: {WHO}"
    assert narrow[3] == "  why: it was paid for by nobody for a month"
    assert len(narrow) == 5, "what is not known is not put beneath"


def test_a_fingerprint_is_short_where_there_is_little_room_and_never_for_a_program() -> None:
    rows: list[tuple[Cell, ...]] = [("me", Fingerprint(WHO), "here"), ("you", None, "there")]
    assert WHO in table(("NAME", "KEY", "WHERE"), rows, NOBODY)
    assert WHO in table(("NAME", "KEY", "WHERE"), rows, Style(columns=80))
    short = table(("NAME", "KEY", "WHERE"), rows, Style(columns=40))
    assert "me    SHA256:UTQEk3eB…  here" in short.splitlines()


def test_a_narrow_column_does_not_give_way_in_vain() -> None:
    columns = ("NAME", Column("A", yields=3), Column("LONG", yields=2))
    lines = table(columns, [("web", "x", "y" * 60)], Style(columns=40)).splitlines()
    assert lines[0].split() == ["NAME", "A"]


def test_an_empty_list_is_its_titles_for_a_program_and_a_word_for_a_person() -> None:
    assert table(("NAME", "ID"), [], NOBODY) == "NAME  ID\n"
    assert table(("NAME", "ID"), [], Style(columns=80)) == "Nothing to list.\n"


@pytest.mark.parametrize("columns", WIDTHS)
def test_sentences_are_broken_between_words_only(columns: int) -> None:
    text = f"日本 is not {LONG_NAME}, which is what was asked for, and {WHO} is neither."
    lines = wrap(text, columns, "  ", "    ").splitlines()
    assert " ".join(" ".join(lines).split()) == text
    assert all(width(line) <= columns or len(line.split()) == 1 for line in lines)
    assert lines[0].startswith("  日本")
    assert all(line.startswith("    ") for line in lines[1:])


def test_without_a_terminal_a_sentence_is_one_line() -> None:
    assert NOBODY.say("word " * 100 + "end") == "word " * 100 + "end\n"


def test_a_command_that_is_there_to_be_copied_is_in_one_piece() -> None:
    command = "ssh -p 2222 capsul.example operation o-aaaaaaaaaa --wait"
    text = f"What was asked for goes on without you: {command}"
    assert Style(columns=120).say(text) == f"{text}\n"
    assert Style(columns=60).say(text) == f"What was asked for goes on without you:\n    {command}\n"
    assert f"  {command}\n" in fields([("Help", command)], Style(columns=30))


def test_facts_go_on_under_their_beginning() -> None:
    said = fields(
        [("Reason", "no room for it on any host"), ("Unknown", None), ("State", state("failed"))], Style(columns=24)
    )
    assert said == "Reason  no room for it\n        on any host\nState   failed\n"


def test_what_strangers_say_does_not_steer_the_terminal() -> None:
    evil = "\x1b[2J\u202e\x07\r\n"
    for style, lines in ((NOBODY, 6), (Style(columns=40), 7)):
        said = table(("X",), [(evil,), (Paint(evil, "red"),)], style) + fields([("Y", evil)], style)
        beneath = table(("X", "Y"), [("x" * 39, evil)], style)
        assert all(c.isprintable() or c == "\n" for c in said + beneath)
        assert (said + beneath).count("\n") == lines


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00"),
        (20_000_000, "20.00"),
        (7_441, "0.007441"),
        (-7_440, "-0.00744"),
        (1_500_000, "1.50"),
        (-1, "-0.000001"),
    ],
)
def test_money_for_scripts_is_exact(micro: int, text: str) -> None:
    assert exact(micro) == text


def test_nobody_is_promised_more_than_there_is() -> None:
    assert amount(19_999_999, "USD") == "19.99 USD"
    assert [span(hours) for hours in (0.0, 1 / 59, 1.5, 47.9, 48)] == [
        "0 minutes",
        "a minute",
        "90 minutes",
        "47 hours",
        "2 days",
    ]
    assert lasting(None) == "for ever: nothing burns"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (memory(0), "0 B"),
        (memory(128), "128 MiB"),
        (memory(1000), "1000 MiB"),
        (memory(1023), "1023 MiB"),
        (memory(1024), "1 GiB"),
        (memory(1536), "1.5 GiB"),
        (memory(12052), "11.8 GiB"),
        (disk(25), "25 GiB"),
        (storage(2.0**20 - 1), "1 MiB"),
        (storage(2.0**30 - 1), "1 GiB"),
        (storage(349.5 * 1024), "349.5 KiB"),
        (storage(17), "17 B"),
        (share(memory(0), memory(12052)), "0 of 11.8 GiB"),
        (share(memory(768), memory(12052)), "768 MiB of 11.8 GiB"),
        (share(disk(27), disk(1000)), "27 of 1000 GiB"),
    ],
)
def test_sizes_are_in_the_unit_that_keeps_them_short(size: str, text: str) -> None:
    assert size == text
