"""What is kept of a customer on one line, and what an arrival or the passing of time makes of it."""

from typing import NamedTuple

import msgspec

from streams.alerts.episodes import Alert, Alerts
from streams.base.records import Fact
from streams.contacts.contact import Contact
from streams.contacts.histories import NEVER, History
from streams.contacts.lifecycle import Illegal
from streams.customers import segments
from streams.customers.journeys import Journey
from streams.customers.moods import Messages, Mood
from streams.customers.segments import Score, Standing
from streams.customers.tiers import Tiers

NO_MESSAGE = (NEVER, "")


class Place(NamedTuple):
    """Whose timeline, on which line, at which stream time (None = not known yet)."""

    owner: str
    line: str
    now: int | None


class Shown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey as it was last published; ``digest`` tells whether it has changed since."""

    started: int
    revision: int
    closed: bool
    digest: int
    gone: int | None = None
    """When the name was taken back, ms of stream time; its revisions go on when it holds again."""


class Timeline(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything of one line; ``histories`` by ``<channel>|<contact>``, ``alerts`` and ``shown`` (journeys) by their
    ids."""

    histories: dict[str, History] = {}
    past: tuple[Journey, ...] = ()
    """Contacts that are over, condensed."""
    standing: Standing = segments.NOBODY
    """Of the contacts in ``past`` and before."""
    tiers: Tiers = ()
    messages: Messages = ()
    moods: dict[str, Mood] = {}
    """Rule → mood before ``messages``."""
    settled_message: tuple[int, str] = NO_MESSAGE
    judged: tuple[int, str] = NO_MESSAGE
    """The last message that was judged."""
    alerts: Alerts = {}
    shown: dict[str, Shown] = {}
    score: Score | None = None
    """As it was last published."""
    score_revision: int = 0
    stale: bool = False
    """Something may have to be published."""
    review: int | None = None
    """Stream time after which journeys and segment look different without any event."""
    recounted: tuple[int, int] = (0, 0)
    """A day of stream time (since the epoch), and how many facts other tiers of the customer counted anew in it."""
    rested: dict[str, Contact] = {}
    """Contacts of the past, by their history's key, to which something may still come: see `contact_state.rested`."""
    gone: dict[str, int] = {}
    """Contacts of which not even that is kept, by `mark_of` their key: when they were last heard of. What is still to
    come of them is late: it must not count them once more."""
    forgot: int = NEVER
    """When the last of those was heard of that are not even remembered."""


class Change(NamedTuple):
    """A timeline after something happened; ``illegal`` and ``late`` only of an event."""

    timeline: Timeline
    facts: tuple[Fact, ...] = ()
    alerts: tuple[Alert, ...] = ()
    illegal: Illegal | None = None
    late: bool = False
    limited: tuple[str, ...] = ()
    """What there was too much of: "contacts", open ones were closed; "labels", a contact is counted anew no more."""
