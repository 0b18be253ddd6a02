"""Which contacts are of one journey, and why: beside a recount that looks at every pair, in any order and cut."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Left
from streams.customers.journey_parts import found
from streams.customers.journey_rules import JourneyRules
from streams.customers.touchpoints import Touchpoint
from tests.reference import stitches
from tests.support.track_story import OWNER, T0, D, H, M, Record, S, Task, event, play, said

RULES = JourneyRules()


def point(started: int, contact: str, last: int | None = None, channel: str = "voice", **about: Any) -> Touchpoint:
    last = started + M if last is None else last
    return Touchpoint(
        contact, channel, "q", T0 + started, T0 + last, T0 + last, "answered", 0, 0, 0, 0, 0, 0, "none", **about
    )


def reasons(*points: Touchpoint, rules: JourneyRules = RULES) -> list[list[tuple[str, str | None]]]:
    """(contact, why) of each journey."""
    return [
        [(part.contact, why and why[0]) for part, why in zip(each.parts, each.why, strict=True)]  # type: ignore[union-attr]
        for each in found(points, (), rules)
    ]


def test_a_case_joins_however_long_ago() -> None:
    far = (point(0, "a", cases=("K1",)), point(9 * D, "b"), point(30 * D, "c", cases=("K2", "K1")))
    assert reasons(*far) == [[("a", None), ("c", "case")], [("b", None)]]


def test_a_topic_joins_within_a_need_and_keeps_others_out() -> None:
    cards, loans, more = point(0, "a", topic="cards"), point(H, "b", topic="loans"), point(2 * D, "c", topic="cards")
    assert reasons(cards, loans, more) == [[("a", None), ("c", "topic")], [("b", None)]]
    assert reasons(cards, loans, point(7 * D + M + 1, "c", topic="cards"))[0] == [("a", None)]


def test_an_intent_joins_unless_the_topics_differ() -> None:
    one, other = point(0, "a", topic="cards", intent="block"), point(D, "b", intent="block")
    assert reasons(one, other) == [[("a", None), ("b", "intent")]]
    assert reasons(one, point(D, "b", topic="loans", intent="block")) == [[("a", None)], [("b", None)]]
    assert reasons(point(0, "a", topic="cards"), point(D, "b", intent="block")) == [[("a", None), ("b", "need")]]


def test_one_that_says_nothing_is_about_what_its_neighbour_is_about() -> None:
    some = (point(0, "a", topic="cards"), point(H, "b"), point(2 * H, "c", topic="loans"), point(3 * H, "d"))
    assert reasons(*some) == [[("a", None), ("b", "need")], [("c", None), ("d", "need")]]


def test_the_neighbour_is_still_going_on_or_was_heard_of_last() -> None:
    mail = point(0, "mail", 6 * D, "email", topic="cards")
    call = point(D, "call", topic="loans")
    assert reasons(mail, call, point(2 * D, "c")) == [[("mail", None), ("c", "session")], [("call", None)]]
    talk = point(2 * D - M, "talk", 2 * D, topic="loans")
    assert reasons(mail, talk, point(2 * D, "c"))[1] == [("talk", None), ("c", "session")]


def test_sessions_and_needs_of_a_channel() -> None:
    rules = JourneyRules(channel_sessions={"email": 4 * H}, channel_needs={"chat": H})
    some = (point(0, "a"), point(3 * H, "b", channel="email"), point(5 * H, "c", channel="chat"))
    assert reasons(*some, rules=rules) == [[("a", None), ("b", "session")], [("c", None)]]
    assert rules.longest_ms == 7 * D


def test_what_comes_later_may_be_what_joins() -> None:
    """Its neighbour is about something else, and a later contact names its case and the other's topic."""
    some = (point(0, "a", topic="X"), point(H, "b", cases=("K",), topic="Y"), point(D, "c", cases=("K",), topic="X"))
    assert reasons(*some) == [[("a", None), ("b", "case"), ("c", "case")]]


TIMES = st.sampled_from([0, 1, 10 * M, 31 * M, 5 * H, 2 * D, 7 * D, 8 * D])
ABOUT = st.fixed_dictionaries(
    {
        "cases": st.sampled_from([(), (), (), ("K1",), ("K2",), ("K1", "K2")]),
        "topic": st.sampled_from([None, None, "X", "Y"]),
        "intent": st.sampled_from([None, None, "i", "j"]),
    }
)


@st.composite
def points(draw: st.DrawFn) -> list[Touchpoint]:
    at, told = 0, []
    for number in range(draw(st.integers(1, 9))):
        at += draw(TIMES)
        length = draw(st.sampled_from([0, M, 20 * M, 3 * D, 9 * D]))
        channel = draw(st.sampled_from(["voice", "chat", "email"]))
        told.append(point(at, f"c{number}", at + length, channel, ours=draw(st.booleans()), **draw(ABOUT)))
    return told


