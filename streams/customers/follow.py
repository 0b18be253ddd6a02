"""What a capability is that follows a customer: its state, what changes that, what must happen when stream time passes,
when that is, and what is published of it. All of one capability is in one file; the hall (`timelines`, `customers`)
asks each in turn and knows nothing of what they do.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from streams.alerts.episodes import Alert, Gone, record
from streams.base.records import Command, Left, output_key
from streams.contacts.contact import Contact
from streams.contacts.histories import History, Lives
from streams.contacts.steps import Step
from streams.customers.tiers import Tiers

S = TypeVar("S")
Spans = tuple[tuple[int, int], ...]


class View(msgspec.Struct, frozen=True, gc=False):
    """What a capability may look at beside its own state: whose line it is, how far stream time has come (ms; None =
    not known yet), the customer's contacts and tiers.
    """

    owner: str
    line: str
    now: int | None
    histories: Mapping[str, History]
    """By ``<channel>|<contact>``."""
    rested: Mapping[str, Contact]
    tiers: Tiers


class Change(msgspec.Struct, frozen=True, gc=False):
    """A contact changed; without a key, the tiers did."""

    gone: Gone
    """Why alerts that need not stand any more are over, and when."""
    key: str | None = None
    before: History | None = None
    after: History | None = None
    step: Step | None = None
    """The event that changed it; None = time, or a bound."""


class Leaving(msgspec.Struct, frozen=True, gc=False):
    """A contact went to another customer, as far as its events are not before ``left.since``."""

    left: Left
    key: str
    gone: Gone
    resting: Contact | None = None
    """As it was at rest, if it was."""


class Out(msgspec.Struct, frozen=True, gc=False):
    """A record to publish."""

    topic: str
    key: bytes
    value: dict[str, Any]


class After(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """A capability's state after something, and what is published at once. ``look``: `Follower.publish` may have
    something to say.
    """

    state: S
    out: tuple[Out, ...] = ()
    look: bool = False


class Limits(NamedTuple):
    """How much of each list is kept when a row is too large."""

    messages: int
    journeys: int
    listed: int
    marks: int
    legs: int
    said: int
    rested: int


class Follower(Generic[S]):
    """One capability. It keeps nothing itself: ``S`` is its state, frozen, the field ``name`` of a row."""

    name: str
    empty: S

    def changed(self, state: S, change: Change, view: View) -> After[S] | None:
        """A contact changed, or got other tiers; ``view`` is as it is now. None = that changes nothing."""
        return None

    def left(self, state: S, leaving: Leaving, view: View) -> After[S] | None:
        """A contact went to another customer; ``view`` is without it. None = that changes nothing."""
        return None

    def settled(self, state: S, finished: Lives, view: View) -> S:
        """Contacts are over for good and no longer kept; what they count for is."""
        return state

    def tidied(self, state: S, view: View) -> S:
        """Contacts became smaller because their time was over: what was kept for them may go."""
        return state

    def passed(self, state: S, view: View) -> After[S] | None:
        """Stream time has passed `due`. None = that changes nothing."""
        return None

    def due(self, state: S, view: View) -> int | None:
        """The stream time to pass (ms) for something to happen without an event; None = nothing will."""
        return None

    def publish(self, state: S, view: View) -> After[S] | None:
        """Once for all that happened since the last time: what looks different. None = nothing does."""
        return None

    def commanded(self, state: S, command: Command, view: View) -> After[S] | None:
        """A person's word on an alert; None = it is none of these."""
        return None

    def eased(self, state: S, limits: Limits | None, view: View) -> S:
        """Smaller, because the row is too large: without what nothing can call up again, or, with ``limits``, with the
        latest of each list.
        """
        return state

    def gives_up(self, state: S, limits: Limits, view: View) -> Spans:
        """What is to go that must be published before: the times (from, to), whose contacts at rest do not go on."""
        return ()

    def gave_up(self, state: S, spans: Spans) -> S:
        """Without them, now that they are published."""
        return state

    def unpublished(self, state: S) -> S:
        """The state without what only publishing writes: a row is measured by it."""
        return state

    def stands(self, state: S, owner: str) -> bool:
        """Is there anything that holds the row?"""
        return state != self.empty

    def names(self, state: S) -> int:
        """How many names that were published are remembered."""
        return 0

    def firing(self, state: S) -> Iterable[str]:
        """The rules of alerts that fire now."""
        return ()


Followers = tuple[Follower[Any], ...]


def having(followers: Followers, hook: str) -> Followers:
    """Those that do something at a hook; the others need not be asked."""
    return tuple(each for each in followers if getattr(type(each), hook) is not getattr(Follower, hook))


def alert_out(alerts: Iterable[Alert], view: View) -> tuple[Out, ...]:
    """Alerts as they are published."""
    records = (record(alert, view.owner, view.line) for alert in alerts)
    return tuple([Out("alerts", value["alert_id"].encode(), value) for value in records])


def own_out(topic: str, values: Iterable[dict[str, Any]], view: View) -> tuple[Out, ...]:
    """Records of which a customer has one each on its line."""
    return tuple([Out(topic, output_key(view.line, view.owner), value) for value in values])
