"""A state that an earlier version wrote is gone on with as if nothing had happened."""

from pathlib import Path
from typing import Any

import pytest

from tests.recorded.recording import STORIES, as_then, name_of, read, went_on

Journeys = dict[str | None, list[Any]]


def both(told: Journeys, other: Journeys) -> Journeys:
    """Of journeys those that both tell of: one that lasts longer now is not told when it once was closed."""
    names = {one["journey_id"] for records in other.values() for one in records}
    kept = {key: [one for one in records if one["journey_id"] in names] for key, records in told.items()}
    return {key: records for key, records in kept.items() if records}


FOLDER = Path(__file__).parent
RECORDED = [one for path in sorted(FOLDER.glob("*.jsonl.xz")) for one in read(path)]


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one["name"])
def test_it_says_what_the_version_before_went_on_to_say(recorded: dict[str, Any]) -> None:
    was = recorded["sent"]
    said, then = as_then(went_on(recorded), was), as_then(was, was)
    told = [each.pop("journeys", {}) for each in (said, then)]
    assert said == then
    assert both(*told) == both(*reversed(told))


def test_every_theme_is_recorded() -> None:
    assert {one["name"] for one in RECORDED} == {name_of(*story) for story in STORIES}
    said = {topic for one in RECORDED for topic in one["sent"]}
    assert {"alerts", "journeys", "segments", "kpis", "queue.state", "identity.changes"} <= said
