"""``python -m tests.bench.watching``: what rules about queues and KPIs add to `measure`.

Half a simulated hour of twenty busy queues, in moves of ten seconds, told as `measure` tells it: without rules, and with four
about every queue and KPI. CPU time of this process, turn by turn; the smallest of the rounds counts.
"""

import random
import time
from collections.abc import Sequence

from streams.alerts.rules import AlertRule
from streams.base.records import Fact
from streams.metrics.queues import queue_states
from streams.metrics.rules import KpiPolicy
from streams.rules import load
from tests.support.kpi_facts import at, leg
from tests.support.watched import Watcher, rule

QUEUES, LEGS, SECONDS, ROUNDS = 20, 6_000, 1_800, 2
RULES = (
    rule("queue", {"waiting": {"above": 20, "clear_at_or_below": 15}}, "full"),
    rule("queue", {"longest_wait": {"above": "5m"}}, "slow"),
    rule("queue", {"expected_wait": {"above": "3m", "clear_below": "2m"}}, "long", channels=["voice"]),
    rule("kpi", {"value": {"below": 0.7, "window": "15m"}}, "level", kpis=["service_level/reached_threshold"]),
)
ANOMALY = rule("kpi", {"anomaly": {"at_or_below": 1, "window": "60m"}}, "odd", kpis=["contacts_offered/all"])


def story(seed: int) -> list[Fact]:
    dice, facts = random.Random(seed), list[Fact]()
    for number in range(LEGS):
        entered = dice.uniform(0, SECONDS)
        left = entered + dice.expovariate(1 / 40)
        queue = f"queue-{dice.randrange(QUEUES)}"
        facts += leg(f"l{number}", entered, left, dice.choice(("answered", "answered", "abandoned")), queue=queue)
    return sorted(facts, key=lambda each: each.time)


def took(facts: Sequence[Fact], rules: Sequence[AlertRule], policy: KpiPolicy) -> tuple[float, int]:
    """CPU seconds, and conditions."""
    watcher, place = Watcher(*rules, policy=policy), 0
    began = time.process_time()
    for second in range(10, SECONDS + 60, 10):
        until = place
        while until < len(facts) and facts[until].time < at(second):
            until += 1
        watcher.count(facts[place:until])
        watcher.move(second)
        queue_states(watcher.tables, "")
        place = until
    return time.process_time() - began, len(watcher.said)


def main() -> None:
    facts, policy = story(1), load().kpis
    best: dict[str, tuple[float, int]] = {}
    for _ in range(ROUNDS):
        for name, rules in (("no rules", ()), ("four rules", RULES), ("and anomalies", (*RULES, ANOMALY))):
            best[name] = min(best.get(name, (1e9, 0)), took(facts, rules, policy))
    plain = best["no rules"][0]
    for name, (seconds, said) in best.items():
        print(f"{name:14} {seconds / len(facts) * 1e6:6.1f} µs a fact ({seconds / plain - 1:+.1%}), {said} conditions")


if __name__ == "__main__":
    main()
