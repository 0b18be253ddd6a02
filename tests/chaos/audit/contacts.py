"""What the accepted raw events say of each contact, told once more from the beginning: its owner, legs and facts.

A recount of its own, in the words of docs/contract.md and docs/metrics.md, for the stories that the load tells.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.chaos.audit import worth
from tests.chaos.audit.identity import ever_of, links, phones_of
from tests.chaos.audit.raw import Accounts, Input
from tests.reference.owners import NOBODY, owners

SPOKEN = ("voice", "in-person")
NEVER_LEFT = 1 << 62
MOOD = re.compile(r"mood (-?\d\.\d)")
ANCIENT_MS = 55 * 60_000
MACHINES = ("bot", "self-service")
CHANGES_KEPT = 16
"""Changes of the tier that the product keeps of a customer."""


class Fact(NamedTuple):
    """One thing that counts, as on contact.measurements without its sign."""

    fact: str
    id: str
    time: int
    channel: str
    queue: str
    tier: str
    line: str
    outcome: str | None = None
    variant: str | None = None
    entered: int | None = None
    value: int | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    about: str | None = None
    event: str | None = None
    contacts: int = 0
    transfers: int = 0
    business: int | None = None
    human: int | None = None
    hidden: int | None = None


@dataclass
class Leg:
    """One stay in one queue."""

    id: str
    queue: str
    entered: int
    left: int = NEVER_LEFT
    outcome: str | None = None


@dataclass
class Message:
    """A scored message of the customer; ``tier``: what the contact's events had said by then."""

    time: int
    id: str
    milli: int
    contact: str
    channel: str
    tier: str | None


@dataclass
class Contact:
    """A contact in the end. Marks are (fact's name, id, time, queue or None, other fields)."""

    id: str
    channel: str
    line: str
    owner: str
    events: list[Input]
    owners: set[str]
    """Everyone it has belonged to."""
    said: list[tuple[int, str]] = field(default_factory=list)
    """(time, tier) each time the events said another tier than before."""
    legs: list[Leg] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    ended: int | None = None
    known: int = 0
    """When an event first said whose it is."""

    @property
    def ancient(self) -> bool:
        """So late that windows do not count it any more."""
        return not self.line and any(each.rec.timestamp - each.time > ANCIENT_MS for each in self.events)


Tiers = dict[str, list[tuple[int, str, str]]]
"""Owner → (time, event id, tier), oldest first, by profiles of the live line."""


@dataclass
class World:
    """All contacts by id, and the tiers of customers."""

    contacts: dict[str, Contact]
    tiers: Tiers
    """By their newest profiles, as many as are kept in the end."""
    changes: Tiers
    """By all that there ever were."""
    profiles: dict[str, list[Input]]
    """Owner → its profile events."""

    def tier_at(self, contact: Contact, at: int | None) -> str | None:
        """By the owner's profile; None as the time = the latest."""
        changes = self.tiers.get(contact.owner, []) if not contact.line else []
        return next((tier for time, _, tier in reversed(changes) if at is None or time <= at), None) or None

    @property
    def facts(self) -> list[Fact]:
        return [fact for contact in self.contacts.values() for fact in contact.facts]


def given_in(data: dict[str, Any]) -> str | None:
    """The tier that a profile gives; empty = it withdraws it, None = it says nothing of it."""
    return "" if data.get("tier_withdrawn") else data.get("tier")


