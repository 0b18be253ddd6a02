"""Who has said nothing for longer than is usual: the same as a plain recount, in any order and any cut."""

import random

import msgspec
import pytest

from streams.base.records import Left
from streams.customers.follow import Ease, View
from streams.customers.silence import MAX_DAYS, MAX_GROUPS, MAX_RUNS, KnownSilence, Silences
from streams.customers.silences import Past, SilenceRules
from tests.support.silence_story import Visit, late, recount, shown, tiers, visits
from tests.support.track_story import OWNER, RULES, T0, D, H, M, Task, ended, event, profile, queued

LATENESS = RULES.contacts.lateness_ms
END = 900 * D
FOLLOWER = Silences(RULES.silence, RULES.contacts)
SEEDS = range(40)


def told(story: list[Visit]) -> list:
    return [each for one in story for each in one.events]


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_inside_the_lateness(seed: int) -> None:
    dice = random.Random(seed)
    story, known = visits(dice), tiers(dice)
    records = [*told(story), *known]
    task = Task()
    for record, reached in late(dice, records + dice.sample(records, min(3, len(records))), LATENESS - 1):
        task.until(reached + LATENESS - 1 - T0).take(record)
    assert not task.late
    assert shown(task.until(END)) == recount(story, known, END)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_at_once_and_then_time(seed: int) -> None:
    """A replay: everything is read before stream time moves; what is published is the same, step by step."""
    dice = random.Random(seed)
    story, known = visits(dice), tiers(dice)
    records = [*told(story), *known]
    dice.shuffle(records)
    far = Task().take(*records).until(END)
    near = Task()
    for record in sorted(records, key=lambda each: each.time):
        near.until(record.time - T0 - 1).take(record)
    near.until(END)
    assert shown(far) == recount(story, known, END)
    steps = [[each.value for each in task.published if each.topic == "customer.quiet"] for task in (far, near)]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_contact_that_went_to_another_customer_was_never_here(seed: int) -> None:
    dice = random.Random(seed)
    story = visits(dice)
    goes = dice.choice(story)
    gone = goes.events[0]
    task = Task()
    for record in sorted(told(story), key=lambda each: each.time):
        task.until(record.time - T0 - 1).take(record)
        if record is goes.events[-1]:
            task.until(record.time + 5 * M - T0)
            task.take(Left(OWNER, gone.contact, gone.channel, "customer:other", record.time + 5 * M))
    assert shown(task.until(END)) == recount([each for each in story if each is not goes], [], END)


def test_a_late_act_takes_a_silence_back() -> None:
    floor = RULES.silence.floor_ms
    task = Task().take(queued(0), ended(M)).until(floor + M + 1)
    [quiet] = [each for each in task.published if each.topic == "customer.quiet"]
    assert (quiet.value["status"], quiet.value["verdict"], quiet.value["reason"]) == ("quiet", "bad", "abandoned")
    task.take(queued(floor, contact="late")).until(floor + H)
    [taken_back] = [each.value for each in task.published if each.topic == "customer.quiet"][1:]
    assert (taken_back["status"], taken_back["revision"], taken_back["quiet_id"]) == (
        "withdrawn", 2, quiet.value["quiet_id"],
    )  # fmt: skip


def test_a_silence_is_told_without_an_event_once_and_ends_with_the_next_act() -> None:
    task = Task().take(profile("gold", 0), queued(0), ended(M, reason="abandoned"))
    for day in range(1, 100):
        task.until(day * D)
    said = [each.value for each in task.published if each.topic == "customer.quiet"]
    assert [(each["status"], each["limit_ms"], each["reason"]) for each in said] == [("quiet", 30 * D, "abandoned")]
    task.take(queued(100 * D, contact="c2")).until(100 * D + 1)
    [over] = [each.value for each in task.published if each.topic == "customer.quiet"][1:]
    assert (over["status"], over["ended_at"]) == ("ended", "2026-04-11T09:00:00.000Z")


