"""What a capability is that follows a customer: its state, what changes that, what must happen when stream time passes,
when that is, and what is published of it. All of one capability is in one file; what its state is made of may be in one
below it. `loop` asks each in turn; neither it nor what stands on it (`timelines`, `relief`, `customers`) knows any by
name.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum, auto
from typing import Any, Generic, TypeVar

import msgspec

from streams.alerts.episodes import Alert, Gone, condition
from streams.base.records import CustomerEvent, Event, Fact, Left, Profile, output_key
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
    customer_since: int | None = None
    """As a profile says."""
    states: Callable[[str], Any] | None = None
    """What other capabilities know, by their names."""


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
    """As it was at rest, if it was; also where it has gone on since."""


class Out(msgspec.Struct, frozen=True, gc=False):
    """A record to publish."""

    topic: str
    key: bytes
    value: dict[str, Any] | None
    """None: what was published under the key is gone."""


class After(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """A capability's state after something, and what is published at once. ``look``: `Follower.publish` may have
    something to say.
    """

    state: S
    out: tuple[Out, ...] = ()
    look: bool = False
    tiers: Tiers | None = None
    """The customer's from now on, where that decides them; None = they stay."""
    facts: tuple[Fact, ...] = ()
    """Of `Follower.publish` and `Follower.concludes` alone: what counts in KPIs, and what does no more."""


class Ease(Enum):
    """What goes of a row that is too large; how many of its own lists are left by that, each capability says itself."""

    UNNEEDED = auto()
    """What nothing can call up again."""
    FEWER = auto()
    """All but the latest of each list."""
    FEWEST = auto()
    """All but a few of each list."""


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

    def told(self, state: S, record: Profile | CustomerEvent, view: View) -> After[S] | None:
        """Something about the customer apart from contacts; ``view`` is as it is now. None = that changes nothing."""
        return None

    def heard(self, state: S, out: Out, view: View) -> S:
        """Another capability has published something because stream time has passed its `due`."""
        return state

    def settled(self, state: S, finished: Lives, view: View) -> S:
        """Contacts are over for good and no longer kept; what they count for is."""
        return state

    def handed(self, state: S, group: str, view: View) -> tuple[S, bytes | None]:
        """What contacts of a group that are no longer kept (`Contact.group`, as `settled` was given them) count for
        goes to another customer: the state without it, and what it was (JSON); None = nothing.
        """
        return state, None

    def absorbed(self, state: S, group: str, piece: bytes, view: View) -> S:
        """What `handed` of the same capability gave of another customer comes to this one, who may have some of that
        group already. Whoever hands it on later hands on all of it.
        """
        return state

    def regrouped(self, state: S, went: Collection[str], view: View) -> After[S] | None:
        """Contacts of a group came or went; `handed` or `absorbed` of all was asked. ``went``: keys of those that now
        belong to another customer. None = that changes nothing.
        """
        return None

    def tidied(self, state: S, view: View) -> S:
        """Contacts became smaller because their time was over: what was kept for them may go."""
        return state

    def passed(self, state: S, view: View) -> After[S] | None:
        """Stream time has passed `due`. None = that changes nothing."""
        return None

    def rejudged(self, state: S, view: View, number: int) -> After[S] | None:
        """The alert rules are others than those of a number. None = that changes nothing."""
        return None

    def due(self, state: S, view: View) -> int | None:
        """The stream time to pass (ms) for something to happen without an event; None = nothing will."""
        return None

    def publish(self, state: S, view: View) -> After[S] | None:
        """Once for all that happened since the last time: what looks different. None = nothing does."""
        return None

    def concludes(self, state: S, states: Callable[[str], Any], view: View) -> After[S] | None:
        """What follows from several capabilities together, behind `publish` of all; ``states``: theirs, by name. None =
        nothing.
        """
        return None

    def remembers(self, state: S, event: Event) -> bool:
        """Does it know the event's contact, which is no longer kept, as heard of at that time or later?"""
        return False

    def spent(self, state: S, view: View) -> bool:
        """May there be something in it that `publish` drops, since it need not be kept any more?"""
        return False

    def eased(self, state: S, ease: Ease, view: View) -> S:
        """Smaller, because the row is too large."""
        return state

    def gives_up(self, state: S, ease: Ease, view: View) -> Spans:
        """What is to go that must be published before: the times (from, to), whose contacts at rest do not go on."""
        return ()

    def gave_up(self, state: S, spans: Spans) -> S:
        """Without them, now that they are published."""
        return state

    def unpublished(self, state: S) -> S:
        """The state without what only publishing writes: a row is measured by it."""
        return state

    def shown_bytes(self, state: S, view: View) -> int:
        """JSON bytes of what publishing writes and `unpublished` leaves out, at most."""
        return 0

    def stands(self, state: S, owner: str) -> bool:
        """Is there anything that holds the row?"""
        return state != self.empty

    def names(self, state: S) -> int:
        """How many names that were published are remembered."""
        return 0

    def rest(self, state: S) -> S:
        """What has to be kept of the state when nothing of the customer stands, for records that are still to be
        removed.
        """
        return self.empty

    def erased(self, state: S, gone: Gone, view: View) -> Iterable[Out]:
        """The customer is to be forgotten, and the state goes: alerts that fire are over."""
        return ()

    def removed(self, state: S, view: View) -> Iterable[Out]:
        """The state goes, since the customer or the line is to be forgotten: records that subscribers keep under
        another key than the customer's are taken back (an `Out` without a value). Those under the customer's own key
        need no word.
        """
        return ()

    def going(self, state: S, at: int, view: View) -> Iterable[Fact]:
        """The state goes, since the customer or the line is to be forgotten: from a moment on (ms) nothing of it goes
        on in KPIs.
        """
        return ()


Followers = tuple[Follower[Any], ...]
HOOKS = tuple(name for name, hook in vars(Follower).items() if callable(hook) and not name.startswith("_"))


def having(followers: Followers, hook: str) -> Followers:
    """Those that have an answer of their own; the others need not be asked."""
    return tuple(each for each in followers if getattr(type(each), hook) is not getattr(Follower, hook))


CONDITIONS = "alert.conditions"
"""The topic of alerts' conditions, which are kept in a row once they are published."""


def alerts_in(out: Collection[Out]) -> int:
    """How many of the records are conditions of alerts."""
    return sum(each.topic == CONDITIONS for each in out) if out else 0


def alert_out(alerts: Iterable[Alert], view: View, version: str = "") -> tuple[Out, ...]:
    """Alerts as they are published; ``version``: of the rules."""
    found = (condition(alert, view.owner, view.line, version) for alert in alerts)
    return tuple([Out(CONDITIONS, each.fingerprint.encode(), msgspec.to_builtins(each)) for each in found])


def over_out(alerts: Iterable[Alert], gone: Gone, view: View, version: str = "") -> tuple[Out, ...]:
    """Those of some alerts that fire, resolved as ``gone``."""
    firing = [each for each in alerts if each.firing]
    over = [msgspec.structs.replace(e, resolved=max(gone.at, e.since), reason=gone.reason) for e in firing]
    return alert_out(over, view, version)


def own_out(topic: str, values: Iterable[dict[str, Any] | None], view: View) -> tuple[Out, ...]:
    """Records of which a customer has one each on its line; None takes the last one back."""
    return tuple([Out(topic, output_key(view.line, view.owner), value) for value in values])
