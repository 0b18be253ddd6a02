"""What the load consists of: contacts as stories of events, profiles, agent states, and records nobody can use.

All times are milliseconds. A story's events have different times, so their order needs no rule; the auditor relies on
that.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.routing import route

CUSTOMERS = 48
QUEUES = ("cards", "loans", "travel")
SOURCE = "/chaos"
RAISE, KILL = "[raise]", "[kill]"
"""In a message that has no sentiment yet: the scorer raises, or ends the process."""
MINUTE = 60_000
WAIT_LIMIT = 4_000
KEPT_LIMIT, FOR, KEEP, UNANSWERED = 1_000, 2_000, 1_000, 3_000
FLOOD_LIMIT, PER_MINUTE = 1_500, 20
RULES = """
rules:
  - {name: wait, subject: contact, tiers: [gold, platinum], channels: [voice, chat, in-person], severity: critical,
     when: {waiting: {above: 4s}}}
  - {name: mood, subject: customer, tiers: [gold, platinum], severity: warning,
     when: {sentiment: {at_or_below: -0.4, clear_at_or_above: -0.1, half_life: 30m, min_messages: 2, quiet_after: 2h}}}
  - {name: kept, subject: contact, channels: [voice, chat], severity: info, for: 2s, keep_firing_for: 1s,
     escalation: [{after: 3s, severity: warning}], when: {waiting: {above: 1s}}}
  - {name: flood, subject: contact, channels: [voice], severity: info, per_minute: 20, when: {waiting: {above: 1500ms}}}
inhibitions:
  - {source: [rule=wait], target: [rule=kept], equal: [contact]}
"""

SIGNALS: dict[str, float] = {"false_alarms_per_year": 1.0, "min_history": 20, "min_contacts": 10}
"""signals.yaml of a run, whose replay is two days long."""
TIERS = """
tiers:
  platinum: {order: 4, high: true, value: {enter: 1000, leave: 900, min_stay: 1s}}
  gold: {order: 3, high: true, value: {enter: 500, leave: 300, min_stay: 1s}}
  silver: {order: 2, value: {enter: 100, leave: 80, min_stay: 0s}}
  red: {order: 1}