def test_a_silence_goes_on_with_a_higher_revision_when_what_ended_it_was_somebody_elses() -> None:
    """A wrong link that is cut after hours: it was told as a new one, with revision 1 again."""
    task = Task().take(queued(0), ended(M)).until(62 * D)
    task.take(event("contact.initiated", 70 * D, "b", "email")).until(71 * D)
    task.take(Left(OWNER, "b", "email", "customer:other", T0 + 71 * D)).until(80 * D)
    told = [each.value for each in task.published if each.topic == "customer.quiet" and each.value]
    assert [(each["status"], each["revision"]) for each in told] == [("quiet", 1), ("ended", 2), ("quiet", 3)]
    assert len({each["quiet_id"] for each in told}) == 1


@pytest.mark.parametrize("owner", ["anonymous:cookie:x", "contact:voice:c1"])
def test_who_is_no_customer_is_never_quiet(owner: str) -> None:
    told = [msgspec.structs.replace(each, owner=owner) for each in (queued(0), ended(M))]
    task = Task().take(*told).until(END)
    assert not [each for each in task.published if each.topic == "customer.quiet"]


def test_a_higher_tier_is_missed_sooner() -> None:
    task = Task().take(queued(0), ended(M), profile("platinum", 40 * D)).until(END)
    [quiet] = [each.value for each in task.published if each.topic == "customer.quiet"]
    assert (quiet["quiet_at"], quiet["tier"]) == ("2026-02-10T09:00:00.000Z", "platinum"), "as soon as it is known"


def view(owner: str = OWNER) -> View:
    return View(owner, "", None, {}, {}, ())


def past_of(seed: int) -> KnownSilence:
    dice = random.Random(seed)
    task = Task().take(*told(visits(dice))).until(END)
    assert task.customer is not None
    return task.customer.lines[""].silence


def test_what_a_group_counts_for_moves_and_comes_back() -> None:
    both = KnownSilence({"": past_of(1).past[""], "g": past_of(2).past[""]})
    rest, piece = FOLLOWER.handed(both, "g", view())
    assert piece is not None and list(rest.past) == [""]
    assert FOLLOWER.handed(rest, "g", view()) == (rest, None)
    assert FOLLOWER.absorbed(rest, "g", piece, view()) == both
    other = FOLLOWER.absorbed(KnownSilence({"g": past_of(3).past[""]}), "g", piece, view())
    again = FOLLOWER.absorbed(
        KnownSilence({"g": past_of(2).past[""]}), "g", msgspec.json.encode(past_of(3).past[""]), view()
    )
    assert other == again, "in any order"


def test_the_state_is_bounded_and_small() -> None:
    everyday = [event("visit.made", day * D, f"c{day}", "in-person") for day in range(60)]
    known = Task().take(*everyday).until(END).customer
    assert known is not None
    past = known.lines[""].silence.past[""]
    assert (len(past.days), len(past.runs)) == (MAX_DAYS, 1)
    sizes = sorted(len(msgspec.json.encode(past_of(seed))) for seed in range(60))
    assert sizes[30] <= 300 and sizes[-1] <= 900, sizes
    groups = KnownSilence()
    for number in range(3 * MAX_GROUPS):
        piece = msgspec.json.encode(Past((number,), past_of(1).past[""].runs))
        groups = FOLLOWER.absorbed(groups, f"g{number}", piece, view())
    assert len(groups.past) == MAX_GROUPS and all(len(each.runs) <= MAX_RUNS for each in groups.past.values())
    assert list(FOLLOWER.eased(groups, Ease.FEWER, view()).past) == [""]


def test_nobody_is_quiet_before_the_least_floor() -> None:
    assert SilenceRules(10 * D, {"gold": 5 * D}).least_ms == 5 * D
    assert RULES.silence.least_ms == 21 * D
