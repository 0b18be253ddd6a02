"""Rules about connectors, and the alert that always fires: what `ingest` heard, minute by minute of the live line.

A minute is looked at when stream time has passed it by `SLACK_MS`: by then every task of `ingest` has told of it, since
it tells at most `PULSE_MS` later, and time does not go on without it.
"""

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from streams.alerts import hearing
from streams.alerts.bounded import Span, Stood, Told, going, gone_by, looked_at, settled
from streams.alerts.hearing import ALL_SILENT, NO_HISTORY, REACH_MS, Gap, Place, Places, learnt, slot_of
from streams.alerts.index import Index
from streams.alerts.signals import Params, Piece, Signal
from streams.alerts.watching import watch
from streams.base.alert_records import Condition, ConditionSubject, Heard, Pulse
from streams.base.records import LIVE, SEP
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

SLACK_MS = 15 * SECOND_MS
MOST_KNOWN, MOST_REFUSED = 200, 50
"""Connectors by channel of which events are taken in, and others of which all is refused. What is beyond is `OTHER`."""
OTHER, NAMELESS = "other", "unknown"
"""All others together; records of which nobody knows whose they are."""
FORGOTTEN_MS, REFUSED_FORGOTTEN_MS = 35 * DAY_MS, DAY_MS
"""A connector of which nothing is heard for so long is forgotten; one of which all is refused."""
REFUSED_KEPT_MS = HOUR_MS
WATCHDOG = "watchdog"
NEVER = -(1 << 62)


class Connector(msgspec.Struct, frozen=True, omit_defaults=True):
    """One connector on one channel; key ``source ␟ channel``."""

    last: int | None = None
    """The last minute in which an event was taken in, of those that are looked at; None = none ever was."""
    coming: dict[int, tuple[int, int]] = {}
    """Minutes that are not looked at yet → taken in, and refused."""
    refused: dict[int, int] = {}
    """Minutes of the last hour in which something was."""
    hour: int | None = None
    """The hour that is being added up."""
    longest: int = 0
    """Its longest run of minutes so far in which nothing came."""
    run: int = 0
    """The run that goes on."""
    stood: tuple[Stood, ...] = ()
    heard: int = NEVER
    """The last minute of which anything was heard."""
    version: str = ""
    number: int = 0
    """Of the rules, as they were applied."""


class History(msgspec.Struct, frozen=True):
    """What hours of the week were like; the same key."""

    hours: bytes = NO_HISTORY
    recent: tuple[tuple[int, int], ...] = ()
    """Hours (ms) that are over, and their longest silences: as long as one is looked at, it is not what is usual."""

    def learn(self, hour: int, longest: int, zone: ZoneInfo) -> "History":
        """With one more hour that is over."""
        recent, hours = [*self.recent, (hour, min(longest, ALL_SILENT))], self.hours
        while recent[0][0] <= hour - REACH_MS:
            begun, silent = recent.pop(0)
            hours = learnt(hours, slot_of(begun, zone), silent)
        return History(hours, tuple(recent))


