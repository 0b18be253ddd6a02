"""A state that an earlier version wrote is gone on with as if nothing had happened."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.recorded.recording import STORIES, as_then, name_of, read, went_on

Journeys = dict[str | None, list[Any]]


def both(told: Journeys, other: Journeys) -> Journeys:
    """Of journeys those that both tell of: one that lasts longer now is not told when it once was closed."""
    return {name: records for name, records in told.items() if name in other}


FOLDER = Path(__file__).parent
RECORDED = [one for path in sorted(FOLDER.glob("*.jsonl.xz")) for one in read(path)]


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one["name"])
def test_it_says_what_the_version_before_went_on_to_say(recorded: dict[str, Any]) -> None:
    was = recorded["sent"]
    said, then = as_then(went_on(recorded), was), as_then(was, was)
    told = [each.pop("journeys", {}) for each in (said, then)]
    assert said == then
    assert both(*told) == both(*reversed(told))


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one["name"])
def test_journeys_that_stood_come_once_more_under_their_own_keys(recorded: dict[str, Any]) -> None:
    """And what lay under the customer's is removed, so that no record stays that nobody would ever replace."""
    changelog = recorded["changelogs"]["track"]
    rows = [json.loads(value[value.index("{") :]) for key, value in changelog if key.startswith("customers\0")]
    lines = [(row["owner"], name, line) for row in rows for name, line in row["lines"].items()]
    newest = dict(went_on(recorded)["journeys"])
    shown = [(name, each) for _, _, line in lines for name, each in line.get("shown", {}).items()]
    assert {name for name, each in shown if each[4:] in ([], [None])} <= newest.keys(), "but for those taken back"
    own = {f"{name}/{owner}" if name else owner for owner, name, _ in lines}
    assert own <= newest.keys() and {newest[key] for key in own} == {None}
    assert {key for key, value in newest.items() if value} == {
        json.loads(v)["journey_id"] for v in newest.values() if v
    }


def test_every_theme_is_recorded() -> None:
    assert {one["name"] for one in RECORDED} == {name_of(*story) for story in STORIES}
    said = {topic for one in RECORDED for topic in one["sent"]}
    assert {"alerts", "journeys", "segments", "kpis", "queue.state", "identity.changes"} <= said
