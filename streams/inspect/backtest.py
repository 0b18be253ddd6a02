"""What alert rules would have raised in recorded events: the agents themselves, without a broker.

Of `ingest`, `identify` and `track` runs what alerts go by; `measure` where a rule is about a queue or a KPI, and then
all of them do. Parties are judged apart from each other (`streams.inspect.concerned`), in as many processes as are
given, in large steps of time, which change nothing as long as events come in order: a step ends before one that is
late, and before one that may change whose contacts are. What holds from when to when is then handed to `alert`, moment
by moment, so that limits a minute, inhibitions and ends are what they are for workers that never lag. What people said
of alerts is left out, and so is the watchdog.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import Any, NamedTuple

import msgspec
import orjson
from msgspec.structs import replace as changed

from schemas import registry
from streams.alerts.rules import AlertRule, AlertsFile
from streams.alerts.tally import Alerted, alerts
from streams.app import inlets
from streams.base.alert_records import AlertRecord, Condition, Pulse
from streams.base.records import LIVE, Erase, Line, Progress
from streams.base.times import HOUR_MS, MINUTE_MS, SECOND_MS
from streams.engine import Inlet
from streams.engine.offline import Offline, OfflineTask, Stored
from streams.inspect.concerned import JUDGED, Ask, Seen, concerned
from streams.inspect.raw_events import Raw
from streams.pipeline.notes import Notes
from streams.pipeline.stage import PROGRESS_INTERVAL_MS
from streams.rules import Rules
from streams.settings import Settings
from streams.worker.plugins import load_scorer

CONDITIONS, DEAD = "alert.conditions", "contacts.dead-letters"
STEP_EVENTS, STEP_MS = 4000, 6 * HOUR_MS
"""A step of time has so many events at most, and is so long."""
FINE_MS = MINUTE_MS
"""The same where every event is judged."""
CACHE = 200_000
"""Rows of customers and contacts that are kept decoded, of each."""
PATIENCE_MS = 2 * PROGRESS_INTERVAL_MS
"""Of a contact that has just gone to somebody nothing is told before time has gone on."""
LATE_MS = 10 * SECOND_MS
"""An event that comes so long after its time may change what was told meanwhile."""
AGAIN = "~"
"""Behind the name of a rule that is another one in the rules in force; no rule's name has it."""
_decode = msgspec.json.Decoder(AlertRecord).decode
_encode = msgspec.json.Encoder().encode
Tell = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


class Outcome(NamedTuple):
    """What rules would have raised."""

    alerts: tuple[Alerted, ...]
    """Those that fired in the span, by time."""
    rules: tuple[AlertRule, ...]


class Tested(NamedTuple):
    """Of one set of rules, or of two: the second ones are those in force."""

    outcomes: tuple[Outcome, ...]
    seen: Seen
    judged: int
    """Events that went through the agents: the others are of nobody whom a rule can be about."""
    refused: tuple[tuple[str, int], ...]
    """Of these: reason, and how many became dead letters."""


def backtested(
    events: Sequence[Raw],
    span: tuple[int, int],
    sets: Sequence[Rules],
    settings: Settings,
    processes: int = 1,
    tell: Tell = lambda what, done, of: None,
) -> Tested:
    """Each set of rules, on the same events (in order of arrival). ``span``: ms, end exclusive."""
    sets = [_with(each, _without_watchdog(each.customers.alerts.file)) for each in sets]
    if len(sets) > 1 and _with(sets[0], AlertsFile()) != _with(sets[1], AlertsFile()):
        found = [backtested(events, span, (each,), settings, processes, tell) for each in sets]
        judged = sum(each.judged for each in found)
        return found[0]._replace(outcomes=tuple(each.outcomes[0] for each in found), judged=judged)
    names, together = _together(sets)
    whole = any(rule.subject not in JUDGED for rule in together.customers.alerts.file.rules)
    ask = Ask(span, together, settings.phone_region, processes)
    few = concerned(events, ask, lambda done: tell("looking", done, len(events)))
    settings = settings.model_copy(update={"topic_prefix": ""})
    shares = [list(events)] if whole else [[events[place] for place in share] for share in few.shares]
    total = sum(map(len, shares))
    judge = partial(_judged, work=_Work(together, settings, whole, span[1], few.joined))
    told, refused = list[Told](), Counter[str]()
    for share in _each(judge, shares, lambda done: tell("judging", done, total)):
        told += share.told
        refused.update(share.refused)
    outcomes = [_outcome(each, _moments(told, its), span, settings) for each, its in zip(sets, names, strict=True)]
    return Tested(tuple(outcomes), few.seen, total, tuple(sorted(refused.items())))


