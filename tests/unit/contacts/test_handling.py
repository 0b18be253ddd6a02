"""Time that people spend on a contact, and the first response: which facts say so."""

from streams.base.records import Event
from tests.support.track_story import T0, H, M, S, connected, ended, event, handled, legs, play, queued, said


def test_talk_hold_and_wrap() -> None:
    talk = (connected(0), event("contact.held", 10 * S), event("contact.resumed", 15 * S), ended(40 * S))
    assert handled(*talk) == (35 * S, 5 * S, 0, 40 * S)
    assert handled(*talk, event("contact.wrapped_up", 70 * S)) == (35 * S, 5 * S, 30 * S, 40 * S)
    assert handled(*talk, event("contact.wrapped_up", 70 * S, duration_ms=7 * S)) == (35 * S, 5 * S, 7 * S, 40 * S)
    assert handled(connected(0), event("contact.held", 10 * S), ended(40 * S)) == (10 * S, 30 * S, 0, 40 * S)
    assert handled(connected(0), ended(0)) == (0, 0, 0, 0)


def test_wrap_up_before_the_end_stops_the_talk() -> None:
    wrapped = event("contact.wrapped_up", 30 * S, agent="a1", duration_ms=9 * S)
    assert handled(connected(0), wrapped, ended(50 * S, "system")) == (21 * S, 0, 9 * S, 50 * S)


def test_after_contact_work_told_when_it_is_done_was_no_talk() -> None:
    """100 s of talk, 30 s of work: the end is reported after both."""
    wrapped = event("contact.wrapped_up", 130 * S, agent="a1", duration_ms=30 * S)
    assert handled(connected(0), wrapped, ended(131 * S, "agent")) == (100 * S, 0, 30 * S, 131 * S)
    held = (connected(0), event("contact.held", 120 * S), wrapped, ended(131 * S, "agent"))
    assert handled(*held) == (120 * S, 0, 30 * S, 131 * S)  # no more of it than there was
    unsaid = event("contact.wrapped_up", 130 * S, agent="a1")
    assert handled(connected(0), unsaid, ended(131 * S, "agent")) == (130 * S, 0, 0, 131 * S)


def test_several_agents_add_up() -> None:
    transfer = event("contact.transferred", 60 * S, kind="cold")
    first = (connected(0, "a1"), transfer, queued(60 * S), connected(80 * S, "a2"))
    assert handled(*first, ended(100 * S)) == (80 * S, 0, 0, 100 * S)
    other = event("contact.wrapped_up", 90 * S, agent="a1", duration_ms=5 * S)
    assert handled(*first, other, ended(100 * S)) == (80 * S, 0, 5 * S, 100 * S)


def test_in_a_warm_transfer_the_first_agent_stays_until_the_second_answers() -> None:
    events = (connected(0), event("contact.transferred", 10 * S, kind="warm"), connected(15 * S, "a2"), ended(20 * S))
    assert handled(*events) == (20 * S, 0, 0, 20 * S)
    cold = (connected(0), event("contact.transferred", 10 * S, kind="cold"), connected(15 * S, "a2"), ended(20 * S))
    assert handled(*cold) == (15 * S, 0, 0, 20 * S)
    queue = (connected(0), event("contact.transferred", 10 * S, kind="warm"), queued(11 * S, "b"))
    assert handled(*queue, connected(15 * S, "a2"), ended(20 * S)) == (20 * S, 0, 0, 20 * S)
    assert handled(*queue, ended(20 * S)) == (20 * S, 0, 0, 20 * S)
    assert legs(*queue, connected(15 * S, "a2")) == [("b", 11 * S, 15 * S, "answered")]


def test_bots_are_not_human_time() -> None:
    task = play(connected(0, party="bot"), ended(60 * S, "bot", "self-served"))
    told = [("contact_by_machine", "contained"), ("contact_unasked", "contained")]
    assert sorted((fact.fact, fact.outcome) for fact in task.of_contacts) == told


