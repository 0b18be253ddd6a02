"""What other rules make of alerts that are not over, and which rules are others."""

from typing import Any

from pydantic import TypeAdapter

from streams.alerts.board import HELD_BACK, Board, Tables
from streams.alerts.handling import EscalationStep, Handling, Handlings, Inhibition
from streams.alerts.machine import Step
from streams.alerts.matching import matcher
from streams.alerts.rules import AlertsFile
from streams.alerts.switching import Others, Since, Switched, switched
from tests.support.alerting import condition, over

MINUTE = 60_000
_READ = TypeAdapter(AlertsFile)


def told(found: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (each.standing.condition.fingerprint, each.because, each.standing.state)
        for each in found
        if isinstance(each, Step)
    ]


def others(number: int, *handled: str, removed: tuple[str, ...] = ()) -> Switched:
    return Switched(number, handled=dict.fromkeys(handled, number), removed=dict.fromkeys(removed, number))


def a_board(*rules: Handling, version: str = "v1") -> Board:
    return Board(Tables({}, {}, {}), by(*rules, version=version))


def by(*rules: Handling, version: str, inhibitions: tuple[Inhibition, ...] = ()) -> Handlings:
    return Handlings({rule.name: rule for rule in rules}, inhibitions, version)


def rejudged(board: Board, rules: Handlings, now: int, *handled: str) -> list[tuple[str, str, str]]:
    board.go_by(rules, others(board.switched.number + 1, *handled))
    return told([each for name in sorted(board.tables.standings) for each in board.rejudge(name, now)])


def test_a_rule_that_is_gone_resolves_what_fires_and_ends_what_waits() -> None:
    board = a_board(Handling("wait"), Handling("slow", for_ms=MINUTE))
    board.take(condition("a", 0), 0)
    board.take(condition("b", 0, rule="slow"), 0)
    assert rejudged(board, by(version="v2"), 10) == [
        ("slow@b", "rule_removed", "expired"),
        ("wait@a", "rule_removed", "resolved"),
    ]
    assert board.take(over("a", 0, 20, "rule_removed", version="v2"), 20) == []
    assert board.take(condition("c", 0, version="v1"), 30) == [], "by who does not know yet"
    assert told(board.take(condition("c", 0, rule=HELD_BACK, version="v1"), 30)) != []
    assert "wait@c" not in board.tables.standings


def test_a_shorter_for_fires_what_waits_and_a_longer_one_does_not_take_back() -> None:
    board = a_board(Handling("wait", for_ms=5 * MINUTE))
    board.take(condition("a", 0), 0)
    assert rejudged(board, by(Handling("wait", for_ms=MINUTE), version="v2"), 2 * MINUTE, "wait") == [
        ("wait@a", "rule_changed", "pending")
    ]
    due = board.tables.standings["wait@a"].due
    assert due == MINUTE - 1, "it is due, and told with the next progress"
    assert told(board.passed("wait@a", 2 * MINUTE)) == [("wait@a", "fired", "firing")]
    assert rejudged(board, by(Handling("wait", for_ms=9 * MINUTE), version="v3"), 3 * MINUTE, "wait") == [
        ("wait@a", "rule_changed", "firing")
    ]


def test_severity_is_of_the_rule_until_it_is_escalated_and_people_hear_of_it() -> None:
    first = Handling("wait", escalation=(EscalationStep(MINUTE, "critical", {"page": "lead"}),), labels={"team": "one"})
    board = a_board(first)
    board.take(condition("a", 0), 0)
    two = Handling("wait", "info", escalation=first.escalation, labels={"team": "two"})
    board.go_by(by(two, version="v2"), others(1, "wait"))
    (step,) = board.rejudge("wait@a", 10)
    assert isinstance(step, Step)
    assert (step.because, step.notify, step.standing.severity) == ("rule_changed", True, "info")
    assert (step.standing.labels, step.standing.condition.version) == ({"team": "two"}, "v2")
    assert told(board.passed("wait@a", 2 * MINUTE)) == [("wait@a", "unanswered", "escalated")]
    three = Handling("wait", "warning", escalation=first.escalation, labels={"team": "three"})
    board.go_by(by(three, version="v3"), others(2, "wait"))
    (step,) = board.rejudge("wait@a", 3 * MINUTE)
    assert isinstance(step, Step)
    assert (step.standing.severity, step.notify, step.standing.state) == ("critical", False, "escalated")
    assert step.standing.labels == {"team": "three", "page": "lead"}


