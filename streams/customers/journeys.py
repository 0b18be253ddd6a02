"""The journeys of a customer as a capability: what is known of them, and when a record says so.

One journey is a sum over its contacts: see `streams.customers.journey_sums`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any
from zlib import crc32

import msgspec
from msgspec.structs import replace
from pydantic import Field

from streams.base.records import Event
from streams.base.times import HOUR_MS
from streams.base.units import FROM_FILES, Span
from streams.contacts.histories import Lives
from streams.customers.follow import After, Ease, Follower, Leaving, Spans, View, own_out
from streams.customers.journey_sums import Journey, group, is_closed, journey_id, of, record, withdrawn, without


@dataclass(frozen=True, slots=True)
class JourneyRules:
    """``journeys`` of tracking.yaml: contacts that follow each other within the gap are of one journey."""

    gap_ms: Annotated[Span, Field(alias="gap")] = 72 * HOUR_MS

    __pydantic_config__ = FROM_FILES


class Shown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey as it was last published; ``digest`` tells whether it has changed since."""

    started: int
    revision: int
    closed: bool
    digest: int
    gone: int | None = None
    """When the name was taken back, ms of stream time; its revisions go on when it holds again."""


class KnownJourneys(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer's journeys."""

    past: tuple[Journey, ...] = ()
    """Of contacts that are over."""
    shown: dict[str, Shown] = {}
    """By their ids."""
    review: int | None = None
    """Stream time after which they look different without any event."""


SHOWN_BYTES = 100
"""JSON bytes of a journey as it was last published, at most, without the names of its customer and line."""
_KEPT = {Ease.FEWER: (8, 10), Ease.FEWEST: (1, 3)}
"""Journeys of the past that are kept of too many, and contacts listed in each."""
MAX_GONE_NAMES = 20
"""Names of journeys that were taken back and may hold again; of more, the latest are known."""


class Journeys(Follower[KnownJourneys]):
    """State: journeys of contacts that are over, and what was published."""

    name = "journeys"
    empty = KnownJourneys()

    def __init__(self, rules: JourneyRules, lateness_ms: int) -> None:
        self.gap_ms, self.lateness_ms = rules.gap_ms, lateness_ms

    def left(self, state: KnownJourneys, leaving: Leaving, view: View) -> After[KnownJourneys] | None:
        left = leaving.left
        if left.since or not state.past:
            return None
        parts = (without(each, left.channel, left.contact, leaving.resting) for each in state.past)
        return After(replace(state, past=tuple(part for part in parts if part is not None)))

    def settled(self, state: KnownJourneys, finished: Lives, view: View) -> KnownJourneys:
        parts = (of(contact, view.tiers) for contact in finished)
        return replace(state, past=group((*state.past, *parts), self.gap_ms))

    def passed(self, state: KnownJourneys, view: View) -> After[KnownJourneys]:
        return After(state, look=True)

    def due(self, state: KnownJourneys, view: View) -> int | None:
        return state.review

    def publish(self, state: KnownJourneys, view: View) -> After[KnownJourneys]:
        """A record for each journey that looks different, the current one last."""
        found = {journey_id(view.owner, view.line, each.started): each for each in self._found(state, view)}
        state, records = self._told(state, found, view)
        state = self._dropped(state, found.values(), view)
        review = self._review(state, found, view)
        return After(KnownJourneys(state.past, state.shown, review), own_out("journeys", records, view))

    def remembers(self, state: KnownJourneys, event: Event) -> bool:
        return any(
            point.contact == event.contact and point.channel == event.channel and event.time <= point.last
            for part in state.past
            for point in part.listed
        )

    def spent(self, state: KnownJourneys, view: View) -> bool:
        kept_ms = self.gap_ms + self.lateness_ms
        return view.now is not None and bool(state.past) and state.past[0].last + kept_ms < view.now

    def eased(self, state: KnownJourneys, ease: Ease, view: View) -> KnownJourneys:
        if ease not in _KEPT:
            return state
        _, listed = _KEPT[ease]
        return replace(state, past=tuple(replace(part, listed=part.listed[-listed:]) for part in state.past))

    def gives_up(self, state: KnownJourneys, ease: Ease, view: View) -> Spans:
        """All but the latest past journeys, and those that contacts which are kept belong to. They are over, since
        later ones follow.
        """
        journeys, _ = _KEPT[ease]
        old = state.past[:-journeys]
        if not old:
            return ()
        found = self._found(state, view)
        starts = sorted(contact.started for history in view.histories.values() for contact in history.lives)
        going = {each.started for each in found if bisect_left(starts, each.started) == bisect_right(starts, each.last)}
        going &= {part.started for part in old}
        return tuple((each.started, each.last) for each in found if each.started in going)

    def gave_up(self, state: KnownJourneys, spans: Spans) -> KnownJourneys:
        going = {started for started, _ in spans}
        past = tuple(part for part in state.past if part.started not in going)
        shown = {name: each for name, each in state.shown.items() if each.started not in going}
        return replace(state, past=past, shown=shown)

    def unpublished(self, state: KnownJourneys) -> KnownJourneys:
        return KnownJourneys(state.past)

    def shown_bytes(self, state: KnownJourneys, view: View) -> int:
        name = len(msgspec.json.encode(view.owner)) + len(view.line) + SHOWN_BYTES
        return self._count(state, view) * name

    def stands(self, state: KnownJourneys, owner: str) -> bool:
        return bool(state.past)

    def names(self, state: KnownJourneys) -> int:
        return len(state.shown)

    def _found(self, state: KnownJourneys, view: View) -> tuple[Journey, ...]:
        tiers = view.tiers
        parts = [of(contact, tiers) for history in view.histories.values() for contact in history.lives]
        if len(parts) == 1 and not state.past:
            return (parts[0],)
        return group((*state.past, *parts), self.gap_ms)

    def _count(self, state: KnownJourneys, view: View) -> int:
        """How many journeys there are."""
        lives = [(life.started, life.last) for history in view.histories.values() for life in history.lives]
        count, reached = 0, 0
        for started, last in sorted([*lives, *((part.started, part.last) for part in state.past)]):
            if not count or started - reached > self.gap_ms:
                count, reached = count + 1, last
            reached = max(reached, last)
        return count

    def _told(
        self, state: KnownJourneys, found: dict[str, Journey], view: View
    ) -> tuple[KnownJourneys, list[dict[str, Any]]]:
        """``found``: the journeys by their names, oldest first."""
        owner, line, now = view.owner, view.line, view.now
        records, shown = [], {}
        for name, old in state.shown.items():
            if name in found:
                continue
            if old.gone is None:
                records.append(withdrawn(old.started, owner, line, old.revision + 1))
                at = max(old.started, old.started if now is None else now)
                old = Shown(old.started, old.revision + 1, True, 0, at)  # noqa: PLW2901
            shown[name] = old
        shown = _latest_gone(shown)
        current = next(reversed(found), None)
        for name, journey in found.items():
            latest = name == current
            closed = is_closed(journey, latest, now, self.gap_ms)
            digest = _digest(journey, closed)
            known = state.shown.get(name)
            if known is not None and known.gone is None and known.digest == digest and not (latest and records):
                shown[name] = known
                continue
            revision = known.revision + 1 if known else 1
            records.append(record(journey, owner, line, closed, revision))
            shown[name] = Shown(journey.started, revision, closed, digest)
        return KnownJourneys(state.past, shown, state.review), records

    def _dropped(self, state: KnownJourneys, found: Iterable[Journey], view: View) -> KnownJourneys:
        """Without the journeys that are over for good."""
        now = view.now
        if now is None:
            return state
        old = {n for n, each in state.shown.items() if each.gone is not None and now > self._gone_until(each.gone)}
        if old:
            state = replace(state, shown={n: each for n, each in state.shown.items() if n not in old})
        settled = now - self.gap_ms - self.lateness_ms
        over = [each for each in found if each.last < settled and now > self._dropped_at(each, view)]
        if not over:
            return state
        past = tuple(part for part in state.past if not any(each.started <= part.started <= each.last for each in over))
        starts = {each.started for each in over}
        shown = {name: each for name, each in state.shown.items() if each.started not in starts}
        return replace(state, past=past, shown=shown)

    def _gone_until(self, gone: int) -> int:
        """A name that was taken back is forgotten when stream time passes this."""
        return gone + 2 * self.lateness_ms

    def _dropped_at(self, journey: Journey, view: View) -> float:
        """When a journey need not be kept any more: closed, and every contact of it condensed."""
        kept = any(
            journey.started <= contact.started <= journey.last
            for contacts in (*(history.lives for history in view.histories.values()), view.rested.values())
            for contact in contacts
        )
        return float("inf") if kept or journey.open else journey.last + self.gap_ms + self.lateness_ms

    def _review(self, state: KnownJourneys, found: dict[str, Journey], view: View) -> int | None:
        """The stream time after which they look different without any event."""
        times: list[float] = []
        if not view.histories and not state.past:  # else they are forgotten when it is looked at for those
            times += [self._gone_until(each.gone) for each in state.shown.values() if each.gone is not None]
        for name, journey in found.items():
            shown = state.shown.get(name)
            if shown is None:
                continue
            if not journey.open and not shown.closed:
                times.append(journey.last + self.gap_ms)
            elif shown.closed:
                times.append(self._dropped_at(journey, view))
        return int(min(times)) if times and min(times) != float("inf") else None


def _latest_gone(shown: dict[str, Shown]) -> dict[str, Shown]:
    if len(shown) <= MAX_GONE_NAMES:
        return shown
    return dict(sorted(shown.items(), key=lambda each: each[1].gone or 0)[-MAX_GONE_NAMES:])


def _digest(journey: Journey, closed: bool) -> int:
    return crc32(msgspec.json.encode((journey, closed), order="sorted"))
