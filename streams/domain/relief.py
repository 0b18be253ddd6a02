"""The size of a customer's row: a budget in bytes, and what becomes smaller when it is used up.

The row knows its size from above (`Customer.size`): what it had when it was measured, plus `growth` of each record
since. Only when that exceeds ``ROW_BYTES`` is the row encoded and measured, and only when it is larger indeed does it
give up something, the cheapest first, until ``ROW_KEPT`` bytes are left:

1. events that wait for late company are settled, resolved alerts that nothing can call up again forgotten;
2. older messages become part of the mood, older journeys and contacts listed in them are no longer kept;
3. contacts keep the latest of their marks, legs and tiers;
4. contacts are condensed, ended ones before open ones, the quietest first; an open one is closed at its last sign of
   life. What still comes of them is late;
5. lists are cut short, replays touched long ago forgotten.

No step counts anything twice or takes anything back: facts, journeys and alerts that are out stay as they are.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from streams.domain import alerts as alerting
from streams.domain import histories, lifecycle, waits
from streams.domain.alerts import Alert
from streams.domain.condensing import condense_early, condensed, settle_messages
from streams.domain.policy import Rules
from streams.domain.records import LIVE, Fact
from streams.domain.timeline_state import Place, Timeline

ROW_BYTES = 768_000
"""Most JSON bytes of a customer's row, all lines together: below the 1,000,000 that a changelog record may have."""
ROW_KEPT = 512_000
"""Bytes at most that are left of a row that exceeded it."""
LINE_KEPT = ROW_KEPT // 8
"""Bytes that one line may keep at least."""
RECORD_BYTES = 5_000
"""JSON bytes of a record without its texts, at most: six names of 200 characters."""
ALERT_BYTES = 6_000
"""JSON bytes of an alert, at most, its id as the key included."""

_encode = msgspec.json.Encoder().encode


class Limits(NamedTuple):
    """How much of each list is kept."""

    messages: int
    journeys: int
    listed: int
    marks: int
    legs: int
    said: int


_FEWER = Limits(messages=20, journeys=8, listed=10, marks=50, legs=10, said=8)
_FEWEST = Limits(messages=3, journeys=1, listed=3, marks=4, legs=2, said=4)


def growth(record_bytes: int, alerts: int) -> int:
    """Bytes that a record of this size and the alerts it caused add to a row at most: its event, leg, marks, message
    and contact, and all of it once more when events settle; names come from earlier records, too.
    """
    return 6 * (min(RECORD_BYTES, record_bytes)) + 4_096 + ALERT_BYTES * alerts


def grown_by_time(size: int, alerts: int) -> int:
    """Bytes of a row at most, after a deadline. Hundreds of contacts may settle at once, each to up to three times what
    it was: a row that may be too large then is to be measured.
    """
    return max(size, ROW_BYTES + 1) if size > ROW_BYTES // 3 else size + growth(0, alerts)


class Relief(NamedTuple):
    """Lines that fit, with the facts and the alerts by line of the contacts that were closed."""

    lines: dict[str, Timeline]
    size: int
    facts: tuple[Fact, ...] = ()
    alerts: tuple[tuple[str, Alert], ...] = ()


def measured(customer: Any) -> int:
    """The row's JSON bytes."""
    return len(_encode(customer))


def relieve(lines: dict[str, Timeline], place_of: Callable[[str], Place], rules: Rules) -> Relief:
    """Lines whose bytes are too many together, made smaller, the largest first."""
    sizes = {line: measured(timeline) for line, timeline in lines.items()}
    emitted: list[Fact] = []
    published: list[tuple[str, Alert]] = []
    lines = dict(lines)
    for line in sorted(sizes, key=lambda line: -sizes[line]):
        over = sum(sizes.values()) - ROW_KEPT
        if over > 0 and sizes[line] > LINE_KEPT:
            room = max(LINE_KEPT, sizes[line] - over)
            lines[line], alerts = _fitting(lines[line], place_of(line), rules, room, emitted)
            published += [(line, alert) for alert in alerts]
            sizes[line] = measured(lines[line])
    for line in [line for line in lines if line != LIVE]:
        if sum(sizes.values()) > ROW_BYTES:
            del lines[line], sizes[line]
    return Relief(lines, sum(sizes.values()), tuple(emitted), tuple(published))


