"""The journeys of a customer as a capability: what is known of them, and when a record says so.

Which contacts are of one journey: `stitching`; what is kept of contacts that are over: `journey_parts`, and of journeys
that are: `journey_names`; what is told: `journey_telling`, `journey_records`, `journey_steps`, `step_telling`.
"""

from collections.abc import Collection, Iterable, Mapping
from operator import is_

import msgspec
from msgspec.structs import replace

from streams.base.records import Event, Fact
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.contacts.rules import ContactRules
from streams.customers import (
    journey_names,
    journey_parts,
    journey_steps,
    journey_telling,
    step_telling,
)
from streams.customers.backlog import stays
from streams.customers.follow import After, Ease, Follower, Leaving, Out, Spans, View, own_out
from streams.customers.journey_facts import solved
from streams.customers.journey_names import KEPT_BYTES, KEPT_MS, MAX_KEPT, Kept
from streams.customers.journey_parts import Found, Parts, found
from streams.customers.journey_records import named
from streams.customers.journey_rules import JourneyRules
from streams.customers.journey_state import KnownJourneys, with_floor
from streams.customers.journey_steps import STEPS_OF_CONTACT
from streams.customers.journey_sums import begun
from streams.customers.step_telling import MAX_PAST_TURNS, MAX_STEPS, MAX_TAKEN_BACK, STEP_BYTES, Telling
from streams.customers.touchpoints import Touchpoint, touchpoint

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Parts).decode


def _with(state: KnownJourneys, parts: Parts) -> KnownJourneys:
    return replace(state, past=parts.sums, points=parts.points)


SHOWN_BYTES = 100
"""JSON bytes of a journey as it was last published, at most, without the names of its customer and line."""
_KEPT = {Ease.FEWER: 8, Ease.FEWEST: 1}
"""Journeys of the past that are kept of too many."""
_NONE: frozenset[str] = frozenset()


