"""Events of one contact for the tests of its owner, and what they make of it."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from streams.base.records import Event, Left
from streams.identity.assignment import Output, assign
from streams.identity.owners import ContactOwner


def event(event_id: str, time: int, customer: str | None = None, *identifiers: tuple[str, str], **more: Any) -> Event:
    fields = {"type": "contact.queued", "contact": "c1", "channel": "voice", "source": "/pbx"} | more
    return Event(id=event_id, time=time, customer=customer, identifiers=identifiers, **fields)


def run(events: list[Event]) -> tuple[ContactOwner, list[Output]]:
    state: ContactOwner | None = None
    sent: list[Output] = []
    for one in events:
        state, outputs = assign(state, one)
        sent += outputs
    assert state is not None
    return state, sent


def owned(one: Event, owner: str) -> Event:
    return msgspec.structs.replace(one, owner=owner)


def run_on(state: ContactOwner, events: list[Event]) -> tuple[ContactOwner, list[Output]]:
    sent: list[Output] = []
    for one in events:
        state, outputs = assign(state, one)
        sent += outputs
    return state, sent


customers = st.none() | st.sampled_from(["7", "8", "9"])
pairs = st.tuples(st.sampled_from(["email", "phone", "cookie", "palm"]), st.sampled_from(["x", "y"]))


@st.composite
def contacts(draw: st.DrawFn) -> list[Event]:
    """Events of one contact from two sources."""
    told = draw(
        st.lists(
            st.tuples(
                st.integers(0, 6), customers, st.lists(pairs, max_size=2), st.sampled_from(["/pbx", "/pbx", "/crm"])
            ),
            min_size=1,
            max_size=8,
        )
    )
    return [
        event(str(at), time, customer, *known, source=source) for at, (time, customer, known, source) in enumerate(told)
    ]


def by_chance(events: list[Event], random: Any) -> list[Event]:
    """In any order, but for that of what happened in one moment."""
    moments = [[one for one in events if one.time == time] for time in {one.time for one in events}]
    return [moment.pop(0) for moment in random.sample([m for m in moments for _ in m], len(events))]


Tracks = dict[tuple[str, str, str], list[Event]]


def seen_by_track(sent: list[Output], stub: ContactOwner | None = None) -> Tracks:
    """(Owner, channel, contact) → the contact's events it has, the way a track adds events and takes them back on a
    Left. ``stub``: what the contact was before.
    """
    tracks: Tracks = {} if stub is None else {(stub.owner, "voice", "c1"): []}
    for one in sent:
        if isinstance(one, Event):
            tracks.setdefault((one.owner, one.channel, one.contact), []).append(msgspec.structs.replace(one, owner=""))
        elif isinstance(one, Left):
            key = (one.owner, one.channel, one.contact)
            tracks[key] = [event for event in tracks[key] if event.time < one.since]
    return {key: events for key, events in tracks.items() if events}
