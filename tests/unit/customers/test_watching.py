"""Each kind of alert at the owner's key with its values: when it begins, when it is over, why."""

from typing import Any

from streams.base.records import CustomerEvent, Event, Left
from tests.support.track_story import OWNER, T0, D, H, M, S, Task, connected, ended, event, profile, queued, said
from tests.support.watching import ruled, spans, told


def play(*records: Any, rules: Any, until: int) -> Task:
    """One record a batch, stream time right behind."""
    task = Task(rules)
    for record in sorted(records, key=lambda each: each.time):
        task.until(record.time - T0 - 1).take(record)
    return task.until(until)


def mail(at: int, author: str = "customer", **more: Any) -> Event:
    return said(at, author=author, channel="email", **more)


# Contacts


FIRST = ruled({"when": {"first_response": {"above": "1h"}}})
NEXT = ruled({"when": {"next_response": {"above": "1h"}}})


def test_no_first_response_until_a_human_replies() -> None:
    task = play(mail(0), mail(10 * M), mail(20 * M, "bot"), rules=FIRST, until=H)
    assert spans(task) == []
    assert spans(task.until(H + 1)) == [("r0", H, None, None)]
    [one] = told(task)
    assert (one["what"], one["value"], one["limit"], one["unit"]) == ("first_response", H, H, "ms")
    assert one["subject"] == {"type": "contact", "customer": OWNER, "contact": "c1", "channel": "email"}
    task.take(mail(2 * H, "agent")).until(2 * H)
    assert spans(task) == [("r0", H, 2 * H, "answered")]
    assert not spans(play(mail(0), mail(H, "agent"), rules=FIRST, until=9 * H))


def test_no_first_response_is_over_with_the_contact_and_begins_anew_when_it_goes_on() -> None:
    over = ended(3 * H, by="agent", channel="email")
    task = play(mail(0), over, mail(4 * H), rules=FIRST, until=6 * H)
    assert spans(task) == [("r0", H, 3 * H, "flow_out"), ("r0", 5 * H, None, None)]
    solved = event("case.solved", 2 * H, channel="email", case="k")
    task = play(mail(0), solved, mail(4 * H), rules=FIRST, until=6 * H)
    assert spans(task) == [("r0", H, 2 * H, "solved"), ("r0", 5 * H, None, None)]


def test_where_one_speaks_the_first_response_is_that_a_human_takes_it() -> None:
    events = [queued(0), queued(40 * M, "loans"), connected(90 * M), ended(3 * H)]
    assert spans(play(*events, rules=FIRST, until=5 * H)) == [("r0", H, 90 * M, "answered")]


def test_the_oldest_unanswered_message() -> None:
    talk = [mail(0), mail(10 * M, "agent"), mail(20 * M), mail(50 * M), mail(2 * H, "agent"), mail(3 * H)]
    task = play(*talk, rules=NEXT, until=4 * H)
    assert spans(task) == [("r0", 20 * M + H, 2 * H, "answered")]
    assert spans(task.until(4 * H + 1))[1:] == [("r0", 4 * H, None, None)]


PROMISE = ruled({"when": {"promise_overdue": {"at_or_above": "0s"}}, "severity": "critical"})


def asked(at: int, due: int | None = None, **more: Any) -> Event:
    said_when: dict[str, Any] = {} if due is None else {"scheduled_for": T0 + due}
    return event("contact.callback_requested", at, **said_when, **more)


def call(at: int, contact: str = "ours") -> list[Event]:
    opened = event("contact.initiated", at, contact, opened_by="agent", direction="outbound")
    return [opened, connected(at + S, contact=contact), ended(at + M, by="agent", contact=contact)]


def test_a_promised_call_back_that_was_missed() -> None:
    task = play(queued(0), asked(M, 2 * H), ended(2 * M), rules=PROMISE, until=3 * H - 1)
    assert spans(task) == []
    assert spans(task.until(3 * H)) == [("r0", 3 * H, None, None)], "an hour after it was due"
    for record in call(5 * H):
        task.until(record.time - T0 - 1).take(record)
    assert spans(task.until(6 * H)) == [("r0", 3 * H, 5 * H, "kept")]


