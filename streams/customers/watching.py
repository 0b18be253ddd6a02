"""Alert rules about contacts, customers and journeys as a capability: which episodes must stand, when to look again.

What a rule looks at are *signals* (`streams.customers.watched`), functions of all that is known; the language of rules
(`streams.alerts.watching`) finds episodes in them. One is told when stream time has passed its beginning, whether its
end is known by now or not, and is over when stream time has got there: up to then an event still to come may show
another end. While a history is arriving nothing new is told of it. What is kept are the alerts that were told, and the
latest scored messages with the moods before them; all else is reckoned anew (and remembered, while it is the same).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from streams.alerts.episodes import (
    CONTACT,
    WITHDRAWN,
    Alert,
    Alerts,
    Gone,
    forget,
    forgotten_at,
    reconcile,
)
from streams.alerts.switching import RULE_CHANGED, RULE_REMOVED
from streams.contacts.contact import Contact
from streams.customers.follow import After, Change, Ease, Follower, Leaving, Out, View, alert_out, over_out
from streams.customers.journeys import Journeys
from streams.customers.watched import kept
from streams.customers.watched.customers import Sight
from streams.customers.watched.kept import KnownWatch
from streams.customers.watched.looking import Case, Remembered, at_contact
from streams.customers.watched.messages import MAX_MESSAGES, WRITTEN
from streams.customers.watched.promises import is_call
from streams.customers.watched.rules import Watched
from streams.customers.watched.standings import NOTHING, Looked, Standing, dues, episodes, named

_KEPT = {Ease.FEWER: 20, Ease.FEWEST: 3}
"""Messages that are kept of too many."""


class Of(NamedTuple):
    """A contact by the name of its history, as it is kept: with its events, or at rest."""

    key: str
    lives: Sequence[Contact]
    touched: int | None


class Watching(Follower[KnownWatch]):
    """State: the alerts that were told, the latest messages, the moods before them."""

    name = "watched"
    empty = KnownWatch()

    def __init__(self, rules: Watched, journeys: Journeys, policy: str, lateness_ms: int) -> None:
        self.rules, self.policy, self.lateness_ms = rules, policy, lateness_ms
        self.seen = Remembered()
        self.sight = Sight(rules, journeys, policy, self.seen)
        self.of_contacts = bool(rules.contacts.rules)

    # What happens

    def changed(self, state: KnownWatch, change: Change, view: View) -> After[KnownWatch] | None:
        if change.key is None:
            return self._all(state, self._contacts(view), change.gone, view) if self.of_contacts else None
        after, new = change.after, state
        if after is None:
            return None
        if change.step is not None and self.rules.writes and (state.messages or change.step.type in WRITTEN):
            new = kept.written(state, change.key, change.step, change.before, after)
            over = len(new.messages) - MAX_MESSAGES
            if over > MAX_MESSAGES:
                new = self._settle(new, over, view)
        some = self._concerned(new, Of(change.key, after.lives, after.touched), change.step is not None, view)
        told = self._all(new, some, change.gone, view)
        if change.step is None and any(each.firing and each.about != CONTACT for each in told.state.alerts.values()):
            told = self._judged(told, change.gone, view)  # by now: it may come to rest in the same moment
        return told if told.state is not state or told.out else None

    def left(self, state: KnownWatch, leaving: Leaving, view: View) -> After[KnownWatch] | None:
        key, since = leaving.key, leaving.left.since
        old = [each.id for each in state.alerts.values() if each.subject.key == key and each.since >= since]
        alerts, over = reconcile(state.alerts, old, (), view.now, leaving.gone)
        after = kept.without(state, key, since)
        if over:
            after = replace(after, alerts=alerts)
        return None if after is state else After(after, self._out(over, view))

    # Time

    def passed(self, state: KnownWatch, view: View) -> After[KnownWatch] | None:
        now = view.now
        if now is None:
            return None
        forgets = any(now > each for each in self._forgets(state, view))
        state, out = self._whole(state, Gone(WITHDRAWN, now), view)
        stays = bool(view.histories or state.alerts or state.messages or state.going)
        state = replace(state, judged=now if stays else 0)
        return After(self.tidied(state, view) if forgets else state, out)

    def rejudged(self, state: KnownWatch, view: View, number: int) -> After[KnownWatch] | None:
        now = view.now
        if now is None:
            return None
        others = self.rules.switched.after(number)
        names = self.rules.names.difference(others.removed)
        stay = self.rules.names.difference(others.anew)
        went = {rule: each for rule, each in state.going.items() if rule in stay}
        new = state if len(went) == len(state.going) else replace(state, going=went)
        removed = [each.id for each in state.alerts.values() if each.firing and each.rule not in names]
        alerts, over = reconcile(new.alerts, removed, (), now, Gone(RULE_REMOVED, now))
        if over:
            new = replace(new, alerts=alerts)
        new, out = self._whole(new, Gone(RULE_CHANGED, now, others.changed), view)
        return After(replace(new, judged=now), self._out(over, view) + out) if new is not state else None

    def _whole(self, state: KnownWatch, gone: Gone, view: View) -> tuple[KnownWatch, tuple[Out, ...]]:
        """After a look at all there is."""
        told = self._judged(self._all(state, self._contacts(view), gone, view), gone, view)
        state, out = told.state, told.out
        lost = [each.id for each in self._lost(state, view)]
        alerts, over = self._reconciled(state.alerts, lost, (), gone, view)
        return (replace(state, alerts=alerts), out + self._out(over, view)) if over else (state, out)

    def due(self, state: KnownWatch, view: View) -> int | None:
        at = state.judged or None
        times: list[int] = []
        if self.of_contacts:
            for of in self._contacts(view):
                looked = self._look(of, view, at)
                times += self._dues(looked, state.alerts, view)
        times += [each.since for each in self._lost(state, view)]
        firing = {each.id: each for each in state.alerts.values() if each.firing and each.about != CONTACT}
        for index, touched, looked in self.sight.looks(state, view, at):
            found = named(looked.standings, state.alerts, (view.line, view.owner)) if looked.standings else {}
            mine = [each for each in firing.values() if each.rule in index.places]
            its = [looked.due] if looked.due is not None else []
            its += [*dues(found, state.alerts), *(each.since for each in mine if each.id not in found)]
            times += [max(each, *touched) for each in its] if touched else its
            firing = {name: each for name, each in firing.items() if each not in mine}
        times += [each.since for each in firing.values()]
        return min((*times, *self._forgets(state, view)), default=None)

    def tidied(self, state: KnownWatch, view: View) -> KnownWatch:
        now = view.now
        if now is None or not (state.alerts or state.messages):
            return state
        before = now - 2 * self.lateness_ms
        old = sum(message.time <= before for message in state.messages)
        if old and self.sight.is_told(state, view, now):
            state = self._settle(state, old, view)
        if state.going and (over := self.sight.over(state, view, before)):
            state = replace(state, going={rule: each for rule, each in state.going.items() if rule not in over})
        if not state.alerts:
            return state
        needed = self._needed(state, view)
        alerts = forget(state.alerts, lambda alert: alert.id in needed, now, self.lateness_ms)
        return state if alerts is state.alerts else replace(state, alerts=alerts)

    # The row

    def eased(self, state: KnownWatch, ease: Ease, view: View) -> KnownWatch:
        if ease in _KEPT:
            return self._settle(state, len(state.messages) - _KEPT[ease], view)
        needed = self._needed(state, view)
        alerts = {name: alert for name, alert in state.alerts.items() if alert.firing or name in needed}
        return state if len(alerts) == len(state.alerts) else replace(state, alerts=alerts)

    def stands(self, state: KnownWatch, owner: str) -> bool:
        return bool(state.messages or state.alerts)

    def erased(self, state: KnownWatch, gone: Gone, view: View) -> Iterable[Out]:
        return over_out(state.alerts.values(), gone, view, self.rules.version)

    # Contacts

    def _contacts(self, view: View) -> Iterator[Of]:
        """Those that rules may be about; at rest those alone that something is owed."""
        for key, history in view.histories.items():
            if not self.rules.legs_only or any(contact.legs for contact in history.lives):
                yield Of(key, history.lives, history.touched)
        if self.rules.promises:
            for key, contact in view.rested.items():
                if contact.callback is not None and key not in view.histories:
                    yield Of(key, (contact,), None)

    def _concerned(self, state: KnownWatch, of: Of, arrived: bool, view: View) -> Iterable[Of]:
        """The contacts of which a change of one may tell something at once. Of an event that has just arrived nothing
        new is told yet: what was told may be over.
        """
        if not self.of_contacts:
            return ()
        firing = {each.subject.key for each in state.alerts.values() if each.firing and each.about == CONTACT}
        if self.rules.promises and is_call(of.lives[-1]):
            return [each for each in self._contacts(view) if each.key in firing or each.key == of.key]
        return () if arrived and of.key not in firing else (of,)

    def _all(self, state: KnownWatch, some: Iterable[Of], gone: Gone, view: View) -> After[KnownWatch]:
        """After a look at some contacts."""
        told: list[Alert] = []
        for of in some if view.now is not None else ():
            looked = self._look(of, view, view.now)
            alerts = state.alerts
            old = [each.id for each in alerts.values() if each.about == CONTACT and each.subject.key == of.key]
            alerts, changed = self._reconciled(alerts, old, looked.standings, gone, view)
            if changed:
                state, told = replace(state, alerts=alerts), [*told, *changed]
        return After(state, self._out(told, view))

    def _look(self, of: Of, view: View, at: int | None) -> Looked:
        """At one contact, all of its lives, as of a stream time."""
        lives = of.lives
        if len(lives) == 1:
            return self._look_at(of, lives[0], view, at)
        looks = [self._look_at(of, each, view, at) for each in lives]
        times = [each.due for each in looks if each.due is not None]
        return Looked(tuple(one for each in looks for one in each.standings), min(times, default=None))

    def _look_at(self, of: Of, contact: Contact, view: View, at: int | None) -> Looked:
        if not self.rules.concern(contact, view.tiers):
            return NOTHING
        calls = self._calls(contact, view)
        case = Case(view.tiers, self.policy, of.touched, calls)
        name, made_of = (view.owner, view.line, of.key, contact.started), (contact, view.tiers, of.touched, calls)
        index = self.rules.contacts
        looked = self.seen.look(name, made_of, at, lambda: at_contact(of.key, contact, case, index, at))
        return self.rules.of_now(looked, view.line)

    def _calls(self, contact: Contact, view: View) -> Sequence[int]:
        """When calls of ours began in which a human had the customer, where the contact asked for one."""
        if not self.rules.promises or contact.callback is None:
            return ()
        lives = [each for history in view.histories.values() for each in history.lives]
        return tuple(sorted(each.started for each in (*lives, *view.rested.values()) if is_call(each)))

    def _lost(self, state: KnownWatch, view: View) -> list[Alert]:
        """Those that fire and whose contact is no longer kept with what began them, because it came to rest, or has too
        many, before the end that they were given. Nothing else would resolve them."""
        firing = [each for each in state.alerts.values() if each.firing and each.about == CONTACT]
        if not firing:
            return firing
        keys = {of.key for of in self._contacts(view)}
        return [each for each in firing if each.subject.key not in keys]

    # Customers and journeys

    def _judged(self, told: After[KnownWatch], gone: Gone, view: View) -> After[KnownWatch]:
        """After a look at customer and journeys."""
        state, out = told.state, told.out
        for old, looked in self._others(state, view):
            alerts, changed = self._reconciled(state.alerts, old, looked.standings, gone, view)
            if changed:
                state, out = replace(state, alerts=alerts), out + self._out(changed, view)
        return After(state, out)

    def _others(self, state: KnownWatch, view: View) -> Iterator[tuple[list[str], Looked]]:
        """What stands of them, and the alerts that were looked at; nothing while a history is arriving."""
        now, ruled = view.now, list[str]()
        for index, touched, looked in [*self.sight.looks(state, view, now)]:
            ruled += index.places
            if now is None or not any(each >= now for each in touched):
                yield [each.id for each in state.alerts.values() if each.rule in index.places], looked
        over = [each.id for each in state.alerts.values() if each.about != CONTACT and each.rule not in ruled]
        yield over, NOTHING

    # What both need

    def _reconciled(
        self, alerts: Alerts, old: Collection[str], standings: Sequence[Standing], gone: Gone, view: View
    ) -> tuple[Alerts, list[Alert]]:
        if not (old or standings) or view.now is None:
            return alerts, []
        found = named(standings, alerts, (view.line, view.owner))
        return reconcile(alerts, old, episodes(found, alerts, view.now), view.now, gone)

    def _dues(self, looked: Looked, alerts: Alerts, view: View) -> list[int]:
        times = [] if looked.due is None else [looked.due]
        if looked.standings:
            times += dues(named(looked.standings, alerts, (view.line, view.owner)), alerts)
        return times

    def _needed(self, state: KnownWatch, view: View) -> set[str]:
        """The alerts that something kept could call up again."""
        if not state.alerts:
            return set()
        keys = {of.key for of in self._contacts(view)} | view.histories.keys()
        messages = {each.id for each in state.messages} | {each.anchor for each in state.going.values()}
        at = state.judged if view.now is None else view.now
        standing = [one for *_, looked in self.sight.looks(state, view, at) for one in looked.standings]
        found = named(standing, state.alerts, (view.line, view.owner)) if standing else {}
        return {
            each.id
            for each in state.alerts.values()
            if each.id in found
            or (each.about == CONTACT and each.subject.key in keys)
            or (each.subject.message is not None and each.subject.message in messages)
        }

    def _forgets(self, state: KnownWatch, view: View) -> list[int]:
        """The stream times to pass for alerts to be forgotten that nothing calls up again."""
        over = [each for each in state.alerts.values() if not each.firing]
        needed = self._needed(state, view) if over else ()
        return [forgotten_at(each, self.lateness_ms) for each in over if each.id not in needed]

    def _settle(self, state: KnownWatch, count: int, view: View) -> KnownWatch:
        """The first ``count`` messages become part of the moods."""
        if count <= 0:
            return state
        standings = self.sight.moods(state, view, state.messages[count - 1].time).standings
        return kept.settle(state, count, standings, self.rules.ways, self.rules.ruled)

    def _out(self, alerts: Iterable[Alert], view: View) -> tuple[Out, ...]:
        return alert_out(alerts, view, self.rules.version)
