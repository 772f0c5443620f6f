"""Pictures of screens: what was seen is there, and nothing is fetched from anywhere."""

import re
from xml.etree import ElementTree

import pyte

from capsul_tui.theme import DARK
from capsuld.demo.product import ROOT
from tests.pictures.svg import draw

SVG = "{http://www.w3.org/2000/svg}"


def picture(seen: str, columns: int = 20, rows: int = 3) -> ElementTree.Element:
    screen = pyte.Screen(columns, rows)
    pyte.Stream(screen).feed(seen)
    return ElementTree.fromstring(draw(screen, DARK, "a title"))  # noqa: S314 - our own


def words(of: ElementTree.Element) -> list[str]:
    return [it.text or "" for it in of.iter(f"{SVG}text")]


def test_words_are_text_and_each_stands_at_its_column() -> None:
    found = {it.text: it.get("x") for it in picture("web  <b> & c").iter(f"{SVG}text")}
    assert found == {"a title": "50%", "web": "0", "<b>": "61", "&": "109.8", "c": "134.2"}


def test_blocks_braille_and_lines_are_shapes_in_their_colours() -> None:
    drawn = picture("\x1b[38;2;255;0;0m█▀\x1b[38;2;0;255;0m⣿\x1b[38;2;0;0;255m│")
    paths = {it.get("fill") or it.get("stroke"): it.get("d", "") for it in drawn.iter(f"{SVG}path")}
    assert paths == {
        "#ff0000": "M0 1.5H12.2V25.9H0zM12.2 1.5H24.4V13.7H12.2z",
        "#00ff00": paths["#00ff00"],
        "#0000ff": "M42.7 13.7L42.7 1.5M42.7 13.7L42.7 25.9",
    }
    assert paths["#00ff00"].count("M") == 8
    assert words(drawn) == ["a title"]


def test_neighbours_are_one_shape() -> None:
    [path] = picture("██████").iter(f"{SVG}path")
    assert path.get("d") == "M0 1.5H73.2V25.9H0z"


def test_what_is_reversed_has_the_colours_the_other_way_round() -> None:
    drawn = picture("\x1b[7;38;2;1;2;3;48;2;4;5;6mno")
    assert "fill: #040506" in next(it.text or "" for it in drawn.iter(f"{SVG}style"))
    assert [it.get("fill") for it in drawn.iter(f"{SVG}rect") if it.get("shape-rendering")] == ["#010203"]


def test_the_same_screen_is_the_same_picture() -> None:
    assert ElementTree.tostring(picture("web ██ ⣿")) == ElementTree.tostring(picture("web ██ ⣿"))


def test_pictures_fetch_nothing_and_are_small_and_readme_shows_some() -> None:
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
    for file in pictures:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"@font-face|@import|<image|<script|href|url\((?!#)", text), file
        assert len(text) < 60_000, file
    shown = re.findall(r"docs/pictures/(\w+\.svg)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown
    assert set(shown) <= {file.name for file in pictures}
