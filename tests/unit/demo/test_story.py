"""The script of the story: its events are of the contract, its figures those of the shipped rules; through all agents
every step is proved, and where a record is false its step is not, and the others are.
"""

from collections import Counter
from itertools import chain
from typing import Any

import pytest

from schemas import registry, routing
from schemas.events import check
from streams.base.times import DAY_MS, iso, to_ms
from streams.demo import story_past as past
from streams.demo.story import BEFORE_MS, story
from streams.demo.story_erased import subject
from streams.demo.story_parts import Act, Step, Story, journey_of
from streams.demo.story_records import Finding, Newest, Record, Seen
from streams.demo.story_run import SETTLE_S, SETTLED, StepResult, Telling
from streams.demo.wait_rules import wait_rules
from streams.identity.erased import mark
from tests.support.erasure_story import KEY
from tests.support.offline import NOW, RULES
from tests.support.told_story import STORY, Change, Recorded, Silent, again, recorded, with_value, without

BENS = ("chat-ben", "call-ben")
ACTS = [act for step in STORY.steps for act in step.acts]
EVENTS = [(act.line, event) for act in ACTS for event in act.events]


@pytest.mark.parametrize(("line", "event"), EVENTS, ids=[f"{n}-{event['type']}" for n, (_, event) in enumerate(EVENTS)])
def test_its_events_are_of_the_contract(line: str, event: dict[str, Any]) -> None:
    assert check(event) is None
    assert not line or routing.route(event)[0] in STORY.lines[line].topics


def test_no_event_has_the_id_of_another_and_none_lies_in_the_future() -> None:
    assert set(Counter((line, event["source"], event["id"]) for line, event in EVENTS).values()) == {1}
    assert all(NOW - 11 * 60_000 < to_ms(event["time"]) < NOW for line, event in EVENTS if not line)


def test_the_time_of_a_replay_goes_forward_and_never_passes_what_is_still_told() -> None:
    reached = {line: about.started_at for line, about in STORY.lines.items()}
    for act in ACTS:
        times = [to_ms(event["time"]) for event in act.events] if act.line else []
        assert times == sorted(times)
        for at in times:
            assert reached[act.line] < at <= (act.until or 0)
        if act.line:
            assert act.until is not None
            reached[act.line] = act.until


def test_its_figures_are_those_of_the_shipped_rules() -> None:
    rules = RULES.customers
    assert rules.silence.tier_floors == {"gold": past.GOLD_MS, "platinum": past.PLATINUM_MS}
    ((wait, test),) = wait_rules(rules.alerts)
    assert (test.bound.value, "gold" in wait.tiers) == (past.WAIT_MS, True)
    chat, call = (next(each for _, each in EVENTS if each["data"].get("contact_id") == name) for name in BENS)
    assert to_ms(call["time"]) - to_ms(chat["time"]) > max(rules.journeys.need_ms, rules.journeys.session_ms)
    hours = rules.outreach.quiet_hours
    assert hours is not None
    assert (hours.begin, hours.end) == (20 * 60, 8 * 60)
    promise = next(rule for rule in rules.outreach.rules if rule.name == "promise-due")
    assert promise.delay_ms == past.DECIDED - past.PROMISE_DUE
    assert past.EVENING < past.DECIDED + promise.valid_ms < past.EVENING + DAY_MS


def test_a_proof_names_her_by_the_hash_of_the_documents() -> None:
    assert subject(KEY.encode(), "customer:nora-1001") == mark(KEY.encode(), "customer:nora-1001")


def test_the_script_is_a_function_of_time_and_key() -> None:
    assert story(NOW, b"k", 1).steps[0] == story(NOW, b"k", 1).steps[0]
    assert len({step.title for step in STORY.steps}) == len(STORY.steps) == 10


async def test_the_agents_prove_every_step() -> None:
    _, results = await recorded()
    checks = chain(*(act.checks for step in results for act in step.acts))
    assert [each for each in checks if not each.finding.holds] == []
    assert [each.proved for each in results] == [True] * 10


async def test_everything_that_comes_out_is_of_the_contract() -> None:
    specs = registry.topics()
    told = [record for record in chain(*(await recorded())[0]) if record.value is not None]
    assert [(record, wrong) for record in told if (wrong := specs[record.topic].check(record.value))] == []
    assert {record.topic for record in told} >= {"alert.events", "customer.quiet", "outreach", "privacy.proofs"}


async def test_what_was_recorded_proves_it_again() -> None:
    assert unproved(await again(lambda record: record)) == []


def unproved(results: list[StepResult]) -> list[int]:
    return [each.number for each in results if not each.proved]


def day_later(at: str) -> str:
    return iso(to_ms(at) + DAY_MS)


