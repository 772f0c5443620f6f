"""The screens that are one key away from wherever a member is."""

from collections.abc import Sequence
from dataclasses import dataclass

from capsul_tui.screens.base import CapsulScreen
from capsul_tui.screens.home import HomeScreen


@dataclass(frozen=True)
class Place:
    """A screen with a key of its own."""

    key: str
    name: str
    screen: type[CapsulScreen[None]]


PLACES: Sequence[Place] = (Place("1", "Home", HomeScreen),)