class Journeys(Follower[KnownJourneys]):
    """State: contacts that are over, sums of older ones, what was published, and of what is over for good the names."""

    name = "journeys"
    empty = KnownJourneys()

    def __init__(self, rules: JourneyRules, contacts: ContactRules) -> None:
        self.rules, self.contacts, self.lateness_ms = rules, contacts, contacts.lateness_ms
        self.gap_ms = rules.longest_ms
        self._last: tuple[tuple[object, ...], tuple[Found, ...]] = ((None,) * 4, ())

    # What happens to contacts

    def left(self, state: KnownJourneys, leaving: Leaving, view: View) -> After[KnownJourneys] | None:
        left = leaving.left
        if left.since:
            return None
        parts = journey_parts.without(state.parts, left.channel, left.contact, leaving.resting)
        return After(journey_telling.uncounted(_with(state, parts), {(left.channel, left.contact)}))

    def settled(self, state: KnownJourneys, finished: Lives, view: View) -> KnownJourneys:
        points = [touchpoint(contact, view.tiers, self.contacts) for contact in finished]
        return self._bounded(state, journey_parts.with_points(state.parts, points), view)

    def handed(self, state: KnownJourneys, group: str, view: View) -> tuple[KnownJourneys, bytes | None]:
        parts, piece = journey_parts.taken_out(state.parts, group)
        if piece == Parts():
            return state, None
        names = {(point.channel, point.contact) for point in piece.points}
        return journey_telling.uncounted(_with(state, parts), names, group), _encode(piece)

    def absorbed(self, state: KnownJourneys, group: str, piece: bytes, view: View) -> KnownJourneys:
        return self._bounded(state, journey_parts.put_in(state.parts, _decode(piece)), view)

    def _bounded(self, state: KnownJourneys, parts: Parts, view: View) -> KnownJourneys:
        kept = journey_parts.bounded(parts, _points(view, self.contacts), self.rules) if _is_much(parts) else parts
        gone = {point.key for point in parts.points} - {point.key for point in kept.points}
        told = step_telling.forgotten(state.told, [key[:2] for key in gone]) if gone else state.told
        return replace(_with(state, kept), told=told)

    # Time

    def passed(self, state: KnownJourneys, view: View) -> After[KnownJourneys]:
        return After(state, look=True)

    def due(self, state: KnownJourneys, view: View) -> int | None:
        return state.review

    # Publishing

    def publish(self, state: KnownJourneys, view: View) -> After[KnownJourneys]:
        """A record for each journey that looks different, and none for each that is no more; and what each went through
        since.
        """
        journeys = named(self.all_found(state, view), view.owner, view.line)
        closed, over = self._closed(journeys, view), self._over(journeys, view)
        state, records, facts = journey_telling.told(state, journeys, (closed, over), view, self.rules)
        state, more = journey_telling.counted(state, _touchpoints(journeys.values()), view)
        state, told = self._stepped(state, journeys, closed, view)
        state = self._dropped(state, journeys, over, view)
        if over:
            left = {name: each for name, each in journeys.items() if name not in over}
            state = replace(state, stepped=journey_steps.made_of(left, closed, _lives(view)).number)
        removed = journey_names.over(state.kept, view.now)
        if removed:
            state = replace(state, kept=journey_names.without(state.kept, removed))
        state = replace(state, review=self._review(state, journeys, view))
        out = (*records, *journey_telling.tombstones(removed, view), *told)
        return After(state, out, facts=facts + more)

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
        of_steps = steps * STEP_BYTES if contacts or state.past else 0
        found = self.all_found(state, view)
        counted = sum([len(_encode(told)) for each in found if (told := solved(each, self.rules.repeat_ms))])
        open_ = (stays(each, journey_telling.closed_at(each.whole, self.rules)) for each in found)
        counted += sum([len(_encode(some)) for some in open_ if some])
        its, _ = journey_telling.counted(state, _touchpoints(found), view)
        counted += len(_encode((its.answers, its.callbacks))) if its.answers or its.callbacks else 0
        return len(found) * name + counted + of_steps + MAX_KEPT * KEPT_BYTES

    def stands(self, state: KnownJourneys, owner: str) -> bool:
        return bool(state.past or state.points)

    def names(self, state: KnownJourneys) -> int:
        return len(state.shown) + (state.floor_until is not None)

    def rest(self, state: KnownJourneys) -> KnownJourneys:
        due = journey_names.due(state.kept)
        return (
            KnownJourneys(kept=state.kept, review=due[0], answers=state.answers, callbacks=state.callbacks)
            if due
            else self.empty
        )

    def removed(self, state: KnownJourneys, view: View) -> Iterable[Out]:
        return journey_telling.taken_back(state, view)

    def going(self, state: KnownJourneys, at: int, view: View) -> Iterable[Fact]:
        return journey_telling.given_up(state, at, view.line)

    # Too much of it

    def eased(self, state: KnownJourneys, ease: Ease, view: View) -> KnownJourneys:
        if ease not in _KEPT:
            return state
        parts = Parts(state.points, tuple(replace(each, listed=each.listed[-10:]) for each in state.past))
        most = max(0, len(parts.points) - _KEPT[ease])
        parts = journey_parts.summed_up(parts, _points(view, self.contacts), most, self.rules)
        kept = {point.key for point in parts.points}
        gone = [point.key[:2] for point in state.points if point.key not in kept]
        return replace(_with(state, parts), told=step_telling.forgotten(state.told, gone))

    def gives_up(self, state: KnownJourneys, ease: Ease, view: View) -> Spans:
        """The parts of all but the latest journeys that are over, and of which no contact is kept."""
        journeys, lives = named(self.all_found(state, view), view.owner, view.line), _lives(view)
        closed = self._closed(journeys, view)
        past = [each for name, each in journeys.items() if closed[name] and not journey_parts.is_kept(each, lives)]
        going = sorted(past, key=lambda each: (each.whole.last, each.whole.started))[: -_KEPT[ease]]
        return tuple((part.started, part.last) for each in going for part in each.parts)

    def gave_up(self, state: KnownJourneys, spans: Spans) -> KnownJourneys:
        """Of a journey the name stays; of several that go at once all until the last of them may."""
        going, starts = {*spans}, {started for started, _ in spans}
        until = max(last for _, last in spans) + KEPT_MS
        over = {name: each for name, each in state.shown.items() if each.started in starts and each.gone is None}
        gone = [point.key[:2] for point in state.points if (point.started, point.last) in going]
        return replace(
            state,
            past=tuple(part for part in state.past if (part.started, part.last) not in going),
            points=tuple(point for point in state.points if (point.started, point.last) not in going),
            shown={name: each for name, each in state.shown.items() if name not in over},
            told=step_telling.forgotten(state.told, gone),
            kept=journey_names.with_names(
                state.kept, {journey_names.short(name, e.started): Kept(e.revision, until) for name, e in over.items()}
            ),
        )

    # How it is found out

    def of_contact(self, state: KnownJourneys, channel: str, contact: str, view: View) -> tuple[Touchpoint, ...]:
        """The contacts of the journey that this one is of, as far as each is kept on its own; in order."""
        for each in self.all_found(state, view):
            points = tuple(part for part in each.parts if isinstance(part, Touchpoint))
            if any((point.channel, point.contact) == (channel, contact) for point in points):
                return points
        return ()

    def all_found(self, state: KnownJourneys, view: View) -> tuple[Found, ...]:
        """Asked several times of one moment, so the last answer is kept with what it is made of."""
        made_of = (state.points, state.past, view.histories, view.tiers)
        known, answer = self._last
        if not all(map(is_, known, made_of)):
            answer = found((*state.points, *_points(view, self.contacts)), state.past, self.rules)
            self._last = made_of, answer
        return answer

    def _closed(self, journeys: Mapping[str, Found], view: View) -> dict[str, bool]:
        """Over: every contact has ended, and the longest need has passed, as time or the start of another one says."""
        reached = max([begun(part) for each in journeys.values() for part in each.parts], default=0)
        reached = reached if view.now is None else max(reached, view.now)
        return {
            name: not each.whole.open and reached > each.whole.last + self.gap_ms for name, each in journeys.items()
        }

    def _over(self, journeys: Mapping[str, Found], view: View) -> Collection[str]:
        """Those that need not be kept any more."""
        now = view.now
        if now is None:
            return _NONE
        late = [name for name, each in journeys.items() if now > each.whole.last + self.gap_ms + self.lateness_ms]
        return {name for name in late if now > self._dropped_at(journeys[name], journeys, view)} if late else _NONE

    def _stepped(
        self, state: KnownJourneys, journeys: Mapping[str, Found], closed: Mapping[str, bool], view: View
    ) -> tuple[KnownJourneys, tuple[Out, ...]]:
        """What each journey went through that was not told yet."""
        lives = _lives(view)
        made, before = journey_steps.made_of(journeys, closed, lives), Telling([], state.told, state.floor)
        if made.number == state.stepped:
            return state, ()
        said = None
        if made.journey and journey_steps.only_newest(made, state.stepped):
            said = step_telling.tell_newest(before, journeys[made.journey], made, lives, view.owner, view.line)
        if said is None:
            said = self._all_told(before, journeys, closed, view)
        out = own_out(step_telling.TOPIC, said.records, view)
        return replace(state, told=said.told, floor=said.floor, stepped=made.number), out

    def _all_told(
        self, before: Telling, journeys: Mapping[str, Found], closed: Mapping[str, bool], view: View
    ) -> Telling:
        points = _touchpoints(journeys.values())
        known = journey_steps.known(_lives(view), points)
        now = {
            name: journey_steps.steps(each, each.whole.last + self.gap_ms if closed[name] else None, known)
            for name, each in journeys.items()
        }
        return step_telling.tell(before, now, known, view.owner, view.line)

    def _dropped(
        self, state: KnownJourneys, journeys: Mapping[str, Found], over: Collection[str], view: View
    ) -> KnownJourneys:
        """Without the journeys that are over for good, but for their names."""
        now = view.now
        if now is None:
            return state
        old = {n for n, each in state.shown.items() if each.gone is not None and now > self._gone_until(each.gone)}
        state = with_floor(state, old, now)
        if not old and not over:
            return state
        gone = [part for name in over for part in journeys[name].parts]
        keys, sums = {part.key for part in gone if isinstance(part, Touchpoint)}, {id(part) for part in gone}
        is_bare = not view.histories and not self.stands(state, view.owner)
        before = now if is_bare else now - self.gap_ms - 2 * self.lateness_ms
        told = step_telling.forgotten(state.told, [key[:2] for key in keys], before)
        kept = {}
        for name in over:
            known, last = state.shown[name], journeys[name].whole.last
            kept[journey_names.short(name, known.started)] = Kept(known.revision, last + KEPT_MS)
        return replace(
            state,
            past=tuple(part for part in state.past if id(part) not in sums),
            points=tuple(point for point in state.points if point.key not in keys),
            shown={name: each for name, each in state.shown.items() if name not in old and name not in over},
            told=told,
            floor=max([state.floor, *step_telling.taken_back(state.told, told)]),
            kept=journey_names.with_names(state.kept, kept),
        )

    def _gone_until(self, gone: int) -> int:
        """A name that was taken back is forgotten when stream time passes this."""
        return gone + 2 * self.lateness_ms

    def _dropped_at(self, journey: Found, journeys: Mapping[str, Found], view: View) -> float:
        """When a journey need not be kept any more: closed, and every contact of it condensed. So must be all that
        began in the same moment, or another one would get its name.
        """
        started, last = journey.whole.started, journey.whole.last
        contacts = [*_lives(view), *view.rested.values()]
        for each in (journey, *journeys.values()) if len(journeys) > 1 else (journey,):
            if each.whole.started == started:
                if each.whole.open or journey_parts.is_kept(each, contacts):
                    return float("inf")
                last = max(last, each.whole.last)
        return last + self.gap_ms + self.lateness_ms

    def _review(self, state: KnownJourneys, journeys: Mapping[str, Found], view: View) -> int | None:
        """The stream time after which they look different without any event."""
        times: list[float] = [*journey_names.due(state.kept)]
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
                times.append(self._dropped_at(journey, journeys, view))
        return int(min(times)) if times and min(times) != float("inf") else None


def _touchpoints(journeys: Iterable[Found]) -> list[Touchpoint]:
    """The contacts that are kept each on its own."""
    return [part for each in journeys for part in each.parts if isinstance(part, Touchpoint)]


def _lives(view: View) -> list[Contact]:
    return [contact for history in view.histories.values() for contact in history.lives]


def _points(view: View, rules: ContactRules) -> tuple[Touchpoint, ...]:
    """Of the contacts that are kept with their state."""
    return tuple([touchpoint(contact, view.tiers, rules) for contact in _lives(view)])


def _is_much(parts: Parts) -> bool:
    return len(parts.points) > journey_parts.MAX_POINTS or len(parts.sums) > journey_parts.MAX_GROUPS
