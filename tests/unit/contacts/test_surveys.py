"""On which scale an answer to a survey lies, and whether it is a bad one."""

from dataclasses import replace

import pytest

from schemas.data import SCALES
from streams.contacts import surveys
from streams.contacts.rules import ContactRules, Negative
from streams.contacts.steps import Step, step
from streams.customers.verdicts import verdict_of
from streams.rules import load
from tests.support.track_story import M, Task, event, play

RULES = ContactRules()


def given(metric: str, score: float, scale: str | None = None) -> Step:
    return step(event("feedback.given", 0, metric=metric, score=score, scale=scale))


def is_low(metric: str, score: float, scale: str | None, rules: ContactRules) -> bool:
    one = given(metric, score, scale)
    return surveys.is_low(one.detail, surveys.answer(one, rules), rules)


@pytest.mark.parametrize(
    ("ours", "scale", "low", "high"),
    [
        ((1, 5), None, 2, 3),
        ((1, 5), "1-5", 2, 3),
        ((1, 5), "0-10", 2.5, 3),
        ((1, 5), "1-7", 2.5, 3),
        ((1, 5), "good-bad", 0, 1),
        ((0, 10), None, 2.5, 3),
        ((0, 10), "1-5", 2, 3),
        ((0, 1), None, 0, 1),
        ((0, 1), "good-bad", 0, 1),
        ((1, 3), None, 1, 2),
        ((0, 100), None, 25, 26),
    ],
)
def test_a_csat_is_bad_by_its_place_on_the_scale_it_was_given_on(
    ours: tuple[int, int], scale: str | None, low: float, high: float
) -> None:
    rules = replace(RULES, csat_scale=ours)
    assert is_low("csat", low, scale, rules)
    assert not is_low("csat", high, scale, rules)


@pytest.mark.parametrize("scale", [None, *SCALES])
def test_other_surveys_have_their_own_scale_whatever_that_of_csat_is(scale: str | None) -> None:
    rules = replace(RULES, csat_scale=(0, 100))
    assert is_low("nps", 6, None, rules) and not is_low("nps", 7, None, rules)
    worst, best = SCALES[scale or "1-7"]
    assert is_low("ces", worst, scale, rules) and not is_low("ces", best, scale, rules)


@pytest.mark.parametrize(("ours", "scale", "low", "high"), [((1, 5), None, 2, 3), ((1, 5), "1-7", 3, 4)])
def test_a_ces_is_bad_by_its_place_on_its_scale(
    ours: tuple[int, int], scale: str | None, low: float, high: float
) -> None:
    rules = replace(RULES, ces_scale=ours)
    assert is_low("ces", low, scale, rules) and not is_low("ces", high, scale, rules)


def test_what_is_not_looked_at_is_not_bad() -> None:
    rules = replace(RULES, negative=Negative(csat_at_or_below=None, sentiment_at_or_below=None))
    assert not is_low("csat", 1, None, rules)
    assert not surveys.is_low("csat", None, RULES) and not surveys.is_low(None, 0, RULES)
    assert not rules.negative.is_sad(-1000, 1)


def test_signals_and_silences_go_by_the_same_answer() -> None:
    """A CSAT of 3 of 10 by the deployment's own scale is bad, one of 4 is not."""
    loaded = load(None, {"kpis.csat.scale": [1, 10], "kpis.csat.satisfied_from": 8})
    call = (
        event("contact.queued", 0, queue="q"),
        event("contact.connected", M),
        event("contact.ended", 2 * M, by="agent"),
    )
    for score, bad in ((3, True), (4, False)):
        task: Task = play(*call, event("feedback.given", 3 * M, metric="csat", score=score), rules=loaded.customers)
        assert task.customer is not None
        (history,) = task.customer.lines[""].histories.values()
        contact = history.lives[-1]
        assert contact.low == (("csat",) if bad else ())
        assert (verdict_of(contact, loaded.customers.contacts).reason == "bad-survey") is bad
