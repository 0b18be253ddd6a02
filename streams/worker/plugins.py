"""Plug-ins by name, from the entry points of what is installed.

A package adds a sentiment scorer in its ``pyproject.toml``; the entry point names a callable without arguments that
returns the scorer, such as a class::

    [project.entry-points."contact_streams.sentiment"]
    mine = "my_package.scoring:MyScorer"

A detector of behaviours in agents' messages is one of the group ``contact_streams.behaviours`` in the same way.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from streams.base.errors import UserError
from streams.sentiment import onnx
from streams.sentiment.compact import METHOD, CompactScorer
from streams.sentiment.scoring import Scorer, read
from streams.worker.guarded import GuardedScorer

SENTIMENT = "contact_streams.sentiment"
BEHAVIOURS = "contact_streams.behaviours"
NONE = "none"

_BUILT_IN: dict[str, Callable[[], Scorer]] = {METHOD: CompactScorer}
"""Found without an installed package too, and not to be replaced by one."""
_GONE = {"lexicon": METHOD}
"""Names of scorers that are no more, and what takes their place."""
_TRIED = "Three weeks and nobody answers."
"""What a scorer is asked at the start."""


class PluginError(UserError):
    """A plug-in is missing or cannot be used; the message names those there are."""


def load_scorer(
    name: str, failed: Callable[[str], None] = lambda why: None, model: Path | None = None
) -> Scorer | None:
    """The sentiment scorer of that name; ``None`` for "none". It is tried on a sentence first. Raises `PluginError`.

    ``failed`` is told why one that is not the shipped one gave no score: ``raised``, ``hung``, ``invalid``. ``model``:
    the folder of that of "onnx".
    """
    if name == onnx.METHOD:
        return GuardedScorer(onnx.load(model), name, failed)
    if name in _GONE and name not in {point.name for point in entry_points(group=SENTIMENT)}:
        raise PluginError(
            f"the sentiment scorer {name!r} is no more; {_GONE[name]!r} takes its place, set "
            f"CONTACT_STREAMS_SENTIMENT_SCORER={_GONE[name]} or leave it out"
        )
    scorer: Scorer | None = _load(name, SENTIMENT, "sentiment scorer", _BUILT_IN, (onnx.METHOD,))
    if scorer is None or name in _BUILT_IN:
        return scorer
    try:
        read(scorer, name, _TRIED, "en")
    except Exception as error:
        raise PluginError(f"sentiment scorer {name!r} fails on {_TRIED!r}: {error!r}") from error
    return GuardedScorer(scorer, name, failed)


def load_detector(name: str) -> Callable[[str, str | None], Any] | None:
    """What finds behaviours beside the phrases, by its name; ``None`` for "none". Raises `PluginError`."""
    detector: Callable[[str, str | None], Any] | None = _load(name, BEHAVIOURS, "detector of behaviours", {})
    return detector


def _load(
    name: str, group: str, what: str, built_in: Mapping[str, Callable[[], Any]], others: tuple[str, ...] = ()
) -> Any:
    """What is made by the plug-in of that name; ``others``: names that the message has beside those that are there."""
    if name == NONE:
        return None
    installed = {point.name: point.load for point in entry_points(group=group)}
    if name not in installed and name not in built_in:
        known = ", ".join(sorted({*installed, *built_in, *others, NONE}))
        raise PluginError(f"there is no {what} {name!r}; available: {known}")
    try:
        factory: Any = built_in.get(name) or installed[name]()
        made = factory()
    except Exception as error:
        raise PluginError(f"{what} {name!r} cannot be loaded: {error!r}") from error
    if not callable(made):
        raise PluginError(f"{what} {name!r} is no function of (text, language) but {type(made).__name__}")
    return made