value: {value_cents: 1.0, spend_cents: 0.5, contract_cents: 1.0}
"""

Data = dict[str, Any]
Moment = tuple[int, str, Data]
"""(ms after the story's start, event type, data beyond the contact's own)."""


@dataclass
class Story:
    """One contact: ``common`` is in the data of all its events."""

    contact: str
    channel: str
    moments: list[Moment]
    common: Data = field(default_factory=dict)
    late: int = 0
    """Events say that they happened so many ms before they are sent."""

    def event(self, number: int, start: int, line: str | None = None) -> Data:
        """The event of one moment; ``start`` = when the story began, ms since the epoch."""
        after, kind, data = self.moments[number]
        made = cloud_event(
            f"{self.contact}:{number}",
            kind,
            start - self.late + after,
            {"contact_id": self.contact, "channel": self.channel, **self.common, **data},
        )
        return made if line is None else {**made, "replayid": line}


def rfc3339(ms: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cloud_event(name: str, kind: str, at: int, data: Data) -> Data:
    """A CloudEvent as the contract wants it."""
    return {"specversion": "1.0", "id": name, "source": SOURCE, "type": kind, "time": rfc3339(at), "data": data}


def tier_of(number: int) -> str:
    """The tier a customer begins with."""
    return ("gold", "silver", "platinum", "red")[number % 4]


def somebody(dice: random.Random) -> Data:
    """Common data of a known customer: every third one is known by its profile only, and its contacts say no tier."""
    number = dice.randrange(CUSTOMERS)
    about = (
        {"topic": f"topic-{number % 2}"} if number % 4 == 1 else {"topic": dice.choice("ab")} if number % 4 == 2 else {}
    )
    return {"customer_id": f"cust-{number}"} | ({} if number % 3 == 0 else {"tier": tier_of(number)}) | about


def _wait(dice: random.Random) -> int:
    return dice.choice([dice.randint(200, 3000), dice.randint(3600, 4400), dice.randint(5000, 9000)])


def call(dice: random.Random, name: str) -> Story:
    """A call: waits, is answered or gives up, may be held, wrapped up, moved to another queue."""
    first, second = dice.sample(QUEUES, 2)
    moments: list[Moment] = [(0, "contact.initiated", {}), (150, "contact.queued", {"queue": first, **_intent(dice)})]
    at = 150 + _wait(dice)
    if dice.random() < 0.15:
        moments.append((at, "contact.queued", {"queue": second}))
        at += _wait(dice)
    if dice.random() < 0.25:
        moments.append((at, "contact.ended", {"by": "customer", "reason": "abandoned"}))
        return Story(name, "voice", moments, somebody(dice))
    moments.append((at, "contact.connected", {"agent_id": f"agent-{dice.randrange(8)}"}))
    if dice.random() < 0.3:
        moments += [(at + 300, "contact.held", {}), (at + 700, "contact.resumed", {})]
        at += 700
    moments.append((at + 500, "contact.ended", {"by": "agent"}))
    if dice.random() < 0.3:
        moments.append((at + 900, "contact.wrapped_up", {"duration_ms": 400}))
    return Story(name, "voice", moments, somebody(dice))


def chat(dice: random.Random, name: str) -> Story:
    """A chat: the customer's messages with and without a sentiment of their own, a reply, a rating."""
    moments: list[Moment] = [(0, "contact.initiated", {})]
    at = 100
    for number in range(dice.randint(1, 4)):
        moments.append((at, "message.sent", _message(dice, number)))
        at += dice.randint(100, 900)
    moments.append((at, "contact.queued", {"queue": dice.choice(QUEUES)}))
    at += _wait(dice)
    moments.append((at, "contact.connected", {"agent_id": "agent-1"}))
    moments.append((at + 200, "message.sent", {"direction": "outbound", "author": "agent", "text": "Here I am."}))
    moments.append((at + 900, "contact.ended", {"by": "customer"}))
    if dice.random() < 0.5:
        metric = dice.choice(["csat", "nps", "ces"])
        score = {"csat": dice.randint(1, 5), "nps": dice.randint(0, 10), "ces": dice.randint(1, 7)}[metric]
        moments.append((at + 1500, "feedback.given", {"metric": metric, "score": score}))
    common = somebody(dice) | ({"product": "app"} if dice.random() < 0.5 else {})
    return Story(name, dice.choice(["chat", "messaging"]), moments, common)


def _intent(dice: random.Random) -> Data:
    """What the customer wants, where the connector says it; of the last one no type counts anything."""
    return dice.choice([{}, {}, {"intent": "price"}, {"intent": "quality"}, {"intent": "weather"}])


def _message(dice: random.Random, number: int) -> Data:
    mood = dice.choice([-0.9, -0.7, -0.5, 0.2, 0.8])
    wish = dice.choice(["", "", ", how much is it?", ", qualcuno mi richiami"])
    said: Data = {"direction": "inbound", "author": "customer", "text": f"mood {mood} ({number}){wish}"}
    return said | ({"sentiment": mood} if dice.random() < 0.5 else {})


def about(dice: random.Random, name: str, product: str, bad: bool) -> Story:
    """A short call about a product; a bad one is given up."""
    moments: list[Moment] = [(0, "contact.queued", {"queue": dice.choice(QUEUES)})]
    if bad:
        moments.append((900, "contact.ended", {"by": "customer", "reason": "abandoned"}))
    else:
        moments += [(700, "contact.connected", {"agent_id": "agent-3"}), (1200, "contact.ended", {"by": "agent"})]
    return Story(name, "voice", moments, {**somebody(dice), "product": product})


