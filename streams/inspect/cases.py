"""Cases of alert rules, run: their events through all agents, without a broker, and the steps that came of them.

What runs is what workers run (`streams.engine.offline`); events come when they happen, and stream time goes on to the
end of the case.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas import registry
from schemas.routing import channels, route
from streams import app
from streams.alerts.cases import EARLY_MS, Case, CasesFile, Expected, Happening, mistakes
from streams.base.document import DocumentError
from streams.base.times import SECOND_MS, to_ms
from streams.customers.rules import AlertRules
from streams.engine.offline import Offline
from streams.rules import Rules
from streams.rules.source import CASES, RulesError, Source, file_of
from streams.sentiment.scoring import Scorer
from streams.settings import Settings
from streams.worker.metrics import Metrics

LOOKS = (-SECOND_MS, 0, SECOND_MS, 3 * SECOND_MS, 6 * SECOND_MS, 10 * SECOND_MS, 14 * SECOND_MS)
"""When the agents have a turn around an event (of several alike the first and the last) or an expected step (ms)."""
TURNS = 300
"""And so often, at most, all over a case; between them stream time leaps."""
BEHIND = (20, 40, 60, 61, 62, 63)
"""Turns after the end (s), for what stream time is behind."""
_FILE = TypeAdapter[Any](CasesFile)

Doc = dict[str, Any]


@dataclass(frozen=True)
class Came:
    """A record that came out: where, and what it says."""

    topic: str
    offset: int
    at: int
    """When, ms."""
    doc: Doc


@dataclass
class Outcome:
    """What came of a case."""

    case: Case
    steps: list[Came] = field(default_factory=list)
    """Of alerts of the rules in question, on alert.events."""
    alerts: dict[str, Came] = field(default_factory=dict)
    """Fingerprint → the latest record on alerts."""
    published: list[Came] = field(default_factory=list)
    """The events."""
    problems: list[str] = field(default_factory=list)
    """Where it is not as the case says; empty = passed."""


def read(directory: Path | None, rules: Rules) -> tuple[Path, CasesFile]:
    """The cases of a folder, or those that are shipped. Raises RulesError, with file and line."""
    path = file_of(CASES, directory)
    if directory is not None and path.parent != directory:
        raise RulesError(f"{directory}: has no {CASES}.yaml; what a case looks like: docs/alert-rules.md")
    source = Source(path)
    try:
        found: CasesFile = _FILE.validate_python(source.values())
    except ValidationError as error:
        raise RulesError("\n".join(source.mistakes(error, CasesFile))) from None
    except DocumentError as error:
        raise RulesError(f"{path}:{error.line}: {error.message}") from None
    known = {rule.name: rule for rule in rules.customers.alerts.file.rules}
    if wrong := [source.at(path, what) for path, what in mistakes(found, known)]:
        raise RulesError("\n".join(wrong))
    return path, found


def run(case: Case, settings: Settings, rules: Rules, scorer: Scorer | None) -> Outcome:
    """Play a case and compare."""
    found = Outcome(case)
    _Player(found, settings, _in_force(rules, case), scorer).play()
    found.problems += _compared(found)
    return found


def _in_force(rules: Rules, case: Case) -> Rules:
    """The rules with those alerts that the case is about."""
    if not case.rules:
        return rules
    given = rules.customers.alerts
    chosen = tuple(replace(rule, enabled=rule.name in case.rules) for rule in given.file.rules)
    file = replace(given.file, rules=chosen)
    customers = replace(rules.customers, alerts=AlertRules(file, given.hours))
    return replace(rules, customers=customers, handlings=file.handlings())


class _Player:
    """One case, from its first event to its end."""

    def __init__(self, found: Outcome, settings: Settings, rules: Rules, scorer: Scorer | None) -> None:
        self.found, self.case, self.prefix = found, found.case, settings.topic_prefix
        partitions = {self.prefix + topic: 1 for topic in registry.topics()}
        self.run = Offline(app.inlets(settings, rules, Metrics(), scorer), partitions)
        self.now = self.case.start
        self.refused: dict[str, str] = {}
        """Events that are to be refused: id → type."""

    def play(self) -> None:
        happens, start, end = self.case.happens(), self.case.start, self.case.end
        moments = {start + step.at for step in self.case.transitions}
        moments |= {start + at for each in self.case.events for at in (each.at, each.last)}
        looks = {moment + after for moment in moments for after in LOOKS} | {at for at, _, _ in happens}
        turns = sorted({each for each in looks if start <= each <= end} | {start, end})
        happening = iter(happens)
        upcoming = next(happening, None)
        for turn in turns:
            self._until(turn)
            while upcoming is not None and upcoming[0] <= turn:
                self._tell(*upcoming)
                upcoming = next(happening, None)
            self._turn()
        for seconds in BEHIND:
            self.now = end + seconds * SECOND_MS
            self._turn()
        self.found.steps = [step for step in self._steps() if start <= to_ms(step.doc["at"]) + EARLY_MS <= end]
        for record in self.run.on(self.prefix + "alerts"):
            if record.value is not None:
                doc = orjson.loads(record.value)
                self.found.alerts[doc["fingerprint"]] = Came("alerts", record.offset, record.timestamp, doc)
        self.found.problems += self._letters()

    def _until(self, moment: int) -> None:
        """Let time pass, in few turns where the case is long."""
        step = max(10 * SECOND_MS, (self.case.end - self.case.start) // TURNS)
        while self.now + step < moment:
            self.now += step
            self._turn()
        self.now = moment

    def _turn(self) -> None:
        while self.run.run(self.now):
            pass

    def _tell(self, at: int, happening: Happening, event: Doc) -> None:
        if happening.alert is not None:
            told = [each for each in self._steps() if each.doc["alert"]["rule"] == happening.alert]
            event["data"]["alert_id"] = told[-1].doc["alert"]["fingerprint"] if told else happening.alert
        try:
            topic, key = route(event)
        except (KeyError, ValueError):  # it is meant to be refused
            topic, key = channels().get(event["data"].get("channel"), channels()["voice"]), "refused"
        record = self.run.publish(self.prefix + topic, key.encode(), orjson.dumps(event), at)
        self.found.published.append(Came(topic, record.offset, at, event))
        if happening.refused:
            self.refused[event["id"]] = event["type"]

    def _steps(self) -> list[Came]:
        log = self.run.on(self.prefix + "alert.events")
        return [Came("alert.events", each.offset, each.timestamp, orjson.loads(each.value or b"")) for each in log]

    def _letters(self) -> Iterator[str]:
        """What was refused, and was not meant to be."""
        letters = [orjson.loads(each.value or b"") for each in self.run.on(self.prefix + "contacts.dead-letters")]
        names = [_id_of(letter) for letter in letters]
        said = Counter(
            f"refused by {letter['hop']}: {letter['reason']}: {letter['message']}"
            for letter, name in zip(letters, names, strict=True)
            if name not in self.refused
        )
        yield from (f"{what} ({count} times)" if count > 1 else what for what, count in said.items())
        kinds = {self.refused[name] for name in names if name in self.refused}
        yield from (f"{kind} was to be refused and was not" for kind in sorted({*self.refused.values()} - kinds))


def _id_of(letter: Doc) -> str:
    """Of the event for which a dead letter stands."""
    try:
        doc = orjson.loads(base64.b64decode(letter["payload"] or ""))
    except ValueError:
        return ""
    return str(doc.get("id", "")) if isinstance(doc, dict) else ""


def _compared(found: Outcome) -> Iterator[str]:
    """The steps in their order: missing, other, or too many. Mere amendments count where the case says one."""
    case = found.case
    amended = any(step.says.get("because") == "amended" for step in case.transitions)
    came = [step for step in found.steps if amended or step.doc["because"] != "amended"]
    for number, wanted, step in _aligned(case.transitions, came):
        if wanted is None:
            yield f"one more step came: {told(step.doc, case.start)}"
        elif step is None:
            yield f"step {number} did not come: {said(wanted.at, wanted.says)}"
        elif wrong := wanted.differences(step.doc, case.start):
            says = {name: value for name, value in wanted.says.items() if name in wrong or name in ("rule", "state")}
            yield (
                f"step {number} is otherwise ({', '.join(wrong)}): expected {said(wanted.at, says)}; "
                f"came {told(step.doc, case.start, wrong)}"
            )


def _aligned(wanted: Sequence[Expected], came: Sequence[Came]) -> Iterator[tuple[int, Expected | None, Any]]:
    """(number of the step from 1, as it was expected, as it came), by their states: one that is missing makes none of
    the others another one.
    """
    states = [each.says.get("state") for each in wanted], [each.doc["alert"]["state"] for each in came]
    for _, first, last, begin, end in SequenceMatcher(None, *states, autojunk=False).get_opcodes():
        for at, (one, other) in enumerate(zip_longest(wanted[first:last], came[begin:end])):
            yield first + at + 1, one, other


def said(at: int, says: Mapping[str, Any]) -> str:
    """As a case has it."""
    return ", ".join([f"at {as_span(at)}", *(f"{name} {value}" for name, value in says.items())])


def told(step: Doc, start: int, names: Sequence[str] = ()) -> str:
    """A step in the same words."""
    alert = step["alert"]
    every: Doc = {**alert["subject"], **alert, **step}
    more = {name: every[name] for name in names if name not in ("at", "rule", "state", "because")}
    return said(
        to_ms(step["at"]) - start,
        {"rule": alert["rule"], "state": alert["state"], "because": step["because"], **more},
    )


def as_span(ms: int) -> str:
    """A time in words: ``2m 30s``."""
    whole, rest = divmod(ms, 1000)
    hours, minutes = divmod(whole // 60, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (whole % 60, "s"), (rest, "ms"))
    return " ".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
