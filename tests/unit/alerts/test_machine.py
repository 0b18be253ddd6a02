"""One alert at a time: by hand, each with the step that it takes."""

from typing import Any

import pytest
from msgspec.structs import replace

from streams.alerts.board import Board, Gone, Tables
from streams.alerts.handling import EscalationStep, Handling, Handlings
from streams.alerts.machine import KEPT_MS, Refused, Step
from streams.base.alert_records import Command, Condition, ConditionSubject, Silenced
from tests.support.alerting import condition, over

MINUTE = 60_000


class Desk:
    """A board, and time that passes."""

    def __init__(self, **handling: Any) -> None:
        self.tables = Tables({}, {}, {})
        self.board = Board(self.tables, Handlings({"wait": Handling("wait", **handling)}))

    def steps(self, told: list[Any]) -> list[tuple[str | None, str, str, bool]]:
        return [
            (each.before, each.because, each.standing.state, each.notify) for each in told if isinstance(each, Step)
        ]

    def take(self, given: Condition, now: int | None = None) -> list[tuple[str | None, str, str, bool]]:
        return self.steps(self.board.take(given, given.at if now is None else now))

    def pass_to(self, now: int) -> list[tuple[str | None, str, str, bool]]:
        """As the stage does: what is due, until nothing is."""
        found: list[Any] = []
        while due := [key for key, row in self.tables.standings.items() if row.due is not None and row.due < now]:
            for key in due:
                found += self.board.passed(key, now)
        for key in [key for key, row in self.tables.silences.items() if row.next - 1 < now]:
            found += self.board.passed_silence(key, now)
        for key in [key for key, row in self.tables.caps.items() if row.minute + MINUTE - 1 < now]:
            found += self.board.passed_cap(key, now)
        return self.steps(found)

    def say(self, action: str, now: int, alert: str = "wait@a", **more: Any) -> list[tuple[str | None, str, str, bool]]:
        return self.steps(self.board.obey(Command("c", "/d", alert, action, now, **{"by": "eva", **more}), now))

    def silence(
        self, now: int, until: int | None, *matchers: str, **more: Any
    ) -> list[tuple[str | None, str, str, bool]]:
        return self.steps(
            self.board.silence(Silenced("s", "/d", "s", now, "eva", "", matchers, until=until, **more), now)
        )


def test_it_fires_and_is_resolved() -> None:
    desk = Desk()
    assert desk.take(condition("a", 1000)) == [(None, "fired", "firing", True)]
    assert desk.take(condition("a", 1000)) == []
    assert desk.take(over("a", 1000, 5000, "answered")) == [("firing", "answered", "resolved", True)]
    assert desk.take(condition("a", 1000)) == [], "an episode that is over does not fire again"
    assert desk.take(condition("a", 9000, "a2")) == [(None, "fired", "firing", True)]
    assert desk.tables.standings["wait@a"].revision == 1


def test_it_is_pending_until_it_has_held_for_long() -> None:
    desk = Desk(for_ms=MINUTE)
    assert desk.take(condition("a", 1000)) == [(None, "began", "pending", False)]
    assert desk.pass_to(1000 + MINUTE - 1) == []
    assert desk.pass_to(1000 + MINUTE) == [("pending", "fired", "firing", True)]
    assert desk.tables.standings["wait@a"].fired == 1000 + MINUTE
    assert desk.take(condition("b", 5000)) == [(None, "began", "pending", False)]
    assert desk.take(over("b", 5000, 6000)) == [("pending", "answered", "expired", False)], "it never fired"


def test_one_that_held_for_long_has_fired_even_if_that_is_known_late() -> None:
    desk = Desk(for_ms=MINUTE)
    desk.take(condition("a", 1000))
    assert desk.take(over("a", 1000, 1000 + MINUTE)) == [
        ("pending", "fired", "firing", True),
        ("firing", "answered", "resolved", True),
    ]
    assert desk.take(over("b", 0, 2 * MINUTE)) == [
        (None, "began", "pending", False),
        ("pending", "fired", "firing", True),
        ("firing", "answered", "resolved", True),
    ]


def test_one_that_is_told_late_does_not_fire_before_it_is_known_that_it_lasted() -> None:
    """Where a worker is behind, the end may be told right after the beginning."""
    desk = Desk(for_ms=MINUTE)
    assert desk.take(condition("a", 1000), 9 * MINUTE) == [(None, "began", "pending", False)]
    assert desk.take(over("a", 1000, 1000 + MINUTE - 1), 9 * MINUTE) == [("pending", "answered", "expired", False)]
    late = replace(condition("b", 2000), at=9 * MINUTE)
    assert desk.take(late) == [(None, "began", "pending", False)]
    assert desk.pass_to(9 * MINUTE) == [("pending", "fired", "firing", True)]
    assert desk.tables.standings["wait@b"].fired == 9 * MINUTE, "when it was told"


