"""A state that an earlier version wrote is gone on with as if nothing had happened."""

from pathlib import Path
from typing import Any

import pytest

from tests.recorded.recording import STORIES, as_then, name_of, read, went_on

FOLDER = Path(__file__).parent
RECORDED = [one for path in sorted(FOLDER.glob("*.jsonl.xz")) for one in read(path)]


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one["name"])
def test_it_says_what_the_version_before_went_on_to_say(recorded: dict[str, Any]) -> None:
    was = recorded["sent"]
    assert as_then(went_on(recorded), was) == as_then(was, was)


def test_every_theme_is_recorded() -> None:
    assert {one["name"] for one in RECORDED} == {name_of(*story) for story in STORIES}
    said = {topic for one in RECORDED for topic in one["sent"]}
    assert {"alerts", "journeys", "segments", "kpis", "queue.state", "identity.changes"} <= said
