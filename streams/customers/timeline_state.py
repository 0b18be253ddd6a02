"""What is kept of a customer on one line, and what an arrival or the passing of time makes of it."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from streams.base.records import Event, Fact, Handed
from streams.contacts.contact import Contact
from streams.contacts.histories import NEVER, History
from streams.contacts.lifecycle import Illegal
from streams.customers.follow import Out, View
from streams.customers.journey_state import KnownJourneys
from streams.customers.journeys import Journeys
from streams.customers.outreach import KnownOutreach, Outreach
from streams.customers.quality import Qualities
from streams.customers.quality_state import KnownQuality
from streams.customers.recommendations import KnownAdvice, Recommendations
from streams.customers.segments import KnownSegment, Segments
from streams.customers.silence import KnownSilence, Silences
from streams.customers.tiering import Tiering, Worth
from streams.customers.tiers import Tiers
from streams.customers.watched.kept import KnownWatch
from streams.customers.watching import Watching


class Place(NamedTuple):
    """Whose timeline, on which line, at which stream time (None = not known yet)."""

    owner: str
    line: str
    now: int | None


class Timeline(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything of one line: the contacts, and what each capability knows, by its name."""

    histories: dict[str, History] = {}
    """By ``<channel>|<contact>``."""
    rested: dict[str, Contact] = {}
    """Contacts of the past, by their history's key, to which something may still come: see `parts.rested`."""
    gone: dict[str, int] = {}
    """Contacts of which not even that is kept, by `mark_of` their key: when they were last heard of. What is still to
    come of them is late: it must not count them once more."""
    forgot: int = NEVER
    """When the last of those was heard of that are not even remembered."""
    tiers: Tiers = ()
    recounted: tuple[int, int] = (0, 0)
    """A day of stream time (since the epoch), and how many facts other tiers of the customer counted anew in it."""
    watched: KnownWatch = Watching.empty
    journeys: KnownJourneys = Journeys.empty
    segments: KnownSegment = Segments.empty
    worth: Worth = Tiering.empty
    stale: bool = False
    """Something may have to be published."""
    forwards: dict[str, tuple[str, int]] = {}
    """Group of contacts that went to another customer → to whom, and until when words about them are sent on, ms."""
    silence: KnownSilence = Silences.empty
    outreach: KnownOutreach = Outreach.empty
    recommendations: KnownAdvice = Recommendations.empty
    quality: KnownQuality = Qualities.empty


class LineOutcome(msgspec.Struct, frozen=True, gc=False):
    """A timeline after something happened; ``illegal`` and ``late`` only of an event."""

    timeline: Timeline
    facts: tuple[Fact, ...] = ()
    out: tuple[Out, ...] = ()
    illegal: Illegal | None = None
    late: bool = False
    limited: tuple[str, ...] = ()
    """What there was too much of: "contacts", open ones were closed; "labels", a contact is counted anew no more."""
    sent: tuple[Event | Handed, ...] = ()
    """For other customers."""


def view(timeline: Timeline, place: Place, new: Mapping[str, Any] = MappingProxyType({})) -> View:
    """What capabilities may look at; ``new``: what some of them know by now, beside what the timeline says."""
    since = timeline.worth.since
    return View(
        place.owner,
        place.line,
        place.now,
        timeline.histories,
        timeline.rested,
        timeline.tiers,
        None if since is None else since[2],
        partial(_state_of, timeline, new),
    )


def _state_of(timeline: Timeline, new: Mapping[str, Any], name: str) -> Any:
    """Of a capability."""
    return new[name] if name in new else getattr(timeline, name)
