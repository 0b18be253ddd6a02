"""What the audit of a run under faults says of segments and tiers holds without faults, and finds what is wrong."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.chaos.audit import figures, journey_counts, quality, signals, standings
from tests.chaos.audit.logs import Rec
from tests.chaos.offline import told


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_segments_and_tiers_are_what_a_recount_gives(seed: int, tmp_path: Path) -> None:
    logs, world = told(seed, tmp_path)
    assert not [f"{each.level}: {each.what}" for each in standings.check(logs, world)]
    seen = [rec.doc for rec in logs.of("segments") if rec.value is not None]
    assert {each["tier_from"] for each in seen} == {"crm", "value", "contact", "none"}
    assert len({each["type"] for each in seen}) >= 3
    assert len(seen) < len(logs.of("segments")), "nobody's contacts all went to another customer"
    assert len({tier for changes in world.tiers.values() for _, name, tier in changes if not name}) == 4


@pytest.mark.parametrize("seed", [1, 2])
def test_facts_and_readings_are_what_a_recount_gives(seed: int, tmp_path: Path) -> None:
    logs, world = told(seed, tmp_path)
    logs.partitions = dict.fromkeys(logs.records, 1)
    for contact in world.contacts.values():
        contact.facts += signals.judge(contact)
    journey_counts.followed(world)
    assert {fact.fact for fact in world.facts} >= {"contact_handled", "first_response", "feedback"}
    together = figures.told_together(logs)
    assert {fact.fact for fact in together} == {
        "journey_solved", "journey_resolved", "journey_opened", "journey_left", "quality"
    }  # fmt: skip
    by_lane = figures.lanes(world, together)
    assert any(lane.open for lane in by_lane.values())
    wrong = [
        *figures.check_facts(logs, world),
        *journey_counts.check(logs, {}),
        *quality.check_facts(logs, {}),
        *figures.check_readings(logs, {}, by_lane),
    ]
    assert not [f"{each.level}: {each.what}" for each in wrong]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tier": "lead"}, "tier is lead"),
        ({"score": 12.3}, "score is 12.3"),
        ({"type": "other"}, "the type is other"),
        ({"contributions": []}, "contributions do not add up"),
        ({"before": {"tier": "lead"}}, "says it was"),
    ],
)
def test_what_is_wrong_is_found(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    logs, world = told(4, tmp_path)
    last = {rec.key: number for number, rec in enumerate(logs.of("segments"))}
    owner = next(each.owner for each in world.contacts.values() if each.owner.startswith("customer:"))
    place = last[owner.encode()]
    rec = logs.of("segments")[place]
    wrong = Rec(rec.topic, rec.partition, rec.offset, rec.timestamp, rec.key, orjson.dumps({**rec.doc, **change}))
    logs.records["segments"][place] = wrong
    assert [each.what for each in standings.check(logs, world) if says in each.what]


def test_a_record_that_ought_to_be_taken_back_is_found(tmp_path: Path) -> None:
    logs, world = told(4, tmp_path)
    back = next(rec for rec in logs.of("segments") if rec.value is None)
    logs.records["segments"] = [rec for rec in logs.of("segments") if rec.key != back.key or rec.offset < back.offset]
    assert [each.what for each in standings.check(logs, world) if "has no contact any more" in each.what]
