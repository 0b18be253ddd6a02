"""Records of ``contact.quality`` whose effects are known: ``python -m tests.support.quality_story > quality.jsonl``.

Customers differ in how they answer whatever happens, and answer several times. Half of the human score is made of the
five behaviours, so that each of them is a tenth of it; people apologise where the business score is low.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from streams.drivers.answers import Answers, Book

TYPES, TIERS, CHANNELS = ("service", "value", "relationship"), ("gold", "silver", "bronze"), ("voice", "chat")
BEHAVIOURS = ("acknowledges", "apologises", "greets-by-name", "announces-hold", "offers-to-stay")


@dataclass(frozen=True)
class World:
    """What is true: per tenth of a score, or of a behaviour, in points of the answer."""

    customers: int = 400
    each: int = 3
    csat: Mapping[str, float] = field(default_factory=dict[str, float])
    nps: Mapping[str, float] = field(default_factory=dict[str, float])
    of_customer: float = 0.6
    """Standard deviation of what a customer brings along, in CSAT points; NPS twice."""
    of_contact: float = 0.8
    scores_of_customer: float = 0.0
    """0…1: how much of a score goes with the customer and not with the contact."""
    whole: bool = False
    """Answers are whole numbers."""
    begins: str = "2026-03-02T09:00:00.000Z"


def records(world: World, seed: int) -> Iterator[dict[str, Any]]:
    """As the topic has them."""
    chance = np.random.default_rng(seed)
    for customer in range(world.customers):
        brought, usual = chance.normal(0, world.of_customer), chance.uniform(0, 1, 3)
        tier, kind = str(chance.choice(TIERS)), str(chance.choice(TYPES))
        count = int(chance.integers(1, 2 * world.each))
        for number in range(count):
            share = world.scores_of_customer
            scores = share * usual + (1 - share) * chance.uniform(0, 1, 3)
            business, rest, hidden = (round(float(score), 3) for score in scores)
            shown = {name: bool(chance.uniform() < 0.45) for name in BEHAVIOURS}
            shown["apologises"] = bool(chance.uniform() < 0.7 - 0.6 * business)
            human = round((sum(shown.values()) / len(shown) + rest) / 2, 3)
            drivers = {"business": 10 * business, "human": 10 * human, "hidden": 10 * hidden, **shown}
            noise = brought + chance.normal(0, world.of_contact)
            yield {
                "contact_id": f"c{customer}-{number}",
                "customer_id": f"customer-{customer}",
                "line": "",
                "channel": str(chance.choice(CHANNELS)),
                "queue": "cards",
                "tier": tier,
                "service_type": kind,
                "began_at": world.begins,
                "ended_at": world.begins,
                "status": "final",
                "revision": 1,
                "business": {"score": business, "evidence": []},
                "human": {"score": human, "evidence": []},
                "hidden": {"score": hidden, "evidence": []},
                "behaviours": shown,
                "csat": answer(3.2, world.csat, drivers, noise, (1, 5), world.whole),
                "nps": answer(6.5, world.nps, drivers, 2 * noise, (0, 10), world.whole),
                "ces": None,
            }


def answer(
    usual: float,
    effects: Mapping[str, float],
    drivers: Mapping[str, float],
    noise: float,
    scale: tuple[int, int],
    whole: bool,
) -> float:
    """What is answered: the usual at scores of a half, what the drivers add, the rest; not beyond the scale."""
    half = {"business": 5, "human": 5, "hidden": 5}
    found = usual + noise + sum(effect * (drivers[name] - half.get(name, 0)) for name, effect in effects.items())
    return min(max(round(found) if whole else found, scale[0]), scale[1])


def answers(world: World, seed: int) -> Answers:
    """As `streams.drivers` reads them."""
    book = Book(0, 2**62)
    for record in records(world, seed):
        book.take(None, json.dumps(record).encode(), record["contact_id"])
    assert book.faults == []
    return book.answers()


SHOWN = World(
    customers=900,
    csat={"business": 0.12, "human": 0.2, "hidden": 0.03, "offers-to-stay": 0.25},
    nps={"business": 0.3, "human": 0.35, "hidden": 0.1, "offers-to-stay": 0.4},
    whole=True,
)
"""The set of the documents, with the seed 7."""


def main() -> None:
    for record in records(SHOWN, 7):
        sys.stdout.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
