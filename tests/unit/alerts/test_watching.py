"""What stands of many rules in one subject, by the index; against a look at each rule alone, at every moment."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from streams.alerts.conditions import Clock
from streams.alerts.index import Index
from streams.alerts.rules import AlertRule, AlertsFile
from streams.alerts.signals import Attributes, Params, Piece, Signal
from streams.alerts.watching import Fields, Look, watch

_READ = TypeAdapter(AlertsFile)
LONGEST = 40


def rules(*given: dict[str, Any]) -> tuple[AlertRule, ...]:
    named = [{"name": f"r{number}", "subject": "contact", **each} for number, each in enumerate(given)]
    return _READ.validate_python({"rules": named}).rules


def of(signals: Mapping[str, Signal]) -> Fields:
    return lambda name, parameters: signals.get(name, ())


def spans(look: Look) -> list[tuple[str, int, int | None]]:
    return [(each.rule, each.since, each.until) for each in look.found]


WAITING = {"waiting": (Piece(1_000, None, 0, True, "leg-1", ("e-queued",)),)}


def test_a_wait_is_found_a_millisecond_after_its_bound_and_not_before() -> None:
    index = Index(rules({"when": {"waiting": {"above": "2s"}}, "severity": "critical"}), version="v1")
    assert watch(index, {}, of(WAITING), None) == Look((), 3_000)
    assert watch(index, {}, of(WAITING), 3_000) == Look((), 3_000)
    [found], due = watch(index, {}, of(WAITING), 3_001)
    assert due is None
    assert (found.rule, found.severity, found.what, found.since, found.until) == (
        "r0",
        "critical",
        "waiting",
        3_001,
        None,
    )
    assert (found.value, found.limit, found.clear, found.unit) == (2_001, 2_000, None, "ms")
    assert (found.anchor, found.evidence) == ("leg-1", ("e-queued",))


def test_an_end_ahead_of_stream_time_is_not_judged_yet() -> None:
    index = Index(rules({"when": {"waiting": {"above": "2s"}}}))
    leg = {"waiting": (Piece(1_000, 9_000, 0, True, "leg-1"),)}
    assert spans(watch(index, {}, of(leg), 8_999)) == [("r0", 3_001, None)]
    assert watch(index, {}, of(leg), 8_999).due == 8_999
    assert spans(watch(index, {}, of(leg), 9_000)) == [("r0", 3_001, 9_000)]
    assert watch(index, {}, of(leg), 9_000).due is None
    short = {"waiting": (Piece(1_000, 3_001, 0, True, "leg-1"),)}
    assert watch(index, {}, of(short), 2_000) == Look((), None), "it will not be waited for so long"


def test_the_scope_is_needed_to_begin_and_not_to_go_on() -> None:
    index = Index(rules({"tiers": ["gold"], "channels": ["voice"], "when": {"waiting": {"above": "2s"}}}))
    becomes = (Piece(0, 5_000, "red"), Piece(5_000, 6_000, "gold"), Piece(6_000, None, "red"))
    look = watch(index, {"tier": becomes, "channel": "voice"}, of(WAITING), 9_000)
    assert spans(look) == [("r0", 5_000, None)], "at the moment at which the tier changes"
    assert (look.found[0].value, look.found[0].limit) == (4_000, 2_000)
    assert watch(index, {"tier": becomes, "channel": "voice"}, of(WAITING), 4_000) == Look((), 4_999)
    assert watch(index, {"tier": "red", "channel": "voice"}, of(WAITING), 9_000) == Look()
    assert watch(index, {"tier": "gold", "channel": "chat"}, of(WAITING), 9_000) == Look()
    assert watch(index, {}, of(WAITING), 9_000) == Look()


def test_episodes_on_one_anchor_have_numbers() -> None:
    index = Index(rules({"when": {"waiting": {"above": "2s"}, "transfers": 0}}))
    signals = {**WAITING, "transfers": (Piece(0, 4_000, 0), Piece(5_000, None, 0))}
    look = watch(index, {}, of(signals), 9_000)
    assert [(each.since, each.anchor) for each in look.found] == [(3_001, "leg-1"), (5_000, "")]
    index = Index(rules({"when": {"all": [{"waiting": {"above": "2s"}}, {"not": {"transfers": 1}}]}}))
    signals = {**WAITING, "transfers": (Piece(4_000, 5_000, 1), Piece(6_000, 7_000, 1))}
    found = watch(index, {}, of(signals), 9_000).found
    assert [(each.since, each.until, each.anchor) for each in found] == [
        (3_001, 4_000, "leg-1"),
        (5_000, 6_000, "5000"),
        (7_000, None, "7000"),
    ], "where it was something that is over that held it back, the moment names it"
    both = (Piece(1_000, 6_000, 0, True, "leg-1"), Piece(6_000, None, 9_000, True, "leg-1"))
    index = Index(rules({"when": {"waiting": {"above": "2s", "clear_below": "1s"}}}))
    found = watch(index, {}, of({"waiting": (both[0], Piece(7_000, None, 9_000, True, "leg-1"))}), 9_000).found
    assert [each.anchor for each in found] == ["leg-1", "leg-1#2"]
    assert len(watch(index, {}, of({"waiting": both}), 9_000).found) == 1


def test_each_field_is_asked_for_once_and_only_where_a_scope_fits() -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def fields(name: str, parameters: Params) -> Signal:
        asked.append((name, dict(parameters)))
        return ()

    kinds = [{"when": {"sentiment": {"below": -0.5 - n / 10}}, "subject": "customer"} for n in range(3)]
    kinds.append({"when": {"sentiment": {"below": -0.5, "half_life": "1h"}}, "subject": "customer"})
    kinds.append({"when": {"repeats": {"above": 1}}, "tiers": ["gold"], "subject": "customer"})
    kinds.append({"when": {"tier": ["gold"], "quiet": {"above": "1d"}}, "subject": "customer"})
    watch(Index(rules(*kinds)), {"tier": "red"}, fields, 5)
    usual = {"half_life": 1_800_000, "min_messages": 3, "quiet_after": 7_200_000}
    assert sorted(asked, key=str) == [("sentiment", usual), ("sentiment", {**usual, "half_life": 3_600_000})]


def test_what_always_held_began_with_what_is_known_first() -> None:
    index = Index(rules({"when": {"not": {"waiting": {"above": "2s"}}}, "for_everybody": True}))
    assert watch(index, {}, of({}), 9_000) == Look(), "a subject of which nothing is known"
    look = watch(index, {}, of(WAITING), 9_000)
    assert [(each.since, each.until, each.anchor, each.value) for each in look.found] == [(1_000, 3_001, "1000", None)]


class Days:
    """Open in every second thousand of ms."""

    def between(self, start: int, end: int) -> int:
        return sum(at // 1_000 % 2 for at in range(start, end))

    def after(self, start: int, ms: int) -> int | None:
        at = start
        while ms > 0:
            ms -= at // 1_000 % 2
            at += 1
        return at

    def next_opening(self, at: int) -> int | None:
        return at if at // 1_000 % 2 else (at // 1_000 + 1) * 1_000


def test_business_hours() -> None:
    def business(channel: str, queue: str) -> Clock | None:
        return Days() if (channel, queue) == ("voice", "cards") else None

    open_hours = rules(
        {"hours": "business", "when": {"waiting": {"above": "1500ms"}}},
        {"hours": "business", "when": {"transfers": {"above": 1}}},
        {"hours": "days", "when": {"transfers": {"above": 1}}},
        {"when": {"transfers": {"above": 1}}},
    )
    index = Index(open_hours, business, {"days": Days()})
    signals = {**WAITING, "transfers": (Piece(2_500, 2_800, 2), Piece(4_200, None, 2, anchor="t2"))}
    where: Attributes = {"channel": "voice", "queue": "cards"}
    assert spans(watch(index, where, of(signals), 9_000)) == [
        ("r1", 5_000, None),
        ("r2", 5_000, None),
        ("r3", 2_500, 2_800),
        ("r3", 4_200, None),
        ("r0", 3_501, None),
    ]
    assert watch(index, where, of(signals), 4_500).due == 4_999
    assert spans(watch(index, {"channel": "voice", "queue": "x"}, of(signals), 9_000))[-1] == ("r0", 2_501, None)


# Many rules at random: with the index as alone.

CHANNELS, TIERS = ("voice", "chat"), ("gold", "red")
BOUNDS = st.integers(0, 30)


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(["transfers", "ping_pong", "waiting"]))
    sign = draw(st.sampled_from(["above", "at_or_above", "below", "at_or_below"]))

    def bound() -> Any:
        number = draw(BOUNDS) + (sign == "below")
        return f"{number}ms" if name == "waiting" else number

    if draw(st.integers(0, 3)) == 0:
        return {name: {sign: {"by": "tier", "gold": bound(), **({"default": bound()} if draw(st.booleans()) else {})}}}
    return {name: {sign: bound()}}


WHEN = st.recursive(
    st.one_of(comparisons(), st.just({"tier": ["gold"]}), st.just({"transfers": 2})),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=3,
)
RULES = st.lists(
    st.fixed_dictionaries(
        {"when": WHEN},
        optional={"tiers": st.sampled_from([["gold"], ["red"]]), "channels": st.sampled_from([["voice"], ["chat"]])},
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def pieces(draw: st.DrawFn, values: st.SearchStrategy[Any], grows: bool = False) -> Signal:
    cuts = draw(st.lists(st.integers(0, LONGEST), unique=True, min_size=1, max_size=5).map(sorted))
    ends = [*cuts[1:], None if draw(st.booleans()) else LONGEST + 5]
    return tuple(
        Piece(start, end, draw(values), grows, f"a{start}")
        for start, end in zip(cuts, ends, strict=True)
        if draw(st.integers(0, 3))
    )


SIGNALS = st.fixed_dictionaries(
    {
        "transfers": pieces(st.integers(0, 9)),
        "ping_pong": pieces(st.integers(0, 9)),
        "waiting": pieces(st.just(0), True),
    }
)
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.one_of(st.sampled_from(TIERS), pieces(st.sampled_from(TIERS))),
        "channel": st.sampled_from(CHANNELS),
    },
)


@settings(max_examples=100, deadline=None)
@given(RULES, SIGNALS, ATTRIBUTES)
def test_with_the_index_each_rule_finds_what_it_finds_alone(
    given: list[dict[str, Any]], signals: dict[str, Signal], attributes: Attributes
) -> None:
    every = rules(*given)
    together, alone = Index(every), [Index((each,)) for each in every]
    before, due = None, watch(together, attributes, of(signals), None).due
    for now in (*range(-1, LONGEST + 8), *range(LONGEST + 10, 2 * LONGEST, 7)):
        look = watch(together, attributes, of(signals), now)
        apart = [watch(each, attributes, of(signals), now) for each in alone]
        assert sorted(look.found, key=str) == sorted((each for some in apart for each in some.found), key=str)
        if before is not None and look.found != before:
            assert due is not None and now > due, "it changes with no event, and nobody was told to look"
        before = look.found
        if due is None or now > due:
            due = look.due
        assert look.due is None or look.due >= now
        assert due is None or look.due is None or look.due >= due or now >= due


@pytest.mark.parametrize("sign", ["above", "at_or_above"])
def test_of_many_bounds_the_lowest_that_is_not_crossed_says_when(sign: str) -> None:
    index = Index(rules(*({"when": {"waiting": {sign: f"{bound}s"}}} for bound in range(1, 101))))
    look = watch(index, {}, of(WAITING), 11_500)
    assert len(look.found) == 10
    assert look.due == 12_000 - (sign == "at_or_above")


def test_a_rule_with_alternatives_is_looked_at_when_one_of_them_is_in_reach() -> None:
    asked: list[str] = []

    def fields(name: str, parameters: Params) -> Signal:
        asked.append(name)
        return WAITING["waiting"] if name == "waiting" else ()

    either = {"any": [{"waiting": {"above": "5s"}}, {"transfers": {"above": 3}}]}
    index = Index(rules({"when": either}, {"when": {"all": [either, {"tier": "gold"}]}}))
    assert watch(index, {"tier": "gold"}, fields, 2_000).due == 6_000
    assert sorted(asked) == ["transfers", "waiting"]
    assert spans(watch(index, {"tier": "gold"}, fields, 7_000)) == [("r0", 6_001, None), ("r1", 6_001, None)]
    assert spans(watch(index, {"tier": "red"}, fields, 7_000)) == [("r0", 6_001, None)]


def test_a_rule_whose_scope_and_condition_shut_each_other_out_finds_nothing() -> None:
    index = Index(rules({"tiers": ["red"], "when": {"tier": "gold", "waiting": {"above": "1s"}}}))
    assert (
        watch(index, {"tier": "gold"}, of(WAITING), 9_000)
        == watch(index, {"tier": "red"}, of(WAITING), 9_000)
        == Look()
    )
