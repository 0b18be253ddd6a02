"""What we say of our own accord: decided once, by rules, the same as a plain recount in any order and any cut."""

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from streams.base.records import Left
from streams.base.times import to_ms
from streams.customers.follow import Ease, View
from streams.customers.outreach import MAX_PENDING, KnownOutreach, Outreach
from streams.customers.outreach_rules import OutreachRules
from streams.customers.pending import MAX_DECIDED, Pending
from streams.customers.wishes import MAX_WORDS
from tests.support.outreach_story import RULES, own, recount, rule, story, word
from tests.support.silence_story import late
from tests.support.track_story import OWNER, T0, D, H, M, Task, ended, event, profile, queued
from tests.support.track_story import RULES as SHIPPED

LATENESS = SHIPPED.contacts.lateness_ms
END = 60 * D
SEEDS = range(40)


def rules(outreach: OutreachRules = RULES) -> Any:
    return replace(SHIPPED, outreach=outreach)


def said(task: Task) -> dict[tuple[str, str], dict[str, Any]]:
    """What was said last of each, in the recount's form."""
    newest = task.newest("outreach", "outreach_id").values()
    return {(each["rule"], each["trigger"]): in_short(each) for each in newest}


def in_short(each: dict[str, Any]) -> dict[str, Any]:
    told = {name: each[name] for name in ("status", "reason", "revision")}
    return told | {"decided": to_ms(each["decided_at"])}


def sends(task: Task) -> list[dict[str, Any]]:
    return [each.value for each in task.published if each.topic == "outreach"]


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_inside_the_lateness(seed: int) -> None:
    dice = random.Random(seed)
    records = story(dice)
    task = Task(rules())
    for record, reached in late(dice, records, LATENESS - 1):
        task.until(reached + LATENESS - 1 - T0).take(record)
    assert not task.late
    assert said(task.until(END)) == recount(records, END)
    out = [each["outreach_id"] for each in sends(task) if each["status"] == "send"]
    assert len(out) == len({*out}), "nothing goes out twice"


@pytest.mark.parametrize("seed", SEEDS)
def test_all_at_once_and_then_time(seed: int) -> None:
    dice = random.Random(seed)
    records = story(dice)
    shuffled = dice.sample(records, len(records))
    far = Task(rules()).take(*shuffled).until(END)
    near = Task(rules())
    for record in sorted(records, key=lambda each: each.time):
        near.until(record.time - T0 - 1).take(record)
    near.until(END)
    assert said(far) == recount(records, END)
    assert sends(far) == sends(near)


def test_the_stories_show_every_reason() -> None:
    reasons = {each["reason"] for seed in SEEDS for each in recount(story(random.Random(seed)), END).values()}
    assert reasons >= {None, "no-consent", "quiet-hours", "campaign", "cap", "expired", "over"} - {"quiet-hours"}


GIVEN = {"marketing": True, "surveys": True}


def test_in_the_night_it_waits_for_the_morning_of_the_customer() -> None:
    task = (
        Task(rules()).take(word(0, consent=GIVEN, time_zone="Asia/Tokyo"), own("order.delivered", M, "o1")).until(END)
    )
    first, last = sends(task)
    assert (first["status"], first["reason"], first["until"]) == ("held", "quiet-hours", "2026-01-01T23:00:00.000Z")
    assert (last["status"], last["decided_at"], last["revision"]) == ("send", "2026-01-01T23:00:00.000Z", 2)
    assert last["send_before"] == "2026-01-02T11:00:00.000Z", "when it is night again in Tokyo"


def test_in_a_country_of_many_zones_it_waits_for_the_last_morning() -> None:
    task = Task(rules()).take(word(0, consent=GIVEN, country="US"), own("order.delivered", M, "o1")).until(END)
    assert sends(task)[-1]["decided_at"] == "2026-01-01T18:00:00.000Z", "8 o'clock in Honolulu"


def test_a_refusal_stops_what_is_pending_at_once() -> None:
    task = Task(rules()).take(word(0, consent=GIVEN), own("order.delivered", M, "o1")).until(5 * M)
    task.take(word(10 * M, consent={"surveys": False})).until(15 * M).take(word(20 * M, consent=GIVEN))
    task.until(10 * M + LATENESS)
    assert sends(task) == [], "what was said before may still come"
    [held] = sends(task.until(10 * M + LATENESS + 1))
    assert (held["reason"], held["decided_at"]) == ("no-consent", "2026-01-01T09:10:00.000Z")
    assert sends(task.until(END)) == [held], "and for good"


def test_a_refusal_of_the_channel_stops_every_purpose() -> None:
    task = Task(rules()).take(word(0, consent=GIVEN | {"email": False}), own("order.delivered", M, "o1")).until(END)
    assert [each["reason"] for each in sends(task)] == ["no-consent"]


QUIET = OutreachRules(
    RULES.time_zone, None, (), (rule("bad", "quiet", silence=frozenset({"bad"})), rule("any", "quiet"))
)


def test_after_a_silence() -> None:
    task = (
        Task(rules(QUIET)).take(word(0, consent=GIVEN), queued(0), ended(M, reason="abandoned")).until(END + M + 3 * H)
    )
    assert [(each["rule"], each["status"], each["about"]) for each in sends(task)] == [
        ("bad", "send", "abandoned"),
        ("any", "send", "abandoned"),
    ]
    assert {each["trigger"] for each in sends(task)} == {each["quiet_id"] for each in quiet(task)}


