"""The row of a contact in the table ``owners``: its owner, and its events so far while they may be needed again.

A contact that is over and has been quiet for the lateness becomes a *stub*: whose it is, and no events. That is kept
for a horizon of days, so that a survey, a wrap-up or a reply still finds the owner.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec.structs import replace

from streams.base.claims import CUSTOMER as CUSTOMER_ID
from streams.base.claims import STRENGTH, Claim
from streams.base.links import Label, Ref
from streams.base.records import Event
from streams.contacts import lifecycle
from streams.contacts.rules import ContactRules
from streams.contacts.steps import CUSTOMER, HUMAN, READ
from streams.contacts.triggers import WORDS
from streams.identity.evidence import all_of
from streams.identity.groups import name_of

HISTORY_BYTES = 400_000
"""Most JSON bytes of a history; the oldest events of a longer one are dropped until half of this is left, and the state
says ``truncated``. Beside the history a row has a claim, a line and marks: less than 6,000 bytes; and of one with
identifiers what they are, of eight at most: less than 36,000."""
EVENT_BYTES = 65_536
"""JSON bytes of one event in a history; of a larger one only what `track` reads is kept: at most 6,000 bytes, made of
seven names of 200 characters."""
VALUE_LIMIT = 2_000
"""Characters of a text, JSON bytes of a value the contract does not know, that a history keeps; nobody behind
`identify` reads them."""
HISTORY_LIMIT = 2_000
"""Events kept per contact; beyond it the oldest are dropped and the state says ``truncated``."""

_TEXTS = frozenset({"text", "comment", "query", "subject"})
_END = lifecycle.END
_REOPENING = frozenset(each for each in lifecycle.TRIGGERS if lifecycle.move(_END, each).state != _END)

_encode = msgspec.json.Encoder().encode


class ContactOwner(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one contact. JSON by msgspec."""

    claim: Claim
    """The claim that holds, of what its events say."""
    last: int
    """The latest event time, ms."""
    history: tuple[Event, ...] = ()
    """The events so far by time, of one time as they arrived; without owner and texts. Empty: a stub."""
    line: str = ""
    """The line of the latest event."""
    first: tuple[int, str] | None = None
    """(time, id) of the event with which the claim's source named a customer first; None = that of the claim."""
    acted: int = -1
    """Time of the latest event that `goes_on` with a contact that has ended; −1 = none."""
    closed: int = -1
    """Time of the end that holds, in a stub 0; −1 = it has not ended, or went on."""
    resumed: bool = False
    """There were events before the history, of when the contact was a stub."""
    truncated: bool = False
    size: int = 0
    """JSON bytes of the history, at most; 0 = not known, in a row of the version before."""
    corrections: int = 0
    """Of ``MAX_CORRECTIONS``."""
    told: tuple[str, ...] = ()
    """What was refused and told, which is done once."""
    nobody: tuple[str, ...] = ()
    """Marks of identifiers that name nobody, as far as this contact is concerned."""
    known: dict[str, Ref] = {}
    """Identifier → the earliest event that named it: what the contact shows of them (`streams.identity.evidence`)."""
    part: int = 0
    """How often what it shows began anew: from a stub, or with another customer's contact under the name."""
    labels: dict[str, Label] = {}
    """Of those that are asked whom they stand for, the answers; none while a customer id decides."""
    stands: str = ""
    """The owner that follows from the answers; empty = the claim's."""
    group: str = ""
    """Of a stub that came by identifiers alone: the group that its contact belongs to."""
    due: dict[str, int] = msgspec.field(default_factory=lambda: {})  # noqa: PIE807 - written even when it is empty
    """When the contact is looked at again, as it was written: its line → stream time, ms."""

    @property
    def owner(self) -> str:
        """The contact's owner now."""
        return self.stands or self.claim.owner

    @property
    def ended(self) -> bool:
        """Is it over?"""
        return self.closed >= 0


