"""What Apps share, and that nothing passes from one to the other by it."""

from capsul_tui.app import CapsulApp
from capsul_tui.shared_styles import variables_of
from capsul_tui.theme import THEMES
from tests.capsul_tui.conftest import OpenScreens
from tests.conftest import Enrol


async def test_two_sessions_have_the_same_rules_as_one_object(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol()) as one, open_screens(await enrol()) as other:
        assert [id(rule) for rule in one.app.stylesheet.rules] == [id(rule) for rule in other.app.stylesheet.rules]


async def test_a_theme_that_one_session_turns_to_is_no_others(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol()) as one, open_screens(await enrol()) as other:
        before = _background(other.app)
        await one.press("ctrl+t")
        await one.until(lambda: _background(one.app) != before)
        assert _background(other.app) == before
        await one.press("ctrl+t")
        await one.until(lambda: _background(one.app) == before)


async def test_sessions_of_different_depths_have_their_own_colours(enrol: Enrol, open_screens: OpenScreens) -> None:
    async with open_screens(await enrol()) as one, open_screens(await enrol(), kind="linux") as other:
        assert one.app.theme == "capsul-dark"
        assert other.app.theme == "capsul-16"
        assert _background(one.app) != _background(other.app)


def test_the_variables_of_our_themes_have_the_same_names() -> None:
    """A stylesheet that one of them satisfies, all do."""
    [first, *rest] = [set(theme.variables) for theme in THEMES]
    assert all(first - set(variables_of(theme.name)) == set() for theme in THEMES)
    assert all(it >= {"operator", "quiet", "line", "cursor", "second"} for it in [first, *rest])


def _background(app: CapsulApp) -> object:
    return app.screen.styles.background
