"""All alerts together: which silences and which other alerts lie over one, and how many of a rule may fire a minute.

Everything is kept in tables; what is found quickly by (`Covering`) follows from them, and is made anew when it is not
known.
"""

from collections.abc import Callable, Iterable, MutableMapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.alerts import machine
from streams.alerts.covering import Covering, attributes, rule_key
from streams.alerts.episodes import ERASED, MOVED
from streams.alerts.handling import Handling, Handlings
from streams.alerts.index import NOT_SWITCHED
from streams.alerts.machine import CAP, Cover, Refused, Standing, Step, Steps
from streams.alerts.matching import Matcher, fit, matcher
from streams.alerts.obeying import obey
from streams.alerts.rejudging import ruled
from streams.alerts.switching import Switched
from streams.base.alert_records import Command, Condition, ConditionSubject, Silenced
from streams.base.records import SEP, Erase
from streams.base.times import MINUTE_MS

NOBODYS = (ERASED, MOVED)
"""Reasons after which an alert is nobody's any more, and is forgotten at once."""
HELD_BACK = "held-back"
"""The alert that says how many of a rule are held back."""
MOST_SILENCES = 10_000


class Silence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One that holds or is to come."""

    id: str
    line: str
    matchers: tuple[str, ...]
    starts: int
    until: int
    by: str
    reason: str
    next: int
    """When it begins, or ends."""

    def holds(self, now: int) -> bool:
        return self.starts <= now < self.until


class Cap(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of one rule and line: how many have fired in a minute of stream time (its start, ms)."""

    line: str
    minute: int
    fired: int = 0
    held: int = 0


class Tables(NamedTuple):
    """By fingerprint; by line and name; by line and rule."""

    standings: MutableMapping[str, Standing]
    silences: MutableMapping[str, Silence]
    caps: MutableMapping[str, Cap]


class Gone(NamedTuple):
    """An alert that is forgotten: nothing stays of it."""

    fingerprint: str
    line: str


Told = Step | Gone


def _in_order(standing: Standing) -> tuple[int, str]:
    return standing.fired or 0, standing.condition.fingerprint


