"""Plug-ins by name, from the entry points of what is installed.

A package adds a sentiment scorer in its ``pyproject.toml``; the entry point names a callable without arguments that
returns the scorer, such as a class::

    [project.entry-points."contact_streams.sentiment"]
    mine = "my_package.scoring:MyScorer"

A detector of behaviours in agents' messages is one of the group ``contact_streams.behaviours`` in the same way.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from streams.base.errors import UserError
from streams.sentiment.lexicon import LexiconScorer
from streams.sentiment.scoring import Scorer

SENTIMENT = "contact_streams.sentiment"
BEHAVIOURS = "contact_streams.behaviours"
NONE = "none"

_BUILT_IN: dict[str, Callable[[], Scorer]] = {"lexicon": LexiconScorer}
"""Found without an installed package too, and not to be replaced by one."""


class PluginError(UserError):
    """A plug-in is missing or cannot be used; the message names those there are."""


def load_scorer(name: str) -> Scorer | None:
    """The sentiment scorer of that name; ``None`` for "none". Raises `PluginError`."""
    scorer: Scorer | None = _load(name, SENTIMENT, "sentiment scorer", _BUILT_IN)
    return scorer


def load_detector(name: str) -> Callable[[str, str | None], Any] | None:
    """What finds behaviours beside the phrases, by its name; ``None`` for "none". Raises `PluginError`."""
    detector: Callable[[str, str | None], Any] | None = _load(name, BEHAVIOURS, "detector of behaviours", {})
    return detector


def _load(name: str, group: str, what: str, built_in: Mapping[str, Callable[[], Any]]) -> Any:
    if name == NONE:
        return None
    installed = {point.name: point.load for point in entry_points(group=group)}
    if name not in installed and name not in built_in:
        known = ", ".join(sorted({*installed, *built_in, NONE}))
        raise PluginError(f"there is no {what} {name!r}; available: {known}")
    try:
        factory: Any = built_in.get(name) or installed[name]()
        made = factory()
    except Exception as error:
        raise PluginError(f"{what} {name!r} cannot be loaded: {error!r}") from error
    if not callable(made):
        raise PluginError(f"{what} {name!r} is no function of (text, language) but {type(made).__name__}")
    return made
