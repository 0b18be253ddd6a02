"""The test of a rise: its false alarms, its delay, and its value against a slow reckoning."""

import random
from math import exp, isfinite, log, pi

import pytest

from streams.base.times import DAY_MS, HOUR_MS, to_ms
from streams.signals.rules import SignalRules
from streams.signals.sequential import ODDS, Sample, log_e
from streams.signals.tables import Hour, Subject
from streams.signals.watch import Course

RULES = SignalRules()
LOOKS = 3
"""A day; an hour each."""


def lived(
    dice: random.Random, days: int, per_day: int, share: float, later: float | None = None, at: int = 0
) -> Course:
    """A product through so many days; from ``at`` on with another share."""
    course = Course("\x1fproduct\x1fp", Subject(), RULES, [])
    for day in range(days):
        now = share if later is None or day < at else later
        for look in range(LOOKS):
            contacts = per_day // LOOKS
            negative = sum(dice.random() < now for _ in range(contacts))
            course.take(day * DAY_MS + look * 8 * HOUR_MS, Hour(contacts, negative))
    course.come_to(days)
    return course


@pytest.mark.parametrize(("share", "per_day"), [(0.1, 99), (0.3, 30)])
def test_false_alarms_of_a_year_are_no_more_than_stated(share: float, per_day: int) -> None:
    years = 10
    dice = random.Random(20260302)
    fired = sum(len(lived(dice, 28 + 366, per_day, share).out) for _ in range(years))
    assert fired <= years * RULES.false_alarms_per_year


def test_a_share_that_doubles_is_found_within_a_week() -> None:
    """From 10 to 20 % at 99 contacts a day: every time, and nine times of ten within a week."""
    dice = random.Random(7)
    delays = []
    for _ in range(20):
        out = lived(dice, 45, 99, 0.1, 0.2, 32).out
        fired = [each for each in out if each["status"] == "firing"]
        assert len(fired) == 1
        delays.append((to_ms(fired[0]["fired_at"]) - 32 * DAY_MS) / DAY_MS)
    delays.sort()
    assert delays[0] > 0
    assert delays[10] <= 4.5
    assert delays[17] <= 7


def test_the_value_is_that_of_a_search_by_steps() -> None:
    before, since, tolerated = Sample(400, 40), Sample(60, 15), 1.1

    def likelihood(sample: Sample, share: float) -> float:
        return sample.negative * log(share) + (sample.contacts - sample.negative) * log(1 - share)

    shares = [step / 20_000 for step in range(1, 17_000)]

    def jeffreys(sample: Sample) -> float:
        weighted = [likelihood(sample, share) - 0.5 * log(share * (1 - share)) - log(pi) for share in shares]
        return _log_mean(weighted, 20_000)

    null = max(likelihood(before, share) + likelihood(since, tolerated * share) for share in shares)
    odds = 40.5 / 360.5
    grown = [likelihood(since, odds * times / (1 + odds * times)) for times in ODDS]
    slow = jeffreys(before) + _log_mean([*grown, jeffreys(since)], len(ODDS) + 1) - null
    assert log_e(before, since, tolerated) == pytest.approx(slow, abs=0.01)


def _log_mean(values: list[float], count: int) -> float:
    most = max(values)
    return most + log(sum(exp(value - most) for value in values) / count)


@pytest.mark.parametrize("before", [Sample(300, 0), Sample(300, 300), Sample(1, 0), Sample(5000, 2500)])
def test_no_rise_is_no_evidence_whatever_the_counts(before: Sample) -> None:
    for contacts in (0, 1, 50):
        for negative in {0, contacts // 2, contacts}:
            value = log_e(before, Sample(contacts, negative), 1.1)
            assert isfinite(value)
            if contacts == 0 or negative / contacts <= 1.1 * before.share:
                assert value <= 1e-9
