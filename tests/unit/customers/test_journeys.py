"""Journeys: which contacts belong together, their names, their records."""

import json

from hypothesis import given
from hypothesis import strategies as st

from schemas.outputs import Journey as Contract
from streams.customers import journey_sums
from streams.customers.journey_sums import Journey, Touchpoint
from tests.support.track_story import OWNER, T0, H, M, S, Task, event, play, said

NAME = "customer:C1@2026-01-01T09:00:00.000Z"


def test_a_record_in_full() -> None:
    task = play(
        event("contact.initiated", 0, "a", tier="gold"),
        event("contact.queued", 5 * S, "a", queue="cards"),
        event("contact.connected", 35 * S, "a", party="human"),
        event("contact.transferred", 60 * S, "a"),
        event("contact.ended", 95 * S, "a", by="system"),
        said(M + 40 * S, -0.5, contact="b"),
    )
    [record] = task.journeys
    assert record == {
        "journey_id": NAME,
        "customer": OWNER,
        "started": "2026-01-01T09:00:00.000Z",
        "updated": "2026-01-01T09:01:40.000Z",
        "status": "open",
        "line": "",
        "tier": "gold",
        "revision": 1,
        "contacts": [
            {
                "contact_id": "a",
                "channel": "voice",
                "queue": "cards",
                "started": "2026-01-01T09:00:00.000Z",
                "ended": "2026-01-01T09:01:35.000Z",
                "outcome": "answered",
                "wait_ms": 30 * S,
                "talk_ms": 25 * S,
                "sentiment": None,
                "messages": 0,
                "transfers": 1,
            },
            {
                "contact_id": "b",
                "channel": "chat",
                "queue": "none",
                "started": "2026-01-01T09:01:40.000Z",
                "ended": None,
                "outcome": "open",
                "wait_ms": 0,
                "talk_ms": 0,
                "sentiment": -0.5,
                "messages": 1,
                "transfers": 0,
            },
        ],
        "counts": {"contacts": 2, "answered": 1, "abandoned": 0, "messages": 1, "transfers": 1},
        "channels": ["voice", "chat"],
        "wait_ms": 30 * S,
        "sentiment": -0.5,
    }
    Contract.model_validate_json(json.dumps(record))


def visit(at: int, contact: str) -> list:  # type: ignore[type-arg]
    return [event("contact.initiated", at, contact), event("contact.ended", at + S, contact, by="customer")]


def test_contacts_belong_together_up_to_the_gap() -> None:
    together = play(*visit(0, "a"), *visit(72 * H + S, "b"))
    assert [each["counts"]["contacts"] for each in together.journeys] == [2]
    apart = play(*visit(0, "a"), *visit(72 * H + S + 1, "b"))
    assert [(each["journey_id"], each["status"]) for each in apart.journeys] == [
        (NAME, "closed"),
        ("customer:C1@2026-01-04T09:00:01.001Z", "open"),
    ]


def test_a_journey_closes_by_itself() -> None:
    task = play(*visit(0, "a")).until(72 * H + S)
    assert [each["status"] for each in task.journeys] == ["open"]
    task.until(72 * H + S + 1)
    assert [(each["status"], each["revision"]) for each in task.journeys] == [("open", 1), ("closed", 2)]


def test_an_earlier_contact_renames_the_journey_and_takes_the_old_name_back() -> None:
    task = Task().take(*visit(10 * M, "b")).take(*visit(0, "a"))
    assert [
        (each["journey_id"], each["status"], each["counts"]["contacts"], each["revision"]) for each in task.journeys
    ] == [
        ("customer:C1@2026-01-01T09:10:00.000Z", "open", 1, 1),
        ("customer:C1@2026-01-01T09:10:00.000Z", "closed", 0, 2),
        (NAME, "open", 2, 1),
    ]
    for record in task.journeys:
        Contract.model_validate_json(json.dumps(record))


def test_a_contact_between_two_journeys_makes_them_one() -> None:
    task = Task().take(*visit(0, "a"), *visit(100 * H, "c")).take(*visit(50 * H, "b"))
    assert [(each["journey_id"][-24:], each["status"], each["counts"]["contacts"]) for each in task.journeys[2:]] == [
        ("2026-01-05T13:00:00.000Z", "closed", 0),
        ("2026-01-01T09:00:00.000Z", "open", 3),
    ]


def test_the_current_journey_is_always_published_last() -> None:
    task = Task().take(*visit(0, "a"), *visit(100 * H, "c"))
    task.take(event("feedback.given", H, "a", metric="csat", score=5))
    assert [(each["journey_id"][-24:], each["revision"]) for each in task.journeys[2:]] == [
        ("2026-01-01T09:00:00.000Z", 2),
        ("2026-01-05T13:00:00.000Z", 2),
    ]


def test_nothing_new_nothing_published() -> None:
    task = Task().take(*visit(0, "a")).take(*visit(0, "a"))
    assert len(task.journeys) == 1


def test_only_the_latest_contacts_are_listed_and_all_are_counted() -> None:
    task = play(*(each for number in range(30) for each in visit(number * M, f"c{number:02}")))
    [record] = task.journeys
    assert [each["contact_id"] for each in record["contacts"]] == [f"c{number:02}" for number in range(10, 30)]
    assert record["counts"]["contacts"] == 30 and record["started"] == "2026-01-01T09:00:00.000Z"


points = st.builds(
    Touchpoint,
    contact=st.sampled_from("abcdef"),
    channel=st.sampled_from(["voice", "chat"]),
    queue=st.just("q"),
    started=st.integers(T0, T0 + 50),
    last=st.just(T0 + 60),
    ended=st.just(T0 + 60),
    outcome=st.sampled_from(["answered", "abandoned"]),
    wait_ms=st.integers(0, 9),
    talk_ms=st.just(0),
    scored=st.just(0),
    scored_milli=st.just(0),
    messages=st.integers(0, 3),
    transfers=st.just(0),
    tier=st.just("none"),
)
parts = st.builds(
    lambda point: Journey(point.started, point.last, (point,), {point.channel: point.started}, wait_ms=point.wait_ms),
    points,
)


@given(parts, parts, parts)
def test_joining_is_commutative_and_associative(one: Journey, two: Journey, three: Journey) -> None:
    def plain(journey: Journey) -> tuple[object, ...]:
        listed = tuple(sorted(journey.listed, key=repr))
        return journey.started, journey.last, listed, journey.firsts, journey.wait_ms, journey.contacts

    assert plain(journey_sums.join(one, two)) == plain(journey_sums.join(two, one))
    left, right = (
        journey_sums.join(journey_sums.join(one, two), three),
        journey_sums.join(one, journey_sums.join(two, three)),
    )
    assert plain(left) == plain(right)