def test_an_escalation_that_only_adds_labels_leaves_the_severity_to_the_rule() -> None:
    first = Handling("wait", escalation=(EscalationStep(MINUTE, None, {"page": "lead"}),))
    board = a_board(first)
    board.take(condition("a", 0), 0)
    assert told(board.passed("wait@a", 2 * MINUTE)) == [("wait@a", "unanswered", "escalated")]
    board.go_by(by(Handling("wait", "critical", escalation=first.escalation), version="v2"), others(1, "wait"))
    (step,) = board.rejudge("wait@a", 3 * MINUTE)
    assert isinstance(step, Step)
    assert (step.standing.severity, step.notify, step.standing.labels) == ("critical", True, {"page": "lead"})


def test_inhibitions_lie_over_what_says_how_many_are_held_back() -> None:
    rules = (Handling("wait", per_minute=1), Handling("down"))
    down = Inhibition((matcher("rule=down"),), (matcher("rule=held-back"),), ())
    board = a_board(*rules)
    for name in ("a", "b"):
        board.take(condition(name, 0), 0)
    board.take(condition("q", 0, rule="down"), 0)
    held = "held-back.wait"
    board.go_by(by(*rules, version="v2", inhibitions=(down,)), others(1))
    assert told(board.rejudge(held, 10)) == [(held, "inhibited", "suppressed")]
    board.go_by(by(*rules, version="v3"), others(2))
    assert told(board.rejudge(held, 20)) == [(held, "inhibition_over", "firing")]
    assert board.rejudge(held, 30) == []


def test_what_nobody_changed_takes_no_step_and_has_the_new_version() -> None:
    board = a_board(Handling("wait"))
    board.take(condition("a", 0, version="v1"), 0)
    assert rejudged(board, by(Handling("wait"), version="v2"), 10) == []
    known = board.tables.standings["wait@a"]
    assert (known.condition.version, known.revision) == ("v2", 1)


def test_inhibitions_come_and_go() -> None:
    board = a_board(Handling("wait"), Handling("down"))
    board.take(condition("a", 0), 0)
    board.take(condition("q", 0, rule="down"), 0)
    down = Inhibition((matcher("rule=down"),), (matcher("rule=wait"),), ("queue",))
    rules = (Handling("wait"), Handling("down"))
    assert rejudged(board, by(*rules, version="v2", inhibitions=(down,)), 10) == [("wait@a", "inhibited", "suppressed")]
    assert rejudged(board, by(*rules, version="v3"), 20) == [("wait@a", "inhibition_over", "firing")]


def test_without_a_cap_what_was_held_back_is_told_with_the_minute() -> None:
    board = a_board(Handling("wait", per_minute=1))
    for at, name in enumerate("abc"):
        board.take(condition(name, at), at)
    assert rejudged(board, by(Handling("wait"), version="v2"), 10, "wait") == [
        ("wait@a", "rule_changed", "firing"),
        ("wait@b", "rule_changed", "suppressed"),
        ("wait@c", "rule_changed", "suppressed"),
    ]
    ((key, _),) = board.tables.caps.items()
    assert told(board.passed_cap(key, MINUTE)) == [
        ("wait@b", "cap_over", "firing"),
        ("wait@c", "cap_over", "firing"),
        (f"{HELD_BACK}.wait", "cleared", "resolved"),
    ]


def file(**limits: str) -> AlertsFile:
    return _READ.validate_python(
        {
            "rules": [
                {"name": name, "subject": "contact", "when": {"waiting": {"above": limit}}}
                for name, limit in limits.items()
            ]
        }
    )


