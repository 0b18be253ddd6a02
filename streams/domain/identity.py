"""Who owns a contact: its customer, else the anonymous customer behind its strongest identifier, else the contact
itself.

The owner is a function of the *set* of a contact's events, so the order of arrival does not matter in the end:

1. a customer id beats every identifier; of two different customer ids the one on the later event, by (time, id,
   source), holds;
2. else the strongest kind of identifier (email > phone > social > account > device > cookie); of two values of one kind
   the one on the earlier event, so that a contact in order changes its owner only when it becomes better known;
3. else the contact.

When an event changes the owner, the old one gets ``Left`` (it takes back all the contact brought), and the new one gets
the contact's events so far, in event-time order, with the new event in its place. So that few events cannot make many,
a contact of more than ``SHORT_HISTORY`` events is given from one customer to another (or from one identifier to another
of the same kind) at most ``MAX_CORRECTIONS`` times. After that it stays, whatever is said of it, unless it becomes
better known; here alone the order of arrival decides. The first change that is refused is told, with the rule
``TOO_MANY_CHANGES`` and the same owner before and after.
"""

from bisect import bisect_left
from typing import Any, TypedDict

import msgspec

from streams.domain.normalise import STRENGTH, is_customer_text
from streams.domain.records import Event, Left

HISTORY_BYTES = 400_000
"""Most JSON bytes of a history; the oldest events of a longer one are dropped until half of this is left, and the state
says ``truncated``. Beside the history a row has a claim and a line: less than 4,000 bytes."""
EVENT_BYTES = 65_536
"""JSON bytes of one event in a history; of a larger one only what `track` reads is kept: at most 6,000 bytes, made of
seven names of 200 characters."""
VALUE_LIMIT = 2_000
"""Characters of a text, JSON bytes of a value the contract does not know, that a history keeps; nobody behind
`identify` reads them."""
HISTORY_LIMIT = 2_000
"""Events kept per contact; beyond it the oldest are dropped and the state says ``truncated``."""
SHORT_HISTORY = 8
"""Events of a contact that changes its owner as often as its events say: sending them again costs next to nothing."""
MAX_CORRECTIONS = 3
"""Changes of owner of a longer contact that do not make it better known; those that do are seven by nature."""
TOO_MANY_CHANGES = "too-many-changes"

_CUSTOMER, _CONTACT = -1, len(STRENGTH)
_RANK = {kind: rank for rank, kind in enumerate(STRENGTH)}
_TEXTS = frozenset({"text", "comment", "query", "subject"})
_READ = (
    "opened_by",
    "direction",
    "party",
    "kind",
    "duration_ms",
    "by",
    "reason",
    "author",
    "sentiment",
    "metric",
    "score",
)
"""What `streams.domain.steps` reads of an event's data."""

_encode = msgspec.json.Encoder().encode

EventKey = tuple[int, str, str, str]
"""(time, id, source, channel): a total order of events, by event time. An event is named on its channel's topic."""


class Evidence(TypedDict):
    """The event that decided."""

    event_id: str
    source: str


IdentityChange = TypedDict(
    "IdentityChange",
    {
        "contact_id": str,
        "identifier": str,
        "from": str,
        "to": str,
        "rule": str,
        "evidence": Evidence,
        "at": int,
        "line": str,
    },
)
"""A contact changed its owner: ``identifier`` is "<kind>:<value>", ``rule`` "customer-id" or "strongest-identifier",
``at`` the event's time in ms. With the rule ``TOO_MANY_CHANGES`` the contact stays where it is: ``from`` and ``to`` are
its owner, ``identifier`` and ``evidence`` what was refused.
"""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What an event says of its contact's owner."""

    rank: int
    """−1 customer id, then the place in ``STRENGTH``, last the contact itself."""
    time: int
    id: str
    source: str
    identifier: str
    """"<kind>:<value>", such as "customer:7" or "email:a@example.com"."""

    @property
    def owner(self) -> str:
        """The name of the owner: "customer:7", "anonymous:email:a@example.com", "contact:c1"."""
        return self.identifier if self.rank in (_CUSTOMER, _CONTACT) else f"anonymous:{self.identifier}"

    def beats(self, other: "Claim") -> bool:
        """Does this claim hold against ``other``? A strict total order over the claims of one contact's events."""
        if self.rank != other.rank:
            return self.rank < other.rank
        mine, theirs = (self.time, self.id, self.source), (other.time, other.id, other.source)
        return mine > theirs if self.rank == _CUSTOMER else mine < theirs


