"""What is kept for alert rules: the alerts that were told, the latest scored messages, and of those before them what
rules need."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import Alerts, Subject
from streams.alerts.watching import Found
from streams.contacts.histories import History
from streams.contacts.steps import CUSTOMER, Step
from streams.customers.watched.messages import NO_MESSAGE, WRITTEN, Messages, message, messages_of, replaced
from streams.customers.watched.moods import CALM, Mood, Way, followed
from streams.customers.watched.standings import Standing


class Going(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An episode that went on behind the last message that is no longer kept."""

    what: str
    since: int
    anchor: str
    value: int | float | None
    limit: int | float | None
    clear: int | float | None
    unit: str
    subject: Subject


class KnownWatch(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer for alert rules."""

    alerts: Alerts = {}
    """Told, by id."""
    messages: Messages = ()
    """The latest scored ones, in order."""
    sums: dict[str, Mood] = {}
    """The moods before ``messages``, by the way in which they are reckoned."""
    settled: tuple[int, str] = NO_MESSAGE
    """The last message that is part of those."""
    going: dict[str, Going] = {}
    """By rule."""
    judged: int = 0
    """The stream time up to which all was looked at."""


OF_RULE = "rule:"
"""In front of a rule's name, in place of a way: rows of before have a mood for each rule."""


def mood_of(state: KnownWatch, way: Way, rules: Iterable[str]) -> Mood:
    """Before the messages; ``rules``: those that reckon in that way."""
    names = (way.name, *(OF_RULE + rule for rule in rules))
    return next((state.sums[name] for name in names if name in state.sums), CALM)


def written(state: KnownWatch, key: str, new: Step, before: History | None, history: History) -> KnownWatch:
    """When a history got an event; as it was ``before``, and as it is."""
    known, contact = state.messages, history.lives[-1]
    first_queue = before.lives[-1].first_queue if before and before.lives else contact.first_queue
    if (not history.tail or history.tail[-1] is new) and contact.first_queue == first_queue:
        if new.type not in WRITTEN or new.actor != CUSTOMER or new.value is None:
            return state
        if not known or (new.time, new.id) > (known[-1].time, known[-1].id):
            return replace(state, messages=(*known, message(key, contact, contact.marks[-1])))
    messages = replaced(known, key, messages_of(key, history.lives, state.settled))
    return state if messages == known else replace(state, messages=messages)


def settle(
    state: KnownWatch,
    count: int,
    standings: Iterable[Standing],
    ways: Mapping[str, Way],
    ruled: Mapping[str, Sequence[str]],
) -> KnownWatch:
    """The first ``count`` messages become part of the moods. ``standings``: of rules about moods, as of the last of
    them; those that go on behind it are noted.
    """
    while 0 < count < len(state.messages) and state.messages[count].time == state.messages[count - 1].time:
        count += 1  # a moment is not cut in two
    if count <= 0:
        return state
    gone, last = state.messages[:count], state.messages[count - 1]
    sums = {name: followed(mood_of(state, way, ruled[name]), gone, way) for name, way in ways.items()}
    going = {
        each.rule: Going(
            each.what, each.since, each.anchor, each.value, each.limit, each.clear, each.unit, each.subject
        )
        for each in standings
        if each.since <= last.time and (each.until is None or each.until > last.time)
    }
    return replace(state, messages=state.messages[count:], sums=sums, settled=(last.time, last.id), going=going)


def without(state: KnownWatch, key: str, since: int) -> KnownWatch:
    """Without what a contact that goes to another customer brought from a moment on (ms)."""

    def goes(time: int, its: str) -> bool:
        return its == key and time >= since

    messages: Messages = tuple(each for each in state.messages if not goes(each.time, each.key))
    going = {rule: each for rule, each in state.going.items() if not goes(each.since, each.subject.key)}
    if len(messages) == len(state.messages) and len(going) == len(state.going):
        return state
    return replace(state, messages=messages, going=going)


def found_of(rule: str, going: Going) -> Found:
    """As the language of rules has it."""
    return Found(
        rule, "", going.what, going.since, None, going.anchor, going.value, going.limit, going.clear, going.unit,
        (going.anchor,),
    )  # fmt: skip