def by_machine(*events: Event) -> list[tuple[int, str | None]]:
    """(when it was over, outcome), of one that a menu or a bot had first."""
    return [(each.time - T0, each.outcome) for each in play(*events).of("contact_by_machine")]


def test_what_a_machine_had_first_is_contained_or_not() -> None:
    bot = connected(0, party="bot")
    assert by_machine(bot, ended(S, "customer")) == [(S, "contained")]
    assert by_machine(bot, queued(S), connected(2 * S), ended(3 * S)) == [(3 * S, None)]
    assert by_machine(bot, queued(S), ended(2 * S, "customer", "abandoned")) == [(2 * S, None)]
    assert by_machine(event("article.viewed", 0, channel="self-service"), ended(S, channel="self-service")) == [
        (S, None)
    ]
    assert by_machine(queued(0), connected(S), ended(2 * S)) == []
    after_the_call = connected(2 * S, party="self-service")
    assert by_machine(queued(0), connected(S), after_the_call, ended(3 * S)) == [], "a survey is no start"
    in_the_queue = connected(S, party="bot")
    assert by_machine(queued(0), in_the_queue, ended(3 * S, "customer", "abandoned")) == []
    ours = event("contact.initiated", 0, opened_by="campaign")
    assert by_machine(ours, connected(S, party="bot"), ended(2 * S)) == []


def test_one_that_goes_on_counts_as_it_came_out_last() -> None:
    again = (event("contact.reopened", 5 * S, by="customer"), queued(6 * S), connected(7 * S), ended(9 * S))
    contained = (connected(0, party="bot"), ended(S, "bot"))
    assert by_machine(*contained, *again[:1]) == [(S, "contained")]
    assert by_machine(*contained, *again) == [(9 * S, None)]


def transfers(*events: Event) -> list[int | None]:
    return [each.value for each in play(*events).of("contact_handled")]


def test_how_often_a_handled_contact_was_transferred() -> None:
    moved = event("contact.transferred", 2 * S, kind="cold")
    assert transfers(connected(0), ended(S)) == [None]
    assert transfers(connected(0), moved, connected(3 * S, "a2"), ended(4 * S)) == [1]
    assert transfers(moved, connected(3 * S, "a2"), event("contact.transferred", 3500), ended(4 * S)) == [2]
    assert transfers(connected(0), moved, connected(3 * S), ended(4 * S), event("contact.transferred", 5 * S)) == [1]


def responses(*events: Event) -> dict[str | None, int | None]:
    return {each.variant: each.value for each in play(*events).of("first_response")}


def test_first_responses() -> None:
    chat = {"channel": "chat"}
    start = (
        event("contact.initiated", 0, **chat),
        said(2 * S),
        said(5 * S, author="system"),
        said(7 * S, author="bot"),
    )
    assert responses(*start) == {"any": 5 * S}
    assert responses(*start, event("contact.handed_off", 10 * S, **chat), said(30 * S, author="agent")) == {
        "any": 5 * S,
        "human_from_start": 28 * S,
        "human_from_handoff": 20 * S,
    }
    assert responses(event("contact.initiated", 0), said(5 * S, author="agent", channel="voice")) == {}
    post = event("post.made", 0, channel="forum")
    by_customer = event("post.answered", S, channel="forum", author="customer")
    assert responses(post, by_customer) == {}
    assert responses(post, by_customer, event("post.answered", 9 * S, channel="forum")) == {
        "any": 9 * S,
        "human_from_start": 9 * S,
    }


def test_the_first_response_of_a_contact_we_opened_counts_from_the_customers_first_message() -> None:
    opened = event("contact.initiated", 0, channel="messaging", opened_by="campaign", direction="outbound")
    ours = said(S, author="agent", channel="messaging")
    assert responses(opened, ours) == {}
    reply = (said(H, channel="messaging"), said(H + M, author="agent", channel="messaging"))
    assert responses(opened, ours, *reply) == {"any": M, "human_from_start": M}
