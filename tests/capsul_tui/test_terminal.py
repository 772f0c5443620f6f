"""What is taken for granted of a terminal, by what its owner's client has sent."""

import pytest

from capsul_tui.terminal import Terminal


def terminal(kind: str, **environment: str) -> Terminal:
    return Terminal(kind, 80, 24, environment)


@pytest.mark.parametrize(
    ("kind", "depth"),
    [
        ("xterm", "256"),
        ("xterm-256color", "256"),
        ("screen-256color", "256"),
        ("screen", "256"),
        ("tmux-256color", "256"),
        ("vte-256color", "256"),
        ("rxvt-unicode-256color", "256"),
        ("xterm-kitty", "truecolor"),
        ("xterm-ghostty", "truecolor"),
        ("alacritty", "truecolor"),
        ("foot", "truecolor"),
        ("wezterm", "truecolor"),
        ("st-256color", "truecolor"),
        ("xterm-direct", "truecolor"),
        ("linux", "16"),
        ("linux-16color", "16"),
        ("xterm-16color", "16"),
        ("xterm-color", "16"),
        ("ansi", "16"),
        ("vt100", "none"),
        ("vt220", "none"),
        ("xterm-mono", "none"),
        ("something-new", "256"),
    ],
)
def test_how_many_colours_there_are_goes_by_term(kind: str, depth: str) -> None:
    assert terminal(kind).depth == depth


def test_what_a_client_says_more_of_its_colours_counts() -> None:
    assert terminal("xterm-256color", COLORTERM="truecolor").depth == "truecolor"
    assert terminal("screen", COLORTERM="24bit").depth == "truecolor"
    assert terminal("xterm-256color", TERM_PROGRAM="iTerm.app").depth == "truecolor"
    assert terminal("xterm-256color", TERM_PROGRAM="Apple_Terminal").depth == "256"
    assert terminal("xterm-256color", COLORTERM="yes").depth == "256"


def test_who_wants_no_colours_gets_none_and_an_empty_word_is_no_wish() -> None:
    assert terminal("xterm-kitty", NO_COLOR="1", COLORTERM="truecolor").depth == "none"
    assert terminal("xterm-256color", NO_COLOR="").depth == "256"


def test_letters_beyond_ascii_go_by_the_first_variable_that_is_set() -> None:
    assert terminal("xterm").has_unicode
    assert terminal("xterm", LANG="de_DE.UTF-8").has_unicode
    assert terminal("xterm", LANG="C.utf8").has_unicode
    assert not terminal("xterm", LANG="C").has_unicode
    assert not terminal("xterm", LANG="en_US.UTF-8", LC_ALL="POSIX").has_unicode
    assert terminal("xterm", LANG="C", LC_CTYPE="en_US.UTF-8").has_unicode
    assert not terminal("xterm", LANG="de_DE.ISO-8859-1").has_unicode
    assert not terminal("vt100").has_unicode
    assert terminal("vt100", LANG="C.UTF-8").has_unicode


def test_dots_of_braille_need_letters_and_a_font() -> None:
    assert terminal("xterm").has_braille
    assert terminal("vte-256color").has_braille
    assert not terminal("linux").has_braille
    assert not terminal("xterm", LANG="C").has_braille


@pytest.mark.parametrize("kind", ["linux", "vt100", "ansi", "screen", "screen-256color", "screen.xterm-256color"])
def test_who_prints_questions_or_passes_them_on_is_not_asked(kind: str) -> None:
    assert not terminal(kind).answers


@pytest.mark.parametrize("kind", ["xterm", "xterm-256color", "tmux-256color", "vte-256color", "xterm-kitty"])
def test_others_are_asked(kind: str) -> None:
    assert terminal(kind).answers
