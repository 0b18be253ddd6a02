"""Plug-ins by name, from the entry points of what is installed.

A package adds a sentiment scorer in its ``pyproject.toml``; the entry point names a callable without arguments that
returns the scorer, such as a class::

    [project.entry-points."contact_streams.sentiment"]
    mine = "my_package.scoring:MyScorer"
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from streams.base.errors import UserError
from streams.sentiment.lexicon import LexiconScorer
from streams.sentiment.scoring import Scorer

SENTIMENT = "contact_streams.sentiment"
NONE = "none"

_BUILT_IN: dict[str, Callable[[], Scorer]] = {"lexicon": LexiconScorer}
"""Found without an installed package too, and not to be replaced by one."""


class PluginError(UserError):
    """A plug-in is missing or cannot be used; the message names those there are."""


def load_scorer(name: str) -> Scorer | None:
    """The sentiment scorer of that name; ``None`` for "none". Raises `PluginError`."""
    if name == NONE:
        return None
    installed = {point.name: point.load for point in entry_points(group=SENTIMENT)}
    if name not in installed and name not in _BUILT_IN:
        known = ", ".join(sorted({*installed, *_BUILT_IN, NONE}))
        raise PluginError(f"there is no sentiment scorer {name!r}; available: {known}")
    try:
        factory: Any = _BUILT_IN.get(name) or installed[name]()
        scorer: Scorer = factory()
    except Exception as error:
        raise PluginError(f"sentiment scorer {name!r} cannot be loaded: {error!r}") from error
    if not callable(scorer):
        raise PluginError(f"sentiment scorer {name!r} is no function of (text, language) but {type(scorer).__name__}")
    return scorer