def mail(dice: random.Random, name: str) -> Story:
    """A mail with an answer."""
    written = _message(dice, 0)
    answer = {"direction": "outbound", "author": dice.choice(["agent", "bot"]), "text": "Thank you."}
    moments: list[Moment] = [(0, "message.sent", written), (dice.randint(300, 4000), "message.sent", answer)]
    return Story(name, "email", moments, somebody(dice))


def stranger(dice: random.Random, name: str) -> Story:
    """A caller known by the phone who turns out to be a customer; some turn out to be yet another one."""
    phone = _phone(dice)
    known = {key: value for key, value in somebody(dice).items() if key == "customer_id"} | {"tier": "gold"}
    wait = _wait(dice)
    moments: list[Moment] = [
        (0, "contact.initiated", {"identifiers": [{"kind": "phone", "value": phone}]}),
        (100, "contact.queued", {"queue": "travel"}),
        (100 + wait, "contact.connected", {"agent_id": "agent-2", **known}),
    ]
    if dice.random() < 0.4:
        moments.append((400 + wait, "contact.held", {"customer_id": f"cust-{dice.randrange(CUSTOMERS)}"}))
    moments.append((800 + wait, "contact.ended", {"by": "customer"}))
    return Story(name, dice.choice(["voice", "in-person"]), moments)


def unknown(dice: random.Random, name: str) -> Story:
    """A mail of somebody known by a phone alone: whose it is, other contacts, profiles and persons say."""
    phone = _phone(dice, 30)
    said: Data = {"direction": "inbound", "author": "customer", "identifiers": [{"kind": "phone", "value": phone}]}
    moments: list[Moment] = [(0, "message.sent", said)]
    if dice.random() < 0.5:
        moments.append((dice.randint(300, 4000), "message.sent", {"direction": "outbound", "author": "agent"}))
    return Story(name, "email", moments)


def forgotten(dice: random.Random, name: str) -> Story:
    """A contact that never ends; some still wait when everything is over."""
    moments: list[Moment] = [(0, "contact.initiated", {}), (50, "contact.queued", {"queue": dice.choice(QUEUES)})]
    return Story(name, dice.choice(["voice", "chat"]), moments, somebody(dice))


def trap(dice: random.Random, name: str) -> Story:
    """A chat with a message on which the scorer raises."""
    story = chat(dice, name)
    story.moments.insert(
        1, (50, "message.sent", {"direction": "inbound", "author": "customer", "text": f"{RAISE} {name}"})
    )
    return story


def fatal(dice: random.Random, name: str) -> Story:
    """A chat with a message that ends the process which handles it."""
    said = {"direction": "inbound", "author": "customer", "text": f"{KILL} {name}"}
    moments: list[Moment] = [
        (0, "contact.initiated", {}),
        (50, "message.sent", said),
        (90, "contact.ended", {"by": "bot"}),
    ]
    return Story(name, "bot", moments, somebody(dice))


SHAPES: tuple[tuple[Callable[[random.Random, str], Story], int], ...] = (
    (call, 8), (chat, 6), (mail, 3), (stranger, 4), (unknown, 2), (forgotten, 1), (trap, 1),
)  # fmt: skip


def any_story(dice: random.Random, name: str, *, raising: bool = True, late: bool = True) -> Story:
    """A story of any shape; one in ten tells of something that happened a while ago."""
    shapes = [(shape, weight) for shape, weight in SHAPES if raising or shape is not trap]
    (shape,) = dice.choices([shape for shape, _ in shapes], [weight for _, weight in shapes])
    story = shape(dice, name)
    if late and dice.random() < 0.1:
        # Well beyond the lateness of an hour only what waits in no queue: of the windows that end now, those that were
        # published while it seemed to wait would not be amended any more. Else with room for a clock that jumps.
        beyond = shape is mail and dice.random() < 0.5
        story.late = dice.randint(80, 110) * MINUTE if beyond else dice.randint(MINUTE, 40 * MINUTE)
    return story


