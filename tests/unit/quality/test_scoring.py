"""The three sides of a contact, by its state alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contacts.contact import Contact
from streams.contacts.service import Seen, Service
from streams.quality.rules import QualityRules, QueueRules
from streams.quality.scoring import Around, business, hidden, human, promises, quality, rank, usual_wait, waited_ms

S, M, H = 1000, 60_000, 3_600_000
RULES = QualityRules({"apology": 0.1, "curt": -0.3, "callback": 0.0, "stay": 0.9}, {"callback": 24 * H})
CARDS = QueueRules({10: 90 * S, 50: 4 * M, 90: 15 * M}, (80.0, 95.0), ("apology", "contact.wrapped_up"))


def contact(**more: Any) -> Contact:
    given = {"state": "ended", "outcome": "answered", "answered": 20 * S, "ended": 4 * M, "wait_ms": 20 * S, **more}
    return Contact("c1", given.pop("channel", "chat"), 0, 4 * M, **given)


@pytest.mark.parametrize(
    ("value", "share"),
    [
        (0, 0),
        (45 * S, 0.05),
        (90 * S, 0.1),
        (165 * S, 0.3),
        (4 * M, 0.5),
        (15 * M, 0.9),
        (30 * M, 0.95),
        (150 * M, 0.99),
    ],
)
def test_the_rank_among_the_queues_own(value: int, share: float) -> None:
    assert rank(value, CARDS.time_ms) == pytest.approx(share)


@given(
    st.lists(st.integers(0, 10**8), min_size=2, max_size=2),
    st.dictionaries(st.integers(1, 99), st.integers(1, 10**7), min_size=1),
)
def test_the_rank_grows_with_the_value(values: list[int], given_: dict[int, int]) -> None:
    ascending = dict(zip(sorted(given_), sorted(set(given_.values())), strict=False))
    low, high = sorted(values)
    assert 0 <= rank(low, ascending) <= rank(high, ascending) <= 1


@pytest.mark.parametrize(
    ("given_", "score"),
    [
        ({}, 1.0),
        ({"transfers": 1}, 0.9),
        ({"reopened": 1}, 0.6),
        ({"outcome": "abandoned", "answered": None}, 0.2),
        ({"outcome": "left", "answered": None}, 0.2),
        ({"outcome": "contained", "answered": None}, 1.0),
        ({"timed_out": True}, None),
        ({"cases": ("k1",)}, None),
        ({"cases": ("k1",), "solves": ((3 * M, None),)}, 1.0),
        ({"cases": ("k1",), "solves": ((M, 2 * M), (3 * M, None))}, 0.6),
        ({"cases": ("k1",), "solves": ((M, 2 * M),)}, 0.2),
        ({"only_told": True}, None),
    ],
)
def test_business_of_a_queue_without_a_history(given_: dict[str, Any], score: float | None) -> None:
    assert business(contact(**given_), QueueRules()).score == score


def test_business_against_the_queues_own_history() -> None:
    found = business(contact(), CARDS)
    assert {each.what: each.weight for each in found.evidence} == {"need met": 0.6, "time": 0.125, "transfers": 0.15}
    assert found.score == 0.875
    assert business(contact(ended=90 * S), CARDS).score == 0.975
    assert business(contact(solves=((90 * S, None),)), CARDS).score == 0.975, "the first solution counts"
    weights = [business(contact(transfers=count), CARDS).evidence[-1].weight for count in range(4)]
    assert weights == [0.15, 0.03, 0.0075, 0.0075]


def seen(name: str, last: int = M, kept: int | None = None, times: int = 1) -> Seen:
    return Seen(name, f"e-{name}", times, last, kept)


def test_human() -> None:
    assert human(contact(), RULES).score is None
    assert human(contact(service=Service(held=2)), RULES).score is None, "a call is not heard"
    assert human(contact(service=Service(read=1)), RULES).score == 0.4
    found = human(contact(service=Service(3, (seen("apology", times=4), seen("curt"), seen("unknown")))), RULES)
    assert found.score == 0.2
    assert [tuple(each) for each in found.evidence] == [
        ("served", 0.4, ()),
        ("apology", 0.1, ("e-apology",)),
        ("curt", -0.3, ("e-curt",)),
    ]
    assert human(contact(service=Service(1, (seen("stay"),))), RULES).score == 1.0
    held = Service(2, (seen("hold-announced", times=1),), held=2)
    assert human(contact(service=held), RULES).score == 0.3, "one of two holds was announced"


@pytest.mark.parametrize(
    ("kept", "called", "now", "found"),
    [
        (None, (), None, None),
        (None, (), M + 24 * H, None),
        (None, (), M + 24 * H + 1, False),
        (2 * H, (), None, True),
        (M + 24 * H + 1, (), M + 48 * H, False),
        (None, (M,), M + 48 * H, False),
        (None, (0, M + 1), M + 48 * H, True),
        (None, (0, M + 24 * H), None, True),
        (None, (M + 24 * H + 1,), M + 48 * H, False),
    ],
)
def test_a_promise(kept: int | None, called: tuple[int, ...], now: int | None, found: bool | None) -> None:
    service = Service(1, (seen("callback", kept=kept), seen("apology")))
    assert [value for _, value in promises(service, RULES, Around(called=called, now=now))] == [found]


def test_a_promise_that_names_its_deadline() -> None:
    def found(due: int, **around: Any) -> list[bool | None]:
        service = Service(1, (replace(seen("callback"), due=due),))
        return [value for _, value in promises(service, RULES, Around(**around))]

    assert found(M + H, now=M + H) == [None] and found(M + H, now=M + H + 1) == [False]
    assert found(M + H, called=(M + H,)) == [True] and found(M + H, called=(M + H + 1,), now=2 * H) == [False]
    assert found(M + 48 * H, now=M + 30 * H) == [None], "later than is usual"
    assert found(M + H, now=2 * H, since=M + 1) == [None], "who called then is not known any more"
    assert found(M + H, now=2 * H, until=M + H - 1) == found(M + H, called=(M + 1,), until=M + H - 1) == [None]


def test_hidden() -> None:
    assert hidden(contact(wait_ms=0, answered=None), RULES, QueueRules(), Around(45 * S)).score is None
    assert hidden(contact(), RULES, QueueRules(), Around(45 * S)).score == 1.0
    assert hidden(contact(wait_ms=90 * S), RULES, QueueRules(), Around(45 * S)).score == 0.5
    assert hidden(contact(wait_ms=90 * S, channel="email"), RULES, QueueRules(), Around(45 * S)).score is None
    assert hidden(contact(wait_ms=90 * S), RULES, QueueRules(), Around(usual_ms=30 * S)).score == 0.5
    service = Service(1, (seen("apology"), seen("callback")), steps=(("contact.held", "h1"),))
    found = hidden(contact(service=service), RULES, CARDS, Around(45 * S, 20 * S, (), 30 * H))
    assert {each.what: (each.weight, each.events) for each in found.evidence} == {
        "wait as promised": (0.25, ()),
        "wait as before": (0.25, ()),
        "callback": (0.0, ("e-callback",)),
        "step apology": (0.1, ("e-apology",)),
        "step contact.wrapped_up": (0.0, ()),
    }
    assert found.score == 0.6


def test_what_was_waited_for() -> None:
    assert waited_ms(contact(answered=None, wait_ms=0)) is None
    assert waited_ms(contact(wait_ms=0)) == 0
    assert waited_ms(contact(wait_ms=0, service=Service(first_ms=7))) == 7
    assert waited_ms(contact(answered=None, outcome="abandoned", wait_ms=9)) == 9


def test_the_usual_wait_is_that_of_the_latest() -> None:
    assert usual_wait([(1, "a", 5)]) is None
    assert usual_wait([(2, "b", 7), (1, "a", 5)]) == 5
    assert usual_wait([(number, "a", number) for number in range(30)]) == 24


def test_all_three_are_told_apart() -> None:
    found = quality(contact(first_queue="cards", service=Service(1)), QualityRules({}, {}, {"cards": CARDS}), Around())
    assert [side.score for side in found] == [0.875, 0.4, 0.0]