def begun(claim: Claim, event: Event, size: int, nobody: tuple[str, ...]) -> ContactOwner:
    """The state after a contact's first event, which is as a history keeps it; ``size``: its bytes."""
    acted, closed = _moments(-1, -1, event)
    return ContactOwner(claim, event.time, (event,), event.line, acted=acted, closed=closed, size=size, nobody=nobody)


Held = tuple[Claim, tuple[int, str] | None, int, tuple[str, ...]]
"""``claim``, ``first``, ``corrections`` and ``nobody`` of a state."""


def grown(state: ContactOwner, added: tuple[Event, int], place: int, held: Held) -> ContactOwner:
    """The state with one more event (and its bytes) at a place of its history, and what holds by that."""
    event, size = added
    claim, first, corrections, nobody = held
    history = (*state.history[:place], event, *state.history[place:])
    if len(history) > HISTORY_LIMIT:
        history = history[-HISTORY_LIMIT:]
    size += state.size or sum(map(encoded, state.history))
    if size > HISTORY_BYTES:
        history, size = _fitting(history)
    acted, closed = _moments(state.acted, state.closed, event)
    return ContactOwner(
        claim=claim,
        last=max(state.last, event.time),
        history=history,
        line=event.line if event.time >= state.last else state.line,
        first=first,
        acted=acted,
        closed=closed,
        resumed=state.resumed or not state.history,
        truncated=state.truncated or len(history) != len(state.history) + 1,
        size=size,
        corrections=corrections,
        told=state.told,
        nobody=nobody,
        known=state.known,
        part=state.part,
        labels=state.labels,
        stands=state.stands,
    )


def since(state: ContactOwner, time: int, kinds: Collection[str] = STRENGTH) -> ContactOwner:
    """The state of what began at a time (ms) under the name of a contact that had ended."""
    history = tuple(event for event in state.history if event.time >= time)
    return anew(replace(state, history=history, first=None, resumed=True, size=sum(map(encoded, history))), kinds)


def begun_again(before: ContactOwner, after: ContactOwner) -> bool:
    """Was what came before an event over, and does another customer's contact go on under its name?"""
    if after.part == before.part or not before.history or not after.history:
        return False
    return after.history[0].time > before.history[0].time


def anew(state: ContactOwner, kinds: Collection[str] = STRENGTH) -> ContactOwner:
    """The state of another customer's contact under the name of one that was over: only its own events are evidence."""
    named = any(event.identifiers for event in state.history)
    return replace(state, known=all_of(state.history, state.nobody, kinds) if named else {}, part=state.part + 1)


def _moments(acted: int, closed: int, event: Event) -> tuple[int, int]:
    """``acted`` and ``closed`` after one more event; of one moment, the last that came decides."""
    if event.type == "contact.ended":
        return acted, max(closed, event.time) if event.time >= acted else closed
    if goes_on(event):
        return max(acted, event.time), -1 if event.time >= closed else closed
    return acted, closed


def goes_on(event: Event) -> bool:
    """Is a contact that had ended open again by it?"""
    name, data = event.type, event.data
    if name == "contact.connected" and (party := data.get("party") or HUMAN) != HUMAN:
        name = f"{name}:{party}"
    elif name in WORDS and data.get("author") == CUSTOMER:
        name = f"{name}:{CUSTOMER}"
    return name in _REOPENING


def begins(event: Event) -> bool:
    """Can a contact begin with it? Not with an act of ours."""
    return event.type in ("contact.initiated", "post.made") or (
        event.type in WORDS and event.data.get("author") == CUSTOMER
    )


def begins_anew(state: ContactOwner, event: Event) -> bool:
    """Does the event begin with a stub something that can be another customer's? One that was idle only goes on."""
    return begins(event) and (state.ended or event.type == "contact.initiated")


