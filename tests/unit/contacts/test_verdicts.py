"""Which contacts count for a product or topic, when, and how they turned out; what is taken back when that changes."""

import random
from typing import Any

import msgspec
import pytest

from streams.base.records import Event, Left, fact_key
from tests.support.track_story import OWNER, T0, D, H, M, Task, event, play, said


def about(one: Event, product: str | None = "reader", topic: str | None = None) -> Event:
    return msgspec.structs.replace(one, product=product, topic=topic)


def judged(task: Task) -> list[tuple[Any, ...]]:
    """(product or topic, name, time after T0, negative, event) of what counts in the end."""
    return sorted(
        (fact.variant, fact.about, fact.time - T0, fact.value, fact.event)
        for fact, count in task.net.items()
        for _ in range(count)
        if fact.fact == "judged"
    )


CALL = [
    about(event("contact.queued", 0, queue="q"), topic="delivery"),
    event("contact.connected", M),
    event("contact.ended", 2 * M, by="agent"),
]


def test_a_contact_counts_once_it_is_over() -> None:
    assert judged(Task().take(*CALL[:2])) == []
    proof = CALL[0].id
    assert judged(Task().take(*CALL)) == [
        ("product", "reader", 2 * M, 0, proof),
        ("topic", "delivery", 2 * M, 0, proof),
    ]


def test_who_says_no_product_counts_nowhere() -> None:
    assert judged(Task().take(event("contact.queued", 0, queue="q"), *CALL[1:])) == []


@pytest.mark.parametrize(
    ("metric", "score", "negative"),
    [("csat", 2, 1), ("csat", 3, 0), ("nps", 6, 1), ("nps", 7, 0), ("ces", 3, 1), ("ces", 4, 0)],
)
def test_the_last_answer_of_a_survey_decides(metric: str, score: int, negative: int) -> None:
    first = event("feedback.given", 3 * M, metric=metric, score=10 - score)
    last = event("feedback.given", 4 * M, metric=metric, score=score)
    found = judged(Task().take(*CALL, first, last))
    assert [value for _, _, _, value, _ in found] == [negative] * 2


def test_mean_sentiment_abandonment_and_reopening_are_negative() -> None:
    sad = [about(said(0, -0.9)), said(M, 0.4), event("contact.ended", 2 * M, channel="chat", by="agent")]
    assert judged(Task().take(*sad)) == [("product", "reader", 2 * M, 0, sad[0].id)]
    assert judged(Task().take(sad[0], said(M, 0.2), sad[2])) == [("product", "reader", 2 * M, 1, sad[0].id)]
    gone = event("contact.ended", 2 * M, by="customer", reason="abandoned")
    assert judged(Task().take(about(CALL[0]), gone)) == [("product", "reader", 2 * M, 1, gone.id)]
    again = event("contact.queued", 10 * M, queue="q"), event("contact.connected", 11 * M)
    end = event("contact.ended", 12 * M, by="agent")
    assert judged(Task().take(about(CALL[0]), *CALL[1:], *again)) == [], "it goes on"
    assert judged(Task().take(about(CALL[0]), *CALL[1:], *again, end)) == [
        ("product", "reader", 12 * M, 1, again[0].id)
    ]


def test_what_comes_when_it_had_come_to_rest_counts_once_more_if_it_makes_it_bad() -> None:
    survey = event("feedback.given", 3 * D, metric="csat", score=1)
    call = [about(CALL[0]), *CALL[1:]]
    first = ("product", "reader", 2 * M, 0, call[0].id)
    for early in (False, True):
        task = Task().take(*call)
        if not early:
            task.until(D)
        assert judged(task.take(survey)) == [first, ("product", "reader", 3 * D, 1, survey.id)]
        assert judged(task.take(event("feedback.given", 6 * D, metric="ces", score=1)))[1:] == [
            ("product", "reader", 3 * D, 1, survey.id)
        ], "it is bad only once"
    good = event("feedback.given", 3 * D, metric="csat", score=5)
    assert judged(Task().take(*call, good)) == [first]


def test_an_idle_contact_that_goes_on_counts_as_it_was() -> None:
    """Nothing is taken back long after it was counted."""
    begin = about(event("contact.queued", 0, queue="q", channel="email"))
    task = Task().take(begin)
    task.until(40 * D)
    before = judged(task)
    assert len(before) == 1
    later = event("message.sent", 12 * D, channel="email", author="customer", direction="inbound")
    closed = Task().take(begin, later)
    assert before[0] in judged(closed)


def test_a_contact_that_moves_takes_what_it_counts_for_along() -> None:
    task = Task().take(*CALL)
    task.take(Left(OWNER, "c1", "voice", "customer:C2", T0 + H))
    assert judged(task) == []


@pytest.mark.parametrize("seed", range(8))
def test_any_order_and_cut_gives_the_same(seed: int) -> None:
    dice = random.Random(seed)
    events = [
        about(CALL[0]),
        *CALL[1:],
        event("feedback.given", 5 * M, metric="nps", score=2),
        about(event("contact.wrapped_up", 6 * M), product=None, topic="refund"),
        about(said(0, -0.5, contact="c2"), product="card"),
        said(3 * M, 0.1, contact="c2"),
        event("contact.ended", 9 * M, contact="c2", channel="chat", by="customer"),
    ]
    wanted = play(*events)
    shuffled = dice.sample(events, len(events)) + dice.sample(events, 3)
    cut = dice.randrange(1, len(shuffled))
    assert judged(Task().take(*shuffled[:cut]).take(*shuffled[cut:])) == judged(wanted) != []


def test_facts_of_products_have_a_key_of_their_own() -> None:
    found = [fact for fact in Task().take(*CALL).facts if fact.sign > 0]
    keys = {fact_key(fact) for fact in found}
    assert keys == {"voice|q", "product|reader", "topic|delivery"}
