"""What one target has before it: parcels that wait, are on their way, or are tried again. No clock, no I/O.

Steps of one alert go out in their order; a parcel that is tried again holds up none of other alerts. A target that
fails is left alone for a while as a whole, and then tried with one parcel: the others wait, and use up no attempts.
"""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from schemas.alerts import AlertEvent
from streams.notify.message import Kind
from streams.notify.positions import Position
from streams.notify.retrying import Pace

MOST = 256
"""Records a target has in memory; the others wait in Kafka. Their places fit into the text beside a position."""
MOST_OF_GROUP = 100
"""Steps of one message."""
Partition = tuple[str, int]


class Place(NamedTuple):
    """A record: topic, partition, offset."""

    topic: str
    partition: int
    offset: int


@dataclass(eq=False, slots=True)
class Parcel:
    """What goes out as one message."""

    kind: Kind
    events: list[AlertEvent]
    places: list[Place]
    due: int
    """Not before (ms since the epoch)."""
    written: int
    """When its first record was written to Kafka, ms."""
    id: str = ""
    """Idempotency key; empty: that of its events."""
    round: int = 0
    """How often it was sent again by command."""
    group: str | None = None
    closes: int = 0
    """Of a group: records written from here on are of the next one."""
    attempts: int = 0
    why: str = ""
    """Why the latest attempt failed."""
    left_out: int = 0

    @property
    def lanes(self) -> Iterable[str]:
        """The alerts it tells of."""
        return dict.fromkeys(each.alert.fingerprint for each in self.events)


@dataclass(slots=True)
class _Partition:
    read_to: int
    undone: dict[int, None]
    unseen: deque[int]
    """Of the undone those of an earlier run that were not read again yet, ascending."""


