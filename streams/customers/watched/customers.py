"""What stands of rules about a customer and the journeys."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from streams.alerts.index import Index
from streams.alerts.intervals import BEGINNING
from streams.customers.follow import View
from streams.customers.journey_parts import Found
from streams.customers.journey_records import named
from streams.customers.journeys import Journeys
from streams.customers.services import NONE
from streams.customers.silences import Past, Run
from streams.customers.watched import kept
from streams.customers.watched.customer import acts_of
from streams.customers.watched.kept import KnownWatch
from streams.customers.watched.looking import Remembered, at_customer, at_journey
from streams.customers.watched.messages import forced
from streams.customers.watched.moods import Mood, Way
from streams.customers.watched.rules import Watched
from streams.customers.watched.scenes import CustomerScene, JourneyScene, Known
from streams.customers.watched.spans import is_past
from streams.customers.watched.standings import NOTHING, Looked, Standing

Touched = Sequence[int]
"""When histories that matter last got an event."""


class Sight:
    """Looks at one customer as a whole, by the rules that are about customers and journeys."""

    def __init__(self, rules: Watched, journeys: Journeys, policy: str, seen: Remembered) -> None:
        self.rules, self.journeys, self.policy, self.seen = rules, journeys, policy, seen

    def looks(self, state: KnownWatch, view: View, at: int | None) -> Iterator[tuple[Index, Touched, Looked]]:
        """As of a stream time: by the rules about moods, by the others, at all journeys; by which, and what matters."""
        rules = self.rules
        if rules.moods.rules and (state.messages or state.going):
            yield rules.moods, _touched({each.key for each in state.messages}, view), self.moods(state, view, at)
        if rules.others.rules:
            yield rules.others, _touched(view.histories, view), self._others(state, view, at)
        if rules.journeys.rules:
            yield rules.journeys, _touched(view.histories, view), self._journeys(state, view, at)

    def moods(self, state: KnownWatch, view: View, at: int | None) -> Looked:
        """More than 50 messages never wait."""
        index = self.rules.moods
        if not index.rules or not (state.messages or state.going):
            return NOTHING
        early = forced(state.messages)
        at = early if at is None and early > 0 else at if at is None else max(at, early)
        made_of = (state.messages, state.sums, state.going, view.tiers)

        def take() -> Looked:
            scene = CustomerScene(self._of_messages(state, view), True)
            going = {rule: kept.found_of(rule, each) for rule, each in state.going.items()}
            looked = at_customer(scene, index, at, going, state.settled[0] + 1)
            if not going:
                return looked
            known = (
                each._replace(subject=state.going[each.rule].subject) if _is_going(each, state) else each
                for each in looked.standings
            )
            return looked._replace(standings=tuple(known))

        return self.rules.of_now(self.seen.look((view.owner, view.line, "moods"), made_of, at, take), view.line)

    def _others(self, state: KnownWatch, view: View, at: int | None) -> Looked:
        index = self.rules.others
        if not index.rules:
            return NOTHING
        known = self._known(state, view)
        made_of = (
            view.histories,
            view.rested,
            view.tiers,
            state.messages,
            known.told,
            known.earlier,
            known.service_type,
            *_parts(view),
        )

        def take() -> Looked:
            return at_customer(CustomerScene(known, False), index, at, {}, BEGINNING)

        return self.rules.of_now(self.seen.look((view.owner, view.line, "others"), made_of, at, take), view.line)

    def _journeys(self, state: KnownWatch, view: View, at: int | None) -> Looked:
        index = self.rules.journeys
        if not index.rules:
            return NOTHING
        known = self._known(state, view)
        made_of = (view.histories, view.tiers, state.messages, known.service_type, *_parts(view))

        def take() -> Looked:
            journeys = named(known.journeys(), view.owner, view.line)
            scenes = [JourneyScene(name, each, known, self.journeys.gap_ms) for name, each in journeys.items()]
            looks = [at_journey(scene, index, at) for scene in scenes]
            times = [each.due for each in looks if each.due is not None]
            return Looked(tuple(one for each in looks for one in each.standings), min(times, default=None))

        return self.rules.of_now(self.seen.look((view.owner, view.line, "journeys"), made_of, at, take), view.line)

    def is_told(self, state: KnownWatch, view: View, now: int) -> bool:
        """Is all told that rules about moods find by now?"""
        if any(each >= now for each in _touched({each.key for each in state.messages}, view)):
            return False
        told = {(each.rule, each.since) for each in state.alerts.values()}
        return all((each.rule, each.since) in told for each in self.moods(state, view, now).standings)

    def over(self, state: KnownWatch, view: View, before: int) -> Collection[str]:
        """The rules of which what went on before the messages was over by a time from which no message can come any
        more."""
        at = before if view.now is None else view.now
        ends = {each.rule: each.until for each in self.moods(state, view, at).standings if _is_going(each, state)}
        return [rule for rule in state.going if (end := ends.get(rule, before)) is not None and end < before]

    def _of_messages(self, state: KnownWatch, view: View) -> Known:
        return Known((), state.messages, self._sums(state), view.tiers, policy=self.policy, service_type=_service(view))

    def _known(self, state: KnownWatch, view: View) -> Known:
        lives = [contact for history in view.histories.values() for contact in history.lives]
        contacts = [contact for contact in lives if not is_past(contact)]
        silence = None if view.states is None else view.states("silence")
        told, earlier = ((), None) if silence is None else (silence.told, _latest(silence.past))
        return Known(
            contacts,
            state.messages,
            self._sums(state),
            view.tiers,
            told,
            [*acts_of([*lives, *view.rested.values()]), *([earlier.last] if earlier else ())],
            partial(self._journeys_of, view),
            _service(view),
            self.policy,
            [contact for contact in view.rested.values() if contact.said],
            earlier,
        )

    def _journeys_of(self, view: View) -> Sequence[Found]:
        return () if view.states is None else self.journeys.all_found(view.states("journeys"), view)

    def _sums(self, state: KnownWatch) -> Callable[[Way], Mood]:
        return lambda way: kept.mood_of(state, way, self.rules.ruled.get(way.name, ()))


def _is_going(each: Standing, state: KnownWatch) -> bool:
    """Did it go on before the messages?"""
    return each.rule in state.going and state.going[each.rule].since == each.since


def _parts(view: View) -> tuple[object, ...]:
    """What journeys follow from beside the contacts."""
    known = None if view.states is None else view.states("journeys")
    return () if known is None else (known.points, known.past)


def _latest(past: Mapping[str, Past]) -> Run | None:
    """Of contacts that are no longer kept, by the groups with which they may move: when the customer was heard of
    last. Whole, so that what it says does not hang on the order of groups.
    """
    return max((run for each in past.values() for run in each.runs), key=lambda run: (run.last, run.key), default=None)


def _service(view: View) -> str | None:
    """The customer's service type, as it was published last."""
    score = None if view.states is None else view.states("segments").score
    return None if score is None or score.type == NONE else score.type


def _touched(keys: Collection[str], view: View) -> Touched:
    found = (view.histories.get(key) for key in keys)
    return [history.touched for history in found if history is not None and history.touched is not None]
