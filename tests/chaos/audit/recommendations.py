"""Level (h): what was recommended for live contacts. Each record once; each because of an event that was accepted; and who
waits to the end has one, unless so many others of the customer have one since that no more may stand.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from schemas.recommendations import Recommendation
from tests.chaos.audit.contacts import Contact, World
from tests.chaos.audit.logs import Difference, Logs, Rec
from tests.chaos.audit.times import ms

BECAUSE = {
    "queued": ("contact.queued",), "connected": ("contact.connected",), "message": ("message.sent", "post.made"),
}  # fmt: skip
MOST = 20
"""Contacts of a customer of whom a recommendation stands, as the documents say."""


def check(logs: Logs, world: World) -> Iterator[Difference]:
    """The topic ``recommendations``."""
    told: dict[tuple[str, str], list[Rec]] = defaultdict(list)
    seen: set[tuple[str, int]] = set()
    for rec in logs.of("recommendations"):
        doc = rec.doc
        Recommendation.model_validate(doc)
        owner, about = doc["customer"], (doc["recommendation_id"],)
        if (owner, doc["revision"]) in seen:
            yield Difference("recommendations", f"{owner}: revision {doc['revision']} twice", about, rec)
        seen.add((owner, doc["revision"]))
        told[owner, doc["contact_id"]].append(rec)
        contact = world.contacts.get(doc["contact_id"])
        if contact is None:
            continue
        at, types = ms(doc["at"]), BECAUSE.get(doc["because"])
        if types is not None and not any(each.time == at and each.event["type"] in types for each in contact.events):
            yield Difference(
                "recommendations", f"{doc['recommendation_id']}: nothing happened at {doc['at']}", about, rec
            )
    standing, gave_way = _standing(logs.of("recommendations"))
    for owner, contacts in standing.items():
        if len(contacts) > MOST:
            yield Difference("recommendations", f"{owner}: {len(contacts)} contacts have one at once", (owner,))
    for contact in world.contacts.values():
        if _waits(contact) and (contact.owner, contact.id) not in gave_way:
            last = told.get((contact.owner, contact.id))
            if not last or last[-1].doc["status"] != "current":
                yield Difference(
                    "recommendations", f"{contact.id} of {contact.owner}: nothing is recommended", (contact.id,)
                )


def _standing(records: Iterable[Rec]) -> tuple[dict[str, set[str]], set[tuple[str, str]]]:
    """Contacts that have one in the end, by owner; and (owner, contact) of those whose own gave way to another one's."""
    standing: dict[str, set[str]] = defaultdict(set)
    gave_way: set[tuple[str, str]] = set()
    for owner, contact, status in (
        (each.doc["customer"], each.doc["contact_id"], each.doc["status"]) for each in records
    ):
        if status == "current":
            standing[owner].add(contact)
            gave_way.discard((owner, contact))
            continue
        if len(standing[owner]) > MOST:
            gave_way.add((owner, contact))
        standing[owner].discard(contact)
    return standing, gave_way


def _waits(contact: Contact) -> bool:
    """Is it live, in a queue, and nobody ever had it?"""
    types = {each.event["type"] for each in contact.events}
    return not contact.line and "contact.queued" in types and types <= {"contact.initiated", "contact.queued"}
