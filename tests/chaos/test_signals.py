"""What the audit of `make chaos` recounts is what the product says, over histories by chance and through all agents."""

import random
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import orjson
import pytest

from streams.base.records import Fact
from streams.base.times import DAY_MS, to_ms
from streams.signals import watch
from streams.signals.rules import SignalRules
from streams.signals.tables import Tables
from tests.chaos import stories
from tests.chaos.audit import signals
from tests.chaos.audit.contacts import MOOD, tell
from tests.chaos.audit.contacts import Fact as Recounted
from tests.support.offline import NOW, deployment

RULES = replace(SignalRules(), false_alarms_per_year=1.0, min_history=20, min_contacts=10)


@pytest.mark.parametrize("seed", range(20))
def test_the_first_signal_of_a_history(seed: int) -> None:
    dice = random.Random(seed)
    facts = []
    for number in range(500):
        at = dice.randrange(10 * DAY_MS)
        negative = dice.random() < (0.1 if at < 5 * DAY_MS else dice.choice([0.1, 0.3, 0.5]))
        fact = Fact("judged", f"c{number}", at, "voice", "none", "none", "r", variant="product", value=int(negative))
        facts.append(msgspec.structs.replace(fact, about="p", event="e"))
    tables = Tables()
    for fact in facts:
        watch.fold(tables, fact, RULES)
    out = list(watch.advance(tables, "r", 0, True, RULES))
    told = {
        ("product", "p"): (
            to_ms(out[0]["fired_at"]),
            *(out[0][name] for name in ("contacts", "negative", "contacts_before", "negative_before")),
        )
    } if out else {}  # fmt: skip
    recounted = [Recounted(*_common(fact)) for fact in facts]
    assert signals.recount(recounted) == told


def _common(fact: Fact) -> list[object]:
    return [getattr(fact, name) for name in Recounted._fields]


def test_the_stories_of_the_load_make_the_facts_that_the_audit_tells() -> None:
    run, dice, accepted = deployment(), random.Random(3), []
    told = []
    for number in range(60):
        shape = (
            stories.chat(dice, f"k{number}")
            if number % 2
            else stories.about(dice, f"k{number}", "reader", number % 4 > 1)
        )
        start = NOW - 600_000 + 1000 * number
        told += [(start + after, shape.event(moment, start)) for moment, (after, _, _) in enumerate(shape.moments)]
    for offset, (at, event) in enumerate(sorted(told, key=lambda each: each[0])):
        if mood := MOOD.search(event["data"].get("text", "")):  # as the scorer of a run reads it
            event["data"]["sentiment"] = float(mood[1])
        topic, key, value = stories.home(event)
        run.publish(topic, key, value, NOW)
        rec = SimpleNamespace(timestamp=NOW, offset=offset, value=value)
        accepted.append(SimpleNamespace(rec=rec, event=event, data=event["data"], time=at, line=""))
    for seconds in range(0, 60, 10):
        run.run(NOW + 1000 * seconds)
    world = tell(SimpleNamespace(accepted=accepted), NOW)  # type: ignore[arg-type]
    wanted = Counter(fact for contact in world.contacts.values() for fact in signals.judge(contact))
    found: Counter[Recounted] = Counter()
    for record in run.on("contact.measurements"):
        doc = orjson.loads(record.value or b"{}")
        if doc.get("fact") == "judged":
            known = {name: doc[name] for name in Recounted._fields if name in doc}
            found[Recounted(**{"line": "", **known})] += doc.get("sign", 1)
    assert Counter({fact: count for fact, count in found.items() if count}) == wanted
    assert len({fact.value for fact in wanted}) == 2