class _Work(NamedTuple):
    """What is to be done with every share."""

    rules: Rules
    settings: Settings
    whole: bool
    """All agents run, and every event is judged."""
    end: int
    joined: Container[int]
    """When (ms of arrival) contacts may have gone to others."""


Told = tuple[int, bytes]
"""A record of ``alert.conditions``, and stream time (ms) before the step in which it was told."""


class _Share(NamedTuple):
    told: list[Told]
    refused: Counter[str]


def _each(judge: "partial[_Share]", shares: Sequence[Sequence[Raw]], tell: Callable[[int], None]) -> Iterator[_Share]:
    """One process a share; the last one is this one's own, and tells for all how far they are."""
    *others, mine = [share for share in shares if share] or [[]]
    total = sum(map(len, shares))

    def mine_told(done: int) -> None:
        tell(done * total // max(1, len(mine)))

    if not others:
        yield judge(mine, tell=mine_told)
        return
    # What a child is to work on it has as it is forked: rules cannot be sent, and events need not be.
    with ProcessPoolExecutor(len(others), get_context("fork"), _hold, (judge, others)) as pool:
        waiting = [pool.submit(_held, number) for number in range(len(others))]
        yield judge(mine, tell=mine_told)
        for future in waiting:
            yield future.result()


_OF_PARENT: list[tuple["partial[_Share]", Sequence[Sequence[Raw]]]] = []


def _hold(judge: "partial[_Share]", shares: Sequence[Sequence[Raw]]) -> None:
    _OF_PARENT.append((judge, shares))


def _held(number: int) -> _Share:
    judge, shares = _OF_PARENT[-1]
    return judge(shares[number])


# Rules


def _with(rules: Rules, file: AlertsFile) -> Rules:
    customers = rules.customers
    alerts = replace(customers.alerts, file=file)
    return replace(rules, customers=replace(customers, alerts=alerts), handlings=file.handlings())


def _without_watchdog(file: AlertsFile) -> AlertsFile:
    return replace(file, rules=tuple(rule for rule in file.enabled if rule.subject != "system"))


def _together(sets: Sequence[Rules]) -> tuple[list[dict[str, str]], Rules]:
    """The rules of all sets, each once where it is the same; for each set what its rules are called there → their
    names.
    """
    first, *others = sets
    known: dict[str, AlertRule] = {rule.name: rule for rule in first.customers.alerts.file.rules}
    names = [{name: name for name in known}]
    for each in others:
        its: dict[str, str] = {}
        for rule in each.customers.alerts.file.rules:
            name = rule.name if known.get(rule.name) == rule else f"{rule.name}{AGAIN}"
            known.setdefault(name, replace(rule, name=name))
            its[name] = rule.name
        names.append(its)
    return names, _with(first, replace(first.customers.alerts.file, rules=tuple(known.values())))


# What holds


def _judged(
    events: Sequence[Raw],
    work: _Work,
    tell: Callable[[int], None] = lambda done: None,
) -> _Share:
    """What holds, of all that is known of these events."""
    written = any(b'"text"' in raw.value for raw in events)
    agents, partitions = _inlets(work, written), dict.fromkeys(registry.topics(), 1)
    run = Offline(agents, partitions, size=STEP_EVENTS, cache=CACHE)
    told, refused, done = list[Told](), Counter[str](), 0
    reached = events[0].at - work.settings.out_of_orderness_ms if events else 0
    for upto, some in _steps(events, work):
        for raw in some:
            run.publish(raw.topic, raw.key, raw.value, raw.at)
        _run(run, upto - PATIENCE_MS)
        _run(run, upto)
        told += [(reached, each.value) for each in run.on(CONDITIONS) if each.value is not None]
        reached = upto - work.settings.out_of_orderness_ms
        refused.update(str(orjson.loads(letter.value or b"{}").get("reason")) for letter in run.on(DEAD))
        run.release()
        tell(done := done + len(some))
    return _Share(told, refused)


def _run(run: Offline, now: int) -> None:
    """Until nothing is left that is due by now."""
    run.run(now)
    while any(task.processor is not None and getattr(task.processor, "behind", None) for task in run.tasks):
        run.run(now)


def _inlets(work: _Work, written: bool) -> list[Inlet]:
    """All but `alert`; of texts, if any is ``written``, is read what a rule goes by."""
    rules, settings, whole = work.rules, work.settings, work.whole
    read = rules.customers.alerts.watched.read
    scored = written and (whole or any(name.startswith("sentiment") for name in read))
    told = whole or "service_type" in read
    scorer = load_scorer(settings.sentiment_scorer, model=settings.sentiment_model) if scored else None
    found = inlets(settings, rules, Notes(), scorer, None if told else _unread, judging=not whole)
    return [each for each in found if each.name != "alert"]


def _unread(text: str, language: str | None) -> tuple[str, ...] | None:
    """What agents write changes no alert."""
    return None


def _steps(events: Sequence[Raw], work: _Work) -> Iterator[tuple[int, Sequence[Raw]]]:
    """Up to when (ms), and what came since the step before; times never go back."""
    first, longest = 0, FINE_MS if work.whole else STEP_MS
    end = work.end + work.settings.out_of_orderness_ms + 1
    for place in range(1, len(events)):
        at, before = events[place].at, events[place - 1].at
        changes = (at - events[place].time > LATE_MS or at in work.joined) and at - before >= SECOND_MS
        if changes or place - first >= STEP_EVENTS or at - events[first].at >= longest:
            yield at - 1 if changes else before, events[first:place]
            first = place
    if events:
        yield events[-1].at, events[first:]
    yield max(end, events[-1].at if events else end), ()


# What becomes of it


def _outcome(rules: Rules, moments: Iterable[tuple[int, bytes]], span: tuple[int, int], settings: Settings) -> Outcome:
    """What `alert` makes of what holds by these rules."""
    inlet = next(each for each in inlets(settings, rules, Notes(), None) if each.name == "alert")
    task, end = OfflineTask(inlet, dict.fromkeys(registry.topics(), 1), stages={"measure": 1}), span[1]
    records, steps = [*_with_time(moments, end)], list[dict[str, Any]]()
    for first in range(0, len(records), STEP_EVENTS):
        sends = task.batch(records[first : first + STEP_EVENTS], end, {})
        steps += [orjson.loads(value) for _, value in sends.get(("alert.events", 0), ()) if value is not None]
    file = rules.customers.alerts.file
    names = {rule.name for rule in file.rules}
    found = [each for each in alerts(steps) if span[0] <= each.fired < end and each.rule in names]
    return Outcome(tuple(found), file.rules)


def _with_time(moments: Iterable[tuple[int, bytes]], end: int) -> Iterator[Stored]:
    """As `alert` reads it: stream time comes to each moment before what is found then."""
    reached, offset = -1, 0
    for at, value in sorted([*moments, (end, b"")], key=lambda each: each[0]):
        if at > reached:
            reached = at
            yield Stored(CONDITIONS, 0, offset, at, None, _encode(Progress("measure-0", 1, {LIVE: Line(at)})))
            offset += 1
        if value:
            yield Stored(CONDITIONS, 0, offset, at, b"", value)
            offset += 1


def _moments(told: Iterable[Told], names: Mapping[str, str]) -> Iterator[tuple[int, bytes]]:
    """What holds by rules that are called so, and since when one could know it, ms."""
    for reached, value in told:
        record = _decode(value)
        if isinstance(record, Condition) and record.rule in names:
            at, rule = max(record.since, reached), names[record.rule]
            yield max(at, record.until or at), _encode(changed(record, rule=rule, at=at))
        elif isinstance(record, Pulse):
            yield max(each.minute for each in record.of) + MINUTE_MS, value
        elif isinstance(record, Erase):
            yield record.time, value
