"""Histories of contacts, profiles and persons' words that link identifiers, and whose each contact is by a search."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.reference.owners import NOBODY, kind, of_contact, owners, strength
from tests.support.offline import NOW


def event(
    number: int, contact: str, *identifiers: str, customer: str | None = None, ago: float = 60.0
) -> dict[str, Any]:
    """One of a chat that goes on: a message of the customer."""
    named = [{"kind": each.partition(":")[0], "value": each.partition(":")[2]} for each in identifiers]
    data: dict[str, Any] = {"contact_id": contact, "channel": "chat", "direction": "inbound", "author": "customer"}
    data |= (
        {"text": "hello"} | ({"identifiers": named} if named else {}) | ({"customer_id": customer} if customer else {})
    )
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/webchat",
        "type": "message.sent",
        "time": ago_of(ago),
        "data": data,
    }


def ago_of(seconds: float) -> str:
    return datetime.fromtimestamp(round(NOW // 1000 - seconds, 3), UTC).isoformat()


def word(number: int, what: str, one: str, other: str, *, ago: float = 10.0) -> dict[str, Any]:
    """A person's, that the two are linked, or not ("cut")."""
    data = {"identifier": one, "other": other, "reason": "they said so", "by": "ann"}
    return event(number, "") | {"source": "/crm", "type": f"identity.{what}", "time": ago_of(ago), "data": data}


def profile(number: int, customer: str, *identifiers: str, source: str = "/crm", ago: float = 10.0) -> dict[str, Any]:
    """All that a source knows of a customer's identifiers."""
    named = [{"kind": each.partition(":")[0], "value": each.partition(":")[2]} for each in identifiers]
    data = {"customer_id": customer, "identifiers": named}
    return event(number, "") | {
        "source": source, "type": "customer.profile_changed", "time": ago_of(ago), "data": data
    }  # fmt: skip


def history(random: Random) -> list[dict[str, Any]]:
    names = [f"email:anna{n}@example.com" for n in range(random.randint(1, 4))]
    names += [f"phone:+4420794600{n:02}" for n in range(random.randint(1, 4))]
    names += [f"{each}:{each}-{n}7k" for each in ("device", "cookie") for n in range(random.randint(1, 4))]
    customers = [f"cust-{n}7" for n in range(random.randint(0, 3))]
    told = []
    for number in range(random.randint(3, 25)):
        contact, ago = f"c{random.randrange(10)}", round(300 - number * 5 + random.random(), 3)
        who = random.choice(customers) if customers and random.random() < 0.25 else None
        named = random.sample(names, random.choice([0, 1, 1, 2, 3]))
        kind = random.random()
        if kind < 0.15:
            others = names + [f"customer:{each}" for each in customers]
            pair = random.sample(names, 1) + random.sample(others, 1)
            random.shuffle(pair)
            if pair[0] != pair[1]:
                told.append(word(number, random.choice(["linked", "cut"]), *pair, ago=ago))
        elif kind < 0.25 and customers:
            told.append(profile(number, random.choice(customers), *named, source=random.choice(["/a", "/b"]), ago=ago))
        else:
            told.append(event(number, contact, *named, customer=who, ago=ago))
    return told or [event(0, "c0")]


def expected(told: list[dict[str, Any]]) -> dict[str, str]:
    """By a search over all that the contacts and profiles named, and the latest words."""
    named: dict[str, set[str]] = defaultdict(set)
    who: dict[str, str] = {}
    listed: dict[tuple[str, str], set[str]] = {}
    words: dict[tuple[str, str], bool] = {}
    for each in sorted(told, key=lambda one: one["time"]):
        data = each["data"]
        if each["type"].startswith("identity."):
            weak, strong = sorted((data["identifier"], data["other"]), key=strength, reverse=True)
            words[weak, strong] = each["type"] == "identity.linked"
            continue
        identifiers = {f"{one['kind']}:{one['value']}" for one in data.get("identifiers", ())}
        if each["type"] == "customer.profile_changed":
            listed[each["source"], f"customer:{data['customer_id']}"] = identifiers
            continue
        named[data["contact_id"]] |= identifiers
        if "customer_id" in data:
            who[data["contact_id"]] = f"customer:{data['customer_id']}"
    links = {(weak, customer) for (_, customer), identifiers in listed.items() for weak in identifiers}
    for contact, identifiers in named.items():
        all_of_it = sorted({*identifiers, *([who[contact]] if contact in who else [])}, key=strength)[:8]
        links |= {(weak, strong) for place, strong in enumerate(all_of_it) for weak in all_of_it[place + 1 :]}
    links = (links - words.keys()) | {pair for pair, on in words.items() if on}
    everybody = {each for identifiers in named.values() for each in identifiers} | set(who.values())
    everybody |= {each for pair in links for each in pair}
    found = owners(everybody, links)
    assert all(kind(owner) in ("customer", "anonymous", NOBODY) for owner in found.values())
    return {
        contact: who.get(contact)
        or of_contact(f"contact:chat:{contact}", sorted(identifiers, key=strength)[:8], found, links)
        for contact, identifiers in named.items()
    }


def held_by(interactions: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Contact → who has its events in the end, of the records of contact.interactions; fails when several have."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for doc in interactions:
        if doc["kind"] == "event":
            found[doc["contact"]][doc["owner"]].add(doc["id"])
        elif doc["kind"] == "left":
            found[doc["contact"]][doc["owner"]].clear()
    whole = {contact: {owner for owner, events in told.items() if events} for contact, told in found.items()}
    assert all(len(owner) == 1 for owner in whole.values()), whole
    return {contact: next(iter(owner)) for contact, owner in whole.items()}