def item(each: Touchpoint) -> stitches.Item:
    over = each.last if each.ended is None else each.ended
    return stitches.Item(
        each.started, each.channel, each.contact, each.last, over, each.cases, each.topic, each.intent, each.ours
    )


@settings(max_examples=400, deadline=None)
@given(points(), st.randoms(use_true_random=False))
def test_journeys_are_what_a_recount_says_in_any_order(told: list[Touchpoint], chance: Any) -> None:
    shuffled = told + chance.choices(told, k=2)
    chance.shuffle(shuffled)
    got = [
        (each.key, [part.contact for part in each.parts], [why and why[0] for why in each.why], each.sums)
        for each in (
            Made(one.whole.started, one.parts, one.why, (one.whole.switches, one.whole.repeats))
            for one in found(shuffled, (), RULES)
        )
    ]
    want = [
        (
            one.items[0].started,
            [each.contact for each in one.items],
            list(one.reasons),
            (one.switches, one.repeats),
        )
        for one in stitches.journeys([item(each) for each in told])
    ]
    assert sorted(got) == sorted(want)


class Made:
    """A journey that was found, in the words of the test."""

    def __init__(self, key: int, parts: Any, why: Any, sums: tuple[int, int]) -> None:
        self.key, self.parts, self.why, self.sums = key, parts, why, sums


# Through the customer's whole fold


@st.composite
def stories(draw: st.DrawFn) -> list[list[Event]]:
    """Contacts of one customer, each a few events, minutes to weeks apart; what it is about is said by any of them."""
    at, told = 0, []
    for number in range(draw(st.integers(1, 6))):
        at += draw(TIMES)
        channel = draw(st.sampled_from(["voice", "chat", "email"]))
        words = [
            draw(st.sampled_from([{}, {}, {"topic": "X"}, {"topic": "Y"}, {"case": "K1"}, {"intent": "i"}]))
            for _ in range(3)
        ]
        name = f"c{number}"
        kinds = draw(
            st.sampled_from(
                [("contact.initiated", "contact.connected", "contact.ended"), ("contact.queued", "contact.ended")]
            )
        )
        events = []
        for step, kind in enumerate(kinds):
            more: dict[str, Any] = {"by": "customer"} if kind == "contact.ended" else {}
            queue = {"queue": "cards"} if kind == "contact.queued" else {}
            events.append(event(kind, at + step * 20 * S, name, channel, **queue, **more, **words[step]))
        told.append(events)
    return told


def recounted(told: list[list[Event]]) -> list[tuple[list[str], list[str | None]]]:
    items = []
    for events in told:
        first, last = events[0], events[-1]
        said = [{"cases": each.case, "topic": each.topic, "intent": each.intent} for each in events]
        newest = {name: next((one[name] for one in reversed(said) if one[name]), None) for name in ("topic", "intent")}
        cases = tuple(dict.fromkeys(one["cases"] for one in said if one["cases"]))
        items.append(
            stitches.Item(
                first.time, first.channel, first.contact, last.time, last.time, cases, newest["topic"], newest["intent"]
            )
        )
    return sorted(([each.contact for each in one.items], list(one.reasons)) for one in stitches.journeys(items))


def made(task: Task) -> list[tuple[list[str], list[str | None]]]:
    return sorted(
        ([each["contact_id"] for each in one["contacts"]], [each["stitched_by"] for each in one["contacts"]])
        for one in task.last_journeys().values()
    )


@settings(max_examples=60, deadline=None)
@given(st.data(), stories())
def test_late_contacts_join_and_those_that_move_away_split(data: st.DataObject, told: list[list[Event]]) -> None:
    records: list[Record] = [each for one in told for each in one]
    away = data.draw(st.sets(st.integers(0, len(told) - 1), max_size=2))
    gone: list[Record] = [
        Left(OWNER, told[n][0].contact, told[n][0].channel, "customer:C9", T0 + 99 * D) for n in sorted(away)
    ]
    shuffled = data.draw(st.permutations(records))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)), max_size=3)))
    task = Task()
    for start, stop in zip([0, *cuts], [*cuts, len(records)], strict=True):
        task.take(*shuffled[start:stop])
    assert made(task) == recounted(told)
    task.take(*gone)
    left = [one for number, one in enumerate(told) if number not in away]
    assert made(task) == recounted(left)
    assert held(task) == (held(play(*[each for one in left for each in one])) if left else [])
    task.until(max(each.time for each in records) - T0 + 30 * D)
    assert {each["status"] for each in task.last_journeys().values()} <= {"closed"}


