"""How a customer feels as a capability: which messages are kept, when they are judged, which alerts must stand.

The mood itself is in `streams.customers.feelings`.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import (
    WITHDRAWN,
    Alert,
    Alerts,
    Gone,
    forget,
    forgotten_at,
    reconcile,
)
from streams.contacts.histories import History
from streams.contacts.steps import CUSTOMER, Step
from streams.customers.feelings import (
    CALM,
    MAX_MESSAGES,
    NO_MESSAGE,
    UNIT,
    Message,
    Messages,
    Mood,
    SentimentRule,
    calmed,
    decided,
    episodes,
    message,
    messages_of,
    next_decision,
    replaced,
    settle,
)
from streams.customers.follow import After, Change, Ease, Follower, Leaving, Out, View, alert_out, over_out

WRITTEN = frozenset({"message.sent", "post.made"})
_KEPT = {Ease.FEWER: 20, Ease.FEWEST: 3}
"""Messages that are kept of too many."""


class KnownMoods(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer's moods."""

    messages: tuple[Message, ...] = ()
    """The latest scored ones, in order."""
    moods: dict[str, Mood] = {}
    """Rule → mood before ``messages``."""
    settled: tuple[int, str] = NO_MESSAGE
    """The last message that is part of ``moods``."""
    judged: tuple[int, str] = NO_MESSAGE
    """The last message that was judged."""
    alerts: Alerts = {}


