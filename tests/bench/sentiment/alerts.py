"""How often the shipped sentiment alert fires on texts of known feeling: ``python -m tests.bench.sentiment alerts``.

No labelled conversations exist, so they are drawn: a customer writes ``MESSAGES`` texts of one source, two minutes
apart. The unhappy write three complaints in four, the others none; *calm* write what is neutral, *content* mix praise in.
The shipped weights saw none of these texts. The rule is the product's own (`streams.alerts.watching.watch`).
"""

import random
from collections.abc import Callable, Sequence

from streams.alerts.index import Index
from streams.alerts.watching import watch
from streams.base.times import HOUR_MS, MINUTE_MS
from streams.customers.watched.messages import Message
from streams.customers.watched.moods import CALM, signal
from streams.rules import load
from tests.bench.sentiment.seed import Row

MESSAGES, CUSTOMERS = 8, 2_000
KINDS = {"unhappy": (3 / 4, 1 / 4, 0.0), "calm": (0.0, 1.0, 0.0), "content": (0.0, 1 / 2, 1 / 2)}
"""Shares of complaints, neutral texts and praise."""
LIMITS = ((-200, 0), (-300, 0), (-400, -300), (-400, -200), (-400, -100), (-450, -200), (-500, -200), (-600, -200))
IN_FORCE = "alerts.rules.1.when.sentiment"
Scores = Callable[[str], float | None]


def fired(rules: Index, scores: Sequence[float | None]) -> tuple[bool, bool, int]:
    """Did it fire, did it recover, and how often did it fire?"""
    messages = [
        Message(at * 2 * MINUTE_MS, str(at), round(score * 1000), "", "", "", tier="gold")
        for at, score in enumerate(scores)
        if score is not None
    ]
    look = watch(rules, {"tier": "gold"}, lambda name, given: signal(name, given, CALM, messages), HOUR_MS)
    return bool(look.found), any(each.until is not None for each in look.found), len(look.found)


def table(scores: Scores, rows: Sequence[Row], seed: int = 1) -> list[str]:
    """A line for each pair of limits: share of customers of each kind for whom it fires; of the unhappy, more than once."""
    known = {side: [scores(row.text) for row in rows if row.side == side] for side in (-1, 0, 1)}
    rnd = random.Random(seed)
    customers = {
        kind: [
            [rnd.choice(known[side]) for side in rnd.choices((-1, 0, 1), shares, k=MESSAGES)] for _ in range(CUSTOMERS)
        ]
        for kind, shares in KINDS.items()
    }
    lines = []
    for fire, resolve in LIMITS:
        bounds = {"at_or_below": fire / 1000, "clear_at_or_above": resolve / 1000}
        tried = load(None, {f"{IN_FORCE}.{name}": bound for name, bound in bounds.items()})
        index = tried.customers.alerts.index("customer")
        told = {kind: [fired(index, each) for each in those] for kind, those in customers.items()}
        shares = " | ".join(f"{sum(f for f, _, _ in each) / CUSTOMERS:.2f}" for each in told.values())
        again = sum(times > 1 for _, _, times in told["unhappy"]) / CUSTOMERS
        lines.append(f"{fire / 1000:+.2f} / {resolve / 1000:+.2f} | {shares} | {again:.2f}")
    return lines
