"""Judged contacts of products, told in any order and cut: what signals make of them."""

import random
from typing import Any

import msgspec

from streams.base.records import Fact
from streams.base.times import DAY_MS, HOUR_MS
from streams.signals import watch
from streams.signals.rules import SignalRules
from streams.signals.tables import Tables

T0 = 20_000 * DAY_MS
RULES = SignalRules(min_history=100, history_days=21, test_days=14)


def judged(at: int, name: str, negative: bool, number: int, line: str = "") -> Fact:
    return Fact(
        "judged", f"c{number}", T0 + at, "voice", "none", "none", line, variant="product", value=int(negative),
        about=name, event=f"e{number}",
    )  # fmt: skip


def tale(seed: int, bad: tuple[int, int] = (20, 30), days: int = 45) -> list[Fact]:
    """A product that is bad from one day to another, and one that is not."""
    dice = random.Random(seed)
    facts = []
    for number in range(days * 40):
        at = dice.randrange(days * DAY_MS)
        name = "reader" if number % 2 else "card"
        share = 0.6 if name == "reader" and bad[0] <= at // DAY_MS < bad[1] else 0.1
        facts.append(judged(at, name, dice.random() < share, number))
    return sorted(facts, key=lambda fact: fact.time)


def play(facts: list[Fact], dice: random.Random | None = None, days: int = 46) -> tuple[list[dict[str, Any]], Tables]:
    """With dice: each arrives up to a lateness later than it happened, some are taken back and told again, and time
    moves by chance.
    """
    tables, out = Tables(), []
    arrivals = [(fact.time + (dice.randrange(HOUR_MS) if dice else 0), fact) for fact in facts]
    if dice:
        for at, fact in dice.sample(arrivals, len(arrivals) // 4):
            wrong = msgspec.structs.replace(fact, value=1 - (fact.value or 0))
            early = min(at, fact.time + HOUR_MS // 2)
            arrivals += [(early, wrong), (early, msgspec.structs.replace(wrong, sign=-1))]
    arrivals.sort(key=lambda each: each[0])
    for at, fact in arrivals:
        assert watch.fold(tables, fact, RULES) == "counted"
        if dice is None or dice.random() < 0.1:
            out += watch.advance(tables, fact.line, at - HOUR_MS // 2 if dice is None else at, False, RULES)
    out += watch.advance(tables, "", T0 + days * DAY_MS, False, RULES)
    return out, tables
