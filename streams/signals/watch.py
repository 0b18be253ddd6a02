"""Count judged contacts by subject and hour; test the hours that can no longer change; tell what fires and what is
over.

An hour is tested once, when stream time has passed its end by the lateness. So what is told follows from the facts and
from stream time, not from their order: what is taken back or comes late changes an hour before it is tested, and what
comes after that is not counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log
from typing import Any, Literal

from msgspec.structs import replace

from streams.base.records import LIVE, SEP, Fact
from streams.base.times import DAY_MS, HOUR_MS, iso
from streams.signals.rules import SignalRules
from streams.signals.sequential import NONE, Sample, log_e
from streams.signals.tables import (
    EXAMPLES,
    FOREVER,
    KEPT_EXAMPLES,
    NEVER,
    Day,
    Episode,
    Example,
    Hour,
    Subject,
    Tables,
    Trial,
    key_of,
    of_line,
    shown,
)
from streams.signals.unnaming import withdraw


class SubjectFault(Exception):
    """What is told of a subject cannot be made; ``key`` begins the keys of its rows."""

    def __init__(self, key: str) -> None:
        super().__init__("what is told of a product or topic cannot be made")
        self.key = key


Counted = Literal["counted", "too_late", "too_many"]
LARGEST_LOG = 690.0
"""An e-value beyond is told as e to this power: no number is larger by much."""


def fold(tables: Tables, fact: Fact, rules: SignalRules) -> Counted:
    """Count a judged contact (sign −1: take it back)."""
    start = fact.time - fact.time % HOUR_MS
    if start < tables.reached.get(fact.line, NEVER):
        return "too_late"
    key = key_of(fact)
    if key not in tables.subjects:
        if _is_full(tables, fact.line, rules.max_names):
            return "too_many"
        tables.subjects[key] = Subject()
    at = f"{key}{SEP}{start}"
    hour = _added(tables.hours.get(at) or Hour(), fact)
    if hour == Hour():
        del tables.hours[at]
    else:
        tables.hours[at] = hour
    return "counted"


def _is_full(tables: Tables, line: str, most: int) -> bool:
    """Whether no more names of a line are watched. The live line has room of its own, whatever replays there are."""
    if len(tables.subjects) < most:
        return False
    return line != LIVE or len(of_line(tables.subjects, line)) >= most


def _added(hour: Hour, fact: Fact) -> Hour:
    contacts = hour.contacts + fact.sign
    if not fact.value:
        return replace(hour, contacts=contacts)
    example = Example(fact.time, fact.channel, fact.id, fact.event or "", fact.owner or "")
    others = [each for each in hour.examples if each.name != example.name]
    kept = sorted((*others, example)) if fact.sign > 0 else others
    return Hour(contacts, hour.negative + fact.sign, tuple(kept[-KEPT_EXAMPLES:]))


def is_due(tables: Tables, line: str, sealed: int, ended: bool, rules: SignalRules) -> bool:
    """Are there hours to be tested, when the figures have come to ``sealed``?"""
    reached = tables.reached.get(line, NEVER)
    return reached < FOREVER if ended else sealed - rules.lateness_ms >= max(reached, 0) + HOUR_MS


def advance(tables: Tables, line: str, sealed: int, ended: bool, rules: SignalRules) -> Iterator[dict[str, Any]]:
    """Test what stream time has passed; ``ended``: no fact of the line will come any more. Gives what is to publish, in
    the order of time for each subject.
    """
    if not is_due(tables, line, sealed, ended, rules):
        return
    until = FOREVER if ended else (sealed - rules.lateness_ms) // HOUR_MS * HOUR_MS
    due: dict[str, list[tuple[int, str]]] = {}
    for at in of_line(tables.hours, line):
        key, _, start = at.rpartition(SEP)
        if int(start) < until:
            due.setdefault(key, []).append((int(start), at))
    open_still = {at.rpartition(SEP)[0] for at in of_line(tables.hours, line) if int(at.rpartition(SEP)[2]) >= until}
    for key in sorted(of_line(tables.subjects, line)):
        course = Course(key, tables.subjects[key], rules, [])
        try:
            for begun, hour in sorted(due.get(key, ())):
                course.take(begun, tables.hours.pop(hour))
            if not ended:
                course.come_to(until // DAY_MS)
        except Exception as error:
            raise SubjectFault(key) from error
        if course.subject != Subject() or key in open_still:
            tables.subjects[key] = course.subject
        else:
            del tables.subjects[key]
        yield from course.out
        if course.told is not None:
            tables.tell(key, *course.told)
    yield from withdraw(tables)
    tables.reached[line] = until
    if ended:
        tables.forget(line)


@dataclass
class Course:
    """One subject while its hours are tested."""

    key: str
    subject: Subject
    rules: SignalRules
    out: list[dict[str, Any]]
    told: tuple[dict[str, Any], tuple[Example, ...]] | None = None
    """The last of them, and the examples in it."""

    def take(self, start: int, hour: Hour) -> None:
        """Count and test an hour."""
        day = start // DAY_MS
        self.come_to(day)
        negative = max(0, hour.negative)
        more = Sample(max(0, hour.contacts, negative), negative)
        subject = self.subject
        today = subject.today or Day(day, 0, 0)
        episode = subject.episode
        self.subject = replace(
            subject,
            today=Day(day, today.contacts + more.contacts, today.negative + more.negative),
            trials=tuple(_with(trial, more) for trial in subject.trials),
            examples=(*subject.examples, *hour.examples)[-EXAMPLES:],
            episode=replace(episode, heard=day) if episode and more.contacts else episode,
        )
        self._test(start + HOUR_MS + self.rules.lateness_ms)

    def _test(self, now: int) -> None:
        """Does one of the tests find a rise? ``now``: the stream time that had to pass (ms)."""
        rules = self.rules
        rise = max(rules.least_rise, rules.tolerated_rise)  # below the second no e-value is above 1
        found = [
            (log_e(before(trial), since(trial), rules.tolerated_rise), -trial.day, trial)
            for trial in self.subject.trials
            if trial.contacts >= rules.min_contacts
            and trial.negative >= rules.min_negative
            and since(trial).share > rise * before(trial).share
        ]
        value, _, trial = max(found, default=(0.0, 0, None))
        if trial is None or value < -log(rules.level):
            return
        subject = self.subject
        episode = Episode(
            trial,
            value,
            now,
            tuple(each for each in subject.examples if each.time >= trial.day * DAY_MS),
            tuple(day for day in subject.days if day.day >= trial.day),
            trial.day if subject.today is None else subject.today.day,
        )
        history = tuple(day for day in subject.days if day.day < trial.day)
        self.subject = replace(subject, days=history, trials=(), episode=episode)
        self._tell(record(self.key, episode, rules), episode)

    def come_to(self, day: int) -> None:
        """End the days before this one (since the epoch, UTC)."""
        while (today := self.subject.today) is not None and today.day < day:
            self._end(today)
            next_day = Day(today.day + 1, 0, 0)
            empty = not (self.subject.days or self.subject.episode)
            self.subject = Subject() if empty else replace(self.subject, today=next_day)
        if self.subject.today is None and self.subject.days:
            self.subject = replace(self.subject, today=Day(day, 0, 0))

    def _end(self, today: Day) -> None:
        subject, rules = self.subject, self.rules
        if subject.episode is not None:
            self._go_on(subject.episode, today)
            subject = self.subject
        elif today.contacts:
            subject = replace(subject, days=(*subject.days, today))
        first = today.day + 1 - 2 * rules.history_days
        days = tuple(day for day in subject.days if day.day >= first)[-rules.history_days :]
        if subject.episode is not None:
            days = subject.days  # what was normal is kept for as long as it is not
        history = total(days)
        trials = tuple(trial for trial in subject.trials if trial.day + rules.test_days > today.day + 1)
        if subject.episode is None and history.contacts >= rules.min_history:
            trials += (Trial(today.day + 1, *history),)
        self.subject = replace(subject, days=days, trials=trials, examples=subject.examples if days else ())

    def _go_on(self, episode: Episode, today: Day) -> None:
        """A day of an episode is over; is the episode?"""
        rules, end = self.rules, (today.day + 1) * DAY_MS
        days = (*episode.days, today)
        recent = total(days[-rules.calm_days :])
        whole_days_since = end - rules.calm_days * DAY_MS >= episode.fired_at - rules.lateness_ms - HOUR_MS
        normal, risen = before(episode.trial).share, since(episode.trial).share
        calm = recent.share <= risen - rules.recovery * (risen - normal)
        if whole_days_since and calm and recent.contacts >= rules.min_contacts:
            self._over(episode, end, "recovered")
        elif end - (episode.heard + 1) * DAY_MS >= rules.quiet_after:
            self._over(episode, end, "quiet")
        elif len(days) >= rules.history_days:
            self._over(episode, end, "usual")
            self.subject = replace(self.subject, days=tuple(day for day in days if day.contacts))
        else:
            self.subject = replace(self.subject, episode=replace(episode, days=days))

    def _over(self, episode: Episode, at: int, reason: str) -> None:
        self.subject = replace(self.subject, episode=None)
        self._tell(record(self.key, episode, self.rules, at, reason), episode)

    def _tell(self, signal: dict[str, Any], episode: Episode) -> None:
        self.out.append(signal)
        self.told = signal, episode.examples


def _with(trial: Trial, more: Sample) -> Trial:
    return replace(trial, contacts=trial.contacts + more.contacts, negative=trial.negative + more.negative)


def before(trial: Trial) -> Sample:
    """The history that a test holds against."""
    return Sample(trial.contacts_before, trial.negative_before)


def since(trial: Trial) -> Sample:
    """What came since it began."""
    return Sample(trial.contacts, trial.negative)


def total(days: tuple[Day, ...]) -> Sample:
    """Days added up."""
    return sum((Sample(day.contacts, day.negative) for day in days), NONE)


def record(
    key: str, episode: Episode, rules: SignalRules, resolved_at: int | None = None, reason: str | None = None
) -> dict[str, Any]:
    """A signal as it is published; times at which it was over are the ends of days."""
    line, kind, name = key.split(SEP)
    trial = episode.trial
    begun = trial.day * DAY_MS
    return {
        "signal_id": f"{kind}:{name}@{iso(episode.fired_at)}" + (f"#{line}" if line else ""),
        "kind": kind,
        "name": name,
        "status": "firing" if resolved_at is None else "resolved",
        "share": round(since(trial).share, 6),
        "share_before": round(before(trial).share, 6),
        "contacts": trial.contacts,
        "negative": trial.negative,
        "contacts_before": trial.contacts_before,
        "negative_before": trial.negative_before,
        "e_value": float(f"{exp(min(episode.log_e, LARGEST_LOG)):.4g}"),
        "false_alarms_per_year": rules.false_alarms_per_year,
        "since": iso(begun),
        "fired_at": iso(episode.fired_at),
        "resolved_at": None if resolved_at is None else iso(resolved_at),
        "reason": reason,
        "examples": shown(episode.examples),
        "line": line,
        "revision": 1 if resolved_at is None else 2,
    }


def record_key(signal: dict[str, Any]) -> str:
    """Of a subject, ``product|topic`` and its name: all its signals have it, the newest stays."""
    return f"{signal['kind']}|{signal['name']}"


def firing(tables: Tables, line: str) -> dict[str, int]:
    """Kind of subject → signals that fire."""
    found = {"product": 0, "topic": 0}
    for key, subject in tables.subjects.items():
        of, kind, _ = key.split(SEP)
        if of == line and subject.episode is not None:
            found[kind] = found.get(kind, 0) + 1
    return found