@settings(max_examples=60, deadline=None)
@given(st.data(), stories())
def test_steps_are_those_that_hold_in_the_end_whatever_the_cut(data: st.DataObject, told: list[list[Event]]) -> None:
    records = [each for one in told for each in one]
    once, task = play(*records), Task()
    for each in records:
        task.take(each)
    assert held(task) == held(once)
    shuffled = data.draw(st.permutations(records))
    task = Task()
    for each in shuffled:
        task.take(each)
    assert held(task) == held(once)


def held(task: Task) -> list[tuple[str, str, str | None, str]]:
    return task.last_steps()


def test_steps_beyond_those_that_are_remembered_are_not_taken_back() -> None:
    """Of one moment some are remembered and some are not."""
    task = Task()
    for n in range(120):
        task.take(event("contact.initiated", n * M, f"c{n:03}", ("voice", "chat")[n % 2], topic="X"))
    assert all(each["holds"] for each in task.steps)


def test_a_late_event_of_a_contact_that_is_not_listed_any_more_tells_its_steps_anew() -> None:
    """The journey's record says the same as before, with one contact beginning 100 ms earlier."""
    told = [event("contact.initiated", n * M, f"c{n:02}", topic="X") for n in range(30)]
    task, late = Task(), event("contact.queued", 3 * M - 100, "c03", topic="X")
    for each in told:
        task.take(each)
    task.take(late)
    assert held(task) == held(play(*told, late))
    assert [at for at, step, *_ in held(task) if step == "joined"][:3] == [
        "2026-01-01T09:01:00.000Z", "2026-01-01T09:02:00.000Z", "2026-01-01T09:02:59.900Z",
    ]  # fmt: skip


def test_settled_contacts_join_as_those_that_are_kept() -> None:
    """A contact of five days before, at rest by then, and the one after it, with a word about the first in between."""
    first = [event("contact.initiated", 0, "a", topic="X"), event("contact.ended", S, "a", by="customer")]
    later = [event("contact.initiated", 5 * D, "b", topic="X"), event("contact.ended", 5 * D + S, "b", by="customer")]
    task = Task()
    for each in (*first, *later):
        task.until(each.time - T0 - 1).take(each)
    assert made(task) == [(["a", "b"], [None, "topic"])]
    task.take(event("case.opened", 5 * D + M, "a", case="K1"))
    [journey] = task.last_journeys().values()
    assert (journey["cases"], [each["cases"] for each in journey["contacts"]]) == (["K1"], [["K1"], []])
    assert journey["counts"]["contacts"] == 2


def test_the_example_of_the_document() -> None:
    anna = [
        event("search.failed", 0, "visit", "self-service"),
        event("contact.ended", M, "visit", "self-service", by="customer"),
        event("contact.connected", 10 * M, "bot", "chat", party="bot", topic="card lost"),
        event("contact.ended", 12 * M, "bot", "chat", by="customer"),
        event("contact.queued", 20 * M, "call", queue="cards"),
        event("case.opened", 21 * M, "call", case="K-17"),
        event("contact.ended", 25 * M, "call", by="agent"),
        said(29 * H, contact="mail", channel="email", topic="loan"),
        event("contact.queued", 49 * H, "again", queue="loans"),
        event("contact.ended", 49 * H + M, "again", by="agent"),
        event("contact.initiated", 10 * D, "ticket", "ticket", case="K-17"),
    ]
    task = Task()
    for each in anna:
        task.until(each.time - T0 - 1).take(each)
    assert made(task) == [
        (["mail", "again"], [None, "need"]),
        (["visit", "bot", "call", "ticket"], [None, "session", "session", "case"]),
    ]
    task = play(*anna[:-1]).take(Left(OWNER, "mail", "email", "customer:C9", T0 + 3 * D))
    assert made(task) == [(["visit", "bot", "call", "again"], [None, "session", "session", "need"])]


def test_waits_are_told_once_when_they_turn() -> None:
    mail: dict[str, Any] = {"channel": "email"}
    talk = [said(0, **mail), said(H, author="agent", **mail), said(2 * H, **mail), said(2 * H + M, **mail)]
    one_by_one, once = Task(), Task().take(*talk)
    for each in talk:
        one_by_one.take(each)
    for task in (one_by_one, once):
        waits = [each for each in task.last_steps() if each[1].startswith("waiting")]
        assert [(each[0][11:16], each[1]) for each in waits] == [
            ("09:00", "waiting_for_us"),
            ("10:00", "waiting_for_customer"),
            ("11:00", "waiting_for_us"),
        ]
        [journey] = task.last_journeys().values()
        assert (journey["state"], journey["waiting_for"]) == ("waiting_for_us", "us")


@pytest.mark.parametrize(("session", "need"), [(30 * M, 7 * D)])
def test_the_shipped_times_are_those_of_the_recount(session: int, need: int) -> None:
    assert (RULES.session_ms, RULES.need_ms, RULES.repeat_ms) == (session, need, need)
    assert (session, need, need) == (stitches.SESSION, stitches.NEED, stitches.REPEAT)
