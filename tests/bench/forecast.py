"""``python -m tests.bench.forecast``: how expected waits come out in simulated queues (M/M/c+M, 10 agents, handle time
240 s, 500 hours), told as `measure` tells them; beside it what remains when both rates are known, since single waits
from the same place differ by chance; and the CPU that a leg costs.
"""

import time
from collections.abc import Iterable

from streams.metrics.forecast import UNKNOWN, Rates, Stay, walk
from tests.support.centre import Centre

HOURS, HANDLE_S, AGENTS = 500, 240, 10
FAR = 1 << 62


def main() -> None:
    print("load/agents  patience  answered  unknown  mean wait  mean error  mean absolute  with known rates  µs a leg")
    for load, patience_s in ((0.80, 120), (0.95, 120), (1.10, 120), (1.10, 600)):
        legs = Centre(AGENTS, load * AGENTS * 3600 / HANDLE_S, HANDLE_S, patience_s).simulated(HOURS, seed=7)
        began = time.process_time()
        _, said = walk([], legs, 0, FAR)
        took = (time.process_time() - began) / len(legs) * 1e6
        judged = [(leg, said[leg.id]) for leg in legs if leg.answered and leg.id in said]
        known = [(wait, leg.left - leg.entered) for leg, wait in judged if wait != UNKNOWN]
        waited = sum(took for _, took in known)
        error, absolute = sum(wait - took for wait, took in known), sum(abs(wait - took) for wait, took in known)
        print(
            f"{load:11.2f} {patience_s:8} s {len(judged):9,} {1 - len(known) / len(judged):8.1%}"
            f" {waited / len(known) / 1000:8.1f} s {error / len(known) / 1000:+9.1f} s"
            f" {absolute / len(known) / 1000:12.1f} s {by_the_model(legs, patience_s):15.1f} s {took:9.1f}"
        )


def by_the_model(legs: Iterable[Stay], patience_s: int) -> float:
    """Mean absolute error, s, where the rates are those of the simulation."""
    rates = Rates(AGENTS * 100 - 1, 100, 100 * HANDLE_S * 1000, 100 * patience_s * 1000)
    places = placed(legs)
    errors = [abs(rates.wait(place) - (leg.left - leg.entered)) for leg, place in places if leg.answered]  # type: ignore[operator]
    return sum(errors) / len(errors) / 1000


def placed(legs: Iterable[Stay]) -> list[tuple[Stay, int]]:
    """Each leg that had to wait with its place."""
    waiting: list[int] = []
    found = []
    for leg in legs:
        waiting = [left for left in waiting if left > leg.entered]
        if leg.left > leg.entered:
            waiting.append(leg.left)
            found.append((leg, len(waiting)))
    return found


if __name__ == "__main__":
    main()
