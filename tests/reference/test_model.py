"""The reference itself, against numbers that the documents give and some that were counted by hand."""

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.reference.drive import total
from tests.reference.events import DAY, HOUR, MIN, History, S, Story
from tests.reference.histories import THEMES, make
from tests.reference.kit import T, call, history, story
from tests.reference.model import Ratio, Sums, Truth, truth


def legs(answered_in: int, answered: int, short: int, gone_in: int, gone: int, waiting: int) -> Sums:
    made = Sums(waiting=waiting)
    for n in range(answered):
        made.add("left.answered", (20 * S if n < answered_in else 21 * S,))
    for n in range(gone):
        made.add("left.abandoned", (5 * S if n < short else 20 * S if n < gone_in else 60 * S,))
    return made


@pytest.mark.parametrize(
    ("variant", "percent"),
    [
        ("abandon_in_time_is_hit", 83.02), ("answered_only", 86.0), ("all_abandons_count", 81.13), ("in_threshold_abandons_excluded", 82.69),
        ("short_abandons_positive", 82.08), ("short_abandons_excluded", 81.90), ("reached_threshold", 81.13),
    ],
)  # fmt: skip
def test_the_seven_service_levels(variant: str, percent: float) -> None:
    top, bottom = legs(860, 1000, 10, 20, 60, 0).figures()[f"service_level.{variant}"]
    assert round(100 * top / bottom, 2) == percent


def test_who_waits_for_the_threshold_lowers_the_service_level() -> None:
    assert legs(860, 1000, 10, 20, 60, 30).figures()["service_level.reached_threshold"] == (860, 1090)


def test_surveys() -> None:
    made = Sums()
    for metric, score, times in (("csat", 5, 74), ("csat", 3, 33), ("nps", 10, 40), ("nps", 8, 30), ("nps", 5, 30)):
        for _ in range(times):
            made.add(metric, (score * 1000,))
    assert made.figures()["csat.satisfied"] == (74, 107)
    assert made.figures()["nps.every_answer"] == (1000, 100)


def told(*some: Story) -> tuple[Truth, dict[str, Ratio]]:
    """Figures by name, over all days and places."""
    made = truth(history(*some))
    found: dict[str, Ratio] = {}
    for (*_, name), (top, bottom) in total(made.days).items():
        had = found.get(name, (0, 0))
        found[name] = (had[0] + top, had[1] + bottom)
    return made, found


def test_a_call_with_everything() -> None:
    s = (
        call("p", customer_id="7", tier="gold")
        .at(0, "initiated")
        .at(2, "queued", queue="cards")
        .at(40, "offered", agent_id="a")
        .at(45, "connected", agent_id="a")
    )
    s.at(105, "held").at(135, "resumed").at(155, "transferred", kind="warm", to_queue="loans").at(
        156, "queued", queue="loans"
    )
    s.at(300, "connected", agent_id="b").at(310, "ended", by="customer").at(330, "wrapped_up", agent_id="b")
    made, got = told(s)
    assert got["speed_of_answer.answered_legs"] == ((43 + 144) * S, 2)
    assert got["speed_of_answer.all_contacts"] == (43 * S, 1)
    assert got["handle_time.talk"] == ((60 + 20 + 145 + 10) * S, 1)
    assert got["handle_time.hold"] == (30 * S, 1)
    assert got["handle_time.wrap"] == (20 * S, 1)
    assert made.alerts == {("customer:7", "p", "loans", T + (156 + 120) * S): "answered"}
    assert [(c.queue, c.outcome, c.wait, c.transfers) for c in made.journeys["customer:7"]] == [
        ("loans", "answered", 43 * S, 1)
    ]


def test_askings() -> None:
    s = (
        story("chat", "p", customer_id="7")
        .at(0, "initiated")
        .at(10, "message.sent", author="customer", direction="inbound")
    )
    for second, author in ((12, "bot"), (70, "agent")):
        s.at(second, "message.sent", author=author, direction="outbound")
    s.at(100, "message.sent", author="customer", direction="inbound").at(
        130, "message.sent", author="agent", direction="outbound"
    )
    s.at(150, "ended", by="agent").at(5000, "message.sent", author="customer", direction="inbound").at(
        5045, "message.sent", author="agent", direction="outbound"
    )
    _, got = told(s)
    assert got["first_response.any"] == (2 * S, 1)
    assert got["first_response.human_from_start"] == (60 * S, 1)
    assert got["first_response.after_reopen"] == (45 * S, 1)
    assert got["next_response.human"] == ((30 + 45) * S, 2)


def test_an_hour_of_silence_and_a_weekend_of_it() -> None:
    s = (
        story("messaging", "m", T + 5 * DAY, customer_id="7")
        .say("queued", queue="wa")
        .customer()
        .wait(50 * HOUR)
        .say("connected")
        .wait(MIN)
        .say("ended", by="agent")
    )
    _, got = told(s)
    assert got["speed_of_answer.answered_legs"] == (50 * HOUR, 1)
    assert got["contacts_offered.all"] == (1, 0)
    silent, got = told(
        story("messaging", "m", T, customer_id="7").say("queued", queue="wa"),
        call("x", T + 30 * HOUR).say("article.viewed", article_id="x"),
    )
    assert got["flow_out.of_left"] == (1, 1)
    assert [c.outcome for c in silent.journeys["customer:7"]] == ["flow_out"]


@pytest.mark.parametrize("theme", THEMES)
def test_order_of_arrival_and_repetition_change_nothing(theme: str) -> None:
    r = random.Random(7)
    for seed in range(10):
        one = make(theme, seed)
        when: dict[Any, int] = {}
        late = [
            replace(e, arrives=when.setdefault((e.key, e.at), e.at + r.randrange(HOUR)))
            for e in sorted(one.events, key=lambda e: e.at)
        ]
        late += r.sample(late, len(late) // 3)
        late.sort(key=lambda e: e.arrives)
        assert replace(truth(History(tuple(late), one.end)), in_order=True) == replace(truth(one), in_order=True)