class Beat(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far minutes were looked at, and what always fires."""

    reached: int
    stood: tuple[Stood, ...] = ()
    version: str = ""
    number: int = 0


@dataclass
class ConnectorTables:
    """Name → value type: what the agent declares, or plain dicts."""

    connectors: MutableMapping[str, Connector] = field(default_factory=dict)
    heard_before: MutableMapping[str, History] = field(default_factory=dict)
    beats: MutableMapping[str, Beat] = field(default_factory=dict)


CONNECTOR_TYPES: dict[str, Any] = {"connectors": Connector, "heard_before": History, "beats": Beat}
assert set(CONNECTOR_TYPES) == {f.name for f in fields(ConnectorTables)}


@dataclass(frozen=True)
class Connectors:
    """``rules``: those about connectors; ``system``: the ones that always fire; ``place``: of a channel."""

    rules: Index
    system: Index
    place: Places
    rows: ConnectorTables

    def heard(self, pulse: Pulse) -> None:
        """What came; it is looked at when its minute has passed."""
        reached = self.reached
        for each in pulse.of:
            minute = each.minute if reached is None else max(each.minute, reached)
            key = self._key(each)
            row = self.rows.connectors.get(key) or Connector()
            accepted, refused = row.coming.get(minute, (0, 0))
            coming = {**row.coming, minute: (accepted + each.accepted, refused + each.refused)}
            self.rows.connectors[key] = replace(row, coming=coming, heard=max(row.heard, minute))

    @property
    def reached(self) -> int | None:
        """Minutes before it are looked at."""
        beat = self.rows.beats.get(LIVE)
        return beat.reached if beat else None

    def is_due(self, now: int) -> bool:
        """Is there a minute to be looked at? ``now``: stream time of the live line."""
        reached = self.reached
        return reached is None or _minute(now - SLACK_MS) > reached

    def passed(self, now: int) -> Iterator[Condition]:
        """Look at the minutes that stream time has passed: conditions that begin, change or are over."""
        until = _minute(now - SLACK_MS)
        beat = self.rows.beats.get(LIVE) or Beat(until - MINUTE_MS)
        span = Span(beat.reached, until, beat.reached, MINUTE_MS, until)
        for key in sorted(self.rows.connectors):
            yield from self._look(key, span)
        yield from self._always(beat, span)

    def _always(self, beat: Beat, span: Span) -> Iterator[Condition]:
        """What always fires is told once more each minute, with the minute as its value: whoever hears an old one knows
        that nothing is judged any more."""
        until, since = span.now, {each.rule: each.since for each in beat.stood}
        look = watch(self.system, {}, lambda name, _: _for_ever(name, until), until)
        found = [
            each._replace(since=since.get(each.rule, each.since), value=until, unit="time")
            if each.what == WATCHDOG
            else each
            for each in look.found
        ]
        system = self.system
        gone = gone_by({rule.name for rule in system.rules}, system.goes_by(beat.version, beat.number))
        over = system.switched.after(beat.number).removed
        stood, changed = settled(beat.stood, found, span, gone, over=over)
        self.rows.beats[LIVE] = Beat(until, tuple(each for each in stood if each.open), system.version, system.number)
        told = Told(ConditionSubject("system"), f"system:{WATCHDOG}", LIVE, self.system.version)
        yield from (told.condition(each, span) for each in changed)

    def _key(self, heard: Heard) -> str:
        key = f"{heard.source or NAMELESS}{SEP}{heard.channel}"
        known = self.rows.connectors.get(key)
        if known is not None and (known.last is not None or not heard.accepted):
            return key
        named = [row for row in self.rows.connectors.values() if _is_taken(row) == bool(heard.accepted)]
        most = MOST_KNOWN if heard.accepted else MOST_REFUSED
        return key if known is not None or len(named) < most else f"{OTHER}{SEP}{heard.channel}"

    def _look(self, key: str, span: Span) -> Iterator[Condition]:
        row, place = self.rows.connectors[key], self.place(key.partition(SEP)[2])
        gaps, after = self._minutes(key, row, span, place)
        yield from self._judged(key, after, gaps, span, place)

    def _minutes(self, key: str, row: Connector, span: Span, place: Place) -> tuple[list[Gap], Connector]:
        """The silences of the minutes that have passed, and the row after them."""
        due = sorted(minute for minute in row.coming if minute < span.now)
        heard = [minute for minute in due if row.coming[minute][0]]
        gaps, last = list[Gap](), row.last
        for minute in heard:
            if last is not None and minute > last + MINUTE_MS:
                gaps.append((last + MINUTE_MS, minute))
            last = minute
        if last is not None and last + MINUTE_MS <= span.now:
            gaps.append((last + MINUTE_MS, None))
        refused = {minute: n for minute, n in row.refused.items() if minute >= span.since - REFUSED_KEPT_MS}
        refused |= {minute: n for minute in due if (n := row.coming[minute][1])}
        after = replace(row, last=last, refused=refused, coming={m: n for m, n in row.coming.items() if m >= span.now})
        return gaps, self._added_up(key, row, after, frozenset(heard), (span.now, place))

    def _added_up(
        self, key: str, before: Connector, row: Connector, heard: frozenset[int], to: tuple[int, Place]
    ) -> Connector:
        """Count the minutes of each hour; the hours that are over enter the history, but those of special days."""
        now, place = to
        if row.last is None:
            return row
        if before.hour is None:  # it is known since the next whole hour
            first = min(heard)
            return replace(row, hour=first - first % HOUR_MS + HOUR_MS, longest=0, run=0)
        hour, longest, run = before.hour, before.longest, before.run
        history: History | None = None
        minute = hour + (0 if now <= hour else max(0, (self.reached or hour) - hour))
        while minute < now:
            if minute >= hour + HOUR_MS:
                if not place.is_special(hour):
                    history = history or self.rows.heard_before.get(key) or History()
                    history = history.learn(hour, longest, place.zone)
                hour, longest, run = hour + HOUR_MS, 0, 0
            run = 0 if minute in heard else run + 1
            longest = max(longest, run)
            minute += MINUTE_MS
        if history is not None:
            self.rows.heard_before[key] = history
        return replace(row, hour=hour, longest=longest, run=run)

    def _judged(self, key: str, row: Connector, gaps: list[Gap], span: Span, place: Place) -> Iterator[Condition]:
        source, channel = key.split(SEP)

        def signals(name: str, params: Params) -> Signal:
            if name == "silence":
                return hearing.silence(gaps)
            if name == "unusual_silence":
                history = (self.rows.heard_before.get(key) or History()).hours
                return hearing.unusual_silence(gaps, history, place, span.now, params)
            return hearing.dead_letters(row.refused, span.before, span.now, params)

        begun = going(row.stood, span.since)
        look = watch(
            self.rules,
            {"source": source, "channel": channel},
            signals,
            span.now,
            self.rules.going_on(begun, row.version, row.number),
            span.since,
        )
        found = looked_at(look.found, begun, span.since)
        gone = gone_by(self._names, self.rules.goes_by(row.version, row.number))
        over = self.rules.switched.after(row.number).removed
        stood, changed = settled(row.stood, found, span, gone, over=over)
        stood = tuple(each for each in stood if each.open)
        by = (self.rules.version, self.rules.number) if stood else ("", 0)
        after = replace(row, stood=stood, version=by[0], number=by[1])
        idle = FORGOTTEN_MS if after.last is not None else REFUSED_FORGOTTEN_MS
        if not after.coming and after.heard < span.now - idle:
            self.rows.heard_before.pop(key, None)
            del self.rows.connectors[key]
            changed = [*changed, *(replace(each, until=span.now, reason="quiet") for each in stood)]
        elif after != self.rows.connectors[key]:
            self.rows.connectors[key] = after
        told = Told(
            ConditionSubject("connector", source=source, channel=channel),
            f"connector:{source}|{channel}",
            LIVE,
            self.rules.version,
        )
        for each in changed:
            condition = told.condition(each, span)
            # What ended it came in the minute that begins there, and is known when that has passed.
            yield condition if each.until is None else replace(condition, at=span.at(each.until + 1))

    @cached_property
    def _names(self) -> set[str]:
        return {rule.name for rule in self.rules.rules}


def _is_taken(row: Connector) -> bool:
    return row.last is not None or any(accepted for accepted, _ in row.coming.values())


def _minute(at: int) -> int:
    return at - at % MINUTE_MS


def _for_ever(name: str, now: int) -> Signal:
    return (Piece(now, None, 1.0, anchor=WATCHDOG),) if name == WATCHDOG else ()
