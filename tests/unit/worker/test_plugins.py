"""Scorers by name."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from streams.sentiment.lexicon import LexiconScorer
from streams.worker import plugins
from streams.worker.plugins import PluginError, load_scorer


def constant() -> plugins.Scorer:
    return lambda text, language: 0.5


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("constant", f"{__name__}:constant", plugins.SENTIMENT),
        EntryPoint("lexicon", f"{__name__}:constant", plugins.SENTIMENT),
        EntryPoint("gone", "no_such_module:x", plugins.SENTIMENT),
        EntryPoint("number", "builtins:int", plugins.SENTIMENT),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(points).select(group=group))
    monkeypatch.setattr(EntryPoint, "load", lambda self: {"constant": constant, "number": int}[self.name])


def test_by_name() -> None:
    assert isinstance(load_scorer("lexicon"), LexiconScorer)
    assert load_scorer("none") is None
    scorer = load_scorer("constant")
    assert scorer is not None
    assert scorer("text", None) == 0.5


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(
        PluginError, match="no sentiment scorer 'bert'; available: constant, gone, lexicon, none, number"
    ):
        load_scorer("bert")


def test_what_cannot_be_loaded_is_named() -> None:
    with pytest.raises(PluginError, match="'gone' cannot be loaded"):
        load_scorer("gone")
    with pytest.raises(PluginError, match="'number' is no function"):
        load_scorer("number")
