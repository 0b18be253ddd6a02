"""``python -m tests.bench.silences``: deadlines of 1,000,000 silent customers in the engine's stores, and what silences
and outreach add to the fold of a customer.

Deadlines: memory that they take, a look when nothing is due (nothing is scanned), 1,000 that are due and entered anew.
The fold: the same events with and without the two capabilities, turn by turn, CPU time of this process; the smallest of
the rounds counts.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from streams.base.records import CustomerEvent, Event, Profile
from streams.base.times import DAY_MS, MINUTE_MS
from streams.customers import customers
from streams.customers.customers import Customer
from streams.customers.follow import HOOKS, having
from streams.customers.rules import CustomerRules
from streams.engine.rocks import RocksStores
from streams.engine.store import Due, Entry, MemoryStore, Store
from streams.rules import load

NOW = 1_767_225_600_000
TABLE, PORTION = "customers", 4_000
OURS = ("silence", "outreach")


class Clock:
    """Stream time of every line."""

    now: int | None = None

    def stream_time(self, line: str) -> int | None:
        return self.now

    def ended(self, line: str) -> bool:
        return False


def deadlines(name: str, store: Store, count: int) -> None:
    """Enter them, look, take some that are due, as `track` does."""
    process, began = psutil.Process(), time.process_time()
    before = process.memory_info().rss
    for start in range(0, count, PORTION):
        entries = [
            Entry(TABLE, "", _at(n), f"customer:cust-{n:08d}") for n in range(start, min(count, start + PORTION))
        ]
        store.write({}, Due(add=entries), None)
    entered, grown = time.process_time() - began, process.memory_info().rss - before
    looks = 10_000
    began = time.process_time()
    for _ in range(looks):
        assert not store.due(TABLE, "", NOW, PORTION)
    look = (time.process_time() - began) / looks
    began = time.process_time()
    found = store.due(TABLE, "", NOW + 2**40, 1_000)
    later = [Entry(TABLE, "", each.at + 90 * DAY_MS, each.key) for each in found]
    store.write({}, Due(add=later, drop=found), None)
    taken = (time.process_time() - began) / len(found)
    print(
        f"{name}: {count:,} deadlines, {grown / count:.0f} bytes of memory each ({grown >> 20} MB), entered in "
        f"{entered / count * 1e6:.2f} µs; a look when nothing is due {look * 1e6:.2f} µs; one that is due {taken * 1e6:.2f} µs"
    )


def _at(number: int) -> int:
    return NOW + 21 * DAY_MS + number * 7_919 % (60 * DAY_MS)


Known = Event | Profile | CustomerEvent


def story(dice: random.Random, number: int) -> list[Known]:
    """a customer's weeks: consent, some calls and chats, an order."""
    name = f"cust-{number:06d}"
    told: list[Known] = [
        Profile(f"{name}-w", "crm", name, NOW, tier="gold", consent={"marketing": True}, time_zone="Europe/Rome")
    ]
    at = NOW
    for contact in range(dice.randint(1, 12)):
        at += dice.choice((0, 1, 2, 3, 7, 7, 14)) * DAY_MS + dice.randrange(DAY_MS)
        told += _contact(name, f"{name}-{contact}", at, dice.random() < 0.5)
    told.append(CustomerEvent(f"{name}-o", "shop", "order.placed", name, at + DAY_MS, f"{name}-o"))
    return told


def _contact(name: str, contact: str, at: int, spoken: bool) -> Iterator[Event]:
    said = {"author": "customer", "direction": "inbound", "sentiment": 0.2}
    steps = [("contact.initiated", {}), ("contact.queued", {}), ("contact.connected", {"party": "human"})]
    steps += [] if spoken else [("message.sent", said), ("message.sent", {"author": "agent", "direction": "outbound"})]
    for number, (kind, data) in enumerate([*steps, ("contact.ended", {"by": "agent"})]):
        yield Event(
            f"{contact}:{number}", "bench", kind, at + number * MINUTE_MS, contact, "voice" if spoken else "chat",
            owner=f"customer:{name}", queue="cards", customer=name, data=data,
        )  # fmt: skip


def fold(stories: list[list[Known]], rules: CustomerRules) -> tuple[float, int, list[Customer]]:
    """CPU seconds, events, and the rows in the end; stream time follows each event, and what is due is done."""
    clock, rows, events = Clock(), list[Customer](), 0
    began = time.process_time()
    for told in stories:
        customer: Customer | None = None
        for record in told:
            clock.now = record.time - 1
            customer = _due(customer, clock, rules)
            customer = customers.fold(customer, record, clock, rules).customer  # type: ignore[arg-type]
            customer = customers.publish(customer, clock, rules).customer  # type: ignore[arg-type]
            customer = customers.scheduled(customer, rules) if customer else None
            events += isinstance(record, Event)
        clock.now = told[-1].time + 100 * DAY_MS
        customer = _due(customer, clock, rules)
        rows += [customer] if customer else []
    return time.process_time() - began, events, rows


def _due(customer: Customer | None, clock: Clock, rules: CustomerRules) -> Customer | None:
    while customer is not None and clock.now is not None:
        due = min((at for each in customer.due.values() for at in each.values()), default=None)
        if due is None or due >= clock.now:
            break
        customer = customers.advance(customer, clock, rules).customer  # type: ignore[arg-type]
        customer = customers.scheduled(customer, rules) if customer else None
    return customer


def without(rules: CustomerRules) -> CustomerRules:
    """The same rules, and nobody who goes by ours."""
    fewer = load().customers
    others = tuple(each for each in rules.followers if each.name not in OURS)
    object.__setattr__(fewer, "followers", others)
    object.__setattr__(fewer, "asked", {hook: having(others, hook) for hook in HOOKS})
    return fewer


def folds(count: int, rounds: int) -> None:
    rules = load().customers
    stories = [story(random.Random(number), number) for number in range(count)]
    best = {"with": float("inf"), "without": float("inf")}
    events, rows = 1, list[Customer]()
    for _ in range(rounds):
        for name, of in (("without", without(rules)), ("with", rules)):
            took, events, found = fold(stories, of)
            best[name] = min(best[name], took)
            rows = found if name == "with" else rows
    per = {name: took / events * 1e6 for name, took in best.items()}
    print(
        f"fold, publish and deadlines of {events:,} events: {per['without']:.1f} µs an event without, {per['with']:.1f} µs "
        f"with silence and outreach ({per['with'] / per['without'] - 1:+.1%})"
    )
    for what, of in {
        "silence": lambda line: line.silence, "outreach": lambda line: line.outreach, "the row": lambda line: line,
    }.items():  # fmt: skip
        sizes = sorted(len(msgspec.json.encode(of(row.lines[""]))) for row in rows)
        print(f"{what}: {sizes[len(sizes) // 2]} bytes at the median, {sizes[-1]} at most")


@contextmanager
def on_disk() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = RocksStores(Path(folder), "bench").open("track-0")
        yield store
        store.close()


def main(run: Callable[[], argparse.Namespace]) -> None:
    given = run()
    if given.deadlines:
        deadlines("in memory", MemoryStore(), given.deadlines)
        with on_disk() as store:
            deadlines("on disk", store, given.deadlines)
    if given.customers:
        folds(given.customers, given.rounds)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deadlines", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main(options)
