"""What is recommended for a contact: when, by which service and type, with what is known of the customer; by hand."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.recommendations import Recommendation
from streams.base.records import CustomerEvent, Event, Left, Profile
from streams.customers.recommendations import MAX_NAME, MAX_PREFERENCES, MAX_PROMISES, MAX_TOLD
from tests.support.track_story import OWNER, T0, D, H, M, S, Task, event, profile, said


def known(at: int, **more: Any) -> Profile:
    return Profile(f"p{at}", "crm", "C1", T0 + at, **more)


def promise(what: str, at: int, name: str = "P1", due: int | None = None) -> CustomerEvent:
    when = None if due is None else T0 + due
    return CustomerEvent(f"{name}-{at}", "crm", f"promise.{what}", "C1", T0 + at, name, due=when, what="refund")


def recommended(task: Task) -> list[dict[str, Any]]:
    """All of it, as it came, having checked that it is of the contract and numbered from 1."""
    found = [out.value for out in task.published if out.topic == "recommendations" and out.value is not None]
    for number, each in enumerate(found, 1):
        Recommendation.model_validate(each)
        assert each["revision"] == number
    assert all(out.key == each["customer"].encode() for out, each in zip(_outs(task), found, strict=True))
    return found


def _outs(task: Task) -> list[Any]:
    return [out for out in task.published if out.topic == "recommendations"]


def test_a_gold_customer_in_a_queue_has_a_senior_and_is_known_by_name() -> None:
    task = Task().take(
        known(0, tier="gold", name="Ms Rossi", language="it", preferences={"call_after": "17:00"}),
        promise("made", 1 * M, due=5 * D),
        event("search.failed", 2 * M, "v1", "self-service", topic="cards", query="block card"),
    )
    assert recommended(task) == []
    task.take(event("contact.queued", 5 * M, "c1", "chat", queue="cards", topic="cards", intent="quality"))
    [found] = recommended(task)
    told = {
        name: found[name] for name in ("because", "at", "service", "priority", "wait_limit_ms", "agent_kind", "tier")
    }
    assert told == {
        "because": "queued", "at": "2026-01-01T09:05:00.000Z", "service": "gold", "priority": 20, "wait_limit_ms": 45_000,
        "agent_kind": "senior", "tier": "gold",
    }  # fmt: skip
    assert (found["name"], found["language"], found["preferences"]) == ("Ms Rossi", "it", {"call_after": "17:00"})
    assert found["promises"] == [{"promise_id": "P1", "about": "refund", "due": "2026-01-06T09:00:00.000Z"}]
    assert [(each["contact_id"], each["channel"], each["level"]) for each in found["tried"]] == [
        ("v1", "self-service", "self-service")
    ]
    assert (found["failed_searches"], found["intent"], found["empowerment_cents"]) == (1, "quality", 7500)
    assert found["reasons"][0] == {"of": "service", "because": "tier", "value": "gold"}


def test_a_stranger_is_served_as_anybody_and_nothing_may_be_given() -> None:
    task = Task().take(event("contact.queued", 0, "c1", "voice", queue="cards", owner="contact:c1"))
    [found] = recommended(task)
    assert (found["service"], found["tier"], found["type"], found["empowerment_cents"]) == ("open", "none", "none", 0)
    assert (found["channels"], found["agent_kind"], found["name"], found["promises"]) == (
        ["voice"],
        "standard",
        None,
        [],
    )
    assert found["reasons"] == [{"of": "service", "because": "customer", "value": "any"}]


def test_the_type_says_the_channel_and_a_price_a_human_at_once() -> None:
    """Two price questions are two points of three that give half a score: 1 − 2^(−2/3) = 0.37 ≥ 0.2."""
    task = Task().take(
        *(
            event("contact.initiated", n * H, f"e{n}", "email", intent=what)
            for n, what in enumerate(("price", "discount"))
        ),
        *(event("contact.ended", n * H + S, f"e{n}", "email", by="customer") for n in range(2)),
        event("contact.queued", 5 * H, "c1", "voice", queue="cards", intent="price"),
    )
    found = recommended(task)[-1]
    assert (found["type"], found["channels"], found["live"]) == ("value", ["email", "chat"], True)
    assert {"of": "live", "because": "intent", "value": "price"} in found["reasons"]
    assert {"of": "channels", "because": "type", "value": "value"} in found["reasons"]


def test_who_likes_persons_has_the_known_agent() -> None:
    told: list[Event] = []
    for n, agent in enumerate(("a1", "a2", "a1", "a1")):
        at, who = n * H, f"c{n}"
        told += [
            event("contact.initiated", at, who, intent="personal"),
            event("contact.connected", at + S, who, agent=agent, by="human"),
            event("contact.ended", at + M, who, by="agent"),
        ]
    task = Task().take(*told, event("contact.queued", 9 * H, "c9", queue="cards"))
    found = recommended(task)[-1]
    assert (found["type"], found["agent_id"]) == ("relationship", "a1")


def test_it_is_told_while_it_helps_and_once() -> None:
    task = Task().take(event("contact.queued", 0, queue="cards"))
    task.take(event("contact.held", 1 * S)).take(event("contact.queued", 2 * S, queue="cards"))
    assert [each["because"] for each in recommended(task)] == ["queued"], "the same again is not told"
    task.take(profile("platinum", 3 * S))
    assert [(each["because"], each["service"]) for each in recommended(task)][1:] == [("tier", "concierge")]
    task.take(event("contact.connected", 4 * S, agent="a1"), event("contact.ended", 5 * S, by="agent"))
    assert len(recommended(task)) == 2, "it is over"
    replayed = Task().take(event("contact.queued", 0, queue="cards", line="week"))
    assert recommended(replayed) == [], "nobody is helped in a replay"


def test_a_message_of_the_customer_calls_for_one_an_answer_does_not() -> None:
    task = Task().take(event("contact.initiated", 0, channel="chat"))
    task.take(said(1 * S, author="agent"))
    assert recommended(task) == []
    task.take(said(2 * S, -0.2))
    assert [each["because"] for each in recommended(task)] == ["message"]


def test_a_contact_that_goes_to_another_customer_takes_it_back() -> None:
    task = Task().take(event("contact.queued", 0, queue="cards", tier="gold"))
    task.take(Left(OWNER, "c1", "voice", "customer:C2", T0 + M))
    last = recommended(task)[-1]
    assert (last["status"], last["because"], last["service"], last["name"]) == ("withdrawn", "left", None, None)
    assert len(recommended(task)) == 2


def test_the_latest_word_holds_in_any_order_and_long_ones_are_bounded() -> None:
    large = {f"k{n:02}": "x" * 50 for n in range(40)}
    words = [
        known(0, name="A" * 300),
        known(2, name="B"),
        known(1, language="de", preferences=large),
        known(3, language="fr"),
    ]

    @given(st.permutations(words))
    def check(order: list[Profile]) -> None:
        task = Task().take(*order, event("contact.queued", 5, queue="q"))
        [found] = recommended(task)
        assert (found["name"], found["language"], len(found["preferences"])) == ("B", "fr", 500 // 59)

    check()
    [found] = recommended(Task().take(words[0], event("contact.queued", 5, queue="q")))
    assert found["name"] == "A" * MAX_NAME and MAX_PREFERENCES == 500


@given(st.permutations([promise("made", 0, due=H), promise("made", 2, due=2 * H), promise("made", 1, "P2", due=9 * H), promise("kept", 3, "P2"),
                        promise("made", 4, "P3", due=M)]))  # fmt: skip
def test_promises_that_are_open_in_any_order(order: list[CustomerEvent]) -> None:
    task = Task().take(*order, event("contact.queued", 5, queue="q"))
    [found] = recommended(task)
    assert [(each["promise_id"], each["due"]) for each in found["promises"]] == [
        ("P3", "2026-01-01T09:01:00.000Z"), ("P1", "2026-01-01T11:00:00.000Z"),
    ]  # fmt: skip


def test_of_many_promises_the_latest_are_kept() -> None:
    task = Task().take(
        *(promise("made", n, f"P{n}", due=n * H) for n in range(30)), event("contact.queued", M, queue="q")
    )
    [found] = recommended(task)
    assert [each["promise_id"] for each in found["promises"]] == [f"P{n}" for n in range(30 - MAX_PROMISES, 30)]


def test_kept_promises_push_no_open_one_out_and_of_one_moment_the_kept_one_holds() -> None:
    done = [
        each for n in range(MAX_PROMISES) for each in (promise("made", n, f"K{n}", due=H), promise("kept", n, f"K{n}"))
    ]
    task = Task().take(promise("made", 0, due=9 * H), *done, event("contact.queued", M, queue="q"))
    assert [each["promise_id"] for each in recommended(task)[-1]["promises"]] == ["P1"]
    turned = Task().take(promise("kept", 0), promise("made", 0, due=H), event("contact.queued", M, queue="q"))
    assert recommended(turned)[-1]["promises"] == []


def test_the_known_agent_is_who_had_the_customer_of_late() -> None:
    """Five contacts two years ago weigh less than two now: 5 · 2^(−720/90) = 0.02."""
    told: list[Event] = []
    for n, (agent, day) in enumerate([("ann", 0)] * 5 + [("bob", 720)] * 2):
        at, who = day * D + n * H, f"c{n}"
        told += [
            event("contact.initiated", at, who, intent="personal"),
            event("contact.connected", at + S, who, agent=agent, by="human"),
            event("contact.ended", at + M, who, by="agent"),
        ]
    task = Task().take(profile("platinum", 0), *told, event("contact.queued", 720 * D + 9 * H, "c9", queue="q"))
    found = recommended(task)[-1]
    assert (found["concierge"], found["agent_id"]) == (True, "bob")


def test_an_intent_that_is_found_in_a_text_counts_where_the_connector_says_none() -> None:
    task = Task().take(
        *(
            event("contact.initiated", n * H, f"e{n}", "email", intent=what)
            for n, what in enumerate(("price", "discount"))
        ),
        said(5 * H, channel="email", contact="e9", found_intent="price"),
    )
    assert (recommended(task)[-1]["intent"], recommended(task)[-1]["live"]) == ("price", True)


def test_what_happened_last_is_told_whatever_comes_last() -> None:
    queued, late = event("contact.queued", 10 * M, channel="chat", queue="q"), said(5 * M)
    assert [each["because"] for each in recommended(Task().take(queued, late))] == ["queued"]
    assert [each["because"] for each in recommended(Task().take(late, queued))] == ["queued"]


def test_of_too_many_contacts_at_once_none_stands_that_is_not_remembered() -> None:
    """Ten of thirty stayed current for whom the contacts had left, and were current for the other one as well."""
    task = Task()
    for number in range(MAX_TOLD + 10):
        task.take(event("contact.queued", number * S, f"c{number:02}", queue="cards"))
    task.take(*[Left(OWNER, f"c{number:02}", "voice", "customer:C9", T0 + H) for number in range(MAX_TOLD + 10)])
    last = {each["recommendation_id"]: each for each in recommended(task)}
    assert len(last) == MAX_TOLD + 10
    assert {each["status"] for each in last.values()} == {"withdrawn"}