def quiet(task: Task) -> list[dict[str, Any]]:
    return [each.value for each in task.published if each.topic == "customer.quiet"]


def test_a_silence_that_ends_before_calls_for_nothing() -> None:
    task = Task(rules(QUIET)).take(word(0, consent=GIVEN), queued(0), ended(M)).until(END + M + 1)
    task.take(queued(END + H, contact="c2")).until(END + 9 * D)
    assert [each["reason"] for each in sends(task)] == ["over", "over"]
    jump = Task(rules(QUIET)).take(word(0, consent=GIVEN), queued(0), ended(M), queued(END + H, contact="c2"))
    assert sends(jump.until(END + 9 * D)) == sends(task), "also when time passes all of it at once"


def test_what_went_to_another_customer_does_not_go_out_here() -> None:
    search = event("search.failed", M, "s1", "self-service")
    task = Task(rules()).take(word(0, consent=GIVEN), search).until(5 * M)
    task.take(Left(OWNER, "s1", "self-service", "customer:other", T0 + 6 * M)).until(END)
    assert sends(task) == []


def test_a_trigger_that_comes_again_is_not_decided_again() -> None:
    """Its contact went to another customer and came back."""
    search = event("search.failed", M, "s1", "self-service")
    task = Task(rules()).take(word(0, consent=GIVEN), search).until(3 * H)
    assert [each["status"] for each in sends(task)] == ["send"]
    task.take(Left(OWNER, "s1", "self-service", "customer:other", T0 + 3 * H)).take(search).until(END)
    assert [each["status"] for each in sends(task)] == ["send"]


def test_a_contact_that_came_too_late_from_somebody_else_is_expired() -> None:
    task = Task(rules()).take(word(0, consent=GIVEN)).until(4 * H)
    task.take(event("search.failed", M, "s1", "self-service")).until(END)
    assert [each["reason"] for each in sends(task)] == ["expired"]


def test_an_order_that_is_told_late_is_decided_at_once() -> None:
    task = Task(rules()).take(word(0, consent=GIVEN)).until(4 * H)
    task.take(own("order.delivered", M, "o1")).until(END)
    assert [(each["status"], each["decided_at"]) for each in sends(task)] == [("send", "2026-01-01T13:00:00.000Z")]


def test_a_promise_that_is_put_off_is_due_later_and_kept_before_it_was_told() -> None:
    made, again = own("promise.made", 0, "p", due=4 * H), own("promise.made", H, "p", due=30 * H)
    task = Task(rules()).take(again, made).until(END)
    assert [(each["status"], each["triggered_at"]) for each in sends(task)] == [("send", "2026-01-02T15:00:00.000Z")]
    kept = Task(rules()).take(own("promise.kept", 2 * H, "p"), made).until(END)
    assert [each["reason"] for each in sends(kept)] == ["over"]


def test_a_rule_that_is_gone_sends_nothing() -> None:
    task = Task(rules()).take(word(0, consent=GIVEN), own("order.delivered", M, "o1"))
    task.rules = rules(OutreachRules())
    assert [(each["rule"], each["reason"]) for each in sends(task.until(END))] == [("arrived", "over")]


def test_the_tier_of_the_moment_decides() -> None:
    records = [word(0, consent=GIVEN), profile("gold", M), own("order.placed", 2 * M, "o1")]
    assert [each["rule"] for each in sends(Task(rules()).take(*records).until(END))] == ["order", "again"]
    red = [*records, profile("red", H)]
    assert [each["rule"] for each in sends(Task(rules()).take(*red).until(END))] == ["again"]


def test_the_state_is_bounded_and_small() -> None:
    task = Task(rules())
    task.take(*[word(n * M, consent={f"p{n % 40}": True}, time_zone="Asia/Tokyo") for n in range(200)])
    task.take(*[own("promise.made", 300 * M + n, f"p{n}", due=30 * D) for n in range(100)])
    task.take(*[own("promise.kept", 300 * M + n, f"k{n}") for n in range(100)])
    known = task.customer.lines[""].outreach if task.customer else KnownOutreach()
    assert len(known.words) <= MAX_WORDS
    assert (len(known.pending), len(known.kept)) == (MAX_PENDING, 16)
    assert [each["reason"] for each in sends(task)] == ["cap"] * (100 - MAX_PENDING)
    eased = Outreach(RULES, SHIPPED.contacts).eased(known, Ease.FEWEST, View(OWNER, "", None, {}, {}, ()))
    assert (len(eased.pending), len(eased.kept)) == (2, 2)
    sizes = []
    for seed in SEEDS:
        whole = Task(rules()).take(*story(random.Random(seed))).until(END).customer
        assert whole is not None
        assert len(whole.lines[""].outreach.past) <= MAX_DECIDED
        sizes.append(len(msgspec.json.encode(whole.lines[""].outreach)))
    usual = Task(rules()).take(word(0, consent=GIVEN, time_zone="Europe/Rome", language="it")).customer
    assert usual is not None
    assert len(msgspec.json.encode(usual.lines[""].outreach)) <= 200
    assert max(sizes) <= 4_000


def test_nothing_is_kept_of_a_customer_of_whom_nothing_is_known() -> None:
    assert Task(rules()).take(queued(0), ended(M)).customer.lines[""].outreach is Outreach.empty  # type: ignore[union-attr]
    assert Pending("r", "n", 0, 0, 0, 0).over is None
