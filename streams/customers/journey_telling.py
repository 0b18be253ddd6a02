"""What is told of journeys on the topic ``journeys``: one record each, under the journey's name, when it looks
different than it was published last.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.base.records import Fact
from streams.customers import answers, backlog, callbacks, journey_names
from streams.customers.follow import Out, View
from streams.customers.journey_facts import difference, solved
from streams.customers.journey_parts import Found
from streams.customers.journey_records import others, record
from streams.customers.journey_rules import JourneyRules
from streams.customers.journey_state import KnownJourneys, Shown, too_many_gone
from streams.customers.journey_whole import Whole
from streams.customers.touchpoints import Touchpoint

TOPIC = "journeys"
_encode = msgspec.json.Encoder().encode


def told(
    state: KnownJourneys,
    journeys: Mapping[str, Found],
    which: tuple[Mapping[str, bool], Collection[str]],
    view: View,
    rules: JourneyRules,
) -> tuple[KnownJourneys, list[Out], tuple[Fact, ...]]:
    """What differs from what was published, and from what was counted; the current journey, the one heard of last,
    names the others. ``which``: are closed; are over for good.
    """
    closed, over = which
    shown, records, facts = _withdrawn(state, journeys, view)
    floor = max([state.floor, *(shown.pop(name).revision for name in too_many_gone(shown))])
    kept, wholes = state.kept, {name: each.whole for name, each in journeys.items()}
    going = (name for name in wholes if name not in over)
    current = max(going, key=lambda name: (wholes[name].last, wholes[name].started, name), default=None)
    for name, whole in wholes.items():
        named_too = others(_beside(wholes, closed, name)) if name == current else []
        known, digest = state.shown.get(name), _digest(whole, closed[name], named_too)
        if known is not None and known.gone is None and known.digest == digest:
            shown[name] = known
            if known.stays is None and not closed[name]:  # open journeys of a version before are in the backlog, too
                shown[name], more = _open(known, journeys[name], None, view)
                facts += more
            continue
        revision = (known.revision if known else floor) + 1
        if known is None and kept and (was := kept.get(short := journey_names.short(name, whole.started))):
            kept, revision = journey_names.without(kept, [short]), was.revision + 1
        value = record(name, whole, view.owner, view.line, closed[name], revision)
        value["others"] = named_too
        records.append(Out(TOPIC, name.encode(), value))
        counted, was_counted = solved(journeys[name], rules.repeat_ms), known.solved if known else None
        facts += difference(was_counted, counted, view.line)
        now = Shown(whole.started, revision, closed[name], digest, None, counted, known.stays if known else None)
        shown[name], more = _open(now, journeys[name], closed_at(whole, rules) if closed[name] else None, view)
        facts += more
    return replace(state, shown=shown, floor=floor, kept=kept), records, facts


def closed_at(whole: Whole, rules: JourneyRules) -> int:
    """When a journey that nothing happens to any more is closed, ms."""
    return whole.last + rules.longest_ms


def _open(shown: Shown, journey: Found, closed: int | None, view: View) -> tuple[Shown, tuple[Fact, ...]]:
    """What was told of a journey with its stays in the backlog; ``closed``: when it was, if it is."""
    stays = backlog.stays(journey, closed)
    facts = backlog.difference(shown.started, shown.stays or (), stays, view.line)
    return (shown, facts) if stays == shown.stays else (replace(shown, stays=stays), facts)


def _withdrawn(
    state: KnownJourneys, journeys: Mapping[str, Found], view: View
) -> tuple[dict[str, Shown], list[Out], tuple[Fact, ...]]:
    """Names that no longer hold, what takes them back, and what they counted."""
    shown, records = {}, []
    facts: tuple[Fact, ...] = ()
    for name, old in state.shown.items():
        if name in journeys:
            continue
        if old.gone is None:
            records.append(Out(TOPIC, name.encode(), None))
            facts += difference(old.solved, None, view.line)
            facts += backlog.difference(old.started, old.stays or (), (), view.line)
            at = old.started if view.now is None else max(old.started, view.now)
            old = Shown(old.started, old.revision, True, 0, at)  # noqa: PLW2901
        shown[name] = old
    return shown, records, facts


def counted(state: KnownJourneys, points: Sequence[Touchpoint], view: View) -> tuple[KnownJourneys, tuple[Fact, ...]]:
    """What the customer's contacts count for together: answers to the NPS survey, and call-backs."""
    facts: tuple[Fact, ...] = ()
    if state.answers or any(point.nps for point in points):
        given = answers.known(state.answers, points)
        facts += answers.difference(state.answers, given, view.line)
        state = replace(state, answers=answers.remembered(given, points, view.now))
    if state.callbacks or any(point.callback for point in points):
        asked = callbacks.known(state.callbacks, points)
        facts += callbacks.difference(state.callbacks, asked, view.line)
        state = replace(state, callbacks=answers.remembered(asked, points, view.now))
    return state, facts


def uncounted(state: KnownJourneys, names: Collection[callbacks.Name], group: str | None = None) -> KnownJourneys:
    """Contacts go to another customer with that; ``names``: theirs, ``group``: of those that are no longer kept."""
    if not state.answers and not state.callbacks:
        return state
    given = answers.without(state.answers, names, group)
    return replace(state, answers=given, callbacks=callbacks.without(state.callbacks, names, group))


def given_up(state: KnownJourneys, at: int, line: str) -> tuple[Fact, ...]:
    """The customer, or the line, is to be forgotten from a moment on (ms): no journey is open any more."""
    return tuple(
        fact for each in state.shown.values() for fact in backlog.given_up(each.started, each.stays or (), at, line)
    )


def tombstones(kept: Iterable[str], view: View) -> list[Out]:
    """For journeys that are over for good, by `journey_names.short`."""
    return [Out(TOPIC, journey_names.key_of(name, view.owner, view.line), None) for name in kept]


def taken_back(state: KnownJourneys, view: View) -> list[Out]:
    """For all of which there is a record."""
    standing = [Out(TOPIC, name.encode(), None) for name, each in state.shown.items() if each.gone is None]
    return standing + tombstones(state.kept, view)


def _beside(wholes: Mapping[str, Whole], closed: Mapping[str, bool], name: str) -> list[tuple[str, Whole]]:
    """The journeys beside one that may still go on."""
    return [(other, each) for other, each in wholes.items() if other != name and not closed[other]]


def _digest(whole: Whole, closed: bool, beside: list[dict[str, Any]]) -> int:
    return crc32(_encode((whole, closed, beside) if beside else (whole, closed)))