FALSE: list[tuple[Change, list[int]]] = [
    (without("journeys", journey_of("anonymous:cookie:k-nora-5d1c", NOW - BEFORE_MS)), [1, 2, 9]),
    (without("journeys", journey_of("anonymous:cookie:k-nora-5d1c", NOW - BEFORE_MS), gone=True), [2, 9, 10]),
    (with_value("identity.changes", {"contact_id": "chat-nora-2"}, rule="linked"), [2]),
    (with_value("identity.changes", {"contact_id": "chat-nora-1"}, path=[]), [2]),
    (with_value("identity.changes", {"contact_id": "chat-nora-1"}, evidence={"event_id": "x", "source": "/chat"}), [2]),
    (with_value("identity.changes", {"rule": "shared", "contact_id": ""}, reason="it is shared by 3 customers"), [3]),
    (with_value("journeys", {"customer": "contact:voice:call-home-2"}, contacts=[]), [3]),
    (with_value("identity.changes", {"contact_id": "mail-sam", "to": "customer:carla-3001"}, path=[]), [4]),
    (with_value("journeys", {"customer": "customer:carla-3001", "revision": 3}, channels=["email"]), [4]),
    (with_value("journeys", {"line": "as-if-never-linked"}, wait_ms=1), [4]),
    (with_value("alert.events", {"because": "fired"}, alert={"state": "resolved", "subject": {}}), [5]),
    (with_value("journeys", {"customer": "customer:ben-4001", "line": "last-winter"}, cases=[]), [6]),
    (with_value("customer.quiet", {"tier": "gold"}, quiet_at=day_later), [7]),
    (with_value("customer.quiet", {"tier": "platinum"}, customer="customer:nora-1001"), [7, 9, 10]),
    (with_value("outreach", {"reason": "quiet-hours"}, until=day_later), [8]),
    (with_value("outreach", {"status": "send"}, status="held"), [8]),
    (without("segments", "customer:nora-1001", gone=True), [9, 10]),
    (without("customer.quiet", "last-winter/customer:nora-1001", gone=True), [9, 10]),
    (with_value("privacy.proofs", {}, nothing_left_after=day_later), [9]),
    (with_value("privacy.proofs", {}, subject="customer:nora-1001"), [9, 10]),
    (with_value("journeys", {"line": "told-next-year"}, intent="call-nora-0"), [10]),
    (with_value("journey.events", {"line": "told-next-year"}, contact_id="chat-nora-0"), [10]),
]


@pytest.mark.parametrize(("change", "steps"), FALSE)
async def test_a_record_that_is_false_leaves_its_steps_unproved_and_the_others_proved(
    change: Change, steps: list[int]
) -> None:
    results = await again(change)
    assert unproved(results) == steps
    for each in results:
        for one in chain(*(act.checks for act in each.acts)):
            assert one.finding.holds or one.finding.said, "what was found instead is not said"


async def test_nothing_is_proved_when_nothing_comes() -> None:
    results = await again(lambda record: None)
    assert unproved(results) == [*range(1, 11)]
    assert all(30 <= each.seconds < 32 for each in results)


async def test_what_is_not_worked_off_is_not_proved() -> None:
    results = await again(lambda record: record, settles=False)
    assert unproved(results) == [*range(1, 11)]
    assert all(each.acts[-1].checks[-1].says == SETTLED for each in results)


class Changing(Recorded):
    """What holds at first does not when everything is worked off."""

    async def settle(self, seconds: float) -> list[Record] | None:
        assert seconds >= SETTLE_S
        return [Record("journeys", 0, 1, "k", {"customer": "somebody else"})]


async def test_what_held_for_a_moment_is_not_proved() -> None:
    expects = Newest("it is hers", "journeys", "k", {"customer": "customer:nora"})
    told = Story([Step("a step", [Act("an act", [expects])])])
    wire = Changing([[Record("journeys", 0, 0, "k", {"customer": "customer:nora"})]])
    (result,) = await Telling(wire, Silent(), lambda: wire.clock).tell(told, patience=10)
    (act,) = result.acts
    assert not result.proved
    assert act.checks[0].finding.shown[0].part == {"customer": "somebody else"}


class Slow(Recorded):
    """Working off takes longer than anybody's patience."""

    async def settle(self, seconds: float) -> list[Record] | None:
        self.clock += 100
        return []


async def test_patience_is_for_records_and_not_for_what_works_them_off() -> None:
    first, second = (Newest("", "journeys", key, {}) for key in "ab")
    told = Story([Step("a step", [Act("", [first], settled=True), Act("", [second])])])
    wire = Slow([[Record("journeys", 0, 0, "a", {})], [Record("journeys", 0, 1, "b", {})]])
    (result,) = await Telling(wire, Silent(), lambda: wire.clock).tell(told, patience=10)
    assert result.proved


async def test_an_act_that_ends_no_step_is_not_waited_for_longer_than_it_needs() -> None:
    class Once:
        says = "whatever"

        def check(self, seen: Seen) -> Finding:
            return Finding(True)

    told = Story([Step("a step", [Act("an act", [Once()]), Act("another", [Once()])])])
    wire = Recorded([[], []])
    wire.settles = False
    (result,) = await Telling(wire, Silent(), lambda: wire.clock).tell(told, patience=10)
    assert [act.proved for act in result.acts] == [True, False]