def told(state: ContactOwner, event: Event) -> ContactOwner:
    """A stub that has heard of one more event, which is not kept."""
    acted, closed = _moments(state.acted, state.closed, event)
    return replace(state, last=max(state.last, event.time), acted=acted, closed=closed)


# Time passes


def due_at(state: ContactOwner, channel: str, rules: ContactRules) -> int:
    """The state changes when stream time passes this: it becomes a stub, or a stub is forgotten. As long as a contact
    is not over, that is when `track` takes it for timed out.
    """
    if not state.history:
        return state.last + rules.horizon_ms(channel) + rules.lateness_ms
    idle_ms = 0 if state.ended else rules.timeout_ms(channel)
    return state.last + idle_ms + rules.lateness_ms


def found_by(state: ContactOwner, event: Event, rules: ContactRules) -> tuple[ContactOwner | None, bool]:
    """The state that an event finds, however far stream time has come: None where it begins another contact. Also
    whether it is another part of the contact, as `track` has it; then the state is a stub."""
    if event.time - state.last <= rules.soon_ms:
        return state, False
    if event.time > state.last + rules.horizon_ms(event.channel):
        return None, True
    idle_ms = rules.lateness_ms if state.ended else rules.timeout_ms(event.channel)
    apart = event.time > state.last + idle_ms
    return (stub(state), True) if apart else (state, False)


def stub(state: ContactOwner) -> ContactOwner:
    """The state without its events."""
    if not state.history:
        return state
    return ContactOwner(
        state.claim, state.last, line=state.line, first=state.first, closed=0 if state.ended else -1,
        corrections=state.corrections, told=state.told, nobody=state.nobody, part=state.part + 1,
        labels={}, stands=state.stands, group=group_of(state),
    )  # fmt: skip


def group_of(state: ContactOwner) -> str:
    """The group of a contact that is over; empty: it stays where it is. One that lost events does."""
    if state.truncated or state.claim.rank == CUSTOMER_ID:
        return ""
    return name_of(state.labels)


def after(state: ContactOwner, now: int, channel: str, rules: ContactRules) -> ContactOwner | None:
    """The state at stream time ``now``: as it is, a stub, or None when it is forgotten. What comes then starts the
    contact anew.
    """
    if state.history and now > due_at(state, channel, rules):
        state = stub(state)
    if not state.history and now > due_at(state, channel, rules):
        return None
    return state


# Sizes


def encoded(event: Event) -> int:
    """JSON bytes of the event and the comma behind it."""
    return len(_encode(event)) + 1


def _fitting(history: tuple[Event, ...]) -> tuple[tuple[Event, ...], int]:
    """A history and its bytes; the newest events of one that has too many."""
    sizes = [encoded(event) for event in history]
    total, dropped = sum(sizes), 0
    if total > HISTORY_BYTES:
        while total > HISTORY_BYTES // 2 and dropped < len(history) - 1:
            total -= sizes[dropped]
            dropped += 1
    return history[dropped:], total


def lean(event: Event, size: int) -> tuple[Event, int]:
    """The event as a history keeps it, and its bytes: without texts, which nobody reads again."""
    data = event.data
    if not event.owner and size <= EVENT_BYTES and not any(map(_may_go, data, data.values())):
        return event, size
    drop = {name for name, value in data.items() if _may_go(name, value)}
    if drop or event.owner:
        kept: dict[str, Any] = {name: value for name, value in data.items() if name not in drop}
        event = replace(event, data=kept, owner="")
        size = encoded(event)
    if size > EVENT_BYTES:
        kept = {name: event.data[name] for name in READ if name in event.data}
        event = replace(event, data=kept, identifiers=())
        size = encoded(event)
    return event, size


def _may_go(name: str, value: Any) -> bool:
    return name in _TEXTS or _is_large(value)


def _is_large(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) > VALUE_LIMIT
    return isinstance(value, dict | list) and len(msgspec.json.encode(value)) > VALUE_LIMIT
