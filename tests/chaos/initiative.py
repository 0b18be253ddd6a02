"""A replay of half a year: customers who call now and then, buy, are promised things, change their minds about being
spoken to, and fall silent. It has a line of its own; the recount needs its events in order, so each waits for the one
before.
"""

import random
from datetime import datetime
from typing import Any

from tests.chaos.stories import Data, Story, call, cloud_event

LINE = "chaos-initiative"
TOPICS = ["contacts.voice", "customers.profile", "customers.events"]
START = 1_735_727_400_000
"""2025-01-01T10:30Z: everything happens soon after half past a third hour, so nothing in the hour before a decision."""
GRID, JITTER, DAY = 3 * 3_600_000, 600_000, 86_400_000
CUSTOMERS, DAYS, AFTER_DAYS = 10, 180, 120
ZONES = ("UTC", "Asia/Tokyo", "America/Sao_Paulo", "Europe/Moscow")
TIERS = ("gold", "platinum", "red")
PURPOSES = ("marketing", "surveys", "service", "email", "marketing:voice")
Told = list[tuple[int, Data]]
"""(time, event)."""


def told(dice: random.Random, name: str) -> Told:
    """Everything of all customers, in order of time."""
    found: Told = []
    for number in range(CUSTOMERS):
        found += _customer(dice, f"{name}-{number}", TIERS[number % len(TIERS)])
    return sorted(found, key=lambda each: each[0])


def end(events: Told) -> int:
    """When the replay is over: everybody has been silent for long."""
    return events[-1][0] + AFTER_DAYS * DAY


def _customer(dice: random.Random, customer: str, tier: str) -> Told:
    given = {purpose: True for purpose in PURPOSES if dice.random() < 0.7}
    found = [_event(customer, "w", "customer.profile_changed", START, {"tier": tier, "consent": given})]
    made: list[str] = []
    for number in range(dice.randint(3, 12)):
        at = START + GRID * dice.randrange(1, DAYS * 8) + dice.randrange(JITTER)
        kind = dice.choice(
            ("call", "call", "call", "order.placed", "order.delivered", "promise.made", "promise.kept", "word")
        )
        if kind == "call":
            found += _call(dice, f"{customer}-c{number}", at, {"customer_id": customer, "tier": tier})
        elif kind.startswith("order"):
            found.append(_event(customer, f"o{number}", kind, at, {"order_id": f"{customer}-o{number}"}))
        elif kind == "promise.made":
            made.append(f"{customer}-p{number}")
            due = {"promise_id": made[-1], "due": _event("", "", "", at + GRID * dice.randrange(1, 40), {})["time"]}
            found.append(_event(customer, f"p{number}", kind, at, due))
        elif kind == "promise.kept" and made:
            found.append(_event(customer, f"k{number}", kind, at, {"promise_id": dice.choice(made)}))
        elif kind == "word":
            said: dict[str, Any] = {"consent": {dice.choice(PURPOSES): dice.random() < 0.5}}
            said |= {"time_zone": dice.choice(ZONES)} if dice.random() < 0.5 else {}
            found.append(_event(customer, f"w{number}", "customer.profile_changed", at, said))
    return [(_time(event), event) for event in found]


def _call(dice: random.Random, name: str, at: int, common: Data) -> list[Data]:
    story = call(dice, name)
    if story.moments[-1][1] == "contact.ended" and story.moments[-1][2].get("reason") != "abandoned":
        more = (story.moments[-1][0] + 2_000, "feedback.given", {"metric": "csat", "score": dice.choice((1, 3, 5))})
        story = Story(name, story.channel, [*story.moments, more])
    story.common = common
    return [story.event(number, at, LINE) for number in range(len(story.moments))]


def _event(customer: str, name: str, kind: str, at: int, data: Data) -> Data:
    return {**cloud_event(f"{customer}:{name}:{at}", kind, at, {"customer_id": customer, **data}), "replayid": LINE}


def _time(event: Data) -> int:
    return round(datetime.fromisoformat(event["time"]).timestamp() * 1000)
