"""What service a customer expects: what counts, how it decays, that contributions add up, and where the sums go."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.records import Event, Profile
from streams.contacts.contact import Contact
from streams.customers import loop, scores, services
from streams.customers.scores import Standing
from streams.customers.segments import MAX_GROUPS, KnownSegment, Segments
from streams.customers.services import MAX_AGENTS, UNKNOWN, Behaviour, ServiceRules, parted
from streams.customers.timeline_state import Place, Timeline, view
from tests.support.track_story import OWNER, RULES, T0, D, H, M, S, Task, connected, ended, event, play, queued, said

SERVICES = RULES.services
PLACE = Place(OWNER, "", T0)


def chat(type_: str, at: int, **more: Any) -> Event:
    return event(type_, at, channel="chat", **more)


def speaks_for(task: Task) -> dict[str, float]:
    """What counts and how often, but for tenure, in the last record."""
    found = {part["what"]: part["value"] for each in task.segments[-1]["types"] for part in each["contributions"]}
    found.pop("tenure", None)
    return found


@pytest.mark.parametrize(
    ("expected", "story"),
    [
        ({"price": 1.0}, [event("post.made", 0, channel="forum", intent="price")]),
        ({"price": 1.0}, [queued(0, intent="price"), queued(M, "loans", intent="price")]),
        ({"price": 1.0, "discount": 1.0}, [queued(0, intent="price"), queued(M, "loans", intent="discount")]),
        ({}, [queued(0, intent="weather")]),
        ({"quality": 1.0}, [event("contact.initiated", 0, opened_by="agent", direction="outbound", intent="quality")]),
        ({"messaging": 1.0}, [said(0)]),
        ({"human-channel": 1.0, "short-contact": 1.0}, [queued(0), connected(M), ended(4 * M)]),
        ({"human-channel": 1.0}, [queued(0), connected(M), ended(4 * M + 1)]),
        ({"human-channel": 1.0}, [queued(0), connected(M)]),
        ({}, [queued(0), ended(M, reason="abandoned")]),
        ({"messaging": 1.0, "self-service": 1.0}, [chat("contact.connected", 0, party="bot"), chat("contact.ended", M, by="bot")]),
        (
            {"messaging": 1.0, "from-bot": 1.0},
            [chat("contact.connected", 0, party="bot"), chat("contact.connected", M, party="human", agent="a1")],
        ),
        (
            {"human-channel": 1.0, "transferred": 2.0},
            [connected(0), event("contact.transferred", M), connected(2 * M), event("contact.transferred", 3 * M)],
        ),
        ({"human-channel": 1.0, "reopened": 1.0, "short-contact": 1.0}, [connected(0), ended(M), queued(2 * M), ended(3 * M)]),
    ],
)  # fmt: skip
def test_what_counts(expected: dict[str, float], story: list[Event]) -> None:
    assert speaks_for(play(*story)) == expected


def test_an_idle_contact_that_goes_on_is_not_counted_twice() -> None:
    """It was closed after a day, and goes on two days later: the same whether it had come to rest or not."""
    first, then = [queued(0), connected(M, intent="price")], [queued(3 * D), connected(3 * D + M), ended(3 * D + 2 * M)]
    at_once = play(*first, *then)
    rested = play(*first, until=2 * D + 12 * H)
    rested.take(*then)
    assert speaks_for(at_once) == speaks_for(rested) == {"price": 0.977, "human-channel": 0.977, "reopened": 0.977}


def test_the_same_agent_again_counts_beyond_the_first_time() -> None:
    def called(day: int, agent: str) -> list[Event]:
        name = f"c{day}"
        return [queued(day * D, contact=name), connected(day * D + S, agent, contact=name)]

    task = Task().take(*called(0, "a1"))
    assert "same-agent" not in speaks_for(task)
    task.take(*called(0, "a1"), *called(1, "a2"))
    assert "same-agent" not in speaks_for(task)
    task.take(*called(2, "a1"))
    assert speaks_for(task)["same-agent"] == round(2 ** (-2 / 90), 3)
    three = [queued(3 * D, contact="x"), connected(3 * D + S, "a1", contact="x")]
    assert speaks_for(task.take(*three))["same-agent"] == round(2 ** (-3 / 90) + 2 ** (-1 / 90), 3)


def test_tenure_is_as_long_as_the_crm_says_or_as_the_customer_is_known() -> None:
    task = play(queued(0), ended(M), queued(73 * D, contact="c2"))
    assert tenure(task) == 0.1
    task.take(Profile("p", "crm", "C1", T0, customer_since=T0 - 292 * D))
    assert tenure(task) == 0.5
    assert tenure(task.take(Profile("q", "crm", "C1", T0 + D, customer_since=T0 - 4000 * D))) == 1.0
    earlier = Profile("o", "crm", "C1", T0 - D, customer_since=T0)
    revision = task.segments[-1]["revision"]
    assert task.take(earlier).segments[-1]["revision"] == revision, "what was said last holds"


def tenure(task: Task) -> float:
    [relationship] = [each for each in task.segments[-1]["types"] if each["type"] == "relationship"]
    return next(part["value"] for part in relationship["contributions"] if part["what"] == "tenure")


def test_a_score_by_hand() -> None:
    """Two intents of value, one a half-life ago: 1.5 points of the 3 that give a half."""
    rules = ServiceRules(types={"value": {"price": 1.0, "discount": 1.0}, "other": {"quality": 2.0}})
    behaviour = Behaviour(T0, {"price": 0.5, "discount": 1.0, "quality": 0.25})
    value, other = services.assess(behaviour, T0, None, rules)
    assert value.milli == 293
    assert [tuple(part.values()) for part in value.parts] == [("discount", 1.0, 1.0, 0.195), ("price", 1.0, 0.5, 0.098)]
    assert other.milli == round(1000 * (1 - 2 ** (-0.5 / 3))) == 109
    assert services.type_of((value, other), rules) == ("value", 184)
    [later, _] = services.assess(behaviour, T0 + 90 * D, None, rules)
    assert later.milli == round(1000 * (1 - 2 ** (-0.75 / 3)))


def test_a_type_is_said_where_enough_speaks_for_it() -> None:
    rules = replace(SERVICES, type_from=0.2)
    behaviour = Behaviour(T0, {"price": 0.9})
    assert services.type_of(services.assess(behaviour, T0, None, rules), rules) == ("none", 0)
    scores = services.assess(Behaviour(T0, {"price": 1.0}), T0, None, rules)
    assert services.type_of(scores, rules) == ("value", 206)
    assert services.type_of((), rules) == ("none", 0)
    tie = services.assess(Behaviour(T0, {"price": 1.0, "quality": 1.0}), T0, None, rules)
    assert services.type_of(tie, rules) == ("value", 0), "the first of the file, and nobody can tell"


@given(st.integers(0, 1000), st.lists(st.just(0.0) | st.floats(1e-3, 1e6), max_size=12))
def test_shares_add_up_to_the_whole(whole: int, points: list[float]) -> None:
    found = parted(whole, 1, [(str(number), 1.0, each) for number, each in enumerate(points)], sum(points))
    assert sum(part["contribution"] for part in found) == (whole if sum(points) else 0)
    for part in found:
        assert part["contribution"] > 0
        assert abs(part["contribution"] - whole * points[int(part["what"])] / sum(points)) <= 1.001
    shares = [part["contribution"] for part in found]
    assert shares == sorted(shares, reverse=True)


@given(st.floats(0, 100))
def test_tenths_are_rounded_as_ever(number: float) -> None:
    assert scores.tenths(number) == round(number, 1)
    assert scores.tenths(int(number * 20) / 20) == round(int(number * 20) / 20, 1)


@given(st.dictionaries(st.sampled_from(sorted(SERVICES.counted)), st.floats(0.001, 50), max_size=10))
def test_contributions_are_the_score_exactly(counts: dict[str, float]) -> None:
    for score in services.assess(Behaviour(T0, counts), T0 + D, T0 - 100 * D, SERVICES):
        published = sum(Decimal(str(part["contribution"])) for part in score.parts)
        assert published == Decimal(str(score.milli / 1000))


COUNTS = st.builds(
    Behaviour,
    st.integers(0, 400).map(lambda day: T0 + day * D),
    st.dictionaries(st.sampled_from(["price", "quality", "messaging"]), st.sampled_from([1.0, 2.0]), max_size=3),
    st.dictionaries(st.sampled_from(["a1", "a2", "a3"]), st.just(1.0), max_size=1),
)


@given(st.data(), st.lists(COUNTS, max_size=8))
def test_sums_are_what_a_recount_gives_in_any_order(data: st.DataObject, added: list[Behaviour]) -> None:
    total = UNKNOWN
    for each in data.draw(st.permutations(added)):
        total = services.join(total, each, SERVICES)
    at = T0 + 400 * D
    for score in services.assess(total, at, None, SERVICES):
        points = 0.0
        for what, weight in SERVICES.types[score.name].items():
            left = [(each, 2 ** (-(at - each.at) / SERVICES.half_life)) for each in added]
            value = sum(each.counts.get(what, 0) * half for each, half in left)
            if what == "same-agent":
                by_agent = [sum(each.agents.get(name, 0) * half for each, half in left) for name in ("a1", "a2", "a3")]
                value = max(0, max(by_agent) - 1)
            points += weight * value
        assert score.milli == pytest.approx(1000 * (1 - 2 ** (-points / SERVICES.half_at)), abs=0.51)


# What is kept


def over(number: int, group: str = "", **more: Any) -> Contact:
    own = {"connected": True, "agent": "a1", "outcome": "answered", "intents": (("price", T0 + number * H),)} | more
    return Contact(f"c{number}", "voice", T0 + number * H, T0 + number * H + M, group=group, **own)


def settled(*contacts: Contact) -> Timeline:
    return loop.settled(Timeline(), contacts, PLACE, RULES)


def score_of(timeline: Timeline) -> dict[str, Any]:
    after = Segments(RULES.segments, SERVICES).publish(timeline.segments, view(timeline, PLACE))
    assert after is not None
    return {**after.out[0].value, "revision": 0}


def test_contacts_of_a_group_go_to_another_customer_and_come_back() -> None:
    ours, theirs = [over(1), over(2)], [over(3, "g", tier="gold"), over(4, "g", friction=services_friction())]
    whole = settled(*ours, *theirs)
    left, pieces = loop.handed(whole, "g", PLACE, RULES)
    assert pieces.keys() >= {"segments"} and msgspec.json.decode(pieces["segments"])
    assert score_of(left) == score_of(settled(*ours))
    other = loop.absorbed(Timeline(), "g", pieces, PLACE, RULES)
    assert score_of(other) == score_of(settled(*theirs))
    assert loop.handed(other, "g", PLACE, RULES)[1]["segments"] == pieces["segments"]
    both = loop.absorbed(settled(over(5, "g")), "g", pieces, PLACE, RULES)
    assert score_of(both) == score_of(settled(over(5, "g"), *theirs))
    assert score_of(loop.absorbed(left, "g", pieces, PLACE, RULES)) == score_of(whole)
    assert (
        loop.handed(whole, "h", PLACE, RULES) == (whole, {})
        and "segments" not in loop.handed(whole, "", PLACE, RULES)[1]
    )


def services_friction() -> Any:
    return msgspec.convert([1.0, 1.0, T0], type(Standing().friction))


def test_a_customer_has_so_many_groups_and_the_oldest_stay() -> None:
    contacts = [over(number, f"g{number}") for number in range(30)]
    timeline = settled(*contacts)
    assert list(timeline.segments.groups) == [f"g{number}" for number in range(30 - MAX_GROUPS, 30)]
    assert score_of(timeline) == score_of(settled(*[replace_group(each) for each in contacts]))


def replace_agents(behaviour: Behaviour) -> Behaviour:
    return msgspec.structs.replace(behaviour, agents={})


def replace_group(contact: Contact) -> Contact:
    return msgspec.structs.replace(contact, group="")


def test_what_is_kept_is_bounded() -> None:
    """By what counts, not by contact; some 200 bytes of a usual customer."""
    task = play(*[each for n in range(40) for each in (
        queued(n * D, contact=f"c{n}", intent=("price", "quality")[n % 2]),
        connected(n * D + M, f"a{n % 20}", contact=f"c{n}"), ended(n * D + 2 * M, contact=f"c{n}"),
    )], until=60 * D)  # fmt: skip
    assert task.customer is not None
    behaviour = task.customer.lines[""].segments.standing.behaviour
    assert len(behaviour.agents) == MAX_AGENTS
    assert set(behaviour.counts) == {"price", "quality", "human-channel", "short-contact"}
    assert len(msgspec.json.encode(replace_agents(behaviour))) < 200 and len(msgspec.json.encode(behaviour)) < 600


def test_a_row_of_before_has_a_score_and_no_types_yet() -> None:
    before = msgspec.json.decode(
        b'[{"contacts":2,"first":1,"last":2},["new",1,2,3,4,5,6,"gold",7],3]', type=KnownSegment
    )
    assert before.score is not None
    assert (before.score.type, before.score.types, before.groups, before.standing.behaviour) == (
        "none",
        (),
        {},
        UNKNOWN,
    )


def test_the_worked_example_of_the_document() -> None:
    chat_ = {"contact": "c1", "channel": "chat"}
    task = Task().take(
        said(0, **chat_, intent="price"), said(M, **chat_, intent="discount"),
        connected(2 * M, **chat_), ended(5 * M, by="agent", **chat_),
    )  # fmt: skip
    call = [
        queued(5 * D, contact="c2"),
        connected(5 * D + S, contact="c2"),
        event("contact.transferred", 5 * D + 20 * S, "c2"),
    ]
    record = task.take(*call, ended(5 * D + M, contact="c2")).segments[-1]
    assert (record["type"], record["confidence"], record["reasons"]) == ("value", 0.071, ["discount", "price"])
    found = {
        each["type"]: [each["score"], *(part["contribution"] for part in each["contributions"])]
        for each in record["types"]
    }
    assert found == {
        "value": [0.359, 0.180, 0.179],
        "service": [0.109, 0.109],
        "relationship": [0.288, 0.189, 0.098, 0.001],
        "convenience": [0.287, 0.193, 0.094],
    }