def test_a_call_back_kept_in_time_and_one_that_is_asked_for_again() -> None:
    assert not spans(play(queued(0), asked(M, 2 * H), ended(2 * M), *call(150 * M), rules=PROMISE, until=9 * D))
    again = [queued(0), asked(M, 2 * H), asked(5 * H, 8 * H), ended(5 * H + M)]
    task = play(*again, rules=PROMISE, until=8 * H)
    assert spans(task) == [("r0", 3 * H, 5 * H, "asked-again")]
    assert spans(task.until(9 * H))[1:] == [("r0", 9 * H, None, None)]


def test_a_promise_is_owed_when_its_contact_has_come_to_rest() -> None:
    task = play(queued(0), asked(M), ended(2 * M), rules=PROMISE, until=5 * D)
    assert task.customer is not None and not task.customer.lines[""].histories
    assert spans(task) == [("r0", M + D, None, None)]
    for record in call(6 * D):
        task.until(record.time - T0 - 1).take(record)
    assert spans(task.until(7 * D)) == [("r0", M + D, 6 * D, "kept")]


def transferred(at: int, **more: Any) -> Event:
    return event("contact.transferred", at, kind="cold", **more)


def test_transfers_count_while_the_contact_goes_on() -> None:
    rules = ruled({"when": {"transfers": {"at_or_above": 2}}})
    events = [queued(0), connected(M), transferred(2 * M), connected(3 * M), transferred(4 * M), ended(9 * M)]
    task = play(*events, rules=rules, until=H)
    assert spans(task) == [("r0", 4 * M, 9 * M, "answered")]
    assert [(each["value"], each["limit"]) for each in told(task)] == [(2, 2), (2, 2)]


def test_ping_pong_counts_returns_to_a_queue_or_an_agent() -> None:
    rules = ruled({"when": {"ping_pong": {"at_or_above": 1}}}, {"when": {"ping_pong": {"at_or_above": 2}}})
    queues = [queued(0), queued(M, "loans"), queued(2 * M), queued(3 * M, "loans"), ended(9 * M)]
    assert spans(play(*queues, rules=rules, until=H)) == [
        ("r0", 2 * M, 9 * M, "abandoned"),
        ("r1", 3 * M, 9 * M, "abandoned"),
    ]
    agents = [connected(0, "a"), transferred(M), connected(2 * M, "b"), transferred(3 * M), connected(4 * M, "a")]
    assert spans(play(*agents, rules=rules, until=H)) == [("r0", 4 * M, None, None)]


def test_a_rule_of_a_queue_and_bounds_by_tier() -> None:
    rules = ruled({"queues": ["loans"], "when": {"waiting": {"above": {"by": "tier", "gold": "60s", "default": "5m"}}}})
    task = play(queued(0), queued(10 * M, "loans"), rules=rules, until=H)
    assert spans(task) == [("r0", 15 * M, None, None)]
    task = play(queued(0, "loans", tier="gold"), rules=rules, until=H)
    assert [(each["value"], each["limit"], each["subject"]["queue"]) for each in told(task)] == [(M, M, "loans")]


def test_when_the_tier_changes_deadlines_move_and_rules_are_judged_at_once() -> None:
    rules = ruled({"when": {"waiting": {"above": {"by": "tier", "platinum": "60s", "default": "10m"}}}})
    task = Task(rules).take(queued(0)).until(5 * M)
    assert spans(task) == []
    task.take(profile("platinum", 5 * M))
    assert spans(task) == [("r0", 5 * M, None, None)], "with the record that says so"
    task = Task(rules).take(queued(0)).until(30 * S).take(profile("platinum", 30 * S)).until(61 * S)
    assert spans(task) == [("r0", 60 * S, None, None)]


def test_a_service_type_that_is_found_later_brings_its_rule() -> None:
    kinds = list(ruled().services.types)
    intents = {each: of for of, its in ruled().services.by_intent.items() for each in its}
    intent = next(iter(intents))
    rules = ruled({"service_types": [intents[intent]], "when": {"waiting": {"above": "60s"}}})
    assert intents[intent] in kinds
    task = play(queued(0), event("message.sent", 5 * M, author="customer", intent=intent), rules=rules, until=H)
    assert [(rule, since) for rule, since, *_ in spans(task)] == [("r0", M)]