def test_flapping_is_held_in_one_episode() -> None:
    desk = Desk(keep_firing_ms=MINUTE)
    desk.take(condition("a", 1000))
    assert desk.take(over("a", 1000, 2000)) == []
    assert desk.take(condition("a", 3000, "a2")) == [("firing", "came_back", "firing", True)]
    assert desk.take(over("a", 3000, 4000, episode="a2")) == []
    assert desk.pass_to(4000 + MINUTE - 1) == []
    assert desk.pass_to(4000 + MINUTE) == [("firing", "answered", "resolved", True)]
    known = desk.tables.standings["wait@a"]
    assert (known.condition.episode, known.resolved, known.revision) == ("a", 4000, 3)
    desk.take(condition("b", 1000))
    assert desk.take(over("b", 1000, 2000, "withdrawn")) == [("firing", "withdrawn", "resolved", True)]


def test_what_begins_after_the_time_for_which_one_is_kept_is_another_episode() -> None:
    """Also when stream time was not told to have come there in between."""
    desk = Desk(keep_firing_ms=MINUTE)
    desk.take(condition("a", 1000))
    assert desk.take(over("a", 1000, 2000)) == []
    assert desk.take(condition("a", 2000 + MINUTE, "a2")) == [
        ("firing", "answered", "resolved", True),
        (None, "fired", "firing", True),
    ]
    known = desk.tables.standings["wait@a"]
    assert (known.condition.episode, known.past, known.revision) == ("a2", ("a",), 1)
    assert desk.take(over("a", 2000 + MINUTE, 3000 + MINUTE, episode="a2")) == []
    assert desk.take(over("a", 9 * MINUTE, 10 * MINUTE, episode="a3")) == [
        ("firing", "answered", "resolved", True),
        (None, "fired", "firing", True),
    ], "one that is over when it is told is kept, too"
    assert desk.pass_to(11 * MINUTE) == [("firing", "answered", "resolved", True)], "and no longer than any other"


def test_one_that_is_over_when_it_is_told_is_as_if_both_were_told() -> None:
    for whole in (True, False):
        desk = Desk(keep_firing_ms=MINUTE)
        desk.take(condition("a", 1000))
        desk.take(over("a", 1000, 2000))
        steps = [] if whole else desk.take(condition("a", 3000, "a2"))
        steps += desk.take(over("a", 3000, 9000, episode="a2"))
        assert steps == [("firing", "came_back", "firing", True)]
        assert desk.pass_to(9000 + MINUTE - 1) == []
        assert desk.pass_to(9000 + MINUTE) == [("firing", "answered", "resolved", True)]
        assert desk.tables.standings["wait@a"].past == ("a", "a2")


def test_a_cap_holds_for_alerts_that_were_pending() -> None:
    desk = Desk(for_ms=MINUTE, per_minute=2)
    for number in range(3):
        desk.take(condition(f"c{number}", 1000 + number))
    assert [because for _, because, *_ in desk.pass_to(1002 + MINUTE)] == ["fired", "fired", "capped", "fired"]
    assert desk.tables.standings["held-back.wait"].condition.value == 1


def test_two_conditions_of_one_fingerprint_are_one_alert() -> None:
    desk = Desk()
    desk.take(condition("a", 1000))
    assert desk.take(condition("a", 2000, "a2")) == []
    assert desk.take(over("a", 1000, 3000)) == []
    assert desk.take(over("a", 2000, 4000, episode="a2")) == [("firing", "answered", "resolved", True)]


def test_people_take_it_in_hand() -> None:
    desk = Desk(escalation=(EscalationStep(MINUTE, "critical", {"page": "lead"}), EscalationStep(5 * MINUTE)))
    desk.take(condition("a", 0))
    assert desk.pass_to(MINUTE) == [("firing", "unanswered", "escalated", True)]
    known = desk.tables.standings["wait@a"]
    assert (known.severity, known.labels, known.level) == ("critical", {"page": "lead"}, 1)
    assert desk.say("acknowledge", 2 * MINUTE) == [("escalated", "acknowledged", "acknowledged", True)]
    assert desk.pass_to(9 * MINUTE) == []
    assert desk.say("assign", 9 * MINUTE, to="otto") == [("acknowledged", "assigned", "acknowledged", True)]
    assert desk.say("comment", 9 * MINUTE, note="on it") == [("acknowledged", "commented", "acknowledged", True)]
    assert desk.say("escalate", 9 * MINUTE) == [("acknowledged", "escalated", "escalated", True)]
    assert desk.say("snooze", 9 * MINUTE, until=11 * MINUTE) == [("escalated", "silenced", "silenced", False)]
    assert desk.pass_to(11 * MINUTE) == [("silenced", "silence_over", "escalated", True)]
    assert desk.say("close", 12 * MINUTE, "a") == [("escalated", "closed", "resolved", True)]
    assert desk.take(over("a", 0, 13 * MINUTE)) == []


