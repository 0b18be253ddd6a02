"""Plug-ins by name, from the entry points of what is installed.

A package adds a sentiment scorer in its ``pyproject.toml``; the entry point names a callable without arguments that
returns the scorer, such as a class::

    [project.entry-points."contact_streams.sentiment"]
    mine = "my_package.scoring:MyScorer"
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from streams.base.errors import UserError
from streams.sentiment import onnx
from streams.sentiment.compact import METHOD, CompactScorer
from streams.sentiment.scoring import Scorer, read
from streams.worker.guarded import GuardedScorer

SENTIMENT = "contact_streams.sentiment"
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
    if name == NONE:
        return None
    if name == onnx.METHOD:
        return GuardedScorer(onnx.load(model), name, failed)
    installed = {point.name: point.load for point in entry_points(group=SENTIMENT)}
    if name not in installed and name not in _BUILT_IN:
        if name in _GONE:
            raise PluginError(
                f"the sentiment scorer {name!r} is no more; {_GONE[name]!r} takes its place, set "
                f"CONTACT_STREAMS_SENTIMENT_SCORER={_GONE[name]} or leave it out"
            )
        known = ", ".join(sorted({*installed, *_BUILT_IN, onnx.METHOD, NONE}))
        raise PluginError(f"there is no sentiment scorer {name!r}; available: {known}")
    try:
        factory: Any = _BUILT_IN.get(name) or installed[name]()
        scorer: Scorer = factory()
    except Exception as error:
        raise PluginError(f"sentiment scorer {name!r} cannot be loaded: {error!r}") from error
    if not callable(scorer):
        raise PluginError(f"sentiment scorer {name!r} is no function of (text, language) but {type(scorer).__name__}")
    if name in _BUILT_IN:
        return scorer
    try:
        read(scorer, name, _TRIED, "en")
    except Exception as error:
        raise PluginError(f"sentiment scorer {name!r} fails on {_TRIED!r}: {error!r}") from error
    return GuardedScorer(scorer, name, failed)
