"""What the door says of a record that it refuses before the models look at it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from schemas.events import check, parse
from streams.base.times import DAY_MS, HOUR_MS, iso
from streams.pipeline.checks import Checks, Door, Rejected
from tests.fuzz.costs import Scene
from tests.support.offline import NOW

DOOR = Door("", 1_000_000, 24 * HOUR_MS, 60_000, (1, 5), (1, 7))
CHECKS = Checks(DOOR)


def record(**given: Any) -> Any:
    return SimpleNamespace(**{"value": b"{}", "headers": (), "timestamp": NOW, **given})


@pytest.mark.parametrize(
    ("headers", "ends"),
    [
        ([("content-type", b"application/avro")], '; its content-type is "application/avro", and only JSON is read'),
        (
            [("Content-Type", b"text/\x1b[31m\xff")],
            '; its content-type is "text/\\x1b[31m\ufffd", and only JSON is read',
        ),
        ([("content-type", b"application/cloudevents+json")], "line 1 column 1 (char 0)"),
        ([("content-type", None)], "line 1 column 1 (char 0)"),
        ([], "line 1 column 1 (char 0)"),
    ],
)
def test_what_is_no_json_is_told_with_what_it_says_it_is(headers: Any, ends: str) -> None:
    with pytest.raises(Rejected) as refused:
        CHECKS.decode(record(value=b"\0\0\0\0\x07avro", headers=headers))
    assert refused.value.reason == "unreadable"
    assert refused.value.message.startswith("not JSON in UTF-8: ")
    assert refused.value.message.endswith(ends)


@pytest.mark.parametrize(
    ("time", "begins"),
    [
        (0, f"time is 1970-01-01T00:00:00.000Z, {NOW / DAY_MS:.0f} days before the arrival; at most 24 h are taken"),
        (NOW - 30 * HOUR_MS, f"time is {iso(NOW - 30 * HOUR_MS)}, 30.0 h before the arrival"),
        (NOW + 90_000, f"time is {iso(NOW + 90_000)}, 90 s after the arrival; 60 s are tolerated"),
        (NOW + 400 * DAY_MS, f"time is {iso(NOW + 400 * DAY_MS)}, 400 days after the arrival"),
    ],
    ids=["1970", "hours ago", "in seconds", "in days"],
)
def test_a_time_out_of_range_is_told_as_a_date_and_how_far_off_it_is(time: int, begins: str) -> None:
    event = parse(
        {
            "specversion": "1.0", "id": "1", "source": "s", "type": "contact.held", "time": iso(time),
            "data": {"contact_id": "c", "channel": "voice"},
        }
    )  # fmt: skip
    with pytest.raises(Rejected) as refused:
        CHECKS.live(record(), event, time)
    assert refused.value.message.startswith(begins)


@pytest.mark.parametrize(
    ("metric", "score", "scale", "told"),
    [
        ("csat", 1, None, None),
        ("csat", 5, "1-5", None),
        ("csat", 0, "0-10", None),
        ("csat", 10, "0-10", None),
        ("ces", 7, "1-7", None),
        ("csat", 0, "good-bad", None),
        ("csat", 1.0, "good-bad", None),
        ("nps", 10, "0-10", None),
        ("csat", 0, None, "data.score must lie on the scale of csat, 1 to 5"),
        ("csat", 6, "1-5", "data.score must lie on the scale of 1-5, 1 to 5"),
        ("ces", 8, "1-7", "data.score must lie on the scale of 1-7, 1 to 7"),
        ("csat", 2, "good-bad", "data.score must lie on the scale of good-bad, 0 to 1"),
        ("csat", 0.5, "good-bad", "data.score must be 1 (good) or 0 (bad) on the scale good-bad"),
        ("nps", 5, "1-5", "data.scale must be 0-10: an NPS has no other scale"),
        ("nps", 1, "good-bad", "data.scale must be 0-10: an NPS has no other scale"),
    ],
)
def test_an_answer_lies_on_the_scale_it_names(metric: str, score: float, scale: str | None, told: str | None) -> None:
    about = {"contact_id": "c", "channel": "voice", "metric": metric, "score": score, "scale": scale}
    event = parse(
        {"specversion": "1.0", "id": "1", "source": "s", "type": "feedback.given", "time": iso(NOW), "data": about}
    )
    if told is None:
        CHECKS.scale(event.data)
        return
    with pytest.raises(Rejected) as refused:
        CHECKS.scale(event.data)
    assert (refused.value.reason, refused.value.message) == ("wrong-type", told)
    assert told.startswith(f"{refused.value.path} ")


@pytest.mark.parametrize("configured", [(0, 10), (1, 7)])
def test_a_scale_that_is_named_rules_over_the_configured_one(configured: tuple[int, int]) -> None:
    data = SimpleNamespace(metric="csat", score=0, scale="good-bad")
    Checks(replace(DOOR, csat_scale=configured)).scale(data)


def test_the_scale_of_ces_is_the_configured_one_where_none_is_named() -> None:
    checks = Checks(replace(DOOR, ces_scale=(1, 5)))
    checks.scale(SimpleNamespace(metric="ces", score=5, scale=None))
    checks.scale(SimpleNamespace(metric="ces", score=7, scale="1-7"))
    with pytest.raises(Rejected) as refused:
        checks.scale(SimpleNamespace(metric="ces", score=6, scale=None))
    assert refused.value.message == "data.score must lie on the scale of ces, 1 to 5"


@pytest.mark.parametrize(
    ("told", "path", "message"),
    [
        ({"tier": "gold"}, None, ""),
        ({"tier_withdrawn": True}, None, ""),
        ({"tier": "gold", "tier_withdrawn": False}, None, ""),
        ({"tier": "diamond"}, "data.tier", "data.tier must be a tier of the rules: gold, red"),
        ({"tier": "gold", "tier_withdrawn": True}, "data.tier_withdrawn", "data.tier_withdrawn must not be true where"),
    ],
)
def test_a_profile_gives_a_tier_of_the_rules_or_withdraws_it(
    told: dict[str, Any], path: str | None, message: str
) -> None:
    data = parse(profile(**told)).data
    checks = Checks(replace(DOOR, tiers=("gold", "red")))
    if path is None:
        checks.tier(data)
        return
    with pytest.raises(Rejected) as refused:
        checks.tier(data)
    assert (refused.value.reason, refused.value.path) == ("wrong-type", path)
    assert refused.value.message.startswith(message)


def profile(**told: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "1", "source": "s", "type": "customer.profile_changed", "time": iso(NOW),
        "data": {"customer_id": "k", **told},
    }  # fmt: skip


@pytest.mark.parametrize("field", ["value_cents", "spend_cents", "contract_cents"])
@pytest.mark.parametrize("value", [-1, 1.5, "9", 2**53])
def test_a_value_is_a_whole_number_that_is_not_negative(field: str, value: Any) -> None:
    problem = check(profile(**{field: value}))
    assert problem is not None and (problem.reason, problem.path) == ("wrong-type", f"data.{field}")


def test_a_profile_with_a_tier_that_is_not_there_is_a_dead_letter() -> None:
    scene = Scene()
    scene.turn()
    scene.event("customer.profile_changed", {"customer_id": "k", "tier": "diamond"})
    scene.event("customer.profile_changed", {"customer_id": "k", "tier": "gold", "value_cents": -1})
    scene.turn()
    found = [orjson.loads(each.value or b"") for each in scene.deployment.on("contacts.dead-letters")]
    assert [(each["hop"], each["reason"], each["path"]) for each in found] == [
        ("ingest", "wrong-type", "data.tier"),
        ("ingest", "wrong-type", "data.value_cents"),
    ]