def test_which_rules_are_others_and_since_when() -> None:
    one, two = file(a="10s", b="20s"), file(a="10s", b="30s", c="40s")
    first = switched(Switched(), 1, one, two, {"": 100, "r": 50})
    assert (first.first, first.number) == (one.version, 1)
    assert first.after(0) == Others({"b", "c"}, {"b", "c"}, set(), set())
    assert first.after(1) == Others(set(), set(), set(), set())
    assert first.since == (Since(("b", "c"), {"": 100, "r": 50}),)
    again = switched(first, 5, two, file(a="10s", b="30s", c="50s"), {"": 200, "r": 60})
    assert again.since == (Since(("b",), {"": 100, "r": 50}), Since(("c",), {"": 200, "r": 60}))
    assert (again.first, again.after(0).anew, again.after(1).anew) == (one.version, {"b", "c"}, {"c"})
    assert [again.is_of_before(rule, "", 150) for rule in "abc"] == [False, False, True]
    assert [again.is_of_before("b", line, 100) for line in ("", "r", "other")] == [True, False, False]
    assert not again.is_of_before("c", "", None)
    gone = switched(again, 6, file(a="10s", b="30s", c="50s"), file(a="10s"), {"": 300})
    assert (gone.since, gone.after(0).changed, gone.after(5).removed) == ((), set(), {"b", "c"})
    back = switched(gone, 7, file(a="10s"), file(a="10s", b="30s"), {"": 400})
    assert back.after(5) == Others({"b"}, {"b"}, set(), {"b", "c"}), "it was gone meanwhile"
    assert back.after(6) == Others({"b"}, {"b"}, set(), set())


def test_a_line_that_is_forgotten_stays_in_no_row() -> None:
    one, two = file(a="10s"), file(a="20s")
    first = switched(Switched(), 1, one, two, {"": 100, "r": 50})
    assert switched(first, 2, two, file(a="20s", b="1s"), {"": 200}).since == (
        Since(("a",), {"": 100}),
        Since(("b",), {"": 200}),
    )


def test_another_severity_is_no_other_condition() -> None:
    one = file(a="10s")
    two = _READ.validate_python(
        {
            "rules": [
                {"name": "a", "subject": "contact", "severity": "info", "when": {"waiting": {"above": "10s"}}}
            ]
        }
    )  # fmt: skip
    found = switched(Switched(), 1, one, two, {"": 1})
    assert found.after(0) == Others({"a"}, set(), {"a"}, set())
    assert found.since == ()


def test_what_was_found_by_rules_of_before_has_the_severity_of_the_rule_in_force() -> None:
    board = a_board(Handling("wait", "critical"), version="v2")
    (step,) = board.take(condition("a", 0, version="v1"), 0)
    assert isinstance(step, Step)
    assert (step.standing.severity, step.standing.condition.severity) == ("critical", "critical")
    assert board.take(condition("a", 0, version="v1"), 10) == [], "told once more it is the same"
    assert told(board.take(over("a", 0, 20, version="v1"), 20)) == [("wait@a", "answered", "resolved")]
    (step,) = board.take(condition("b", 0, version="v2"), 0)
    assert isinstance(step, Step)
    assert step.standing.severity == "warning", "as it was found"


def test_what_lies_over_another_one_finds_it_judged() -> None:
    """And a rule that was gone for a moment has ended it."""
    board = a_board(Handling("wait"), Handling("down"), version="v1")
    board.take(condition("a", 0), 0)
    inhibits = Inhibition((matcher("rule=down"),), (matcher("rule=wait"),), ("queue",))
    rules = by(Handling("wait", owner="desk"), Handling("down"), version="v2", inhibitions=(inhibits,))
    board.go_by(rules, others(1, "wait"))
    assert told(board.take(condition("q", 0, rule="down", version="v2"), 10)) == [
        ("down@q", "fired", "firing"),
        ("wait@a", "rule_changed", "firing"),
        ("wait@a", "inhibited", "suppressed"),
    ]
    assert board.rejudge("wait@a", 20) == [], "once"
    board.go_by(rules, others(2, removed=("wait",)))
    assert told(board.rejudge("wait@a", 30)) == [("wait@a", "rule_removed", "resolved")]
