"""Deadlines fire where the log says so: what `track` and `identify` send is a function of the log, however it is cut."""

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.base.records import Left, Line, Profile, Progress
from streams.customers import loop
from streams.customers.customers import Customer
from streams.customers.rules import AlertRules
from tests.support.logs import a_cut, as_read, by_key, left_of_published, run
from tests.support.offline import RULES as SHIPPED
from tests.support.offline import TaskUnderTest, hops, inlets
from tests.support.ruling import ruled
from tests.support.track_story import OWNER, RULES, T0, D, H, M, S, contact_events, event

FEW = replace(SHIPPED, customers=replace(SHIPPED.customers, alerts=AlertRules()))
"""Rules of which none is about alerts."""
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""Without shrinking: logs are long, and a failing one is quickly made shorter by hand."""
TIMES = st.sampled_from([0, 1, 20 * S, 121 * S, 10 * M, 3 * H, 25 * H])


@st.composite
def logs(draw: st.DrawFn) -> list[Any]:
    """Events of three customers in any order, changes of owner and tier, and progress of two origins between them."""
    told: list[Any] = []
    for number in range(draw(st.integers(1, 3))):
        owner = f"customer:C{number}"
        told += [
            msgspec.structs.replace(each, owner=owner, contact=f"{number}-{each.contact}", id=f"{number}-{each.id}")
            for each in draw(contact_events())
        ]
        for change in range(draw(st.integers(0, 2))):
            at = T0 + draw(st.integers(-H, D))
            told.append(Profile(f"p{change}", "crm", f"C{number}", at, tier=draw(st.sampled_from(["gold", "red"]))))
        if draw(st.booleans()):
            name = f"{number}-c0"
            channel = next(each.channel for each in told if getattr(each, "contact", "") == name)
            told.append(Left(owner, name, channel, "customer:C9", T0 + draw(st.integers(0, D))))
    told = draw(st.permutations(told)) if draw(st.booleans()) else told
    log: list[Any] = []
    clocks = [T0 - H, T0 - H]
    for one in told:
        for origin in range(2):
            if draw(st.booleans()):
                clocks[origin] += draw(TIMES)
                log.append(Progress(f"up-{origin}", 2, {"": Line(clocks[origin])}))
        log.append(one)
    return [*log, *(Progress(f"up-{origin}", 2, {"": Line(T0 + 400 * D)}) for origin in range(2))]


@settings(max_examples=100, phases=PHASES)
@given(logs(), a_cut)
def test_alerts_and_facts_are_the_same_records_in_the_same_order(log: list[Any], cuts: list[tuple[int, bool]]) -> None:
    """Down to the stream time at which an alert fired; in the order of each alert and of each fact."""
    one_by_one, cut = run(hops()["track"], log, [(1, False)]), run(hops()["track"], log, cuts)
    for topic in ("alerts", "contact.measurements"):
        assert by_key(cut, topic) == by_key(one_by_one, topic)
    assert left_of_published(cut) == left_of_published(one_by_one)
    kept = [
        {key: lines for key, row in task.tables["customers"].items() if (lines := standing(row))}
        for task in (one_by_one, cut)
    ]
    assert kept[0] == kept[1]


OTHER_RULES = (
    """rules:
  - {name: high-tier-wait, subject: contact, tiers: high, when: {waiting: {above: 10s}}, severity: critical}
  - {name: any-wait, subject: contact, when: {waiting: {above: 3m}}}""",
    "rules: []",
    """rules:
  - {name: any-wait, subject: contact, when: {waiting: {above: 25s}}, severity: info}
  - {name: sour, subject: customer, when: {sentiment: {at_or_below: -0.3, clear_at_or_above: 0}}}""",
)
"""To be applied."""


@st.composite
def places(draw: st.DrawFn) -> list[Any]:
    """A log in which other rules are applied anywhere."""
    log = draw(logs())
    for number, which in enumerate(draw(st.lists(st.sampled_from(OTHER_RULES), max_size=4)), 1):
        log.insert(draw(st.integers(0, len(log) - 2)), (number, which))
    numbers = iter(range(1, 9))
    return [ruled(each[1], next(numbers)) if isinstance(each, tuple) else each for each in log]


@settings(max_examples=100, phases=PHASES)
@given(places(), a_cut)
def test_other_rules_hold_from_their_place_on(log: list[Any], cuts: list[tuple[int, bool]]) -> None:
    one_by_one, cut = run(hops()["track"], log, [(1, False)]), run(hops()["track"], log, cuts)
    assert by_key(cut, "alert.conditions") == by_key(one_by_one, "alert.conditions")
    for task in (one_by_one, cut):
        assert task.task.failed == 0
        assert len(task.tables["rejudging"]) == 0


@settings(max_examples=50, phases=PHASES)
@given(logs(), a_cut, st.sampled_from(OTHER_RULES))
def test_what_was_applied_counts_and_not_the_file(log: list[Any], cuts: list[tuple[int, bool]], applied: str) -> None:
    """Whoever takes over, and whatever it was started with."""
    alone = inlets(rules=FEW)["track"]
    other = TaskUnderTest(alone)
    told = [ruled(applied, 1), *log]
    one, changing = run(hops()["track"], told, [(1, False)]), TaskUnderTest(inlets()["track"])
    run(other, told, [(1, False)])
    for number, each in enumerate(told):
        changing.batch(as_read([each]))
        if number % 3 == 0:
            changing.task.inlet = inlets()["track"] if number % 2 else alone
            changing.restart()
    for task in (other, changing):
        assert by_key(task, "alert.conditions") == by_key(one, "alert.conditions")


def standing(customer: Customer) -> set[str]:
    """Lines of which there is more than names of journeys that were taken back: a batch that saw those come and go
    never showed them.
    """
    return {
        line
        for line, timeline in customer.lines.items()
        if any(each.gone is None for each in timeline.journeys.shown.values())
        or not loop.is_bare(timeline, customer.owner, RULES)
    }


@settings(max_examples=100, phases=PHASES)
@given(logs(), a_cut)
def test_whose_a_contact_is_does_not_depend_on_when_it_was_forgotten(
    log: list[Any], cuts: list[tuple[int, bool]]
) -> None:
    strangers = [
        msgspec.structs.replace(each, owner="", customer=None if index % 3 else f"C{index % 5}")
        if hasattr(each, "contact") and not isinstance(each, Left)
        else each
        for index, each in enumerate(log)
        if not isinstance(each, Left)
    ]
    one_by_one, cut = run(hops()["identify"], strangers, [(1, False)]), run(hops()["identify"], strangers, cuts)
    for topic in ("contact.interactions", "identity.changes"):
        assert by_key(cut, topic) == by_key(one_by_one, topic)


def test_an_alert_fires_at_the_progress_that_proves_it_although_the_answer_is_in_the_same_batch() -> None:
    """A late answer: by then the alert was raised, and resolved by what was known."""
    log = [
        event("contact.queued", 0, queue="cards", tier="gold"),
        event("contact.ended", 5 * M, by="customer", reason="abandoned"),
        Progress("up-0", 1, {"": Line(T0 + H)}),
        event("contact.connected", 4 * M, party="human"),
        Progress("up-0", 1, {"": Line(T0 + 2 * H)}),
    ]
    for cuts in ([(9, False)], [(1, False)], [(3, True)]):
        told = run(hops()["track"], log, cuts).on("alerts")
        assert [(each["status"], each["reason"]) for each in told] == [("firing", None), ("resolved", "abandoned")]
        assert {each["fired_at"] for each in told} == {"2026-01-01T10:00:00.000Z"}
        assert {each["customer"] for each in told} == {OWNER}
