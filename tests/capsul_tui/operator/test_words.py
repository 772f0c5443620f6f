"""Commands that are shown can be typed: a shell and the other end make of them what was meant."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsul.rules import plain_text
from capsul_tui.screens.operator.words import shell_words


def through_a_shell(words: str) -> list[str]:
    """What arrives at the other end of ssh, which joins what the shell gives it."""
    done = subprocess.run(["/bin/sh", "-c", f"printf '%s ' {words}"], capture_output=True, check=True)
    return shlex.split(done.stdout.decode())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("for the trouble yesterday", "for the trouble yesterday"),
        ("7.50", "7.50"),
        ("it's spam", '"\\"it\'s spam\\""'),
        ("spam; again", "\"'spam; again'\""),
    ],
)
def test_what_needs_no_quotes_has_none(text: str, shown: str) -> None:
    assert shell_words(text) == shown
    assert " ".join(through_a_shell(shown)) == text


@given(st.text(st.sampled_from("ab '\"$`\\!;&|<>(){}[]*?~#é\n\t-"), max_size=12))
def test_whatever_is_typed_arrives_as_it_is(text: str) -> None:
    plain = " ".join(plain_text(text).split())
    assert " ".join(" ".join(through_a_shell(shell_words(plain))).split()) == plain
