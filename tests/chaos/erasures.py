"""Customers who come, and are erased at once: part of the load. All that names one begins with `ERASED`."""

import random
from collections.abc import Iterator

from tests.chaos.audit.logs import ERASED
from tests.chaos.stories import Data, Raw, cloud_event, home

EVERY_SECONDS = 2.0
"""Between two of them."""


def erasure(dice: random.Random, name: str, now: int) -> Iterator[Raw]:
    """A customer with calls and mails, known and unknown, over and open; then the erasure, before or behind the last of
    the events of the time before. ``now``: ms.
    """
    who = f"{ERASED}{name}"
    mail = {"identifiers": [{"kind": "email", "value": f"{who}@example.com"}]}
    events = [
        *_call(f"{who}-a", now - 5000, mail),
        *_call(f"{who}-b", now - 4000, {**mail, "customer_id": who}),
        *_call(f"{who}-c", now - 3000, {"customer_id": who})[:-1],
        _profile(who, now - 2000, mail),
    ]
    erased = cloud_event(f"{who}-gone", "customer.erased", now, {"customer_id": who})
    at = len(events) if dice.random() < 0.7 else dice.randrange(len(events))
    for event in (*events[:at], erased, *events[at:]):
        yield home(event)


def _call(name: str, at: int, named: Data) -> list[Data]:
    told: list[tuple[str, Data]] = [
        ("contact.initiated", named),
        ("contact.queued", {"queue": f"{ERASED}q"}),
        ("contact.connected", {"agent_id": "agent-1"}),
        ("feedback.given", {"metric": "csat", "score": 1, "product": "app", **named}),
        ("contact.ended", {"by": "customer"}),
    ]
    return [
        cloud_event(f"{name}-{number}", kind, at + number * 100, {"contact_id": name, "channel": "voice", **data})
        for number, (kind, data) in enumerate(told)
    ]


def _profile(who: str, at: int, named: Data) -> Data:
    return cloud_event(f"{who}-p", "customer.profile_changed", at, {"customer_id": who, "tier": "gold", **named})
