"""Customers who come now and then, by chance, and a plain recount of when they were silent: code of its own."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from streams.base.records import Event, Profile
from streams.base.times import to_ms
from tests.support.initiative import Facts, Word, silences
from tests.support.track_story import T0, D, H, M, Record, Task, ended, event, profile, queued, said


@dataclass
class Visit:
    """One contact the customer began: its events, when the customer acted, and what it says of a silence after it."""

    events: list[Event]
    acts: list[int]
    reason: str


def visit(dice: random.Random, at: int, name: str) -> Visit:
    """At ``at`` ms after T0."""
    kind = dice.choice(("answered", "abandoned", "angry", "unanswered", "solved", "unsolved", "bad-survey", "content"))
    if kind == "abandoned":
        told = [queued(at, contact=name), ended(at + M, contact=name, reason="abandoned")]
        return Visit(told, [at, at + M], kind)
    if kind == "unanswered":
        return Visit([said(at, 0.0, contact=name, channel="email")], [at], kind)
    call = [queued(at, contact=name), event("contact.connected", at + M, name, party="human", agent="a1")]
    call.append(ended(at + 2 * M, by="agent", contact=name))
    acts = [at, at + M]
    more = {
        "angry": [said(at + M + 1, -0.8, contact=name, channel="voice")],
        "solved": [event("case.solved", at + 3 * M, name, case_id="k")],
        "unsolved": [event("case.opened", at + 3 * M, name, case_id="k")],
        "bad-survey": [event("feedback.given", at + 4 * M, name, metric="csat", score=1)],
        "content": [event("feedback.given", at + 4 * M, name, metric="nps", score=9)],
    }.get(kind, [])
    acts += [each.time - T0 for each in more if each.type in ("message.sent", "feedback.given")]
    return Visit(call + more, acts, kind)


def visits(dice: random.Random) -> list[Visit]:
    """Up to fourteen, from hours to months apart."""
    at, found = 0, []
    for number in range(dice.randint(1, 14)):
        found.append(visit(dice, at, f"c{number}"))
        at += dice.choice((7 * H, D, 2 * D, 7 * D, 7 * D, 33 * D, 90 * D)) + dice.randrange(5 * H)
    return found


def recount(told: Sequence[Visit], tiers: Sequence[Profile], end: int) -> dict[int, dict[str, Any]]:
    """Silences by the act before them, as of ``end`` (ms after T0)."""
    facts = Facts(
        [(T0 + at, each.reason) for each in told for at in each.acts],
        [T0 + min(each.acts) for each in told],
        [Word(each.time, {}, tier=each.tier) for each in tiers],
    )
    return silences(facts, T0 + end)


def shown(task: Task) -> dict[int, dict[str, Any]]:
    """The silences that a task published and that stand, in the recount's form."""
    return standing(task.newest("customer.quiet", "quiet_id").values())


def standing(records: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The same of the newest records of silences."""
    return {
        to_ms(each["since"]): {
            "at": to_ms(each["quiet_at"]), "limit": each["limit_ms"], "usual": each["usual_gap_ms"],
            "tier": each["tier"], "reason": each["reason"], "status": each["status"],
            "ended": to_ms(each["ended_at"]) if each["ended_at"] else None,
        }
        for each in records
        if each["status"] != "withdrawn"
    }  # fmt: skip


def late(dice: random.Random, records: Sequence[Record], delay: int) -> list[tuple[Record, int]]:
    """Records as they arrive, each up to a delay late, with the stream time that may be reached before each."""
    order = sorted(records, key=lambda each: each.time + dice.randint(0, delay))
    return [(record, min(each.time for each in order[place:])) for place, record in enumerate(order)]


def tiers(dice: random.Random) -> list[Profile]:
    """What is said of the customer's tier, up to three times."""
    return [
        profile(dice.choice(("platinum", "gold", "red")), dice.randrange(300 * D)) for _ in range(dice.randint(0, 3))
    ]
