"""What is known of a customer's journeys: contacts that are over, what was published, and names that were taken back or
are over for good.

A name that comes back goes on from its revision, also where it is remembered no more: a floor is kept of those.
"""

from collections.abc import Collection, Mapping

import msgspec
from msgspec.structs import replace

from streams.base.times import DAY_MS
from streams.customers.answers import Answers
from streams.customers.backlog import Stays
from streams.customers.callbacks import Callbacks
from streams.customers.journey_facts import Solved
from streams.customers.journey_names import Kept
from streams.customers.journey_parts import Parts
from streams.customers.journey_sums import Journey
from streams.customers.step_telling import Told
from streams.customers.touchpoints import Touchpoint

MAX_GONE_NAMES = 20
"""Names of journeys that were taken back and may hold again; of more, the latest are known."""
FLOOR_MS = 31 * DAY_MS
"""A customer whose contacts all went to others may get them back: so long revisions go on from what was told, as long
as `step_telling.TOPIC` is kept."""


class Shown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey as it was last published; ``digest`` tells whether it has changed since."""

    started: int
    revision: int
    closed: bool
    digest: int
    gone: int | None = None
    """When the name was taken back, ms of stream time; its revisions go on when it holds again."""
    solved: Solved | None = None
    """What was told of it to be counted."""
    stays: Stays | None = None
    """What was told of it to the backlog; None = nothing was, by a version before."""


class KnownJourneys(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer's journeys."""

    past: tuple[Journey, ...] = ()
    """Sums of contacts that are over."""
    shown: dict[str, Shown] = {}
    """By their ids."""
    review: int | None = None
    """Stream time after which they look different without any event."""
    points: tuple[Touchpoint, ...] = ()
    """Contacts that are over, each on its own."""
    told: dict[str, Told] = {}
    """Steps that were told, by their names."""
    floor: int = 0
    """The highest revision of a step, or of a journey, that is remembered no more."""
    floor_until: int | None = None
    """How long that is remembered where nothing else is, ms of stream time."""
    stepped: int = 0
    """A number for what the steps that were told are made of."""
    kept: dict[str, Kept] = {}
    """Journeys that are over for good and whose records stay for a while: see `journey_names`."""
    answers: Answers = ()
    """To the NPS survey, as they were told."""
    callbacks: Callbacks = ()
    """As they were told."""

    @property
    def parts(self) -> Parts:
        """Of contacts that are over."""
        return Parts(self.points, self.past)


def too_many_gone(shown: Mapping[str, Shown]) -> list[str]:
    """Names that were taken back, but for the latest."""
    gone = [(each.gone, name) for name, each in shown.items() if each.gone is not None]
    return [name for _, name in sorted(gone)[: max(0, len(gone) - MAX_GONE_NAMES)]]


def with_floor(state: KnownJourneys, old: Collection[str], now: int) -> KnownJourneys:
    """With a floor for names that are forgotten, until that is as well."""
    until = state.floor_until
    if old:
        latest = max(state.shown[name].gone or 0 for name in old) + FLOOR_MS
        floor = max([state.floor, *(state.shown[name].revision for name in old)])
        return replace(state, floor=floor, floor_until=latest if until is None else max(until, latest))
    return state if until is None or now <= until else replace(state, floor_until=None)