def kept(arrived: list[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """What is kept of changes as they arrived: where there are too many, first those go that change nothing, then the
    oldest."""
    found: list[tuple[int, str, str]] = []
    for change in arrived:
        found = sorted([*found, change])
        if len(found) > CHANGES_KEPT:
            found = [each for number, each in enumerate(found) if not number or each[2] != found[number - 1][2]]
    return found[-CHANGES_KEPT:]


def tell(accounts: Accounts, now: int) -> World:
    """Everything from the accepted raw records; ``now``: live stream time in the end."""
    events: dict[str, list[Input]] = defaultdict(list)
    profiles: dict[str, list[Input]] = defaultdict(list)
    for each in accounts.accepted:
        if each.event["type"] == "customer.profile_changed":
            profiles[f"customer:{each.data['customer_id']}"].append(each)
        elif "contact_id" in each.data:
            events[each.data["contact_id"]].append(each)
    tiers, changes = {}, {}
    for owner, told in profiles.items():
        live = [each for each in told if not each.line]
        given = [(each.time, each.event["id"], said) for each in live if (said := given_in(each.data)) is not None]
        values = worth.changes(live, now)
        tiers[owner] = worth.both(kept(given), values)[-CHANGES_KEPT:]
        changes[owner] = worth.both(sorted(given), values)
    world = World({}, tiers, changes, profiles)
    of_phone = ever_of(accounts.accepted)
    by_links = {
        line: owners({name for pair in pairs for name in pair}, pairs)
        for line, pairs in links(accounts.accepted).items()
    }
    for name, told in events.items():
        told.sort(key=lambda each: each.time)  # those of one moment as they lie in the log
        contact = world.contacts[name] = _contact(name, told, world, by_links.get(told[0].line, {}))
        for number in phones_of(
            told
        ):  # while it was a stranger it may have been taken for any of the number's customers
            contact.owners |= of_phone[told[0].line, number]
    return world


def _contact(name: str, told: list[Input], world: World, by_links: dict[str, str]) -> Contact:
    first = told[0]
    ids = [f"customer:{each.data['customer_id']}" for each in told if "customer_id" in each.data]
    phones = [f"phone:{i['value']}" for each in told for i in each.data.get("identifiers", ())]
    channel = first.data["channel"]
    itself = f"contact:{channel}:{name}"
    linked = [by_links.get(phone, f"anonymous:{phone}") for phone in phones[:1]]
    owner = (ids[-1:] or linked or [itself])[0]
    if owner == NOBODY:
        owner = itself
    contact = Contact(
        name, channel, first.line, owner, told, {*ids, *linked, *(f"anonymous:{p}" for p in phones), itself}
    )
    contact.known = next((each.time for each in told if owner in _named(each)), 0)
    marks = _Teller(contact).tell()
    tier = (contact.said[-1][1] if contact.said else None) or world.tier_at(contact, contact.ended) or "none"
    first_queue = next((each.data["queue"] for each in told if "queue" in each.data), "none")
    for kind, ident, time, queue, more in marks:
        contact.facts.append(Fact(kind, ident, time, channel, queue or first_queue, tier, contact.line, **more))
    return contact


def _named(event: Input) -> list[str]:
    """The owners that an event names."""
    named = [f"customer:{event.data['customer_id']}"] if "customer_id" in event.data else []
    return named + [f"anonymous:phone:{each['value']}" for each in event.data.get("identifiers", ())]


Mark = tuple[str, str, int, str | None, dict[str, Any]]


class _Teller:
    """Goes through the events of one contact in order of time."""

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self.marks: list[Mark] = []
        self.asked: int | None = None
        """The customer's first message."""
        self.unanswered: int | None = None
        self.served = self.unheard = self.human_first = False
        self.waited = 0
        self.answered = self.connected = False
        self.talking: int | None = None
        self.holding: int | None = None
        self.talk = self.hold = self.wrap = 0
        self.replies: set[str] = set()

    def tell(self) -> list[Mark]:
        for each in self.contact.events:
            tier = each.data.get("tier")
            if tier and (not self.contact.said or self.contact.said[-1][1] != tier):
                self.contact.said.append((each.time, tier))
            handle = getattr(self, "_" + each.event["type"].replace(".", "_"), None)
            if handle is not None:
                handle(each.time, each)
        if self.contact.ended is not None and self.answered:
            times = {"talk_ms": self.talk, "hold_ms": self.hold, "wrap_ms": self.wrap}
            if self.connected:
                self._mark("contact_handled", self.contact.id, self.contact.ended, **times)
        return self.marks

    @property
    def _queue(self) -> str | None:
        return self.contact.legs[-1].queue if self.contact.legs else None

    def _mark(self, kind: str, ident: str, time: int, **more: Any) -> None:
        self.marks.append((kind, ident, time, more.pop("queue", self._queue), more))

    def _leave(self, time: int, outcome: str) -> None:
        if not self.contact.legs or self.contact.legs[-1].left != NEVER_LEFT:
            return
        leg = self.contact.legs[-1]
        leg.left, leg.outcome = time, outcome
        self.waited += time - leg.entered
        self._mark("leg_closed", leg.id, time, outcome=outcome, entered=leg.entered)

    def _release(self, time: int) -> None:
        self.talk += 0 if self.talking is None else time - self.talking
        self.hold += 0 if self.holding is None else time - self.holding
        self.talking = self.holding = None

    def _contact_queued(self, time: int, each: Input) -> None:
        queue = each.data["queue"]
        self._leave(time, "flow_out")
        leg = Leg(f"{self.contact.id}/{time}-{each.event['id']}", queue, time)
        self.contact.legs.append(leg)
        self._mark("leg_opened", leg.id, time)

    def _contact_connected(self, time: int, each: Input) -> None:
        self.talking, self.connected = time, True
        self._answer(time)

    def _answer(self, time: int) -> None:
        self._leave(time, "answered")
        if not self.answered:
            self.answered = True
            self._mark("contact_offered", self.contact.id, time, outcome="answered", value=self.waited)

    def _contact_held(self, time: int, each: Input) -> None:
        if self.talking is not None:
            self.talk += time - self.talking
            self.talking, self.holding = None, time

    def _contact_resumed(self, time: int, each: Input) -> None:
        if self.holding is not None:
            self.hold += time - self.holding
            self.talking, self.holding = time, None

    def _contact_wrapped_up(self, time: int, each: Input) -> None:
        self._release(time)
        self.wrap += each.data["duration_ms"]

    def _contact_ended(self, time: int, each: Input) -> None:
        self._release(time)
        gave_up = each.data.get("reason") == "abandoned"
        self._leave(time, "abandoned" if gave_up else "flow_out")
        self.contact.ended = time
        went = each.data["by"] == "customer" and (not self.served or self.unheard)
        if (self.served or self.contact.channel in MACHINES) and not self.human_first:
            alone = not (self.answered or gave_up or self.contact.legs or went)
            self._mark("contact_by_machine", self.contact.id, time, outcome="contained" if alone else None)
        if self.answered:
            return
        if gave_up or self.contact.legs:
            outcome = "abandoned" if gave_up else "flow_out"
            self._mark("contact_offered", self.contact.id, time, outcome=outcome, value=self.waited)
        else:
            self._mark("contact_unasked", self.contact.id, time, outcome="left" if went else "contained")

    def _feedback_given(self, time: int, each: Input) -> None:
        score, metric = round(each.data["score"] * 1000), each.data["metric"]
        self._mark("feedback", f"{self.contact.id}/{metric}", time, variant=metric, value=score)

    def _message_sent(self, time: int, each: Input) -> None:
        author = each.data["author"]
        if author == "customer":
            self.asked = time if self.asked is None else self.asked
            self.unanswered = time if self.unanswered is None else self.unanswered
            self.unheard = True
            self._scored(time, each)
            return
        if self.contact.channel in SPOKEN:
            return
        if author == "bot" and not self.served:
            self.served, self.human_first = True, self.answered or bool(self.contact.legs)
        self.unheard = False
        if author == "agent":
            self._answer(time)
        if self.asked is None:
            return
        again = author == "agent" and "human_from_start" in self.replies
        for variant in ("any", "human_from_start")[: 2 if author == "agent" else 1]:
            if variant not in self.replies:
                self.replies.add(variant)
                self._mark("first_response", self.contact.id, time, variant=variant, value=time - self.asked)
        if again and self.unanswered is not None:
            name = f"{self.contact.id}/{each.event['id']}"
            self._mark("next_response", name, time, value=time - self.unanswered)
        if author == "agent":
            self.unanswered = None

    def _scored(self, time: int, each: Input) -> None:
        mood = each.data.get("sentiment")
        if mood is None and (found := MOOD.search(each.data.get("text", ""))):
            mood = float(found[1])
        if mood is None:
            return
        milli = round(mood * 1000)
        self._mark("sentiment", each.event["id"], time, value=milli)
        tier = self.contact.said[-1][1] if self.contact.said else None
        contact = self.contact
        contact.messages.append(Message(time, each.event["id"], milli, contact.id, contact.channel, tier))
