"""What the loop over capabilities owes to each of them, and that it knows none."""

import re
from pathlib import Path
from typing import Any

import pytest

from streams.contacts.rules import ContactRules
from streams.customers import condensing, customers, loop, relief, timelines
from streams.customers.follow import CONDITIONS, HOOKS, Ease, Follower, Out, View, alerts_in, having
from streams.customers.journey_names import KEPT_BYTES, MAX_KEPT
from streams.customers.journey_rules import JourneyRules
from streams.customers.journey_state import KnownJourneys, Shown
from streams.customers.journey_steps import STEPS_OF_CONTACT
from streams.customers.journey_sums import Journey
from streams.customers.journeys import Journeys
from streams.customers.step_telling import MAX_PAST_TURNS, MAX_TAKEN_BACK, STEP_BYTES
from streams.customers.touchpoints import Touchpoint
from tests.support.track_story import OWNER, RULES, T0, H, M, S, event

POINT = Touchpoint("c1", "voice", "q", T0, T0 + M, T0 + M, "answered", 0, 0, 0, 0, 0, 0, "gold")
PAST = KnownJourneys(points=(POINT,))
OLD = KnownJourneys((Journey(T0, T0 + M, (POINT,), {"voice": T0}),))
"""As versions before kept the same."""
JOURNEYS = Journeys(JourneyRules(need_ms=2 * H, repeat_ms=H), ContactRules(lateness_ms=H))


@pytest.mark.parametrize("module", [condensing, customers, loop, relief, timelines])
def test_nothing_above_the_capabilities_knows_one_by_name(module: Any) -> None:
    names = "|".join(each.name for each in RULES.followers)
    assert not re.findall(rf"\.(?:{names})\b", Path(module.__file__).read_text())


def test_a_capability_is_asked_where_it_has_an_answer_of_its_own() -> None:
    class Waking(Follower[int]):
        def due(self, state: int, view: View) -> int | None:
            return state

    waking = Waking()
    assert {hook for hook in HOOKS if having((waking,), hook)} == {"due"}
    asked = {hook: {each.name for each in found} for hook, found in RULES.asked.items()}
    assert asked.keys() == set(HOOKS)
    assert asked["due"] >= {"watched", "journeys", "segments"}
    assert asked["publish"] >= {"journeys", "segments"} and not asked["publish"] & {"watched"}


def test_a_row_is_charged_for_alerts_alone() -> None:
    own, alert = (Out(topic, b"", {}) for topic in ("needs", CONDITIONS))
    assert [alerts_in(out) for out in ((), (own,), (own, alert, alert))] == [0, 0, 2]


def seen_at(now: int | None) -> View:
    return View(OWNER, "", now, {}, {}, ())


def test_journeys_remember_a_contact_up_to_its_last_event() -> None:
    one = event("contact.queued", M, "c1")
    later, other, mail = (
        event("contact.queued", M + 1, "c1"),
        event("contact.queued", 0, "c2"),
        event("x", 0, "c1", "email"),
    )
    for past in (PAST, OLD):
        assert [JOURNEYS.remembers(past, each) for each in (one, later, other, mail)] == [True, False, False, False]


def test_journeys_have_something_to_drop_when_gap_and_lateness_have_passed() -> None:
    over = T0 + M + 3 * H
    assert [JOURNEYS.spent(PAST, seen_at(now)) for now in (None, over, over + 1)] == [False, False, True]
    assert not JOURNEYS.spent(JOURNEYS.empty, seen_at(over + S))


def test_journeys_say_what_publishing_them_will_take() -> None:
    name = len(f'"{OWNER}"') + 100
    far = Journey(T0 + 10 * H, T0 + 10 * H, (), {})
    past, back = MAX_PAST_TURNS * STEP_BYTES, MAX_TAKEN_BACK * STEP_BYTES + MAX_KEPT * KEPT_BYTES
    assert JOURNEYS.shown_bytes(PAST, seen_at(None)) == name + (STEPS_OF_CONTACT + MAX_PAST_TURNS) * STEP_BYTES + back
    assert JOURNEYS.shown_bytes(OLD, seen_at(None)) == name + past + back
    assert JOURNEYS.shown_bytes(KnownJourneys((*OLD.past, far)), seen_at(None)) == 2 * name + past + back
    assert JOURNEYS.shown_bytes(JOURNEYS.empty, seen_at(None)) == MAX_KEPT * KEPT_BYTES


def test_journeys_keep_of_too_many_the_latest() -> None:
    parts = tuple(Journey(T0 + n * 10 * H, T0 + n * 10 * H, (), {}) for n in range(10))
    given = JOURNEYS.gives_up(KnownJourneys(parts), Ease.FEWER, seen_at(None))
    assert given == ((T0, T0),), "the last of ten is not over: nothing says that its time has passed"
    assert JOURNEYS.gives_up(KnownJourneys(parts), Ease.FEWER, seen_at(T0 + 99 * H)) == (*given, (T0 + 10 * H,) * 2)
    assert JOURNEYS.gave_up(KnownJourneys(parts), given).past == parts[1:]
    assert JOURNEYS.eased(KnownJourneys(parts), Ease.UNNEEDED, seen_at(None)) == KnownJourneys(parts)


def test_a_name_that_was_taken_back_goes_on_from_its_revision_when_journeys_are_given_up() -> None:
    """It was forgotten with those of its moment, and the name would have begun anew."""
    shown = {"over": Shown(T0, 3, True, 1), "back": Shown(T0, 5, True, 0, T0 + H), "other": Shown(T0 + H, 1, True, 1)}
    after = JOURNEYS.gave_up(KnownJourneys(shown=shown), ((T0, T0 + M),))
    assert after.shown == {"back": shown["back"], "other": shown["other"]}
    assert [each.revision for each in after.kept.values()] == [3]
