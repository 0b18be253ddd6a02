"""What comes late, out of order, at impossible times or twice within an hour, beside the recount."""

import json
from typing import Any

import pytest

from streams.base.times import iso
from streams.contacts import histories
from streams.customers import condensing
from streams.metrics.query import Standing, window_of
from tests.reference import drive
from tests.reference.drive import replayed
from tests.reference.events import DAY, HOUR, MIN, Event, S, moment
from tests.reference.kit import T, call, counted, figure, filler, history, mark, owners, story, tell
from tests.support.offline import NOW, deployment, settle


@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2100-01-01T00:00:01Z",
        "9999-12-31T23:59:59Z",
    ],
)
@pytest.mark.parametrize("kind", ["replay.progressed", "replay.ended", "contact.queued"])
def test_times_that_cannot_be_are_refused_and_cost_nothing(time: str, kind: str) -> None:
    run = deployment()
    mark(run, ["odd"], "started", T, ["contacts.voice"])
    if kind.startswith("replay."):
        mark(run, ["odd"], kind.split(".")[1], time, ["contacts.voice"])
    else:
        one = call("odd", customer_id="1").say("queued", queue="q").events[0]
        made = json.loads(one.value("odd")) | {"time": time}
        run.publish(one.topic, one.key, json.dumps(made).encode(), NOW)
    run.run(NOW)
    good = history(call("p", customer_id="7").served("cards", 9 * S, MIN))
    came = replayed(good, run=run)
    assert figure(came, "handle_time.talk") == {("voice", "cards", "none"): (MIN, 1)}
    assert owners(came) == {"customer:7": 1}
    assert [(x["reason"], x["path"]) for x in came.letters] == [("wrong-type", "time")]
    assert all(task.failed == 0 and task.aside == 0 and task.unfinished is None for task in run.tasks)


