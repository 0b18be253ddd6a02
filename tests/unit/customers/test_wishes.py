"""What a customer wishes, however often it is told and however much of it: a refusal is never forgotten."""

import random
from typing import Any

import pytest

from streams.customers import wishes
from streams.customers.wishes import GIVEN, MAX_WORDS, REFUSED, Words
from tests.support.outreach_story import word
from tests.support.track_story import T0, D, M

END = T0 + 400 * D


def told(*profiles: Any, now: int | None = None) -> Words:
    words: Words = ()
    for profile in profiles:
        words = wishes.with_words(words, wishes.said_by(profile), now)
        assert len(words) <= MAX_WORDS
    return words


def allowed(words: Words, purpose: str = "service", asked: bool = False) -> bool:
    return wishes.allows(words, purpose, "email", END, asked=asked)


def usual(at: int) -> Any:
    return word(at, time_zone="Europe/Rome", country="IT", language="it")


NO = word(0, consent={"email": False})


def test_ordinary_profiles_do_not_push_a_refusal_out() -> None:
    words = told(NO, *(usual(n * M) for n in range(1, 100)))
    assert not allowed(words)
    assert wishes.as_of(words, "zone", END) == "Europe/Rome"


def test_other_consents_do_not_push_a_refusal_out() -> None:
    others = [word(n * M, consent={f"brand{n}x{k}": True for k in range(16)}) for n in range(1, 30)]
    words = told(NO, *others, usual(40 * M))
    assert not allowed(words)
    assert not allowed(words, asked=True)
    assert wishes.as_of(words, "country", END) == "IT"


@pytest.mark.parametrize("others", [16, 300, 999])
def test_of_one_profile_with_many_refusals_none_is_overlooked(others: int) -> None:
    many = {f"a{n:03}": False for n in range(others)}
    assert not allowed(told(word(0, consent=many | {"email": False})))
    assert not allowed(told(word(0, consent=many | {"service": False})))
    assert not allowed(told(word(0, consent=many), *(word(n * M, consent={f"b{n}": False}) for n in range(99))), "a000")


def test_what_is_lost_counts_as_refused_until_it_is_given_anew() -> None:
    many = told(*(word(n * M, consent={f"p{n}": True}) for n in range(200)))
    assert not allowed(many), "it may have been refused, nobody knows any more"
    assert allowed(told(*(word(n * M, consent={f"p{n}": True}) for n in range(MAX_WORDS))))
    again = wishes.with_words(many, wishes.said_by(word(300 * M, consent={"service:email": True, "email": True})), None)
    assert allowed(again)


def test_a_consent_that_comes_behind_the_refusal_that_was_lost_is_none() -> None:
    words = told(
        word(5 * M, consent={"service:email": False}), *(word(n * M, consent={f"p{n}": False}) for n in range(9, 99))
    )
    late = wishes.with_words(words, wishes.said_by(word(M, consent={"service:email": True, "email": True})), None)
    assert not allowed(late)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_told_in_any_order_who_refused_is_left_alone(seed: int) -> None:
    """Of every name the latest word holds, as far as it is kept; and never is a refusal taken for consent."""
    dice = random.Random(seed)
    names = [f"n{n}" for n in range(dice.choice((3, 20, 90)))] + ["email", "service", "service:email"]
    said = [
        word(n * M, consent={dice.choice(names): dice.random() < 0.6 for _ in range(dice.randint(1, 8))})
        for n in range(dice.randint(5, 120))
    ]
    truth = tuple(sorted(each for profile in said for each in wishes.said_by(profile)))
    words = told(*dice.sample(said, len(said)))
    for name in names:
        real, kept = (wishes.as_of(each, wishes.CONSENT + name, END) for each in (truth, words))
        if len(names) < 30:
            assert kept == real, "there is room for all names"
        elif real == REFUSED and kept != REFUSED:
            assert kept is None
            assert wishes.as_of(words, wishes.LOST, END) is not None
    for purpose in ("service", "n1"):
        assert allowed(truth, purpose) or not allowed(words, purpose)
        assert allowed(truth, purpose, asked=True) or not allowed(words, purpose, asked=True)


def test_of_equal_words_the_first_and_the_last_stay() -> None:
    words = told(*(word(n * M, consent={"email": n < 40}, language="it") for n in range(80)))
    assert next(value for _, what, value in words if what == "ok:email") == GIVEN
    refused = [time for time, what, value in words if value == REFUSED]
    assert (refused[0], refused[-1]) == (T0 + 40 * M, T0 + 79 * M)