def test_a_policy_scopes_rules() -> None:
    named = ruled().policy_name
    rules = ruled(*({"policies": [each], "when": {"waiting": {"above": "60s"}}} for each in (named, "another")))
    assert [rule for rule, *_ in spans(play(queued(0), rules=rules, until=H))] == ["r0"]


def test_a_contact_that_goes_to_somebody_else_takes_its_alert_along() -> None:
    task = play(mail(0), rules=FIRST, until=2 * H).take(Left(OWNER, "c1", "email", "customer:C2", T0 + 2 * H))
    assert spans(task.until(3 * H)) == [("r0", H, 2 * H, "moved")]


# Customers


def customer(when: dict[str, Any], **more: Any) -> Any:
    return ruled({"subject": "customer", "when": when, **more})


def test_a_streak_of_low_messages() -> None:
    rules = customer({"sentiment_streak": {"at_or_above": 3, "score": -0.5, "quiet_after": "1h"}})
    talk = [said(0, -0.6), said(M, -0.9), said(2 * M, -0.5, contact="c2"), said(3 * M, -0.8), said(9 * M, -0.4)]
    task = play(*talk, rules=rules, until=H)
    assert spans(task) == [("r0", 2 * M, 9 * M, "recovered")]
    assert told(task)[0]["subject"]["contact"] == "c2" and told(task)[0]["value"] == 3
    assert spans(play(*talk[:4], rules=rules, until=2 * H)) == [("r0", 2 * M, 3 * M + H, "quiet")]
    assert spans(play(said(0, -0.6), said(2 * H, -0.6), said(2 * H + M, -0.6), rules=rules, until=9 * H)) == []


def test_a_drop_against_what_is_usual() -> None:
    drop = {"at_or_above": 0.6, "min_messages": 2, "usual_messages": 4, "half_life": "1h", "quiet_after": "2h"}
    rules = customer({"sentiment_drop": drop})
    usual = [said(day * D + at, 0.4) for day in range(2) for at in (0, M)]
    worse = [said(3 * D, -0.4), said(3 * D + M, -0.4)]
    task = play(*usual, *worse, rules=rules, until=3 * D + H)
    assert spans(task) == [("r0", 3 * D + M, None, None)] and told(task)[0]["value"] == 0.8
    assert spans(task.until(4 * D)) == [("r0", 3 * D + M, 3 * D + M + 2 * H, "quiet")]
    assert spans(play(*worse, rules=rules, until=9 * D)) == [], "nothing is usual yet"


def test_a_customer_who_comes_again_about_the_same() -> None:
    rules = customer({"repeats": {"at_or_above": 2, "within": "2d"}})
    calls = [each for day, name in enumerate(("a", "b", "c")) for each in (queued(day * D, contact=name),
             connected(day * D + M, contact=name), ended(day * D + 2 * M, contact=name, by="agent"))]  # fmt: skip
    task = play(*calls, rules=rules, until=3 * D)
    assert spans(task) == [("r0", 2 * D, None, None)]
    assert told(task)[0]["subject"]["contact"] == "c"
    [(_, _, until, _)] = spans(task.until(9 * D))
    assert until == 4 * D + 2 * M + 1, "two days after the last one"


def test_the_longest_wait_of_several() -> None:
    rules = customer({"waiting": {"above": "10m"}})
    events = [queued(0), queued(5 * M, contact="c2", channel="chat"), connected(8 * M)]
    task = play(*events, rules=rules, until=H)
    assert spans(task) == [("r0", 15 * M, None, None)] and told(task)[0]["subject"]["contact"] == "c2"


def test_the_oldest_unanswered_message_of_all_contacts() -> None:
    rules = customer({"unanswered": {"above": "1h"}})
    task = play(mail(0), mail(M, contact="c2"), mail(30 * M, "agent"), rules=rules, until=3 * H)
    assert spans(task) == [("r0", M + H, None, None)]


def test_open_contacts() -> None:
    rules = customer({"open_contacts": {"at_or_above": 2}})
    task = play(mail(0), queued(H, contact="v"), ended(2 * H, contact="v"), rules=rules, until=3 * H)
    assert spans(task) == [("r0", H, 2 * H, "recovered")]


