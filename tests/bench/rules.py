"""``python -m tests.bench.rules``: what a look at a contact costs with 10 alert rules and with 1,000, side by side.

The contact waits, in one queue, its customer of one tier. Of the rules, whatever their number, one fires and two more
concern it; of the others two fifths are for other queues, a fifth for other tiers, two tenths have a higher bound on
the same field, a tenth has one as an alternative (``any``), and a tenth needs a field that has no value. CPU time of this process, in turns; the smallest of the
rounds counts. Then where it goes: the scope, how far the field has got, the rules that are left.
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from streams.alerts.index import Index, crossing, reached
from streams.alerts.rules import AlertRule, AlertsFile
from streams.alerts.signals import Attributes, Params, Piece, Signal
from streams.alerts.watching import watch

NOW = 1_767_225_600_000
_READ = TypeAdapter(AlertsFile)
WAITS: Signal = (Piece(NOW - 150_000, None, 0, True, "leg-1", ("queued-1",)),)
WHERE: Attributes = {"tier": "gold", "channel": "voice", "queue": "cards", "service_type": "value", "policy": "tiered"}
SIZES = (10, 1_000)
MOST = 2.0


def fields(name: str, parameters: Params) -> Signal:
    """The contact's: it waits, and nothing else is known."""
    return WAITS if name == "waiting" else ()


def rule(number: int, **given: Any) -> dict[str, Any]:
    return {"name": f"rule-{number}", "subject": "contact", **given}


def rules(count: int) -> tuple[AlertRule, ...]:
    """Of which three concern it."""
    found = [
        rule(0, tiers=["gold"], when={"waiting": {"above": "120s"}}),
        rule(1, when={"waiting": {"above": {"by": "tier", "gold": "160s", "default": "300s"}}}),
        rule(2, queues=["cards"], when={"waiting": {"above": "100s"}, "transfers": {"above": 2}}),
    ]
    for number in range(3, count):
        kind = number % 10
        if kind < 4:
            found.append(rule(number, queues=[f"q-{number}"], when={"waiting": {"above": f"{number}s"}}))
        elif kind < 6:
            found.append(rule(number, tiers=["red" if kind == 4 else "silver"], when={"waiting": {"above": "60s"}}))
        elif kind == 6:
            bounds = [{"waiting": {"above": f"{180 + number}s"}}, {"ping_pong": {"at_or_above": number}}]
            found.append(rule(number, when={"any": bounds}))
        elif kind < 9:
            found.append(rule(number, when={"waiting": {"above": f"{180 + number}s"}}))
        else:
            found.append(rule(number, when={"next_response": {"above": f"{number}s"}}))
    return _READ.validate_python({"rules": found}).rules


def per_call(what: Callable[[], object], times: int) -> float:
    """µs of CPU."""
    began = time.process_time()
    for _ in range(times):
        what()
    return (time.process_time() - began) / times * 1e6


def looks(index: Index) -> dict[str, Callable[[], object]]:
    """A whole look, and its parts."""
    left = index.concerned(WHERE)
    group = next(each for each in index.groups if each is not None and each.needed.key[0] == "waiting")
    near = [index.rules[place] for place in index.each(left & group.rules)][: reached(group, WAITS, NOW)]
    return {
        "a look": lambda: watch(index, WHERE, fields, NOW),
        "its scope": lambda: index.concerned(WHERE),
        "how far it got": lambda: (reached(group, WAITS, NOW), crossing(WAITS, True, group.ranks[-1], NOW)),
        "": lambda: near,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    indexes, best = {}, dict[tuple[int, str], float]()
    for size in SIZES:
        some = rules(size)
        tracemalloc.start()
        began = time.process_time()
        indexes[size] = Index(some)
        took, held = time.process_time() - began, tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        found, due = watch(indexes[size], WHERE, fields, NOW)
        print(
            f"{size:,} rules: indexed in {took * 1e3:.1f} ms, {held / size:.0f} bytes each; {len(found)} stands, the next "
            f"look in {((due or NOW) - NOW) / 1000:.0f} s; {indexes[size].concerned(WHERE).bit_count()} in scope"
        )
    parts = {size: looks(index) for size, index in indexes.items()}
    for _ in range(given.rounds):
        for size, some_parts in parts.items():
            for name, what in some_parts.items():
                took = per_call(what, given.looks)
                best[size, name] = min(best.get((size, name), took), took)
    few, many = SIZES
    print(f"{'µs of CPU':16}{few:>12,}{many:>12,}{'ratio':>9}")
    for name in ("a look", "its scope", "how far it got"):
        print(f"{name:16}{best[few, name]:12.2f}{best[many, name]:12.2f}{best[many, name] / best[few, name]:9.2f}")
    rest = {size: best[size, "a look"] - best[size, "its scope"] - best[size, "how far it got"] for size in SIZES}
    print(f"{'rules that fit':16}{rest[few]:12.2f}{rest[many]:12.2f}{rest[many] / rest[few]:9.2f}")
    ratio = best[many, "a look"] / best[few, "a look"]
    print(f"{many:,} rules cost {ratio:.2f} times {few}: {'within' if ratio <= MOST else 'MORE THAN'} {MOST:g}")


if __name__ == "__main__":
    main()
