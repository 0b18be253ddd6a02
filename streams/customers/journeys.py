"""The journeys of a customer as a capability: what is known of them, and when a record says so.

Which contacts are of one journey: `stitching`; what is kept of contacts that are over: `journey_parts`; what is told:
`journey_records`, `journey_steps`, `journey_told`.
"""

from collections.abc import Mapping
from operator import is_
from typing import Any
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.base.records import Event
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.customers import journey_parts, journey_steps, journey_told
from streams.customers.follow import After, Ease, Follower, Leaving, Out, Spans, View, own_out
from streams.customers.journey_parts import Found, Parts, found
from streams.customers.journey_records import named, others, record, withdrawn
from streams.customers.journey_rules import JourneyRules
from streams.customers.journey_state import KnownJourneys, Shown, too_many_gone, with_floor
from streams.customers.journey_steps import STEPS_OF_CONTACT
from streams.customers.journey_sums import begun
from streams.customers.journey_told import MAX_PAST_TURNS, MAX_STEPS, MAX_TAKEN_BACK, STEP_BYTES, Telling
from streams.customers.journey_whole import Whole
from streams.customers.touchpoints import Touchpoint, touchpoint

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Parts).decode


def _with(state: KnownJourneys, parts: Parts) -> KnownJourneys:
    return replace(state, past=parts.sums, points=parts.points)


SHOWN_BYTES = 100
"""JSON bytes of a journey as it was last published, at most, without the names of its customer and line."""
_KEPT = {Ease.FEWER: 8, Ease.FEWEST: 1}
"""Journeys of the past that are kept of too many."""


