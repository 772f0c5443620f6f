"""A QR code is whole or not there, dark on light, and small enough to stand beside words."""

import pytest
import segno
from rich.segment import Segment
from textual.app import App, ComposeResult

from capsul_tui.widgets.qr import QrCode

URL = "https://capsul.example.org/p/AbCd1234"
LOCAL = "http://127.0.0.1:8080/p/AbCd1234"
LONGEST = f"https://{'c' * 26}.org/p/AbCd12"
"""45 characters."""
DARK, LIGHT = "#000000", "#ffffff"


class Alone(App[None]):
    CSS = "Screen { background: #123456; color: #654321; }"

    def __init__(self, code: QrCode) -> None:
        super().__init__()
        self._code = code

    def compose(self) -> ComposeResult:
        yield self._code


async def drawn(code: QrCode, columns: int = 80, rows: int = 24) -> list[list[Segment]]:
    app = Alone(code)
    async with app.run_test(size=(columns, rows)) as pilot:
        await pilot.pause()
        return [list(code.render_line(y)) for y in range(code.size.height)]


def seen(lines: list[list[Segment]], *, halves: bool) -> list[list[str]]:
    """What colour a camera sees in each module, or in each cell."""
    rows: list[list[str]] = []
    for line in lines:
        cells = [_colours(letter, segment) for segment in line for letter in segment.text]
        rows.append([upper for upper, _ in cells])
        if halves:
            rows.append([lower for _, lower in cells])
    return rows


def _colours(letter: str, segment: Segment) -> tuple[str, str]:
    assert segment.style is not None
    assert segment.style.color is not None
    assert segment.style.bgcolor is not None
    ink, paper = segment.style.color.name, segment.style.bgcolor.name
    return {" ": (paper, paper), "▀": (ink, paper), "▄": (paper, ink), "█": (ink, ink)}[letter]


def expected(text: str, quiet: int) -> list[list[bool]]:
    """The modules as segno says they are."""
    code = segno.make_qr(text, error="l")
    return [[bool(module) for module in row] for row in code.matrix_iter(border=quiet)]


@pytest.mark.parametrize("text", [URL, LOCAL, LONGEST])
async def test_a_camera_sees_the_code_in_black_on_white_whatever_the_theme(text: str) -> None:
    modules = seen(await drawn(QrCode(text)), halves=True)
    assert modules[-1] == [LIGHT] * len(modules[0]), "the row that has no second one adds to the quiet zone"
    assert modules[:-1] == [[DARK if dark else LIGHT for dark in row] for row in expected(text, 2)]


async def test_with_room_the_quiet_zone_is_four_modules_and_the_code_in_the_middle() -> None:
    code = QrCode(URL)
    code.styles.width, code.styles.height = "1fr", "1fr"
    lines = await drawn(code, 81, 25)
    box = [row[22:59] for row in seen(lines[3:22], halves=True)]
    assert box[:-1] == [[DARK if dark else LIGHT for dark in row] for row in expected(URL, 4)]
    assert {text for line in (*lines[:3], *lines[22:]) for text, _, _ in line if text.strip()} == set()


async def test_without_colours_the_light_modules_are_drawn_as_a_dark_terminal_needs_it() -> None:
    lines = ["".join(segment.text for segment in line) for line in await drawn(QrCode(URL, colours=False))]
    halves = {" ": (True, True), "▀": (False, True), "▄": (True, False), "█": (False, False)}
    modules = [[halves[letter][half] for letter in line] for line in lines for half in (0, 1)]
    assert modules[:-1] == expected(URL, 2)


@pytest.mark.parametrize("colours", [True, False])
async def test_without_unicode_a_module_is_two_cells(colours: bool) -> None:
    code = QrCode(URL, unicode=False, colours=colours)
    lines = await drawn(code, 80, 40)
    assert QrCode.size_of(URL, unicode=False) == (66, len(lines)) == (66, 33)
    text = ["".join(segment.text for segment in line) for line in lines]
    assert "".join(text).isascii()
    dark = [[cell == DARK for cell in row[::2]] for row in seen(lines, halves=False)] if colours else []
    assert (dark or [[cell == " " for cell in line[::2]] for line in text]) == expected(URL, 2)


@pytest.mark.parametrize("length", range(20, 46))
def test_a_link_to_pay_leaves_room_for_the_screen_around_it(length: int) -> None:
    columns, rows = QrCode.size_of(LONGEST[: length - 8] + "AbCd1234")
    assert columns <= 33
    assert rows <= 17


async def test_what_does_not_fit_is_not_cut_off_but_said() -> None:
    for columns, rows in ((80, 16), (32, 24), (10, 3), (1, 1)):
        code = QrCode(URL)
        code.styles.width, code.styles.height = columns, rows
        text = "".join(segment.text for line in await drawn(code, columns, rows) for segment in line)
        assert text.strip() == "No room for the QR code."[:columns].strip()


async def test_another_link_is_another_code() -> None:
    code = QrCode(URL)
    app = Alone(code)
    async with app.run_test() as pilot:
        code.show("https://c.org/p/a")
        await pilot.pause()
        assert code.size == QrCode.size_of("https://c.org/p/a") == (25, 13)
        assert (code.columns, code.rows) == (25, 13)
        assert len(seen([list(code.render_line(0))], halves=True)[0]) == 25