def test_nothing_comes_from_a_customer() -> None:
    rules = customer({"quiet": {"above": "5d"}})
    events = [queued(0), connected(M), ended(2 * M)]
    task = play(*events, rules=rules, until=6 * D)
    assert spans(task) == [("r0", 2 * M + 5 * D, None, None)] or spans(task) == [("r0", 5 * D, None, None)]
    task.take(mail(7 * D, contact="m")).until(7 * D)
    assert [each[2:] for each in spans(task)] == [(7 * D, "heard")]


def test_a_silence_after_a_bad_contact() -> None:
    rules = customer({"silence": "bad"})
    task = play(queued(0), ended(M, reason="abandoned"), rules=rules, until=70 * D)
    [(_, since, until, _)] = spans(task)
    assert since > 50 * D and until is None
    task.take(mail(71 * D, contact="m")).until(71 * D + 1).until(71 * D + 2)
    assert [each[2:] for each in spans(task)] == [(71 * D, "heard")]


def test_a_customer_of_high_value_at_risk() -> None:
    rules = customer(
        {"all": [{"sentiment": {"at_or_below": -0.3}}, {"any": [{"waiting": {"above": "60s"}}, {"open_contacts": 3}]}]},
        tiers=["gold"],
    )
    angry = [said(at, -0.8) for at in (0, M, 2 * M)]
    task = play(*angry, queued(3 * M, contact="v", tier="gold"), connected(9 * M, contact="v"), rules=rules, until=H)
    assert spans(task) == [("r0", 4 * M, 9 * M, "answered")]
    assert told(task)[0]["subject"]["tier"] == "gold"
    assert spans(play(*angry, queued(3 * M, contact="v"), rules=rules, until=H)) == []


# Journeys


def journey(when: dict[str, Any]) -> Any:
    return ruled({"subject": "journey", "when": when})


def test_a_journey_that_drags() -> None:
    rules = journey({"age": {"above": "2d"}, "contacts": {"at_or_above": 2}})
    task = play(mail(0), mail(D, contact="m2"), rules=rules, until=3 * D)
    assert spans(task) == [("r0", 2 * D, None, None)]
    [one] = told(task)
    assert one["subject"]["type"] == "journey" and one["subject"]["journey"] == task.journeys[-1]["journey_id"]
    task.take(event("case.solved", 4 * D, "m2", "email", case="k")).until(4 * D)
    assert spans(task) == [("r0", 2 * D, 4 * D, "solved")]


def test_channels_and_state_of_a_journey() -> None:
    rules = journey({"channels": {"at_or_above": 2}, "state": "waiting_for_us"})
    events = [queued(0), ended(2 * M, reason="abandoned"), mail(H, contact="m")]
    task = play(*events, rules=rules, until=2 * H)
    assert spans(task) == [("r0", H, None, None)]
    task.take(mail(3 * H, "agent", contact="m")).until(3 * H)
    [(_, _, until, _)] = spans(task)
    assert until == 3 * H


# The state


def test_a_customer_whom_no_rule_concerns_has_no_state_and_no_deadline() -> None:
    task = play(
        mail(0), queued(M, contact="v", tier="red"), rules=customer({"waiting": {"above": "1m"}}, tiers=["x"]), until=H
    )
    assert task.customer is not None
    line = task.customer.lines[""]
    assert not line.watched.alerts and not line.watched.messages
    assert "watched" not in {name for dues in task.customer.due.values() for name in dues}


def test_of_many_messages_the_moods_before_them_are_kept_and_episodes_go_on() -> None:
    rules = customer({"sentiment": {"at_or_below": -0.45, "clear_at_or_above": -0.2}}, tiers=["gold"])
    talk = [said(at * M, -0.9, tier="gold", id=f"m{at}") for at in range(250)]
    task = play(*talk, rules=rules, until=250 * M)
    assert task.customer is not None
    state = task.customer.lines[""].watched
    assert len(state.messages) <= 100 and state.going["r0"].since == T0 + 2 * M and len(state.sums) == 1
    assert spans(task) == [("r0", 2 * M, None, None)]
    assert spans(task.until(400 * M)) == [("r0", 2 * M, 249 * M + 2 * H, "quiet")]


def test_events_apart_from_contacts_change_nothing() -> None:
    task = play(mail(0), rules=FIRST, until=2 * H)
    task.take(CustomerEvent("o1", "shop", "order.placed", "C1", T0 + 2 * H, "o")).until(3 * H)
    assert spans(task) == [("r0", H, None, None)]