def profile(dice: random.Random, number: int, name: str, at: int, *, first: bool) -> Data:
    """What is known of a customer: the tier it begins with, later another one, or none and what the customer brings."""
    data: Data = {"customer_id": f"cust-{number}"}
    if first or dice.random() < 0.4:
        data["tier"] = tier_of(number) if first else dice.choice(["gold", "silver", "red"])
    elif dice.random() < 0.5:
        data["tier_withdrawn"] = True
    if not first and dice.random() < 0.7:
        data["value_cents"] = dice.choice([0, 79, 80, 100, 299, 350, 500, 899, 1000])
        data["spend_cents"] = dice.choice([0, 100, 400])
    if not first and dice.random() < 0.3:
        data |= {"contract_cents": 250, "contract_until": rfc3339(at + dice.choice([-500, 700, 3_600_000]))}
    if not first and dice.random() < 0.5:
        data["identifiers"] = [{"kind": "phone", "value": _phone(dice)} for _ in range(dice.randrange(3))]
    return cloud_event(name, "customer.profile_changed", at, data)


def word(dice: random.Random, name: str, at: int) -> Data:
    """What a person says of a phone and a customer, or of two phones: linked, or not."""
    one = f"phone:{_phone(dice)}"
    other = f"customer:cust-{dice.randrange(CUSTOMERS)}" if dice.random() < 0.7 else f"phone:{_phone(dice, 10, 0)}"
    data = {"identifier": one, "other": other, "reason": "chaos"}
    return cloud_event(name, dice.choice(["identity.linked", "identity.cut"]), at, data)


def _phone(dice: random.Random, last: int = 99, first: int = 10) -> str:
    """Of one of the strangers; the first ten never call."""
    return f"+4420794600{dice.randrange(first, last):02}"


def agent_state(dice: random.Random, name: str, at: int) -> Data:
    """What an agent does now."""
    state = dice.choice(["available", "busy", "break"])
    agent = f"agent-{dice.randrange(8)}"
    return cloud_event(name, "agent.state_changed", at, {"agent_id": agent, "state": state, "queues": ["cards"]})


Raw = tuple[str, bytes | None, bytes | None]
"""(topic, key, value)."""


def home(event: Data) -> Raw:
    """The record of an event: its topic, its key."""
    topic, key = route(event)
    return topic, key.encode(), orjson.dumps(event)


def malformed(dice: random.Random, name: str, at: int) -> Raw:
    """A record that cannot be used, for one reason."""
    made = cloud_event(name, "contact.initiated", at, {"contact_id": name, "channel": "voice"})
    key, data = name.encode(), made["data"]
    values: list[tuple[bytes | None, bytes | None]] = [
        (key, b"hello"),
        (key, orjson.dumps(made)[:-9]),
        (key, b""),
        (key, b"[1, 2]"),
        (key, orjson.dumps({name: value for name, value in made.items() if name != "type"})),
        (key, orjson.dumps({name: value for name, value in made.items() if name != "time"})),
        (key, orjson.dumps({**made, "type": "contact.teleported"})),
        (key, orjson.dumps({**made, "type": "contact.queued"})),
        (key, orjson.dumps({**made, "time": "2026-03-02T09:15:04"})),
        (key, orjson.dumps({**made, "time": "1970-01-01T00:00:00Z"})),
        (key, orjson.dumps({**made, "time": "2190-01-01T00:00:00Z"})),
        (key, orjson.dumps({**made, "data": {**data, "contact_id": 7}})),
        (key, orjson.dumps({**made, "data": {**data, "channel": "chat"}})),
        (key, orjson.dumps({**made, "data": {**data, "channel": "pigeon"}})),
        (None, orjson.dumps(made)),
        (b"another", orjson.dumps(made)),
    ]
    if dice.random() < 0.02:
        values = [(key, orjson.dumps({**made, "note": "x" * 1_010_000}))]
    return ("contacts.voice", *dice.choice(values))