class Window:
    """The parcels of one target."""

    def __init__(self, pace: Pace, parallel: int, rng: random.Random | None = None) -> None:
        self._pace, self._parallel, self._rng = pace, parallel, rng or random.Random()
        self._parcels: dict[Parcel, None] = {}
        self._lanes: dict[str, deque[Parcel]] = {}
        self._groups: dict[str, Parcel] = {}
        self._partitions: dict[Partition, _Partition] = {}
        self._heap: list[tuple[int, int, Parcel]] = []
        """When they are due: those that are the first of all their alerts, and some that no longer are."""
        self._entries = count()
        self.under_way: set[Parcel] = set()
        self.failures = 0
        """Of the target, on end."""
        self.closed_until = 0
        """It is left alone until then, ms."""

    def __len__(self) -> int:
        return len(self._parcels)

    @property
    def room(self) -> int:
        """How many records may be read."""
        return max(0, MOST - sum(len(each.undone) for each in self._partitions.values()))

    def __contains__(self, parcel: Parcel) -> bool:
        """Is it still this window's?"""
        return parcel in self._parcels

    def begin(self, partition: Partition, position: Position) -> None:
        """A partition is read from the offset of this position on."""
        undone = position.undone
        self._partitions[partition] = _Partition(position.read_to, dict.fromkeys(undone), deque(undone))

    def end(self, partition: Partition) -> None:
        """It is read by somebody else: what of it waits is forgotten."""
        self._partitions.pop(partition, None)
        for parcel in list(self._parcels):
            if any(place[:2] == partition for place in parcel.places):
                self._remove(parcel)

    def has(self, place: Place) -> bool:
        """Is its partition read here?"""
        return place[:2] in self._partitions

    def read(self, place: Place) -> bool:
        """A record was read. Is it to be looked at, and then added or skipped? Else it was done in an earlier run."""
        found = self._partitions[place[:2]]
        while found.unseen and found.unseen[0] < place.offset:  # the log does not have it any more
            found.undone.pop(found.unseen.popleft(), None)
        if place.offset < found.read_to:
            if not found.unseen or found.unseen[0] != place.offset:
                return False
            found.unseen.popleft()
            return True
        found.read_to = place.offset + 1
        found.undone[place.offset] = None
        return True

    def skip(self, place: Place) -> None:
        """A record that was read just now is nothing for this target."""
        if (found := self._partitions.get(place[:2])) is not None:
            found.undone.pop(place.offset, None)

    def add(self, parcel: Parcel) -> None:
        """A parcel of a record that was read just now."""
        if parcel.group is not None and self._joins(parcel):
            return
        if parcel.group is not None:
            self._groups[parcel.group] = parcel
        self._parcels[parcel] = None
        for lane in parcel.lanes:
            self._lanes.setdefault(lane, deque()).append(parcel)
        self._offer(parcel)

    def _joins(self, parcel: Parcel) -> bool:
        assert parcel.group is not None
        open_one = self._groups.get(parcel.group)
        if (
            open_one is None
            or open_one.attempts
            or open_one in self.under_way
            or parcel.written >= open_one.closes
            or len(open_one.events) >= MOST_OF_GROUP
            or any(self._lanes.get(lane, (open_one,))[-1] is not open_one for lane in parcel.lanes)
        ):
            return False  # the last: a group never waits for one that was begun after it, or two wait for each other
        known = {*open_one.lanes}
        open_one.events += parcel.events
        open_one.places += parcel.places
        for lane in parcel.lanes:
            if lane not in known:
                self._lanes.setdefault(lane, deque()).append(open_one)
        return True

    def take(self, now: int) -> Parcel | None:
        """The next to send, which is under way from now on; ``None``: not now."""
        if now < self.closed_until or len(self.under_way) >= (1 if self.failures else self._parallel):
            return None
        parcel = self._next()
        if parcel is None or parcel.due > now:
            return None
        self.under_way.add(parcel)
        return parcel

    def wake(self) -> int | None:
        """When something may be taken, if nothing else happens (ms); ``None``: never."""
        if len(self.under_way) >= (1 if self.failures else self._parallel):
            return None
        parcel = self._next()
        return None if parcel is None else max(parcel.due, self.closed_until)

    def _next(self) -> Parcel | None:
        """The one that is due first, and may go."""
        while self._heap:
            due, _, parcel = self._heap[0]
            if parcel in self._parcels and parcel not in self.under_way and due == parcel.due:
                return parcel
            heappop(self._heap)
        return None

    def _offer(self, parcel: Parcel) -> None:
        if all(self._lanes[lane][0] is parcel for lane in parcel.lanes):
            heappush(self._heap, (parcel.due, next(self._entries), parcel))

    def delivered(self, parcel: Parcel) -> None:
        """The target has it."""
        self.failures = 0
        self._remove(parcel)

    def refused(self, parcel: Parcel) -> None:
        """It will never have it: the target answered, and the parcel is a dead letter by now."""
        self.delivered(parcel)

    def failed(self, parcel: Parcel, why: str, now: int, after: int | None = None) -> bool:
        """It may be had later, ``after`` ms where the target says when. Has it used up its attempts? Then it stays
        under way until it is `given_up`."""
        parcel.attempts, parcel.why = parcel.attempts + 1, why
        if now >= self.closed_until:  # one of several that failed together counts
            self.failures += 1
            pause = self._pace.pause(self.failures, self._rng)
            self.closed_until = now + (pause if after is None else max(after, 1))
        elif after is not None:
            self.closed_until = max(self.closed_until, now + after)
        parcel.due = max(self.closed_until, now + self._pace.pause(parcel.attempts, self._rng))
        if parcel.attempts >= self._pace.attempts:
            return True
        self.under_way.discard(parcel)
        if parcel in self._parcels:
            self._offer(parcel)
        return False

    def given_up(self, parcel: Parcel) -> None:
        """It is a dead letter by now."""
        self._remove(parcel)

    def positions(self) -> dict[Partition, Position]:
        """Of every partition that is read."""
        return {
            partition: Position(found.read_to, tuple(sorted(found.undone)))
            for partition, found in self._partitions.items()
        }

    def _remove(self, parcel: Parcel) -> None:
        self.under_way.discard(parcel)
        if parcel not in self._parcels:
            return  # its partition was taken away meanwhile
        del self._parcels[parcel]
        for lane in parcel.lanes:
            waiting = self._lanes[lane]
            waiting.remove(parcel)
            if waiting:
                self._offer(waiting[0])
            else:
                del self._lanes[lane]
        if parcel.group is not None and self._groups.get(parcel.group) is parcel:
            del self._groups[parcel.group]
        for place in parcel.places:
            if (found := self._partitions.get(place[:2])) is not None:
                found.undone.pop(place.offset, None)