class Board:
    """``tables`` are changed by what it is told; ``forgotten`` has to be called when they were taken back."""

    def __init__(
        self,
        tables: Tables,
        rules: Handlings,
        switched: Switched = NOT_SWITCHED,
        ended: Callable[[str], bool] = lambda line: False,
    ) -> None:
        """``switched``: how the rules differ from those before; ``ended``: does nothing more come of a line?"""
        self.tables, self.rules, self.switched, self.ended = tables, rules, switched, ended
        self._known: Covering | None = None
        self._matchers: dict[str, tuple[tuple[str, ...], tuple[Matcher, ...]]] = {}

    def forgotten(self) -> None:
        """The tables were taken back."""
        self._known = None

    def rule(self, name: str) -> Handling:
        return self.rules.rules.get(name) or Handling(name)

    def go_by(self, rules: Handlings, switched: Switched) -> None:
        """Other rules from now on; `rejudge` each alert that is not over."""
        self.rules, self.switched, self._known = rules, switched, None

    def rejudge(self, fingerprint: str, now: int) -> list[Told]:
        """One alert by the rules in force, where it was judged by rules of before."""
        known = self.tables.standings.get(fingerprint)
        if known is None or known.ruled >= self.switched.number:
            return []
        name = known.condition.rule
        if known.base in machine.OVER or self.ended(known.line):
            return []
        if name == HELD_BACK:  # no rule of the file is its own; inhibitions may lie over it
            self.tables.standings[fingerprint] = replace(known, ruled=self.switched.number)
            return self._anew((fingerprint,), now)
        others = self.switched.after(known.ruled)
        rule = None if name in others.removed else self.rules.rules.get(name)
        told = self._kept(known, ruled(known, rule, self.rules.version, now, handled=name in others.handled), now)
        return told + self._anew((fingerprint,), now)

    def take(self, condition: Condition, now: int) -> list[Told]:
        """A condition holds, or is over."""
        told = self.rejudge(condition.fingerprint, now)
        known = self.tables.standings.get(condition.fingerprint)
        if self._is_of_before(condition):
            if condition.rule in self.rules.rules:
                condition = replace(condition, severity=self.rules.rules[condition.rule].severity)
            elif known is None or known.base in machine.OVER:
                return told
        after = machine.take(known, condition, self.rule(condition.rule), now, self._covers)
        told += self._kept(known, after, now)
        stands = self.tables.standings.get(condition.fingerprint)
        if stands is not None and stands.ended is not None and stands.because in NOBODYS:
            told += self._forget(condition.fingerprint, now)
        return told

    def _is_of_before(self, condition: Condition) -> bool:
        """By other rules: whoever told it does not know yet. Its rule may be gone, or have another severity."""
        others = self.rules.version and condition.version and condition.version != self.rules.version
        return bool(others) and condition.rule != HELD_BACK

    def before(self, command: Command, now: int) -> list[Told]:
        """Its alert by the rules in force, before `obey`."""
        known = self._of(command)
        return [] if known is None else self.rejudge(known.condition.fingerprint, now)

    def obey(self, command: Command, now: int) -> list[Told]:
        """A person's word on one alert, by its fingerprint or its episode. Raises `Refused`."""
        known = self._of(command)
        if known is None:
            raise Refused(
                "data.alert_id",
                "no such alert is known: it never fired, or it was over and is forgotten; the command changes nothing",
            )
        return self._kept(known, [obey(known, command, self.rule(known.condition.rule), now)], now)

    def silence(self, told: Silenced, now: int) -> list[Told]:
        """A silence is set, or ended. Raises `Refused`."""
        key = f"{told.line}{SEP}{told.silence}"
        if told.until is None:
            if self.tables.silences.pop(key, None) is None:
                raise Refused("data.silence_id", "no such silence holds or is to come")
            return self._anew(self.covering.active(told.line), now)
        if told.until <= max(now, told.starts or now):
            raise Refused("data.ends", "a silence needs an end that lies ahead, behind its start")
        try:
            for text in told.matchers:
                matcher(text)
        except ValueError as error:
            raise Refused("data.matchers", str(error)) from None
        if key not in self.tables.silences and len(self.tables.silences) >= MOST_SILENCES:
            raise Refused("data.silence_id", f"there are {MOST_SILENCES} silences; end some before")
        starts = now if told.starts is None else told.starts
        first = starts if starts > now else told.until
        self.tables.silences[key] = Silence(
            told.silence, told.line, told.matchers, starts, told.until, told.by, told.reason, first
        )
        return self._anew(self.covering.active(told.line), now)

    def erase(self, told: Erase, now: int) -> list[Told]:
        """Somebody is forgotten: so is every alert about them that began by then, on the line or on every line."""
        found: list[Told] = []
        for fingerprint, known in [*self.tables.standings.items()]:
            its = known.condition.subject.customer == told.owner and known.condition.since <= told.time
            if its and (told.every or known.line == told.line):
                found += self._forget(fingerprint, now)
        return found

    def passed(self, fingerprint: str, now: int) -> list[Told]:
        """Stream time has passed an alert's deadline."""
        told = self.rejudge(fingerprint, now)
        known = self.tables.standings[fingerprint]
        steps = machine.passed(known, self.rule(known.condition.rule), now, self._covers)
        return told + (self._forget(fingerprint, now) if steps is None else self._kept(known, steps, now))

    def passed_silence(self, key: str, now: int) -> list[Told]:
        """A silence begins, or ends."""
        known = self.tables.silences[key]
        if now >= known.until:
            del self.tables.silences[key]
        else:
            self.tables.silences[key] = replace(known, next=known.until)
        return self._anew(self.covering.active(known.line), now)

    def passed_cap(self, key: str, now: int) -> list[Told]:
        """A minute is over: of those that are held back as many are told as there is room for."""
        known, told = self.tables.caps[key], list[Told]()
        for fingerprint in sorted(self.covering.held(key)):
            told += self.rejudge(fingerprint, now)
        most = self.rule(key.partition(SEP)[2]).per_minute
        held = sorted(self.covering.held(key), key=lambda each: _in_order(self.tables.standings[each]))
        minute = now - now % MINUTE_MS
        if minute <= known.minute:
            return told
        room = held if most is None else held[:most]
        if not held:
            del self.tables.caps[key]
            return told + self._say_held(key, 0, now)
        left = len(held) - len(room)
        self.tables.caps[key] = Cap(known.line, minute, len(room), left)
        for fingerprint in room:
            standing = self.tables.standings[fingerprint]
            cover = self._cover(standing, now)._replace(inhibitor=self.covering.inhibitor(standing))
            step = machine.covered(standing, cover, now)
            told += self._kept(standing, [step] if step else [], now)
        return told + self._say_held(key, left, now)

    def drop(self, table: str, key: str) -> list[Told]:
        """A row of a line that is forgotten."""
        if table == "standings":
            self.covering.moved(known := self.tables.standings.pop(key), None)
            return [Gone(key, known.line)]
        (self.tables.silences if table == "silences" else self.tables.caps).pop(key, None)
        return []

    def _of(self, command: Command) -> Standing | None:
        known = self.tables.standings.get(command.alert)
        every = self.tables.standings.values()
        return known or next((each for each in every if each.condition.episode == command.alert), None)

    def _kept(self, known: Standing | None, after: Steps | Standing, now: int) -> list[Told]:
        """The steps of one alert, and what they mean for others."""
        if isinstance(after, Standing):
            self.tables.standings[after.condition.fingerprint] = self._scheduled(after)
            return []
        told: list[Told] = [*after]
        if not after:
            return told
        standing = self._scheduled(after[-1].standing)
        self.tables.standings[standing.condition.fingerprint] = standing
        changed = self.covering.moved(known, standing)
        if any(step.because == "capped" for step in after):
            key = rule_key(standing)
            told += self._say_held(key, len(self.covering.held(key)), now)
        return told + self._anew((each for place in changed for each in self.covering.targets(place)), now)

    def _anew(self, fingerprints: Iterable[str], now: int) -> list[Told]:
        """What lies over these may have changed."""
        told: list[Told] = []
        for fingerprint in fingerprints:
            told += self.rejudge(fingerprint, now)
            known = self.tables.standings[fingerprint]
            step = machine.covered(known, self._cover(known, now), now)
            told += self._kept(known, [step] if step else [], now)
        return told

    def _scheduled(self, known: Standing) -> Standing:
        at = machine.due(known, self.rule(known.condition.rule))
        return replace(known, due=None if at is None else at - 1, ruled=self.switched.number)

    def _forget(self, fingerprint: str, now: int) -> list[Told]:
        known = self.tables.standings.pop(fingerprint)
        changed = self.covering.moved(known, None)
        gone: list[Told] = [Gone(fingerprint, known.line)]
        return gone + self._anew((each for place in changed for each in self.covering.targets(place)), now)

    def _covers(self, known: Standing, at: int) -> Cover:
        """Of one that fires now: its rule may have told its share of the minute."""
        cover = self._cover(known, at)
        most = self.rule(known.condition.rule).per_minute
        if most is None or known.inhibited_by is not None or (known.revision and known.active):
            return cover
        key, minute = rule_key(known), at - at % MINUTE_MS
        cap = self.tables.caps.get(key) or Cap(known.line, minute)
        if minute > cap.minute and not cap.held:
            cap = Cap(known.line, minute)
        full = cap.fired >= most
        self.tables.caps[key] = replace(cap, fired=cap.fired + (not full), held=cap.held + full)
        return cover._replace(inhibitor=CAP) if full else cover

    def _cover(self, known: Standing, now: int) -> Cover:
        """What lies over an alert; what is held back stays so."""
        silence = known.silenced_by if known.snoozed_until is not None else self._silence(known, now)
        return Cover(silence, CAP if known.inhibited_by == CAP else self.covering.inhibitor(known))

    def _silence(self, known: Standing, now: int) -> str | None:
        if not self.tables.silences:
            return None
        found = attributes(known)
        for key, each in self.tables.silences.items():
            if each.line == known.line and each.holds(now) and fit(self._read(key, each.matchers), found):
                return each.id
        return None

    def _read(self, key: str, texts: tuple[str, ...]) -> tuple[Matcher, ...]:
        known = self._matchers.get(key)
        if known is None or known[0] != texts:
            known = self._matchers[key] = texts, tuple(map(matcher, texts))
        return known[1]

    @property
    def covering(self) -> Covering:
        if self._known is None:
            self._known = Covering(self.rules.inhibitions, self.tables.standings)
        return self._known

    def _say_held(self, key: str, held: int, now: int) -> list[Told]:
        """How many of a rule are held back, as an alert of its own."""
        line, _, rule = key.partition(SEP)
        name = f"{HELD_BACK}.{rule}" + (f"~{line}" if line else "")
        known = self.tables.standings.get(name)
        if not held and (known is None or not known.active):
            return []
        since = now if known is None or not known.active else known.condition.since
        episode = f"{name}.{since}"
        return self.take(
            Condition(
                episode=episode,
                fingerprint=name,
                rule=HELD_BACK,
                what="held_back",
                severity="warning",
                subject=ConditionSubject("system", source=rule),
                since=since,
                at=now,
                value=held,
                limit=self.rule(rule).per_minute,
                until=None if held else now,
                line=line,
                version=self.rules.version,
            ),
            now,
        )
