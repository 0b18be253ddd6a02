"""Low interaction: a customer who has said nothing for longer than is usual, told without any event arriving.

The days on which a customer began a contact, or went on with one, are what is *usual*: the median of the gaps between
the latest of them. A customer is *quiet* when stream time has passed the last act by more than the floor of the tier
and by more than the factor times the usual gap, and no longer when the customer is heard of again. Days and acts are
sets, so they do not depend on the order of arrival; contacts that can still change are read as they are, of the others
the days and the *runs* are kept, by the group with which they may move: acts no further apart than the least floor,
between which nobody is quiet.

Anonymous customers are never quiet: an identifier that is not used any more says nothing about a person, who may have
another one by now. Nor is who is known from one contact alone. Both keep their days and runs for the customer to whom
their contacts may go.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.claims import NAMELESS
from streams.base.links import is_customer
from streams.base.records import NO_TIER
from streams.base.times import DAY_MS
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.contacts.rules import ContactRules
from streams.customers.follow import After, Ease, Follower, Out, View, own_out
from streams.customers.silences import (
    ENDED,
    FOREVER,
    NOTHING,
    QUIET,
    USUAL_DAYS,
    WITHDRAWN,
    Past,
    Run,
    Silence,
    SilenceRules,
    Told,
    record,
    steps,
)
from streams.customers.verdicts import verdict_of

TOPIC = "customer.quiet"
MAX_DAYS = 24
"""Days that are kept."""
MAX_RUNS = 4
MAX_GROUPS = 16


class KnownSilence(msgspec.Struct, frozen=True, array_like=True):
    """What is known of when a customer speaks; ``past``: by group of contacts."""

    past: dict[str, Past] = {}
    told: tuple[Told, ...] = ()
    final: int = 0
    """Silences that ended up to then are not looked at any more."""
    checked: int = 0
    """The act for which it was looked when exactly a silence begins. Before the least of all floors nobody asks: most
    customers are heard of again by then."""
    last: tuple[int, int] = (0, 0)
    """Since when, and the revision, of the latest silence that is remembered no more: it goes on from there when what
    had ended it goes to somebody else."""


class Limit(NamedTuple):
    """When a silence becomes one, by which tier, and how long that is (ms)."""

    at: int
    tier: str
    length: int


class Silences(Follower[KnownSilence]):
    """State: days and runs of contacts that are no longer kept, and the silences that were published of late."""

    name = "silence"
    empty = KnownSilence()

    def __init__(self, rules: SilenceRules, contacts: ContactRules) -> None:
        self.rules, self.contacts, self.lateness_ms = rules, contacts, contacts.lateness_ms
        self.least_ms = rules.least_ms

    def settled(self, state: KnownSilence, finished: Lives, view: View) -> KnownSilence:
        past = state.past
        for contact in finished:
            if contact.acts is None or (view.owner.startswith(NAMELESS) and not contact.group):
                continue
            known = past.get(contact.group, NOTHING)
            past = past | {contact.group: self._joined([known, self._past_of([contact])])}
        if past is state.past:
            return state
        return self._decided(replace(state, past=_few(past, self._joined)), view)

    def _decided(self, state: KnownSilence, view: View) -> KnownSilence:
        """Without runs behind which nobody was quiet, as is certain by now: most customers have one run."""
        known, final = {each.silence.since for each in state.told}, state.final
        past = {}
        for name, each in state.past.items():
            runs = each.runs
            while len(runs) > 1 and view.now is not None and runs[1].first < view.now - 2 * self.lateness_ms:
                limit = self._limit(runs[0], self._usual(each.days, runs[0].last), view)
                if runs[0].last in known or (limit.at < runs[1].first and runs[1].first > final):
                    break
                final, runs = max(final, runs[1].first), runs[1:]
            past[name] = each if runs is each.runs else replace(each, runs=runs)
        return replace(state, past=past, final=final)

    def handed(self, state: KnownSilence, group: str, view: View) -> tuple[KnownSilence, bytes | None]:
        past = state.past.get(group)
        if past is None:
            return state, None
        kept = {name: each for name, each in state.past.items() if name != group}
        return replace(state, past=kept), msgspec.json.encode(past)

    def absorbed(self, state: KnownSilence, group: str, piece: bytes, view: View) -> KnownSilence:
        came = msgspec.json.decode(piece, type=Past)
        past = state.past | {group: self._joined([state.past.get(group, NOTHING), came])}
        return replace(state, past=_few(past, self._joined))

    def due(self, state: KnownSilence, view: View) -> int | None:
        if not is_customer(view.owner):
            return None
        soon = self._soon(state, view)
        if soon is not None:
            return soon
        times = [self._next(told, silence) for told, silence in self._pairs(state, view)]
        return min((each for each in times if each is not None), default=None)

    def passed(self, state: KnownSilence, view: View) -> After[KnownSilence]:
        now = view.now
        if now is None or not is_customer(view.owner):
            return After(state)
        kept: list[Told] = []
        out: list[Out] = []
        final, latest = state.final, state.last
        for told, silence in self._pairs(state, view):
            last = told
            for last in steps(told, silence, now):
                out += own_out(TOPIC, [record(last, view)], view)
            if last is None:
                continue
            ended = last.silence.ended if last.status == ENDED else None
            if ended is not None and now > ended + 2 * self.lateness_ms:
                final = max(final, ended)
            elif last.status != WITHDRAWN or silence or now <= last.silence.at + 2 * self.lateness_ms:
                kept.append(last)
                continue
            latest = max(latest, (last.silence.since, last.revision))
        past = state.past
        if final > state.final:  # what lies before is not looked at any more
            past = {name: replace(each, runs=each.runs[-1:]) for name, each in past.items()}
        checked = max((run.last for run in self._known(state, view).runs), default=0)
        return After(KnownSilence(past, tuple(kept), final, checked, latest), tuple(out))

    def _soon(self, state: KnownSilence, view: View) -> int | None:
        """Before this nobody is quiet, as it seems at a glance; None = that is to be looked at closely."""
        if state.told or len(state.past) > 1:
            return None
        runs = next(iter(state.past.values())).runs if state.past else ()
        if len(runs) > 1:
            return None
        first, last = (runs[0].last, runs[0].last) if runs else (FOREVER, 0)
        for history in view.histories.values():
            for contact in history.lives:
                if contact.acts is not None:
                    begun, latest = contact.acts
                    first = min(first, latest if begun is None else begun)
                    last = max(last, latest)
        in_a_row = 0 < last <= first + self.least_ms and last != state.checked
        return last + self.least_ms if in_a_row else None

    def _next(self, told: Told | None, silence: Silence | None) -> int | None:
        """The stream time to pass for something to be told of a silence, or for it to be final; None = neither."""
        if silence is None:
            if told is None:
                return None
            return told.silence.at + (2 * self.lateness_ms if told.status == WITHDRAWN else 0)
        if told is None or told.status == WITHDRAWN:
            return silence.at
        if replace(told.silence, ended=silence.ended) != silence:
            return min(told.silence.at, silence.at)
        if silence.ended is None:
            return None if told.status == QUIET else silence.at
        final = told.silence.ended == silence.ended
        return silence.ended + (2 * self.lateness_ms if final else 0)

    def _pairs(self, state: KnownSilence, view: View) -> list[tuple[Told | None, Silence | None]]:
        """Each silence as it was told and as it is, in order."""
        found: dict[int, tuple[Told | None, Silence | None]] = {each.silence.since: (each, None) for each in state.told}
        since, revision = state.last
        for silence in self._silences(state, view):
            known = Told(silence, WITHDRAWN, revision) if since == silence.since else None
            found[silence.since] = (found.get(silence.since, (known, None))[0], silence)
        return [found[since] for since in sorted(found)]

    def eased(self, state: KnownSilence, ease: Ease, view: View) -> KnownSilence:
        if ease is Ease.UNNEEDED or not state.past:
            return state
        return replace(state, past={"": self._joined(state.past.values())})

    def stands(self, state: KnownSilence, owner: str) -> bool:
        return not owner.startswith(NAMELESS) and bool(state.past or state.told)

    def _silences(self, state: KnownSilence, view: View) -> list[Silence]:
        """Every silence that is or will be, if nothing more comes."""
        past = self._known(state, view)
        found = []
        for place, run in enumerate(past.runs):
            following = past.runs[place + 1].first if place + 1 < len(past.runs) else None
            if following is not None and following <= state.final:
                continue
            usual = self._usual(past.days, run.last)
            limit = self._limit(run, usual, view)
            if following is None or following > limit.at:
                found.append(
                    Silence(
                        run.last, limit.at, following, limit.length, usual, limit.tier, run.key, run.verdict, run.reason
                    )
                )
        return found

    def _known(self, state: KnownSilence, view: View) -> Past:
        """Days and runs of all contacts."""
        known = list(state.past.values())
        lives = [contact for history in view.histories.values() for contact in history.lives if contact.acts]
        if lives:
            known.append(self._past_of(lives))
        return known[0] if len(known) == 1 else self._joined(known)

    def _past_of(self, lives: Iterable[Contact]) -> Past:
        days, runs = set[int](), list[Run]()
        for contact in lives:
            if contact.acts is None:
                continue
            first, last = contact.acts
            if first is not None and not (contact.ours or contact.only_told):
                days.add(first // DAY_MS)
            verdict, reason = verdict_of(contact, self.contacts)
            key = f"{contact.channel}|{contact.id}"
            runs.append(Run(last if first is None else first, last, key, contact.last, verdict, reason, contact.tier))
        return Past(tuple(sorted(days)), self._in_a_row(runs))

    def _joined(self, parts: Iterable[Past]) -> Past:
        parts = list(parts)
        days = sorted({day for part in parts for day in part.days})[-MAX_DAYS:]
        return Past(tuple(days), self._in_a_row([run for part in parts for run in part.runs])[-MAX_RUNS:])

    def _in_a_row(self, runs: list[Run]) -> tuple[Run, ...]:
        """Those between which nobody is quiet are one."""
        if len(runs) < 2:
            return tuple(runs)
        joined: list[Run] = []
        for run in sorted(runs, key=lambda each: each.first):
            if joined and run.first - joined[-1].last <= self.least_ms:
                known = joined[-1]
                latest = max(known, run, key=lambda each: (each.last, each.key, each.heard))
                joined[-1] = replace(latest, first=known.first)
            else:
                joined.append(run)
        return tuple(joined)

    def _usual(self, days: tuple[int, ...], since: int) -> int | None:
        """The median of the gaps (ms) between the latest days up to the beginning of a silence; None = too few."""
        known = [day for day in days if day <= since // DAY_MS][-USUAL_DAYS:]
        if len(known) <= self.rules.least_gaps:
            return None
        gaps = sorted(later - day for day, later in pairwise(known))
        middle = len(gaps) // 2
        return (gaps[middle] + gaps[-middle - 1]) * DAY_MS // 2

    def _limit(self, run: Run, usual: int | None, view: View) -> Limit:
        """The earliest time at which the silence is longer than the tier of that time allows."""
        rules, begun = self.rules, run.last
        tier = run.tier or NO_TIER
        least = 0 if usual is None else round(rules.factor * usual)
        for time, name in (*((time, name) for time, _, name in view.tiers), (FOREVER, "")):
            length = max(rules.tier_floors.get(tier, rules.floor_ms), least)
            at = max(run.last + length, begun)
            if at < time:
                return Limit(at, tier, length)
            begun, tier = max(begun, time), name
        raise AssertionError("stream time ends before that")


def _few(past: dict[str, Past], joined: Callable[[Iterable[Past]], Past]) -> dict[str, Past]:
    """Of too many groups those that were heard of longest ago stay where they are."""
    if len(past) <= MAX_GROUPS:
        return past
    last = {name: each.runs[-1].last if each.runs else 0 for name, each in past.items() if name}
    order = sorted(last, key=lambda name: (last[name], name))
    stays = order[: len(past) - MAX_GROUPS + ("" not in past)]
    kept = {name: each for name, each in past.items() if name not in stays}
    return kept | {"": joined([kept.get("", NOTHING), *(past[name] for name in stays)])}
