"""What is read of a simulated morning is what the product counted of it, contact by contact."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from streams.base.channels import LIVE_CHANNELS
from streams.base.records import Fact, Facts, Measurement
from streams.base.times import DAY_MS, MINUTE_MS
from streams.demo.simulator import Settings, Simulation
from streams.inspect.recorded import Query, collect
from streams.policies.figures import outcome
from streams.policies.record import Record
from streams.rules.policies import Known, policy, shipped
from tests.support.product import RULES, through

LINE = "demo-7-x"
START = 1_772_445_600_000  # Monday, 2026-03-02 10:00 UTC
LENGTH = 6 * MINUTE_MS
_decode = msgspec.json.Decoder(Measurement).decode


async def test_each_contact_comes_out_as_the_product_counted_it() -> None:
    simulation = Simulation(Settings(LINE, START, RULES, seed=7, hour=10))
    run = through(simulation, simulation.emissions(LENGTH))

    async def read(topic: str) -> AsyncIterator[Any]:
        for record in run.on(topic):
            yield record

    async def of(start: int) -> Record:
        query = Query(start, START + LENGTH, LINE)
        return await collect(read, query, RULES.customers.contacts, lambda *_: None)

    # With what the days before left over.
    record = await of(START - 12 * DAY_MS)
    counted: Counter[Fact] = Counter()
    for told in run.on("contact.measurements"):
        found = _decode(told.value or b"")
        for fact in found.of if isinstance(found, Facts) else [found]:
            if isinstance(fact, Fact) and fact.fact in ("contact_offered", "contact_unasked", "contact_handled"):
                counted[msgspec.structs.replace(fact, sign=1)] += fact.sign
    facts = [fact for fact, times in counted.items() for _ in range(times)]
    came_out = {(f.channel, f.id): (f.outcome, f.tier) for f in facts if f.fact != "contact_handled"}
    asked = [each for each in record.contacts if not each.ours and each.outcome != "open"]
    assert {(each.channel, each.id): (each.outcome, each.tier) for each in asked} == came_out
    waits = {(f.channel, f.id): f.value for f in facts if f.fact == "contact_offered"}
    live = [key for key in waits if key[0] in LIVE_CHANNELS]
    handled = {(f.channel, f.id): f.talk_ms + f.hold_ms + f.wrap_ms for f in facts if f.fact == "contact_handled"}
    over = [each for each in record.contacts if all(stay.left is not None for stay in each.stays)]
    done = {(each.channel, each.id): each.handle_ms for each in over}
    assert len(done.keys() & handled.keys()) > 30
    assert {key: ms for key, ms in handled.items() if key in done} == {key: done[key] for key in handled if key in done}
    # Nobody who was answered is lost under any policy, and the span is part of the whole.
    answered = sum(each.outcome == "answered" for each in asked if each.channel in LIVE_CHANNELS)
    for name in shipped():
        total = outcome(record, name, policy(name, Known(RULES.tiers)), 4000).total
        assert total.offered == len(live)
        assert total.answered >= answered
    assert 0 < len((await of(START)).contacts) < len(record.contacts)
