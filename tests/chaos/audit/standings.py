"""The last record on ``segments`` of each customer against a recount from the raw events: score, tier and why, types of
service; and that contributions add up to their scores.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.chaos.audit.contacts import SPOKEN, Contact, World
from tests.chaos.audit.logs import Difference, Logs, Rec

DAY = 86_400_000
RECENCY = FREQUENCY = 30 * DAY
SENTIMENT = FRICTION = 14 * DAY
BEHAVIOUR = 90 * DAY
SHARES = {"recency": 0.20, "frequency": 0.25, "sentiment": 0.30, "friction": 0.25}
SPEAKS_FOR = {
    "value": {"price": 1.0},
    "service": {"quality": 1.0},
    "relationship": {"personal": 1.0, "same-agent": 1.0, "human-channel": 0.5, "tenure": 1.0},
    "convenience": {"self-service": 1.0, "short-contact": 0.5, "messaging": 0.5},
}
"""Of the shipped weights those of what the load tells."""
PHRASES = {"how much": "price", "mi richiami": "personal"}
SHORT = 3 * 60_000
TYPE_FROM = 0.2


def check(logs: Logs, world: World) -> Iterator[Difference]:
    """The topic against the recount."""
    last: dict[tuple[str, str], Rec] = {}
    for rec in logs.of("segments"):
        yield from _told(rec, last)
    whose: dict[tuple[str, str], list[Contact]] = defaultdict(list)
    for contact in world.contacts.values():
        if not contact.owner.startswith("contact:"):
            whose[contact.line, contact.owner].append(contact)
    for (line, owner), rec in last.items():
        if (line, owner) not in whose:
            yield Difference("segments", f"{rec.place}: {owner} has no contact any more", (owner,), rec)
    for (line, owner), contacts in whose.items():
        found = last.get((line, owner))
        if found is None:
            yield Difference("segments", f"{owner} of line {line!r} has no record", (owner,))
        elif found.doc["segment"] != "dormant":
            for what in _unlike(found.doc, _wanted(contacts, world)):
                yield Difference("segments", f"{found.place}, {owner}: {what}", (owner,), found)


def _told(rec: Rec, last: dict[tuple[str, str], Rec]) -> Iterator[Difference]:
    """One record against the one before of the same customer; without a value it takes that back."""
    whose = _whose(rec)
    before = last.pop(whose, None)
    about = (whose[1],)
    if rec.value is None:
        if before is None:
            yield Difference("segments", f"{rec.place} takes back what was not there", about, rec)
        return
    last[whose] = rec
    if whose != (rec.doc["line"], rec.doc["customer"]):
        yield Difference("segments", f"{rec.place} has the key of another customer", about, rec)
    if not _adds_up(rec.doc):
        yield Difference("segments", f"{rec.place}: contributions do not add up to their scores", about, rec)
    told = None if before is None else {name: before.doc[name] for name in rec.doc["before"] or ()}
    if rec.doc["before"] != told:
        yield Difference("segments", f"{rec.place} says it was {rec.doc['before']}, it was {told}", about, rec)


def _whose(rec: Rec) -> tuple[str, str]:
    """Line and owner, by the key."""
    key = (rec.key or b"").decode()
    before, slash, behind = key.partition("/")
    return (before, behind) if slash and not before.partition(":")[1] else ("", key)


def _adds_up(doc: dict[str, Any]) -> bool:
    scores = [doc, *doc["types"]]
    return all(
        sum(Decimal(str(part["contribution"])) for part in each["contributions"]) == Decimal(str(each["score"]))
        for each in scores
    )


def _wanted(contacts: list[Contact], world: World) -> dict[str, Any]:
    contacts = sorted(contacts, key=lambda each: each.events[0].time)
    starts = [each.events[0].time for each in contacts]
    at = max(event.time for each in contacts for event in each.events)

    def left(time: int, half_life: int) -> float:
        return 2.0 ** (-(at - time) / half_life)

    said = [message for each in contacts for message in each.messages]
    mood = sum(left(each.time, SENTIMENT) * each.milli / 1000 for each in said)
    weight = sum(left(each.time, SENTIMENT) for each in said)
    trouble = sum(left(leg.left, FRICTION) for each in contacts for leg in each.legs if leg.outcome == "abandoned")
    parts = {
        "recency": 100 * left(max(starts), RECENCY),
        "frequency": 100 * (1 - 2 ** (-sum(left(start, FREQUENCY) for start in starts) / 3)),
        "sentiment": 50 * (1 + mood / weight) if weight else 50.0,
        "friction": 100 * 2 ** (-trouble / 2),
    }
    tier, tier_from = _tier(contacts, world)
    return {
        "score": sum(SHARES[name] * value for name, value in parts.items()),
        "tier": tier,
        "tier_from": tier_from,
        "types": _types(contacts, at),
        **parts,
    }


def _tier(contacts: list[Contact], world: World) -> tuple[str, str]:
    changes = world.tiers.get(contacts[0].owner, []) if not contacts[0].line else []
    if changes and changes[-1][2]:
        return changes[-1][2], "crm" if changes[-1][1] else "value"
    said = [(each.events[0].time, each.said[-1][1]) for each in contacts if each.said]
    return (max(said)[1], "contact") if said else ("none", "none")


def _types(contacts: list[Contact], at: int) -> dict[str, float]:
    counts: Counter[str] = Counter()
    agents: Counter[str] = Counter()
    for contact in contacts:
        left = 2.0 ** (-(at - contact.events[0].time) / BEHAVIOUR)
        for what in _like(contact):
            counts[what] += left  # type: ignore[assignment]
        for wish, time in _wishes(contact).items():
            counts[wish] += 2.0 ** (-(at - time) / BEHAVIOUR)  # type: ignore[assignment]
        took = [event.data["agent_id"] for event in contact.events if event.event["type"] == "contact.connected"]
        if took:
            agents[took[-1]] += left  # type: ignore[assignment]
    counts["same-agent"] = max(0, max(agents.values(), default=0) - 1)
    counts["tenure"] = min(1, (at - contacts[0].events[0].time) / (730 * DAY))  # type: ignore[assignment]
    return {
        name: 1 - 2 ** (-sum(weight * counts[what] for what, weight in weights.items()) / 3)
        for name, weights in SPEAKS_FOR.items()
    }


def _like(contact: Contact) -> Iterator[str]:
    kinds = [each.event["type"] for each in contact.events]
    met = "contact.connected" in kinds
    if met and contact.channel in SPOKEN:
        yield "human-channel"
    if met and contact.ended is not None:  # no talk of the load takes as long as a minute
        yield "short-contact"
    if contact.ended is not None and not met and not contact.legs:
        yield "self-service"
    if contact.channel in ("chat", "messaging"):
        yield "messaging"


def _wishes(contact: Contact) -> dict[str, int]:
    """What the customer wanted, and when that was said first."""
    found: dict[str, int] = {}
    for each in contact.events:
        wish = each.data.get("intent")
        if wish is None and each.data.get("author") == "customer":
            text = each.data.get("text", "")
            wish = next((intent for phrase, intent in PHRASES.items() if phrase in text), None)
        if wish is not None:
            found.setdefault(wish, each.time)
    return found


def _unlike(doc: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    for name in ("tier", "tier_from"):
        if doc[name] != wanted[name]:
            yield f"{name} is {doc[name]}, not {wanted[name]}"
    for name, found in {"score": doc["score"], **doc["components"]}.items():
        if abs(found - wanted[name]) > 0.11:
            yield f"{name} is {found}, not {wanted[name]:.1f}"
    scores = {each["type"]: each["score"] for each in doc["types"]}
    for name, score in wanted["types"].items():
        if abs(scores[name] - score) > 0.0015:
            yield f"the score of {name} is {scores[name]}, not {score:.3f}"
    best = max(scores, key=lambda name: scores[name])
    if scores[best] and doc["type"] != (best if scores[best] >= TYPE_FROM else "none"):
        yield f"the type is {doc['type']}, and the scores are {scores}"