class Journeys(Follower[KnownJourneys]):
    """State: contacts that are over, sums of older ones, and what was published."""

    name = "journeys"
    empty = KnownJourneys()

    def __init__(self, rules: JourneyRules, lateness_ms: int) -> None:
        self.rules, self.lateness_ms = rules, lateness_ms
        self.gap_ms = rules.longest_ms
        self._last: tuple[tuple[object, ...], tuple[Found, ...]] = ((None,) * 4, ())

    # What happens to contacts

    def left(self, state: KnownJourneys, leaving: Leaving, view: View) -> After[KnownJourneys] | None:
        left = leaving.left
        if left.since:
            return None
        parts = journey_parts.without(state.parts, left.channel, left.contact, leaving.resting)
        return After(_with(state, parts))

    def settled(self, state: KnownJourneys, finished: Lives, view: View) -> KnownJourneys:
        points = [touchpoint(contact, view.tiers) for contact in finished]
        return self._bounded(state, journey_parts.with_points(state.parts, points), view)

    def handed(self, state: KnownJourneys, group: str, view: View) -> tuple[KnownJourneys, bytes | None]:
        parts, piece = journey_parts.taken_out(state.parts, group)
        if piece == Parts():
            return state, None
        return _with(state, parts), _encode(piece)

    def absorbed(self, state: KnownJourneys, group: str, piece: bytes, view: View) -> KnownJourneys:
        return self._bounded(state, journey_parts.put_in(state.parts, _decode(piece)), view)

    def _bounded(self, state: KnownJourneys, parts: Parts, view: View) -> KnownJourneys:
        kept = journey_parts.bounded(parts, _points(view), self.rules) if _is_much(parts) else parts
        gone = {point.key for point in parts.points} - {point.key for point in kept.points}
        told = journey_told.forgotten(state.told, [key[:2] for key in gone]) if gone else state.told
        return replace(_with(state, kept), told=told)

    # Time

    def passed(self, state: KnownJourneys, view: View) -> After[KnownJourneys]:
        return After(state, look=True)

    def due(self, state: KnownJourneys, view: View) -> int | None:
        return state.review

    # Publishing

    def publish(self, state: KnownJourneys, view: View) -> After[KnownJourneys]:
        """A record for each journey that looks different, the current one last; and what each went through since."""
        journeys = named(self._found(state, view), view.owner, view.line)
        closed = self._closed(journeys, view)
        state, records = self._told(state, journeys, closed, view)
        state, told = self._stepped(state, journeys, closed, view)
        state = self._dropped(state, journeys, view)
        state = replace(state, review=self._review(state, journeys, view))
        return After(state, own_out("journeys", records, view) + told)

    def remembers(self, state: KnownJourneys, event: Event) -> bool:
        listed = (point for part in state.past for point in part.listed)
        return any(
            point.contact == event.contact and point.channel == event.channel and event.time <= point.last
            for point in (*state.points, *listed)
        )

    def spent(self, state: KnownJourneys, view: View) -> bool:
        kept_ms = self.gap_ms + self.lateness_ms
        lasts = [*(part.last for part in state.past), *(point.last for point in state.points)]
        return view.now is not None and bool(lasts) and min(lasts) + kept_ms < view.now

    def unpublished(self, state: KnownJourneys) -> KnownJourneys:
        return KnownJourneys(state.past, points=state.points)

    def shown_bytes(self, state: KnownJourneys, view: View) -> int:
        name = len(msgspec.json.encode(view.owner)) + len(view.line) + SHOWN_BYTES
        contacts = len(state.points) + sum(len(history.lives) for history in view.histories.values())
        steps = min(MAX_STEPS, contacts * STEPS_OF_CONTACT + MAX_PAST_TURNS) + MAX_TAKEN_BACK
        return len(self._found(state, view)) * name + (steps * STEP_BYTES if contacts or state.past else 0)

    def stands(self, state: KnownJourneys, owner: str) -> bool:
        return bool(state.past or state.points)

    def names(self, state: KnownJourneys) -> int:
        return len(state.shown) + (state.floor_until is not None)

    # Too much of it

    def eased(self, state: KnownJourneys, ease: Ease, view: View) -> KnownJourneys:
        if ease not in _KEPT:
            return state
        parts = Parts(state.points, tuple(replace(each, listed=each.listed[-10:]) for each in state.past))
        parts = journey_parts.summed_up(parts, _points(view), max(0, len(parts.points) - _KEPT[ease]), self.rules)
        kept = {point.key for point in parts.points}
        gone = [point.key[:2] for point in state.points if point.key not in kept]
        return replace(_with(state, parts), told=journey_told.forgotten(state.told, gone))

    def gives_up(self, state: KnownJourneys, ease: Ease, view: View) -> Spans:
        """The parts of all but the latest journeys that are over, and of which no contact is kept."""
        journeys, lives = named(self._found(state, view), view.owner, view.line), _lives(view)
        closed = self._closed(journeys, view)
        past = [each for name, each in journeys.items() if closed[name] and not journey_parts.is_kept(each, lives)]
        going = sorted(past, key=lambda each: (each.whole.last, each.whole.started))[: -_KEPT[ease]]
        return tuple((part.started, part.last) for each in going for part in each.parts)

    def gave_up(self, state: KnownJourneys, spans: Spans) -> KnownJourneys:
        going, starts = {*spans}, {started for started, _ in spans}
        gone = [point.key[:2] for point in state.points if (point.started, point.last) in going]
        return replace(
            state,
            past=tuple(part for part in state.past if (part.started, part.last) not in going),
            points=tuple(point for point in state.points if (point.started, point.last) not in going),
            shown={name: each for name, each in state.shown.items() if each.started not in starts},
            told=journey_told.forgotten(state.told, gone),
        )

    # How it is found out

    def of_contact(self, state: KnownJourneys, channel: str, contact: str, view: View) -> tuple[Touchpoint, ...]:
        """The contacts of the journey that this one is of, as far as each is kept on its own; in order."""
        for each in self._found(state, view):
            points = tuple(part for part in each.parts if isinstance(part, Touchpoint))
            if any((point.channel, point.contact) == (channel, contact) for point in points):
                return points
        return ()

    def _found(self, state: KnownJourneys, view: View) -> tuple[Found, ...]:
        """Asked several times of one moment, so the last answer is kept with what it is made of."""
        made_of = (state.points, state.past, view.histories, view.tiers)
        known, answer = self._last
        if not all(map(is_, known, made_of)):
            answer = found((*state.points, *_points(view)), state.past, self.rules)
            self._last = made_of, answer
        return answer

    def _closed(self, journeys: Mapping[str, Found], view: View) -> dict[str, bool]:
        """Over: every contact has ended, and the longest need has passed, as time or the start of another one says."""
        reached = max([begun(part) for each in journeys.values() for part in each.parts], default=0)
        reached = reached if view.now is None else max(reached, view.now)
        return {
            name: not each.whole.open and reached > each.whole.last + self.gap_ms for name, each in journeys.items()
        }

    def _told(
        self, state: KnownJourneys, journeys: Mapping[str, Found], closed: Mapping[str, bool], view: View
    ) -> tuple[KnownJourneys, list[dict[str, Any]]]:
        """What differs from what was published; the current journey, the one heard of last, in any case behind it."""
        owner, line = view.owner, view.line
        records, shown = [], {}
        for name, old in state.shown.items():
            if name in journeys:
                continue
            if old.gone is None:
                records.append(withdrawn(name, old.started, owner, line, old.revision + 1))
                at = old.started if view.now is None else max(old.started, view.now)
                old = Shown(old.started, old.revision + 1, True, 0, at)  # noqa: PLW2901
            shown[name] = old
        floor = max([state.floor, *(shown.pop(name).revision for name in too_many_gone(shown))])
        wholes = {name: each.whole for name, each in journeys.items()}
        current = max(wholes, key=lambda name: (wholes[name].last, wholes[name].started, name), default=None)
        for name in sorted(wholes, key=lambda name: name == current):
            whole, known = wholes[name], state.shown.get(name)
            named_too = others(_beside(wholes, closed, name)) if name == current else []
            digest = _digest(whole, closed[name], named_too)
            is_same = known is not None and known.gone is None and known.digest == digest
            if known is not None and is_same and not (name == current and records):
                shown[name] = known
                continue
            revision = (known.revision if known else floor) + 1
            value = record(name, whole, owner, line, closed[name], revision)
            records.append({**value, "others": named_too})
            shown[name] = Shown(whole.started, revision, closed[name], digest)
        return replace(state, shown=shown, floor=floor), records

    def _stepped(
        self, state: KnownJourneys, journeys: Mapping[str, Found], closed: Mapping[str, bool], view: View
    ) -> tuple[KnownJourneys, tuple[Out, ...]]:
        """What each journey went through that was not told yet."""
        lives = _lives(view)
        made, before = journey_steps.made_of(journeys, closed, lives), Telling([], state.told, state.floor)
        if made.number == state.stepped:
            return state, ()
        telling = None
        if made.number >> 32 == state.stepped >> 32 and made.journey:
            telling = journey_told.tell_newest(before, journeys[made.journey], made, lives, view.owner, view.line)
        if telling is None:
            telling = self._all_told(before, journeys, closed, view)
        out = own_out(journey_told.TOPIC, telling.records, view)
        return replace(state, told=telling.told, floor=telling.floor, stepped=made.number), out

    def _all_told(
        self, before: Telling, journeys: Mapping[str, Found], closed: Mapping[str, bool], view: View
    ) -> Telling:
        points = [part for each in journeys.values() for part in each.parts if isinstance(part, Touchpoint)]
        known = journey_steps.known(_lives(view), points)
        now = {
            name: journey_steps.steps(each, each.whole.last + self.gap_ms if closed[name] else None, known)
            for name, each in journeys.items()
        }
        return journey_told.tell(before, now, known, view.owner, view.line)

    def _dropped(self, state: KnownJourneys, journeys: Mapping[str, Found], view: View) -> KnownJourneys:
        """Without the journeys that are over for good."""
        now = view.now
        if now is None:
            return state
        old = {n for n, each in state.shown.items() if each.gone is not None and now > self._gone_until(each.gone)}
        late = [name for name, each in journeys.items() if now > each.whole.last + self.gap_ms + self.lateness_ms]
        over = {name for name in late if now > self._dropped_at(journeys[name], view)}
        state = with_floor(state, old, now)
        if not old and not over:
            return state
        gone = [part for name in over for part in journeys[name].parts]
        keys, sums = {part.key for part in gone if isinstance(part, Touchpoint)}, {id(part) for part in gone}
        is_bare = not view.histories and not self.stands(state, view.owner)
        before = now if is_bare else now - self.gap_ms - 2 * self.lateness_ms
        told = journey_told.forgotten(state.told, [key[:2] for key in keys], before)
        return replace(
            state,
            past=tuple(part for part in state.past if id(part) not in sums),
            points=tuple(point for point in state.points if point.key not in keys),
            shown={name: each for name, each in state.shown.items() if name not in old and name not in over},
            told=told,
            floor=max([state.floor, *journey_told.taken_back(state.told, told)]),
        )

    def _gone_until(self, gone: int) -> int:
        """A name that was taken back is forgotten when stream time passes this."""
        return gone + 2 * self.lateness_ms

    def _dropped_at(self, journey: Found, view: View) -> float:
        """When a journey need not be kept any more: closed, and every contact of it condensed."""
        if journey.whole.open or journey_parts.is_kept(journey, [*_lives(view), *view.rested.values()]):
            return float("inf")
        return journey.whole.last + self.gap_ms + self.lateness_ms

    def _review(self, state: KnownJourneys, journeys: Mapping[str, Found], view: View) -> int | None:
        """The stream time after which they look different without any event."""
        times: list[float] = []
        if not view.histories and not self.stands(
            state, view.owner
        ):  # else they are forgotten when it is looked at for those
            times += [self._gone_until(each.gone) for each in state.shown.values() if each.gone is not None]
            times += [] if state.floor_until is None else [state.floor_until]
        for name, journey in journeys.items():
            shown = state.shown.get(name)
            if shown is None:
                continue
            if not journey.whole.open and not shown.closed:
                times.append(journey.whole.last + self.gap_ms)
            elif shown.closed:
                times.append(self._dropped_at(journey, view))
        return int(min(times)) if times and min(times) != float("inf") else None


def _lives(view: View) -> list[Contact]:
    return [contact for history in view.histories.values() for contact in history.lives]


def _points(view: View) -> tuple[Touchpoint, ...]:
    """Of the contacts that are kept with their state."""
    return tuple([touchpoint(contact, view.tiers) for contact in _lives(view)])


def _is_much(parts: Parts) -> bool:
    return len(parts.points) > journey_parts.MAX_POINTS or len(parts.sums) > journey_parts.MAX_GROUPS


def _beside(wholes: Mapping[str, Whole], closed: Mapping[str, bool], name: str) -> list[tuple[str, Whole]]:
    """The journeys beside one that may still go on."""
    return [(other, each) for other, each in wholes.items() if other != name and not closed[other]]


def _digest(whole: Whole, closed: bool, beside: list[dict[str, Any]]) -> int:
    return crc32(_encode((whole, closed, beside) if beside else (whole, closed)))
