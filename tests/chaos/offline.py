"""A load without faults, through all agents without a broker: what the audit must find nothing wrong with."""

import random
from pathlib import Path

from streams import app
from streams import rules as rule_files
from streams.engine.offline import Offline
from streams.worker.metrics import Metrics
from tests.chaos import stories
from tests.chaos.audit import contacts, raw
from tests.chaos.audit.contacts import MOOD, World
from tests.chaos.audit.logs import INPUTS, Logs, Rec, facts_apart
from tests.support.offline import NOW, SETTINGS, names

SECONDS = 180


def scored(text: str, language: str | None) -> float | None:
    """By what the load writes into its messages."""
    found = MOOD.search(text)
    return float(found[1]) if found else None


def told(seed: int, folder: Path) -> tuple[Logs, World]:
    """A load without faults through all agents, with its events a little out of order."""
    (folder / "alerts.yaml").write_text(stories.RULES)
    (folder / "tiers.yaml").write_text(stories.TIERS)
    run = Offline(list(app.inlets(SETTINGS, rule_files.load(folder), Metrics(), scored)), dict.fromkeys(names(), 1))
    dice = random.Random(seed)
    planned: list[tuple[int, int, stories.Raw]] = []
    for number in range(SECONDS):
        first = number < stories.CUSTOMERS
        customer = number if first else dice.randrange(stories.CUSTOMERS)
        event = stories.profile(dice, customer, f"p{number}", NOW + number * 1000, first=first)
        planned.append((NOW + number * 1000 + dice.randrange(1500), len(planned), stories.home(event)))
        story = stories.any_story(dice, f"k{number}", raising=False, late=False)
        start = NOW + number * 1000 + dice.randrange(1000)
        for moment, (after, _, _) in enumerate(story.moments):
            arrives = start + after + (dice.randrange(1200) if dice.random() < 0.1 else 0)
            planned.append((arrives, len(planned), stories.home(story.event(moment, start))))
    now = NOW
    for at, _, (topic, key, value) in sorted(planned):
        while now + 500 < at:
            now += 500
            run.run(now)
        run.publish(topic, key, value, at)
    for _ in range(40):
        now += 500
        run.run(now)
    found = Logs({topic: [] for topic in (*names(), *INPUTS)})
    for (topic, partition), log in sorted(run.topics.items()):
        found.records[topic] = [Rec(topic, partition, one.offset, one.timestamp, one.key, one.value) for one in log]
    found.records["contact.measurements"] = facts_apart(found.records["contact.measurements"])
    return found, contacts.tell(raw.judge(found), now)