@pytest.mark.parametrize("calls", [5, 9, 30])
def test_a_word_about_a_contact_of_which_nobody_knows_any_more_counts_none(
    calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Surveys of the day after for more calls than can rest and be remembered: those are late."""
    monkeypatch.setattr(condensing, "MAX_RESTED", 4)
    monkeypatch.setattr(condensing, "MAX_GONE", 3)
    told: list[Event] = []
    for n in range(calls):
        s = call(f"p{n}", T + n * MIN, customer_id="7").served("cards", 4 * S, 50 * S).wait(26 * HOUR)
        told += s.say("feedback.given", metric="csat", score=5).events
    came, place = tell("paced replay", told, after=30 * HOUR), ("voice", "cards", "none")
    assert counted(came, "contacts_offered.all") == {place: calls}
    assert counted(came, "contacts_contained.all") == {}
    assert owners(came)["customer:7"] == calls
    rated = figure(came, "csat.satisfied")
    assert set(rated) == {place}
    assert rated[place][1] <= calls


@pytest.mark.parametrize("messages", [40, 620])
def test_what_a_contact_has_once_is_replaced_however_much_came_in_between(
    messages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "MAX_MARKS", 30)
    s = story("chat", "p", customer_id="7").say("initiated").customer().wait(S).say("connected", agent_id="a").wait(MIN)
    s.say("ended", by="agent").wait(S).say("feedback.given", metric="csat", score=1).wait(MIN)
    for _ in range(messages):
        s.customer(0.25).wait(30 * S)
    s.say("connected", agent_id="a").wait(MIN).say("ended", by="agent").say("feedback.given", metric="csat", score=5)
    came, place = tell("paced replay", s, filler(6 * 3600, 1200)), ("chat", "none", "none")
    assert figure(came, "handle_time.talk") == {place: (2 * MIN, 1)}
    assert figure(came, "csat.satisfied") == {place: (1, 1)}
    assert counted(came, "contacts_offered.all") == {place: 1}


def hourly(run: Any, line: str, name: str) -> int:
    """Denominators of a figure over the hours that lie end to end, as they stand."""
    records = drive.of(run, "kpis", line)
    first, last = (each(moment(record["window"]["start"]) // HOUR for record in records) for each in (min, max))
    standing = Standing([(iso(hour * HOUR), HOUR) for hour in range(first, last + 1)])
    for record in records:
        if standing.wants(*window_of(record)):
            standing.add(record)
    return sum(
        int(one["denominator"])
        for record in standing.records()
        for one in record["readings"]
        if f"{one['kpi']}.{one['variant']}" == name
    )


@pytest.mark.parametrize("minutes", [10, 65, 150])
@pytest.mark.parametrize("paced", [True, False])
def test_after_contact_work_counts_its_contact_in_one_hour_only(minutes: int, paced: bool) -> None:
    s = call("p", customer_id="7").served("cards", 9 * S, MIN)
    s.wait(minutes * MIN).say("wrapped_up", agent_id="a", duration_ms=30 * S)
    run = deployment()
    replayed(history(s, filler(6 * 3600)), paced=paced, run=run)
    assert hourly(run, drive.LINE, "handle_time.all") == 1


@pytest.mark.parametrize("first", [65, 90])
def test_what_is_late_within_the_lateness_amends_though_later_words_came_before(first: int) -> None:
    """One fact beyond the lateness, then one inside it, in the same queue."""
    run = deployment()
    line, topic = "late", "contacts.voice"
    mark(run, [line], "started", T - 3 * HOUR, [topic])
    clock = T
    for event in (
        call("tick", clock, customer_id="t").say("queued", queue="x").wait(S).say("ended", by="customer").events
    ):
        run.publish(topic, event.key, event.value(line), NOW)
    run.run(NOW)
    for contact, age in (("old", first), ("newer", 40)):
        s = (
            call(contact, clock - age * MIN, customer_id=contact)
            .say("queued", queue="cards")
            .wait(9 * S)
            .say("ended", by="customer")
        )
        for event in s.events:
            run.publish(topic, event.key, event.value(line), NOW)
        run.run(NOW)
    settle(run, NOW)
    at = clock - 40 * MIN + 9 * S
    held = [
        r for r in drive.of(run, "kpis", line)
        if r["dimensions"]["queue"] == "cards" and moment(r["window"]["start"]) <= at < moment(r["window"]["end"]) <= clock
    ]  # fmt: skip
    assert {r["window"]["length_ms"] for r in held} >= {MIN, 5 * MIN, 15 * MIN}
    assert {r["status"] for r in held} == {"amended"}


def test_the_last_state_of_a_queue_stays_when_a_replay_ends() -> None:
    told: list[Event] = []
    for n in range(3):
        told += (
            call(f"p{n}", T + n * 7 * S, customer_id=f"{n}", tier="gold" if n else "silver")
            .say("queued", queue="cards")
            .events
        )
    told += call("q", T, customer_id="9").say("queued", queue="loans").wait(31 * S).say("ended", by="customer").events
    came = tell("replay", told, after=2 * MIN)
    state = came.queues["voice", "cards"]
    assert (state["depth"], state["by_tier"], moment(state["oldest_entered"])) == (3, {"gold": 2, "silver": 1}, T)
    assert came.queues.get(("voice", "loans"), {"depth": 0})["depth"] == 0


def test_a_day_beyond_the_horizon_is_another_contact() -> None:
    s = (
        story("messaging", "m", customer_id="7")
        .say("initiated")
        .customer()
        .wait(MIN)
        .reply(agent_id="a")
        .wait(MIN)
        .say("ended", by="agent")
    )
    s.wait(16 * DAY).say("initiated").customer().wait(2 * MIN).reply(agent_id="a").wait(MIN).say("ended", by="agent")
    came = tell("paced replay", s)
    assert figure(came, "first_response.human_from_start") == {("messaging", "none", "none"): (3 * MIN, 2)}
