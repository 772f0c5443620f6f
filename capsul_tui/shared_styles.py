"""What all Apps of a process have in common is made once: parsed stylesheets, and the colours of a theme.

Textual parses every stylesheet anew for each App, twice while it starts, and each keeps its own copy. That is a quarter
of the time to the first screen, and a good part of what an idle session holds. Parsed rules are only ever read.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import textual.css.stylesheet
from textual.css.model import RuleSet
from textual.css.tokenize import tokenize_values
from textual.css.tokenizer import Token

from capsul_tui.theme import THEMES

Tokens = dict[str, list[Token]]

_parse: Callable[..., Iterable[RuleSet]] = vars(textual.css.stylesheet)["parse"]


def share_styles() -> None:
    """Before the first App of the process starts; again changes nothing."""
    vars(textual.css.stylesheet).update(parse=_parsed, tokenize_values=_tokenized)


@lru_cache
def variables_of(theme: str) -> dict[str, str]:
    """What a theme of ours, by its name, gives to stylesheets. To be read only."""
    [it] = [it for it in THEMES if it.name == theme]
    return {**it.to_color_system().generate(), **it.variables}


def _tokenized(values: dict[str, str]) -> Tokens:
    """One object for the same variables: parsed rules are found again by it."""
    return _tokens(frozenset(values.items()))


@lru_cache(16)
def _tokens(values: frozenset[tuple[str, str]]) -> Tokens:
    return tokenize_values(dict(values))


def _parsed(scope: str, css: str, read_from: Any, variable_tokens: Tokens, **how: Any) -> list[RuleSet]:
    """As `textual.css.parse.parse`, which raises what it raises."""
    return _rules(scope, css, read_from, _Same(variable_tokens), tuple(how.items()))


class _Same:
    """An object that is equal to itself only, and can be a key."""

    def __init__(self, it: Tokens) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.it is other.it

    def __hash__(self) -> int:
        return id(self.it)


@lru_cache(1024)
def _rules(scope: str, css: str, read_from: Any, tokens: _Same, how: tuple[tuple[str, Any], ...]) -> list[RuleSet]:
    return list(_parse(scope, css, read_from, variable_tokens=tokens.it, **dict(how)))