@pytest.mark.parametrize(
    ("action", "more", "path"),
    [
        ("snooze", {}, "data.until"),
        ("snooze", {"until": 5}, "data.until"),
        ("assign", {}, "data.to"),
        ("comment", {}, "data.note"),
    ],
)
def test_words_that_lack_something_are_refused(action: str, more: dict[str, Any], path: str) -> None:
    desk = Desk()
    desk.take(condition("a", 0))
    with pytest.raises(Refused) as refused:
        desk.say(action, 10, **more)
    assert refused.value.path == path


def test_words_on_what_is_not_there_or_over_or_pending_are_refused() -> None:
    desk = Desk(for_ms=MINUTE)
    for alert, now in (("wait@a", 0), ("a", 0)):
        with pytest.raises(Refused, match="no such alert"):
            desk.say("acknowledge", now, alert)
    desk.take(condition("a", 0))
    with pytest.raises(Refused, match="pending"):
        desk.say("acknowledge", 1)
    desk.take(over("a", 0, 5))
    with pytest.raises(Refused, match="is over"):
        desk.say("acknowledge", 6)
    with pytest.raises(Refused, match="no such silence"):
        desk.silence(0, None)
    for matchers, until in ((("rule~x",), 9), (("rule=wait",), 0)):
        with pytest.raises(Refused):
            desk.silence(5, until, *matchers)


def test_a_silence_holds_and_still_tells_the_end_of_what_people_know() -> None:
    desk = Desk()
    desk.take(condition("a", 0))
    assert desk.silence(1, 100, "queue=cards", "tier=~gold|plat*") == [("firing", "silenced", "silenced", False)]
    assert desk.take(condition("b", 10)) == [(None, "fired", "silenced", False)]
    assert desk.take(over("a", 0, 20)) == [("silenced", "answered", "resolved", True)]
    assert desk.take(over("b", 10, 30)) == [("silenced", "answered", "resolved", False)], "nobody knew of it"
    assert desk.take(condition("c", 40)) == [(None, "fired", "silenced", False)]
    assert desk.pass_to(100) == [("silenced", "silence_over", "firing", True)]
    assert not desk.tables.silences


def test_a_silence_may_begin_later_and_end_earlier() -> None:
    desk = Desk()
    desk.take(condition("a", 0))
    assert desk.silence(1, 100, "rule=wait", starts=50) == []
    assert desk.pass_to(50) == [("firing", "silenced", "silenced", False)]
    assert desk.silence(60, None) == [("silenced", "silence_over", "firing", True)]


def test_escalation_waits_while_nobody_hears() -> None:
    desk = Desk(escalation=(EscalationStep(MINUTE),))
    desk.take(condition("a", 0))
    desk.silence(1, 2 * MINUTE, "rule=wait")
    assert desk.pass_to(2 * MINUTE - 1) == []
    assert desk.pass_to(2 * MINUTE) == [("silenced", "silence_over", "firing", True)]
    assert desk.pass_to(2 * MINUTE) == [("firing", "unanswered", "escalated", True)]


def test_it_expires_and_is_forgotten() -> None:
    desk = Desk(expires_ms=10 * MINUTE)
    desk.take(condition("a", 0))
    assert desk.pass_to(10 * MINUTE) == [("firing", "expired", "expired", True)]
    assert desk.take(over("a", 0, 11 * MINUTE)) == []
    ((key, row),) = desk.tables.standings.items()
    assert row.due == 10 * MINUTE + KEPT_MS - 1
    assert desk.board.passed(key, 10 * MINUTE + KEPT_MS) == [Gone("wait@a", "")]


def test_a_late_event_amends_it_and_fires_nothing() -> None:
    desk = Desk()
    desk.take(condition("a", 1000))
    assert desk.take(condition("a", 500)) == [("firing", "amended", "firing", False)]
    assert desk.tables.standings["wait@a"].condition.since == 500


def test_replays_tell_nobody() -> None:
    desk = Desk()
    assert desk.take(condition("a", 0, line="r")) == [(None, "fired", "firing", False)]
    assert desk.take(over("a", 0, 1, line="r")) == [("firing", "answered", "resolved", False)]


def test_an_erased_customer_leaves_no_alert() -> None:
    desk = Desk()
    desk.take(condition("a", 0))
    told = desk.board.take(over("a", 0, 5, "erased"), 5)
    assert desk.steps(told) == [("firing", "erased", "resolved", True)]
    assert told[-1] == Gone("wait@a", "") and not desk.tables.standings
    assert desk.board.take(Condition("x", "x@x", "wait", "waiting", "info", ConditionSubject("system"), 0, 0), 0)
