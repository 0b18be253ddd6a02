"""All alerts together: inhibition, caps, and what holds whatever happens in whatever order."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.board import HELD_BACK, Board, Gone, Tables
from streams.alerts.handling import EscalationStep, Handling, Handlings, Inhibition
from streams.alerts.machine import EXPIRED, OVER, STEPS, Refused, Step
from streams.alerts.matching import matcher
from streams.base.alert_records import Command, Condition, Silenced
from streams.base.records import Erase
from tests.support.alerting import condition, over

MINUTE = 60_000
DOWN = Inhibition((matcher("rule=down"),), (matcher("rule=wait"),), ("queue",))


def told(found: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (each.standing.condition.fingerprint, each.because, each.standing.state)
        for each in found
        if isinstance(each, Step)
    ]


def test_while_the_queue_is_down_its_contacts_alerts_are_silent() -> None:
    board = Board(Tables({}, {}, {}), Handlings({}, (DOWN,)))
    assert told(board.take(condition("a", 0), 0)) == [("wait@a", "fired", "firing")]
    assert told(board.take(condition("q", 5, rule="down"), 5)) == [
        ("down@q", "fired", "firing"),
        ("wait@a", "inhibited", "suppressed"),
    ]
    (step,) = board.take(condition("b", 6), 6)
    assert isinstance(step, Step) and (step.because, step.standing.state, step.notify) == ("fired", "suppressed", False)
    assert step.standing.inhibited_by == "down@q"
    assert told(board.take(over("a", 0, 7), 7)) == [("wait@a", "answered", "resolved")]
    assert told(board.take(over("q", 5, 8, rule="down"), 8)) == [
        ("down@q", "answered", "resolved"),
        ("wait@b", "inhibition_over", "firing"),
    ]


def test_more_than_its_share_of_a_minute_is_held_back_and_told_when_there_is_room() -> None:
    tables = Tables({}, {}, {})
    board = Board(tables, Handlings({"wait": Handling("wait", per_minute=2)}))
    found = [told(board.take(condition(name, at), at)) for at, name in enumerate("abcde")]
    held = f"{HELD_BACK}.wait"
    assert found == [
        [("wait@a", "fired", "firing")],
        [("wait@b", "fired", "firing")],
        [("wait@c", "capped", "suppressed"), (held, "fired", "firing")],
        [("wait@d", "capped", "suppressed"), (held, "amended", "firing")],
        [("wait@e", "capped", "suppressed"), (held, "amended", "firing")],
    ]
    assert tables.standings[held].condition.value == 3
    board.take(over("c", 2, 10), 10)
    ((key, _),) = tables.caps.items()
    assert told(board.passed_cap(key, MINUTE)) == [
        ("wait@d", "cap_over", "firing"),
        ("wait@e", "cap_over", "firing"),
        (held, "cleared", "resolved"),
    ]
    assert told(board.take(condition("f", MINUTE + 1), MINUTE + 1))[0] == ("wait@f", "capped", "suppressed")
    assert told(board.passed_cap(key, 2 * MINUTE))[0] == ("wait@f", "cap_over", "firing")
    board.passed_cap(key, 3 * MINUTE)
    assert not tables.caps


def test_what_an_alert_of_the_erased_lay_over_is_told() -> None:
    board = Board(Tables({}, {}, {}), Handlings({}, (DOWN,)))
    board.take(condition("q", 0, rule="down"), 0)
    assert told(board.take(condition("a", 1), 1)) == [("wait@a", "fired", "suppressed")]
    found = board.erase(Erase("customer:q", 5), 6)
    assert found[0] == Gone("down@q", "") and told(found) == [("wait@a", "inhibition_over", "firing")]
    assert board.erase(Erase("customer:a", 0), 7) == [], "it began later"
    assert board.erase(Erase("customer:a", 1), 8) == [Gone("wait@a", "")]


names = st.sampled_from("abc")
rules = st.sampled_from(["wait", "down"])
acts = st.one_of(
    st.tuples(st.just("holds"), rules, names, st.integers(0, 2)),
    st.tuples(st.just("over"), rules, names, st.integers(0, 2), st.sampled_from(["answered", "withdrawn", "moved"])),
    st.tuples(st.just("say"), rules, names, st.sampled_from(["acknowledge", "snooze", "close", "escalate", "assign"])),
    st.tuples(
        st.just("silence"), st.sampled_from(["rule=wait", "queue=cards", "customer=~*a"]), st.integers(1, 200_000)
    ),
    st.tuples(st.just("unsilence")),
    st.tuples(st.just("erase"), names),
    st.tuples(st.just("pass"), st.integers(1, 100_000)),
)
HANDLINGS = Handlings(
    {
        "wait": Handling(
            "wait", for_ms=5_000, keep_firing_ms=10_000, per_minute=2, escalation=(EscalationStep(30_000),)
        ),
        "down": Handling("down", expires_ms=120_000),
    },
    (DOWN,),
)


def run(history: list[Any], *, anew: bool, twice: bool = False) -> list[Step | Gone]:
    """What is told. ``anew``: by a board that is made again for each; ``twice``: each condition comes twice."""
    tables, now, found, gone = Tables({}, {}, {}), 0, list[Step | Gone](), Counter[str]()
    board = Board(tables, HANDLINGS)
    for act in history:
        board = Board(tables, HANDLINGS) if anew else board
        now += 1000
        try:
            for _ in range(2 if twice and act[0] in ("holds", "over") else 1):
                found += one(board, act, now, gone)
        except Refused:
            continue
        if act[0] == "pass":
            now += act[1]
            found += passed(board, now)
    return found


def one(board: Board, act: Any, now: int, gone: Counter[str]) -> list[Any]:
    if act[0] == "holds":
        return board.take(made(board, act, now, gone), now)
    if act[0] == "over":
        known = made(board, act, now, gone)
        found = board.take(over(act[2], known.since, now, act[4], episode=known.episode, rule=act[1]), now)
        if any(isinstance(each, Gone) for each in found):
            gone[act[2]] += 1  # what comes back after it was moved has the next name
        return found
    if act[0] == "say":
        command = Command("c", "/d", f"{act[1]}@{act[2]}", act[3], now, by="eva", to="otto", until=now + 20_000)
        return board.obey(command, now)
    if act[0] == "silence":
        return board.silence(Silenced("s", "/d", "s", now, "eva", "", (act[1],), until=now + act[2]), now)
    if act[0] == "erase":
        gone[act[1]] += 1
        return board.erase(Erase(f"customer:{act[1]}", now), now)
    if act[0] == "unsilence":
        return board.silence(Silenced("s", "/d", "s", now, "eva"), now)
    return []


def made(board: Board, act: Any, now: int, gone: Counter[str]) -> Condition:
    """The n-th episode of a fingerprint began when it was first told of; whoever was erased, or moved, is another one since."""
    episode = f"{act[1]}{act[2]}{act[3]}/{gone[act[2]]}"
    known = board.tables.standings.get(f"{act[1]}@{act[2]}")
    since = known.condition.since if known is not None and known.condition.episode == episode else now
    return condition(act[2], since, episode, rule=act[1])


def passed(board: Board, now: int) -> list[Any]:
    found: list[Any] = []
    tables = board.tables
    while due := sorted(key for key, row in tables.standings.items() if row.due is not None and row.due < now):
        for key in due:
            if key in tables.standings:
                found += board.passed(key, now)
    for key in sorted(key for key, row in tables.silences.items() if row.next - 1 < now):
        found += board.passed_silence(key, now)
    for key in sorted(key for key, row in tables.caps.items() if row.minute + MINUTE - 1 < now):
        found += board.passed_cap(key, now)
    return found


@given(st.lists(acts, max_size=40))
def test_whatever_happens_an_alert_takes_its_steps_in_order(history: list[Any]) -> None:
    steps: dict[str, list[Step]] = {}
    for each in run(history, anew=False):
        if isinstance(each, Step):
            steps.setdefault(each.standing.condition.episode, []).append(each)
    for taken in steps.values():
        assert [each.standing.revision for each in taken] == list(range(1, len(taken) + 1))
        assert all(each.standing.state in STEPS[each.before] for each in taken)
        assert taken[0].before is None
        for before, after in pairwise(taken):
            assert after.before == before.standing.state and after.at >= before.at
        fired = [each for each in taken if each.because in ("fired", "capped") and each.standing.fired == each.at]
        assert sum(each.because == "fired" for each in taken) <= 1 and len(fired) <= 1
        ends = [each for each in taken if each.standing.base in OVER]
        assert ends in ([], taken[-1:])
        if ends and ends[0].standing.fired is None:
            assert ends[0].standing.state == EXPIRED and not ends[0].notify
        if ends:
            assert ends[0].notify == any(each.notify for each in taken[:-1]), (
                "the end of what people know, and no other"
            )


@given(st.lists(acts, max_size=40))
def test_it_is_the_same_whoever_takes_over_and_however_often_it_is_told(history: list[Any]) -> None:
    once = run(history, anew=False)
    assert run(history, anew=True) == once
    assert run(history, anew=False, twice=True) == once