class Moods(Follower[KnownMoods]):
    """State: the latest messages, the moods before them, the sentiment alerts that were published."""

    name = "moods"
    empty = KnownMoods()

    def __init__(self, rules: Sequence[SentimentRule], lateness_ms: int) -> None:
        self.rules, self.lateness_ms = rules, lateness_ms
        self.wanted = frozenset[str]().union(*(rule.tiers for rule in rules))
        self.quiet_after = {rule.name: rule.quiet_after_ms for rule in rules}

    def changed(self, state: KnownMoods, change: Change, view: View) -> After[KnownMoods] | None:
        if change.key is None:
            return After(replace(state, judged=NO_MESSAGE))
        if change.step is None or change.after is None or not (state.messages or change.step.type in WRITTEN):
            return None
        after = self._written(state, change.key, change.step, (change.before, change.after))
        over = len(after.messages) - MAX_MESSAGES
        if over > MAX_MESSAGES:
            after = self._settle(after, over, view)
        return None if after is state else After(after)

    def passed(self, state: KnownMoods, view: View) -> After[KnownMoods]:
        if view.now is None:
            return After(state)
        forgets = any(view.now > due for due in self._forgets(state))
        after = self._judged(state, view.now, view)
        return After(self.tidied(after.state, view), after.out) if forgets else after

    def tidied(self, state: KnownMoods, view: View) -> KnownMoods:
        if view.now is None:
            return state
        before = view.now - 2 * self.lateness_ms
        old = sum(message.time <= before for message in state.messages)
        if old and state.judged >= (state.messages[old - 1].time, state.messages[old - 1].id):
            state = self._settle(state, old, view)
        if not state.alerts:
            return state
        calm = calmed(state.moods, state.messages, self.rules, before)
        crossings = _crossings(state.messages, calm)
        alerts = forget(state.alerts, lambda alert: alert.subject.message in crossings, view.now, self.lateness_ms)
        if alerts is state.alerts and calm is state.moods:
            return state
        return replace(state, alerts=alerts, moods=calm)

    def due(self, state: KnownMoods, view: View) -> int | None:
        if not (state.messages or state.alerts):
            return None
        return min((*self._decides(state, view), *self._forgets(state)), default=None)

    def eased(self, state: KnownMoods, ease: Ease, view: View) -> KnownMoods:
        if ease in _KEPT:
            return self._settle(state, len(state.messages) - _KEPT[ease], view)
        wanted = _crossings(state.messages, state.moods)
        kept = {name: each for name, each in state.alerts.items() if each.firing or each.subject.message in wanted}
        return replace(state, alerts=kept)

    def stands(self, state: KnownMoods, owner: str) -> bool:
        return bool(state.messages or state.alerts)

    def erased(self, state: KnownMoods, gone: Gone, view: View) -> Iterable[Out]:
        return over_out(state.alerts.values(), gone, UNIT, view)

    def left(self, state: KnownMoods, leaving: Leaving, view: View) -> After[KnownMoods]:
        key, since = leaving.key, leaving.left.since

        def goes(message: Message) -> bool:
            return message.key == key and message.time >= since

        old = [each.id for each in state.alerts.values() if each.subject.key == key and each.since >= since]
        alerts, resolved = reconcile(state.alerts, old, (), view.now, leaving.gone)
        after = KnownMoods(
            tuple(message for message in state.messages if not goes(message)),
            {
                rule: replace(mood, firing=None) if mood.firing and goes(mood.firing.message) else mood
                for rule, mood in state.moods.items()
            },
            state.settled,
            NO_MESSAGE,
            alerts,
        )
        return After(after, alert_out(resolved, UNIT, view))

    def _written(self, state: KnownMoods, key: str, new: Step, change: tuple[History | None, History]) -> KnownMoods:
        """The customer's messages follow their history, which was and now is."""
        before, history = change
        known, contact = state.messages, history.lives[-1]
        first_queue = before.lives[-1].first_queue if before and before.lives else contact.first_queue
        if (not history.tail or history.tail[-1] is new) and contact.first_queue == first_queue:
            if new.type not in WRITTEN or new.actor != CUSTOMER or new.value is None:
                return state
            if not known or (new.time, new.id) > (known[-1].time, known[-1].id):
                return replace(state, messages=(*known, message(key, contact, contact.marks[-1])))
        fresh = messages_of(key, history.lives, state.settled)
        messages = replaced(known, key, fresh)
        judged = tuple(message for message in known if (message.time, message.id) <= state.judged)
        unchanged = messages[: len(judged)] == judged
        return replace(state, messages=messages, judged=state.judged if unchanged else NO_MESSAGE)

    def _judged(self, state: KnownMoods, now: int, view: View) -> After[KnownMoods]:
        """The alerts as they must stand; they wait while a history is arriving."""
        if not self.rules or any(each >= now for each in _touched(state.messages, view)):
            return After(state)
        decidable = decided(state.messages, now)
        published: list[Alert] = []
        known = state.alerts
        for rule in self.rules:
            old = [each.id for each in known.values() if each.rule == rule.name]
            mood = state.moods.get(rule.name, CALM)
            wanted = episodes(mood, decidable, rule, (view.owner, view.line), view.tiers, now)
            known, alerts = reconcile(known, old, wanted, now, Gone(WITHDRAWN, now))
            published += alerts
        judged = (decidable[-1].time, decidable[-1].id) if decidable else state.judged
        if published or judged != state.judged:
            state = replace(state, alerts=known, judged=judged)
        return After(state, alert_out(published, UNIT, view))

    def _settle(self, state: KnownMoods, count: int, view: View) -> KnownMoods:
        """The first ``count`` messages become part of the moods."""
        if count <= 0:
            return state
        last = state.messages[count - 1]
        settled, messages = settle(state.moods, state.messages, count, self.rules, view.tiers)
        return replace(state, moods=settled, messages=messages, settled=(last.time, last.id))

    def _decides(self, state: KnownMoods, view: View) -> list[int]:
        """The stream times to pass for a message to be judged, or silence to end an alert."""
        firing = [alert for alert in state.alerts.values() if alert.firing]
        if not self.rules or not (state.messages or firing):
            return []
        times = []
        due = next_decision(state.messages, state.judged, None if firing else self.wanted, view.tiers)
        if due is not None:
            times.append(due)
        for alert in firing:
            mood = state.moods.get(alert.rule, CALM)
            last = state.messages[-1].time if state.messages else mood.sums.at
            times.append(max(last, alert.since) + self.quiet_after.get(alert.rule, 0))
        touched = _touched(state.messages, view)
        return [max(each, *touched) for each in times] if touched else times

    def _forgets(self, state: KnownMoods) -> list[int]:
        """The stream times to pass for alerts to be forgotten that nothing calls up again."""
        if not state.alerts:
            return []
        crossings = _crossings(state.messages, state.moods)
        return [
            forgotten_at(alert, self.lateness_ms)
            for alert in state.alerts.values()
            if not alert.firing and alert.subject.message not in crossings
        ]


def _crossings(messages: Messages, moods: Mapping[str, Mood]) -> set[str]:
    """The messages that an episode may begin with."""
    return {message.id for message in messages} | {mood.firing.message.id for mood in moods.values() if mood.firing}


def _touched(messages: Messages, view: View) -> list[int]:
    """When the histories of messages last got an event, as far as that is not settled."""
    keys = {message.key for message in messages}
    return [
        history.touched
        for key in keys
        if (history := view.histories.get(key)) is not None and history.touched is not None
    ]
