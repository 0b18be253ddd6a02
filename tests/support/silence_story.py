"""Customers who come now and then, by chance, and a plain recount of when they were silent: code of its own."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.base.records import Event, Profile
from tests.support.track_story import T0, D, H, M, Record, Task, ended, event, profile, queued, said

FLOORS = {"platinum": 21 * D, "gold": 30 * D}
FLOOR = 60 * D
FACTOR, LEAST_GAPS, LATEST = 3.0, 4, 16


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
    """Silences by the time of the act before them (ms after T0), as of ``end``."""
    acts = sorted({(at, place) for place, each in enumerate(told) for at in each.acts})
    days = sorted({(T0 + min(each.acts)) // D for each in told})
    known = sorted((each.time - T0, each.id, each.tier or "") for each in tiers)
    found = {}
    for number, (since, place) in enumerate(acts):
        following = acts[number + 1][0] if number + 1 < len(acts) else None
        latest = [day for day in days if day <= (T0 + since) // D][-LATEST:]
        gaps = sorted(b - a for a, b in zip(latest, latest[1:], strict=False))
        usual = None
        if len(gaps) >= LEAST_GAPS:
            half = len(gaps) // 2
            usual = int((gaps[half] if len(gaps) % 2 else (gaps[half - 1] + gaps[half]) / 2) * D)
        moments = sorted({since, *(at for at, _, _ in known if at > since)})
        for begun, until in zip(moments, [*moments[1:], 10**15], strict=True):
            tier = next((name for at, _, name in reversed(known) if at <= begun), "none")
            limit = max(FLOORS.get(tier, FLOOR), round(FACTOR * (usual or 0)))
            at = max(since + limit, begun)
            if at < until:
                if at < end and (following is None or at < following):
                    over = following is not None and following < end
                    found[since] = {
                        "at": at, "limit": limit, "usual": usual, "tier": tier, "reason": told[place].reason,
                        "status": "ended" if over else "quiet", "ended": following if over else None,
                    }  # fmt: skip
                break
    return found


def shown(task: Task) -> dict[int, dict[str, Any]]:
    """The silences that a task published and that stand, in the recount's form."""
    from streams.base.times import to_ms  # noqa: PLC0415

    found = {}
    for each in task.newest("customer.quiet", "quiet_id").values():
        if each["status"] != "withdrawn":
            over = each["ended_at"]
            found[to_ms(each["since"]) - T0] = {
                "at": to_ms(each["quiet_at"]) - T0, "limit": each["limit_ms"], "usual": each["usual_gap_ms"],
                "tier": each["tier"], "reason": each["reason"], "status": each["status"],
                "ended": to_ms(over) - T0 if over else None,
            }  # fmt: skip
    return found


def late(dice: random.Random, records: Sequence[Record], delay: int) -> list[tuple[Record, int]]:
    """Records as they arrive, each up to a delay late, with the stream time that may be reached before each."""
    order = sorted(records, key=lambda each: each.time + dice.randint(0, delay))
    return [(record, min(each.time for each in order[place:])) for place, record in enumerate(order)]


def tiers(dice: random.Random) -> list[Profile]:
    """What is said of the customer's tier, up to three times."""
    return [profile(dice.choice(("platinum", "gold", "red")), dice.randrange(300 * D)) for _ in range(dice.randint(0, 3))]
