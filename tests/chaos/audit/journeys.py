"""Level (d): journeys. Each step is told once, and those that hold say which contacts are of one journey, as a recount of
the accepted events does. Whose a stranger's contact is, other levels look after: here the contacts that an owner has are
stitched once more.
"""

from collections.abc import Iterator
from typing import Any

from tests.chaos.audit.contacts import Contact, World
from tests.chaos.audit.logs import Difference, Logs
from tests.reference import stitches

MOST = 30
"""Contacts of a customer up to which all steps are remembered, so that none is left out."""


def check(logs: Logs, world: World) -> Iterator[Difference]:
    """journey.events against the accepted events."""
    steps = [rec.doc for rec in logs.of("journey.events")]
    for name in stitches.twice(steps):
        yield Difference("journeys", f"the step {name} was told twice with one revision", (name,))
    for line in {contact.line for contact in world.contacts.values()}:
        got = stitches.by_steps(step for step in steps if step["line"] == line)
        yield from _of(line, got, world)


def _of(line: str, got: dict[str, list[list[tuple[str, str]]]], world: World) -> Iterator[Difference]:
    for owner, journeys in sorted(got.items()):
        names = [name for journey in journeys for _, name in journey]
        contacts = [world.contacts[name] for name in names if name in world.contacts]
        if len(names) > MOST or len(contacts) < len(names) or any(contact.ancient for contact in contacts):
            continue
        told = stitches.journeys([item_of(contact) for contact in contacts])
        want = sorted(sorted((item.channel, item.contact) for item in one.items) for one in told)
        if want != journeys:
            yield Difference("journeys", f"{line} {owner}: {journeys} instead of {want}", (owner, *names))
    known = {(owner, name) for owner, journeys in got.items() for journey in journeys for _, name in journey}
    many = {owner for owner, journeys in got.items() if sum(map(len, journeys)) > MOST}
    for name, contact in sorted(world.contacts.items()):
        its = contact.owner.startswith("customer:") and contact.owner not in many and not contact.ancient
        if contact.line == line and its and (contact.owner, name) not in known:
            yield Difference("journeys", f"{line} {contact.owner}: no journey has its contact {name}", (name,))


def item_of(contact: Contact) -> stitches.Item:
    """As the recount takes it."""
    times = [each.time for each in contact.events]
    last = max(times)
    said: dict[str, Any] = {}
    for each in contact.events:
        if contact.ended is None or each.time <= contact.ended:
            said |= {word: each.data[word] for word in ("topic", "intent") if each.data.get(word)}
    cases = tuple(dict.fromkeys(each.data["case_id"] for each in contact.events if each.data.get("case_id")))
    over = last if contact.ended is None else contact.ended
    return stitches.Item(
        min(times), contact.channel, contact.id, last, over, cases, said.get("topic"), said.get("intent")
    )
