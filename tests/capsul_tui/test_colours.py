"""Colours that every terminal can show, and that can be read in each."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color as RichColour
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from capsul.models import Caller, Guest
from capsul_tui.colours import To256, WithoutColours, nearest_of_256, to_ascii
from capsul_tui.theme import DARK, LIGHT, SIXTEEN
from services import Services
from services.capsuls import CreateRequest
from tests.capsul_tui.seats import SGR, Seat, Sit
from tests.conftest import Enrol

Rgb = tuple[int, int, int]

AA = 4.5
"""Contrast of text to what it stands on: WCAG 2, level AA."""
BLACK = Color(0, 0, 0)
STRANGER = Guest("SHA256:" + "s" * 43, "ssh-ed25519 AAAA", "192.0.2.7", "guest-1")
LEVELS = (0, 95, 135, 175, 215, 255)


@pytest.fixture
async def member(enrol: Enrol) -> Caller:
    return await enrol("me@example.org", credit=20_000_000)


def of_256(entry: int) -> Rgb:
    """What every terminal of 256 colours makes of an entry from 16 on."""
    if entry >= 232:
        return (8 + 10 * (entry - 232),) * 3
    at = entry - 16
    return LEVELS[at // 36], LEVELS[at // 6 % 6], LEVELS[at % 6]


def contrast(one: Rgb, other: Rgb) -> float:
    """As WCAG 2 has it."""

    def luminance(colour: Rgb) -> float:
        parts = [it / 255 for it in colour]
        r, g, b = (it / 12.92 if it <= 0.03928 else ((it + 0.055) / 1.055) ** 2.4 for it in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def rgb(colour: str) -> Rgb:
    return Color.parse(colour).rgb


def pairs(theme: Theme) -> list[tuple[str, Rgb, Rgb]]:
    """Every text that there is in the theme, on everything that it stands on: see capsul.tcss."""
    words = {
        "foreground": theme.foreground,
        "primary": theme.primary,
        "accent": theme.accent,
        "success": theme.success,
        "warning": theme.warning,
        "error": theme.error,
        **{name: theme.variables[name] for name in ("operator", "quiet", "second")},
    }
    grounds = {"background": theme.background, "surface": theme.surface}
    found = [
        (f"{theme.name}: {word} on {ground}", rgb(str(words[word])), rgb(str(grounds[ground])))
        for word, ground in itertools.product(words, grounds)
    ]
    found.append((f"{theme.name}: foreground on panel", rgb(str(theme.foreground)), rgb(str(theme.panel))))
    cursor = rgb(theme.variables["cursor"])
    found.append((f"{theme.name}: cursor-text on cursor", rgb(theme.variables["cursor-text"]), cursor))
    tones = {name: words[name] for name in ("success", "warning", "error", "quiet")}
    found += [(f"{theme.name}: {name} on cursor", rgb(str(colour)), cursor) for name, colour in tones.items()]
    return found


PAIRS = [pytest.param(*them, id=name) for name, *them in (*pairs(DARK), *pairs(LIGHT))]


@pytest.mark.parametrize(("words", "ground"), PAIRS)
def test_everything_can_be_read_in_true_colours(words: Rgb, ground: Rgb) -> None:
    assert contrast(words, ground) >= AA


@pytest.mark.parametrize(("words", "ground"), PAIRS)
def test_everything_can_be_read_in_256_colours(words: Rgb, ground: Rgb) -> None:
    assert contrast(of_256(nearest_of_256(*words)), of_256(nearest_of_256(*ground))) >= AA


@pytest.mark.parametrize("colour", ["#242F38", "#121513", "#1a1f1c", "#242b27", "#111111", "#1e1e1e", "#2a2a2e"])
def test_dark_greys_stay_grey(colour: str) -> None:
    """Channel by channel the first is entry 17, navy."""
    shown = of_256(nearest_of_256(*rgb(colour)))
    assert max(shown) - min(shown) == 0
    assert abs(sum(shown) / 3 - sum(rgb(colour)) / 3) < 16


def test_colours_of_the_palette_are_themselves() -> None:
    for entry in range(16, 256):
        assert of_256(nearest_of_256(*of_256(entry))) == of_256(entry)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_no_entry_is_one_of_the_sixteen_that_people_set_for_themselves(red: int, green: int, blue: int) -> None:
    assert 16 <= nearest_of_256(red, green, blue) <= 255


def test_the_parts_of_a_theme_stay_apart_in_256_colours() -> None:
    for theme in (DARK, LIGHT):
        grounds = [theme.background, theme.surface, theme.variables["cursor"]]
        assert len({nearest_of_256(*rgb(str(it))) for it in grounds}) == 3, theme.name


def test_what_a_click_does_survives_every_filter() -> None:
    style = Style(color="#ff0000", bgcolor="#00ff00", meta={"@click": "app.bell"})
    for it in (To256(), WithoutColours()):
        [segment] = it.apply([Segment("x", style)], BLACK)
        assert segment.style is not None
        assert segment.style.meta == {"@click": "app.bell"}


def test_without_colours_what_stood_on_one_is_reversed() -> None:
    styles = [Style(color="red", bgcolor="blue", bold=True), Style(color="red"), Style(bgcolor="default")]
    found = [it.style for it in WithoutColours().apply([Segment("x", style) for style in styles], BLACK)]
    assert [it.reverse for it in found if it] == [True, None, None]
    assert [(it.color, it.bgcolor) for it in found if it] == [(None, None)] * 3
    assert found[0] is not None
    assert found[0].bold


# ASCII


def test_ascii_is_by_likeness_else_a_question_mark() -> None:
    assert to_ascii("┌─ Café ● “ok” … ▌▇ 漢字 ⏎ 😀") == '+- Cafe * "ok" ~ |# ???? ? ??'


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_ascii_is_ascii_and_no_wider_or_narrower(text: str) -> None:
    assert to_ascii(text).isascii()
    if all(cell_len(char) for char in text):
        assert cell_len(to_ascii(text)) == cell_len(text)


# What is really sent


def colours_in(sent: bytes) -> set[str]:
    """Kinds of colours in what was sent: 16, 256, true; and "default" for those that take colours back."""
    found: set[str] = set()
    for sequence in SGR.findall(sent):
        codes = [int(code or 0) for code in re.split(rb"[;:]", sequence)]
        while codes:
            code = codes.pop(0)
            if code in (38, 48):
                kind = codes.pop(0)
                found.add("true" if kind == 2 else "256")
                del codes[: 3 if kind == 2 else 1]
            elif code in (39, 49):
                found.add("default")
            elif 30 <= code <= 47 or 90 <= code <= 107:
                found.add("16")
    return found


async def look_around(seat: Seat) -> bytes:
    """Home, help and a line to type in."""
    await seat.until_sees("live")
    await look_further(seat)
    return seat.wire.sent


async def look_further(seat: Seat) -> None:
    seat.type("?")
    await seat.until_sees("Keys on this screen")
    seat.type("\x1b")
    await seat.until_sees("Balance 20")
    seat.type(":show web")
    await seat.until_sees("show web")


async def test_with_true_colours_only_those_are_sent(sit: Sit, member: Caller) -> None:
    async with sit(member, kind="xterm-kitty") as seat:
        assert colours_in(await look_around(seat)) == {"true"}


async def test_with_256_colours_only_those_are_sent(sit: Sit, member: Caller) -> None:
    async with sit(member, kind="xterm-256color") as seat:
        assert colours_in(await look_around(seat)) == {"256"}


async def test_with_sixteen_colours_only_those_are_sent(sit: Sit, member: Caller) -> None:
    async with sit(member, kind="linux") as seat:
        assert colours_in(await look_around(seat)) <= {"16", "default"}


@pytest.mark.parametrize("terminal", [{"environment": {"NO_COLOR": "1"}}, {"kind": "vt100"}], ids=str)
async def test_without_colours_none_is_sent_not_even_the_default_one(
    sit: Sit, member: Caller, terminal: dict[str, object]
) -> None:
    async with sit(member, **terminal) as seat:
        assert colours_in(await look_around(seat)) == set()


@pytest.mark.parametrize("terminal", [{"environment": {"NO_COLOR": "1"}}, {"kind": "vt100"}], ids=str)
async def test_without_colours_the_row_under_the_cursor_is_seen(
    sit: Sit, member: Caller, services: Services, terminal: dict[str, object]
) -> None:
    for name in ("db", "web"):
        await services.capsuls.create(member, CreateRequest("tiny", "nano", name))
    async with sit(member, **terminal) as seat:
        await seat.until_sees("web  creating")
        assert reversed_words(seat) == "db"
        seat.type("j")
        await seat.until(lambda: reversed_words(seat) == "web")
        [row] = [line for line in seat.terminal.lines if "web" in line[:5]]
        assert row[0] in "▌|"


def reversed_words(seat: Seat) -> str:
    """The name in the row that is reversed."""
    screen = seat.terminal.screen
    rows = ["".join(screen.buffer[y][x].data for x in range(1, 6) if screen.buffer[y][x].reverse) for y in range(8, 20)]
    return " ".join("".join(rows).split())


@pytest.mark.parametrize("terminal", [{"environment": {"NO_COLOR": "1"}}, {"kind": "linux"}], ids=str)
async def test_without_colours_the_cursor_of_a_field_is_seen(sit: Sit, terminal: dict[str, object]) -> None:
    async with sit(STRANGER, **terminal) as seat:
        await seat.until_sees("live")
        seat.type("zz")
        await seat.until_sees("zz")
        [(at, line)] = [(at, line) for at, line in enumerate(seat.terminal.lines) if "zz" in line]
        before, cursor = (seat.terminal.screen.buffer[at][line.index("zz") + past] for past in (1, 2))
        assert (cursor.reverse, cursor.bg) != (before.reverse, before.bg)


async def test_where_letters_are_ascii_only_ascii_is_sent(sit: Sit, member: Caller) -> None:
    async with sit(member, environment={"LANG": "C"}) as seat:
        await seat.until_sees("* live")
        await look_further(seat)
        assert seat.wire.sent.isascii()


async def test_the_keys_for_light_and_dark_do_nothing_where_there_are_no_colours_to_choose(
    sit: Sit, member: Caller
) -> None:
    async with sit(member, kind="linux") as seat:
        await seat.until_sees("live")
        seat.type("\x14")
        seat.type("?")
        await seat.until_sees("Keys on this screen")
        assert seat.app.theme == SIXTEEN.name


def test_the_palette_of_the_tests_is_the_one_of_terminals() -> None:
    assert of_256(17) == (0, 0, 95)
    assert of_256(235) == (38, 38, 38)
    assert RichColour.from_ansi(235).get_truecolor() == (38, 38, 38)