def _fitting(
    timeline: Timeline, place: Place, rules: Rules, room: int, emitted: list[Fact]
) -> tuple[Timeline, list[Alert]]:
    """The timeline in no more than ``room`` bytes, as far as it can be; the facts are added to ``emitted``."""
    for stage in (_settled, _shorter, _lighter):
        timeline = replace(stage(timeline, place, rules, _FEWER), stale=True)
        if measured(timeline) <= room:
            return timeline, []
    alerts: list[Alert] = []
    while (keys := _quietest(timeline, measured(timeline) - room)) and measured(timeline) > room:
        change = condense_early(timeline, keys, place, rules)
        emitted += change.facts
        alerts += change.alerts
        timeline = _shorter(_settled(change.timeline, place, rules, _FEWER), place, rules, _FEWER)
    if measured(timeline) > room:
        timeline = _lighter(_shorter(timeline, place, rules, _FEWEST), place, rules, _FEWEST)
        timeline = replace(timeline, tiers=timeline.tiers[-2:], gone=dict(list(timeline.gone.items())[-200:]))
    return timeline, alerts


def _quietest(timeline: Timeline, over: int) -> list[str]:
    """Contacts that take up that many bytes, ended ones first; never the last one."""
    kept = timeline.histories
    order = sorted(kept, key=lambda key: (kept[key].lives[-1].state != lifecycle.END, kept[key].last, key))
    found: list[str] = []
    for key, _ in pairwise(order):
        if over <= 0:
            break
        over -= measured(kept[key])
        found.append(key)
    return found


def _settled(timeline: Timeline, place: Place, rules: Rules, limits: Limits) -> Timeline:
    """No event waits for late company any more; resolved alerts are forgotten where nothing calls them up again."""
    for key, history in timeline.histories.items():
        if history.tail:
            settled, finished = histories.settle(history, history.tail[-1].time, rules)
            timeline = condensed(replace(timeline, histories=timeline.histories | {key: settled}), finished, rules)
    wanted = {
        waits.name_of(rule, waits.Watch(key, history, place.owner, place.line, timeline.tiers), leg)
        for key, history in timeline.histories.items()
        for _, leg, rule in waits.watched(history, rules)
    }
    wanted |= {
        message for mood in timeline.moods.values() for message in ((mood.firing.message.id,) if mood.firing else ())
    } | {message.id for message in timeline.messages}
    kept = {
        name: alert
        for name, alert in timeline.alerts.items()
        if alert.firing or (name if alert.kind == alerting.WAIT else alert.subject.message) in wanted
    }
    return replace(timeline, alerts=kept)


def _shorter(timeline: Timeline, place: Place, rules: Rules, limits: Limits) -> Timeline:
    """Fewer messages, past journeys and contacts listed in them."""
    timeline = settle_messages(timeline, len(timeline.messages) - limits.messages, rules)
    past = timeline.past[-limits.journeys :]
    starts = {part.started for part in timeline.past[: -limits.journeys]}
    return replace(
        timeline,
        past=tuple(replace(part, listed=part.listed[-limits.listed :]) for part in past),
        shown={name: each for name, each in timeline.shown.items() if each.started not in starts},
    )


def _lighter(timeline: Timeline, place: Place, rules: Rules, limits: Limits) -> Timeline:
    """Contacts with fewer marks, legs and tiers."""
    kept = {
        key: histories.lighter(history, (limits.marks, limits.legs, limits.said), rules)
        for key, history in timeline.histories.items()
    }
    return _settled(replace(timeline, histories=kept), place, rules, limits)
