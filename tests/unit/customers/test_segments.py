"""The score, its components and the segments: values worked out by hand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.outputs import Segment as Contract
from streams.base import decay
from streams.base.decay import Decayed
from streams.customers import scores
from streams.customers.scores import Standing
from tests.support.track_story import OWNER, RULES, T0, D, H, M, S, event, play, said

SEGMENTS = RULES.segments


def assess(now: int | None = None, **values: object) -> scores.Score:
    standing = Standing(**{"contacts": 5, "first": T0 - 90 * D, "last": T0, "last_inbound": T0} | values)  # type: ignore[arg-type]
    return scores.assess(standing, now, SEGMENTS)[0]


def test_the_components() -> None:
    score = assess(
        inbound=Decayed(3.0, 3.0, T0),
        mood=Decayed(-500.0, 2.0, T0),
        friction=Decayed(2.0, 1.0, T0 - 14 * D),
        last_inbound=T0 - 15 * D,
    )
    assert score.recency == round(100 * 2**-0.5, 1) == 70.7
    assert score.frequency == 50.0  # three contacts are the half
    assert score.sentiment == 37.5  # mean −0.25
    assert score.friction == round(100 * 2**-0.5, 1)  # 2 points, one half-life ago: 1 point
    assert score.score == round(0.2 * 70.7107 + 0.25 * 50 + 0.3 * 37.5 + 0.25 * 70.7107, 1)


def test_without_messages_sentiment_is_in_the_middle() -> None:
    assert assess().sentiment == 50.0


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        ("active", {}),
        ("loyal", {"inbound": Decayed(9.0, 9.0, T0)}),
        ("new", {"contacts": 2, "first": T0 - 13 * D}),
        ("active", {"contacts": 2, "first": T0 - 14 * D}),
        ("active", {"contacts": 3, "first": T0}),
        ("at-risk", {"mood": Decayed(-400.0, 1.0, T0)}),
        ("at-risk", {"friction": Decayed(3.1, 1.0, T0)}),
        ("dormant", {"last_inbound": T0 - 31 * D}),
        ("dormant", {"now": T0 + 30 * D + 1}),
        ("active", {"now": T0 + 30 * D}),
    ],
)
def test_the_segments(expected: str, values: dict[str, object]) -> None:
    assert assess(**values).segment == expected  # type: ignore[arg-type]


def test_a_score_needs_a_contact() -> None:
    with pytest.raises(ValueError, match="no score"):
        scores.assess(scores.NOBODY, None, SEGMENTS)


def test_a_record_in_full() -> None:
    task = play(
        event("contact.queued", 0, queue="cards", tier="gold"),
        event("contact.ended", M, by="customer", reason="abandoned"),
    )
    [record] = task.segments
    assert record == {
        "customer": OWNER,
        "segment": "new",
        "score": 57.8,
        "tier": "gold",
        "updated": "2026-01-01T09:01:00.000Z",
        "components": {"recency": 100.0, "frequency": 20.6, "sentiment": 50.0, "friction": 70.7},
        "revision": 1,
        "line": "",
        "tier_from": "contact",
        "contributions": [
            {"what": "recency", "weight": 0.2, "value": 99.998, "contribution": 20.0},
            {"what": "friction", "weight": 0.25, "value": 70.711, "contribution": 17.7},
            {"what": "sentiment", "weight": 0.3, "value": 50.0, "contribution": 15.0},
            {"what": "frequency", "weight": 0.25, "value": 20.63, "contribution": 5.1},
        ],
        "type": "none",
        "confidence": 0.0,
        "types": [
            {"type": name, "score": 0.0, "contributions": []}
            for name in ("value", "service", "relationship", "convenience")
        ],
        "reasons": [],
        "before": None,
        "changed": [],
        "sentiment_trend": None,
    }
    Contract.model_validate_json(json.dumps(record))


def test_a_silent_customer_falls_dormant_without_any_event() -> None:
    task = play(event("contact.initiated", 0, tier="gold"), event("contact.ended", S, by="customer"))
    for day in (2, 5, 29, 31, 60):
        task.until(day * D)
    assert [(each["segment"], each["updated"][:10], each["tier"]) for each in task.segments] == [
        ("new", "2026-01-01", "gold"),
        ("dormant", "2026-01-31", "gold"),
    ]
    task.take(event("contact.initiated", 61 * D, "c2"))
    assert task.segments[-1]["segment"] == "active"


def test_who_is_only_known_by_one_contact_has_no_segment() -> None:
    assert not play(event("contact.initiated", 0, owner="contact:c1")).segments
    assert play(event("contact.initiated", 0, owner="anonymous:phone:+4420")).segments


def test_friction_comes_from_what_went_wrong() -> None:
    smooth = play(said(0), event("contact.ended", M, channel="chat", by="agent"))
    rough = play(
        said(0), event("search.failed", S, channel="chat"), event("contact.transferred", 2 * S, channel="chat")
    )
    assert smooth.segments[-1]["components"]["friction"] == 100.0
    assert rough.segments[-1]["components"]["friction"] == 70.7


@given(st.permutations([(0, 1.0), (H, -2.0), (5 * D, 4.0), (40 * D, 0.5), (3 * M, 7.0)]))
def test_decayed_sums_do_not_depend_on_order(values: list[tuple[int, float]]) -> None:
    sums = decay.NOTHING
    for at, value in values:
        sums = decay.add(sums, value, at, 10 * D)
    expected = sum(value * 2 ** (-(40 * D - at) / (10 * D)) for at, value in values)
    assert sums.at == 40 * D
    assert sums.total == pytest.approx(expected, rel=1e-9)


def test_a_value_counts_half_after_a_half_life() -> None:
    assert decay.total_at(decay.add(decay.NOTHING, 8.0, T0, D), T0 + 3 * D, D) == 1.0