class ContactOwner(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one contact. JSON by msgspec."""

    claim: Claim
    """The best claim so far; its owner is the contact's."""
    history: tuple[Event, ...]
    """The events so far by (time, id, source), without owner and texts."""
    last: int
    """The latest event time, ms."""
    line: str = ""
    """The line of the latest event."""
    ended: bool = False
    truncated: bool = False
    size: int = 0
    """JSON bytes of the history, at most; 0 = not known, in a row of the version before."""
    corrections: int = 0
    """Of ``MAX_CORRECTIONS``."""
    refused: bool = False
    """Another change of owner was refused, and told."""
    due: dict[str, int] = msgspec.field(default_factory=lambda: {})  # noqa: PIE807 - written even when it is empty
    """When the contact can be forgotten, as it was written: its line → stream time, ms. The last field: see
    `deadlines_in`."""

    @property
    def owner(self) -> str:
        """The contact's owner now."""
        return self.claim.owner


Output = Event | Left | IdentityChange


def owner_of(event: Event) -> str:
    """The owner an event names by itself: "customer:<id>", "anonymous:<kind>:<value>" or "contact:<contact id>"."""
    return claim_of(event).owner


def claim_of(event: Event) -> Claim:
    """The event's claim. Identifiers of kinds outside ``STRENGTH`` claim nothing."""
    rank, identifier = _CONTACT, f"contact:{event.contact}"
    if event.customer is not None:
        rank, identifier = _CUSTOMER, f"customer:{event.customer}"
    else:
        for kind, value in event.identifiers:
            if _RANK.get(kind, _CONTACT) < rank:
                rank, identifier = _RANK[kind], f"{kind}:{value}"
    return Claim(rank, event.time, event.id, event.source, identifier)


def assign(state: ContactOwner | None, event: Event, size: int | None = None) -> tuple[ContactOwner, list[Output]]:
    """The contact's next state and what to send: the event with its owner, or what a change of owner needs.

    An event that is in the history already changes nothing and sends nothing. ``size``: JSON bytes of the event, where
    the caller knows them.
    """
    claim = claim_of(event)
    kept, size = _lean(event, _encoded(event) if size is None else size)
    if state is None:
        fresh = ContactOwner(claim, (kept,), event.time, event.line, event.type == "contact.ended", size=size)
        return fresh, [_owned(event, claim.owner)]
    place = bisect_left(state.history, event_key(event), key=event_key)
    if place < len(state.history) and event_key(state.history[place]) == event_key(event):
        return state, []
    best, corrects = _decided(state, claim) if claim.beats(state.claim) else (state.claim, False)
    grown = _grown(state, (kept, size), place, best)
    if best is state.claim or best.owner == state.owner:
        if best is claim or state.refused or not claim.beats(best):
            return grown, [_owned(event, best.owner)]
        refusal = _change(best.owner, best.owner, claim, event)
        return msgspec.structs.replace(grown, refused=True), [_owned(event, best.owner), refusal]
    if corrects:
        grown = msgspec.structs.replace(grown, corrections=state.corrections + 1)
    told = (*state.history[:place], event, *state.history[place:])
    moved: list[Output] = [Left(state.owner, event.contact, best.owner, event.time, event.line)]
    moved += [_owned(past, best.owner) for past in told]
    return grown, [*moved, _change(state.owner, best.owner, best, event)]


def _decided(state: ContactOwner, claim: Claim) -> tuple[Claim, bool]:
    """Which claim holds, the state's or the one that beats it, and whether that counts as a correction."""
    counts = claim.rank == state.claim.rank and claim.owner != state.owner and len(state.history) >= SHORT_HISTORY
    if counts and state.corrections >= MAX_CORRECTIONS:
        return state.claim, False
    return claim, counts


def expired(state: ContactOwner, watermark: int, retention_ms: int, open_retention_ms: int | None = None) -> bool:
    """Can the contact be forgotten? Its end lies more than ``retention_ms`` before the watermark of its line.

    ``open_retention_ms``: the same for contacts that never said ``contact.ended`` (posts, visits, lost events);
    ``None`` = kept. An event that comes after that starts the contact anew.
    """
    limit = retention_ms if state.ended else open_retention_ms
    return limit is not None and watermark > state.last + limit


def event_key(event: Event) -> EventKey:
    """Where an event stands in its contact's history."""
    return event.time, event.id, event.source, event.channel


def _grown(state: ContactOwner, added: tuple[Event, int], place: int, best: Claim) -> ContactOwner:
    event, size = added
    history = (*state.history[:place], event, *state.history[place:])
    if len(history) > HISTORY_LIMIT:
        history = history[-HISTORY_LIMIT:]
    size += state.size or sum(map(_encoded, state.history))
    if size > HISTORY_BYTES:
        history, size = _fitting(history)
    latest = event.time >= state.last
    return ContactOwner(
        claim=best,
        history=history,
        last=max(state.last, event.time),
        line=event.line if latest else state.line,
        ended=state.ended or event.type == "contact.ended",
        truncated=state.truncated or len(history) != len(state.history) + 1,
        size=size,
        corrections=state.corrections,
        refused=state.refused,
    )


def _fitting(history: tuple[Event, ...]) -> tuple[tuple[Event, ...], int]:
    """A history and its bytes; the newest events of one that has too many."""
    sizes = [_encoded(event) for event in history]
    total, dropped = sum(sizes), 0
    if total > HISTORY_BYTES:
        while total > HISTORY_BYTES // 2 and dropped < len(history) - 1:
            total -= sizes[dropped]
            dropped += 1
    return history[dropped:], total


def _encoded(event: Event) -> int:
    """JSON bytes of the event and the comma behind it."""
    return len(_encode(event)) + 1


def _owned(event: Event, owner: str) -> Event:
    return msgspec.structs.replace(event, owner=owner)


def _lean(event: Event, size: int) -> tuple[Event, int]:
    """The event as a history keeps it, and its bytes: without texts, which nobody reads again; one whose sentiment is
    not known stays if it is short.
    """
    data = event.data
    if not data and not event.owner and size <= EVENT_BYTES:
        return event, size
    unscored = data.get("sentiment") is None and is_customer_text(event.type, data)
    drop = _TEXTS & data.keys() - ({"text"} if unscored else set())
    drop |= {name for name, value in data.items() if _is_large(value)}
    if drop or event.owner:
        kept: dict[str, Any] = {name: value for name, value in data.items() if name not in drop}
        event = msgspec.structs.replace(event, data=kept, owner="")
        size = _encoded(event)
    if size > EVENT_BYTES:
        kept = {name: event.data[name] for name in _READ if name in event.data}
        event = msgspec.structs.replace(event, data=kept, identifiers=())
        size = _encoded(event)
    return event, size


def _is_large(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) > VALUE_LIMIT
    return isinstance(value, dict | list) and len(msgspec.json.encode(value)) > VALUE_LIMIT


def _change(old: str, new: str, claim: Claim, event: Event) -> IdentityChange:
    rule = "customer-id" if claim.rank == _CUSTOMER else "strongest-identifier"
    return {
        "contact_id": event.contact,
        "identifier": claim.identifier,
        "from": old,
        "to": new,
        "rule": TOO_MANY_CHANGES if old == new else rule,
        "evidence": {"event_id": claim.id, "source": claim.source},
        "at": event.time,
        "line": event.line,
    }
