"""What calls for a word of ours, by chance, and a plain recount of what goes out and what is held: code of its own.

Everything happens on a grid of three hours, and rules wait two: nothing lies in the hour before a decision.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from streams.base.records import CustomerEvent, Event, Profile
from streams.customers.outreach_rules import Cap, OutreachRule, OutreachRules, QuietHours
from tests.support.initiative import Call, Facts, Outreaches, Word
from tests.support.track_story import T0, D, H, M, Record, event, queued

GRID, FIRST = 3 * H, 30 * M
ZONES = ("UTC", "Asia/Tokyo", "America/Sao_Paulo", "Europe/Moscow")
ACTS = ("contact.queued", "search.failed", "feedback.given")


def rule(name: str, after: Any, **more: Any) -> OutreachRule:
    """One that waits two hours and writes an e-mail."""
    said = {"delay_ms": 2 * H, "channel": "email", "purpose": "marketing"} | more
    return OutreachRule(name=name, after=after, **said)


RULES = OutreachRules(
    ZoneInfo("UTC"),
    QuietHours(20 * 60, 8 * 60),
    (Cap(2, 2 * D), Cap(3, 6 * D)),
    (
        rule("promise", "promise-due", purpose="service", basis="contract"),
        rule("survey", "bad-survey", channel="voice", basis="contract", campaign=D),
        rule("search", "search-failed", valid_ms=6 * H, campaign=12 * H),
        rule("solved", "case-solved", purpose="surveys"),
        rule("order", "purchase", campaign=2 * D, tiers=frozenset({"gold"})),
        rule("again", "purchase", channel="messaging"),
        rule("arrived", "delivery", purpose="surveys"),
    ),
)
AFTER = {
    "search.failed": "search-failed", "feedback.given": "bad-survey", "case.solved": "case-solved",
    "order.placed": "purchase", "order.delivered": "delivery", "promise.made": "promise-due",
}  # fmt: skip


def own(kind: str, at: int, about: str, due: int | None = None) -> CustomerEvent:
    return CustomerEvent(
        f"{about}-{kind}-{at}", "shop", kind, "C1", T0 + at, about, due=None if due is None else T0 + due
    )


def word(at: int, **said: Any) -> Profile:
    return Profile(f"w{at}", "crm", "C1", T0 + at, **said)


def story(dice: random.Random) -> list[Record]:
    """Up to forty things within three weeks."""
    found: list[Record] = []
    for number in range(dice.randint(5, 40)):
        at = FIRST + GRID * dice.randrange(21 * 8) + dice.randrange(10 * M)
        kind = dice.choice((*AFTER, "promise.kept", "word", "word", "call"))
        name = f"c{number}"
        if kind in ("order.placed", "order.delivered"):
            found.append(own(kind, at, f"o{number}"))
        elif kind == "promise.made":
            due = at - at % GRID + FIRST + GRID * dice.randrange(20)
            found.append(own(kind, at, f"p{number % 7}-{number}", max(due, at)))
        elif kind == "promise.kept":
            made = [each for each in found if isinstance(each, CustomerEvent) and each.type == "promise.made"]
            if made:
                found.append(own(kind, at, dice.choice(made).about))
        elif kind == "word":
            names = ("marketing", "surveys", "service", "email", "marketing:email", "marketing:messaging")
            said = {dice.choice(names): dice.random() < 0.7 for _ in range(2)}
            more = {"time_zone": dice.choice(ZONES)} if dice.random() < 0.4 else {}
            tier = {"tier": dice.choice(("gold", "red"))} if dice.random() < 0.3 else {}
            found.append(word(at, consent=said, **more, **tier))
        elif kind == "call":
            found.append(queued(at, contact=name))
        elif kind == "feedback.given":
            found.append(event(kind, at, name, metric="csat", score=dice.choice((1, 2, 3, 5))))
        else:
            found.append(event(kind, at, name, "self-service"))
    return found


def recount(records: Sequence[Record], end: int, rules: OutreachRules = RULES) -> dict[tuple[str, str], dict[str, Any]]:
    """(rule, trigger) → what was said last, as of ``end`` (ms after T0)."""
    facts = Facts(
        [(each.time, "") for each in records if isinstance(each, Event) and each.type in ACTS],
        words=[
            Word(each.time, each.consent or {}, each.time_zone, each.tier)
            for each in records
            if isinstance(each, Profile)
        ],
        calls=list(_calls(records)),
    )
    return Outreaches(facts, rules).until(T0 + end)


def _calls(records: Sequence[Record]) -> Iterable[Call]:
    kept = [(each.time, each.about) for each in records if getattr(each, "type", "") == "promise.kept"]
    for each in records:
        after = AFTER.get(getattr(each, "type", ""))
        if isinstance(each, Event) and after and (each.type != "feedback.given" or each.data["score"] <= 2):
            yield Call(after, f"{each.channel}|{each.contact}|{each.source}|{each.id}", each.time, each.time)
        elif isinstance(each, CustomerEvent) and after:
            later = [time for time, about in kept if about == each.about and time >= each.time]
            over = None if each.due is None else min(later, default=None)
            yield Call(after, each.about, each.time, each.due or each.time, over)
