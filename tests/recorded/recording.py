"""Histories told to all agents without a broker, kept at a cut: what lies in the changelogs there, what came after.

``python -m tests.recorded FILE`` records with the version that is checked out; `check` goes on from a recording with
another version, and must say the same.
"""

import json
import lzma
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from streams.engine.offline import Offline, Stored
from streams.metrics.windows import record_key
from tests.reference import drive
from tests.reference.histories import THEMES, make
from tests.reference.run import WAYS
from tests.support.alerting import told as alerted
from tests.support.kpi_facts import WINDOWS, standing
from tests.support.offline import RULES, inlets, names
from tests.support.records import each_of

SEEDS = (11, 12, 13)
LATER = frozenset({"needs"})
"""Themes that the versions which recorded did not know."""
STORIES = [
    (theme, seed, ("paced replay", "live")[number % 2])
    for seed in SEEDS
    for number, theme in enumerate(THEMES, start=seed)
    if theme not in LATER
]
NEW_FACTS = frozenset(
    {
        "contact_by_machine", "journey_solved", "journey_resolved", "nps_superseded", "callback_requested",
        "journey_opened", "journey_left", "agent_time", "quality",
    }
)  # fmt: skip
"""Kinds of facts that they did not tell."""
AS_THEN = replace(RULES, kpis=replace(RULES.kpis, windows=WINDOWS, details="everywhere"))
"""Readings by every tier, and of every variant, as they told them."""
Pairs = list[list[str | None]]
CONTACT = frozenset(
    {
        "contact_id", "channel", "queue", "started", "ended", "outcome", "wait_ms", "talk_ms", "sentiment", "messages",
        "transfers",
    }
)  # fmt: skip
"""Fields of a contact in a journey that all versions have."""


def text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "surrogateescape")


def raw(data: str | None) -> bytes | None:
    return None if data is None else data.encode("utf-8", "surrogateescape")


def name_of(theme: str, seed: int, how: str) -> str:
    return f"{theme} {seed}, {how}"


@dataclass
class Recorder(Offline):
    """Notes what is done with it."""

    steps: list[list[Any]] = field(default_factory=list)

    def publish(self, topic: str, key: bytes | None, value: bytes | None, at: int, *args: Any, **more: Any) -> Stored:
        self.steps.append([at, topic, text(key), text(value)])
        return super().publish(topic, key, value, at, *args, **more)

    def run(self, now: int) -> int:
        self.steps.append([now])
        return super().run(now)

    def _append(self, sends: Any, now: int) -> None:
        steps, self.steps = self.steps, []
        super()._append(sends, now)
        self.steps = steps


def fresh(kind: type[Offline] = Offline) -> Any:
    return kind(list(inlets(rules=AS_THEN).values()), dict.fromkeys(names(), 1))


def told(theme: str, seed: int, how: str) -> list[list[Any]]:
    """Steps of a history: [now] = let the agents work, else a record to publish."""
    recorder, whole = fresh(Recorder), drive.deployment
    drive.deployment = lambda: recorder
    try:
        WAYS[how](make(theme, seed))
    finally:
        drive.deployment = whole
    return list(recorder.steps)


def tell(run: Offline, steps: list[list[Any]]) -> None:
    for at, *published in steps:
        if published:
            topic, key, value = published
            run.publish(topic, raw(key), raw(value), at)
        else:
            run.run(at)


def cut_of(steps: list[list[Any]]) -> int:
    """The middle, behind a turn of the agents."""
    published = [
        number for number, step in enumerate(steps) if len(step) > 1 and '"type":"replay.' not in (step[3] or "")
    ]
    middle = published[len(published) // 2]
    return next(number for number in range(middle, len(steps)) if len(steps[number]) == 1) + 1


def sent(run: Offline, ends: dict[str, int]) -> dict[str, Pairs]:
    """What came after the ends."""
    found: dict[str, Pairs] = defaultdict(list)
    for (topic, _), log in sorted(run.topics.items()):
        found[topic] = [[text(one.key), text(one.value)] for one in log[ends.get(topic, 0) :]]
    return {topic: pairs for topic, pairs in found.items() if pairs}


def apart(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Facts that are told together one by one, as they once were."""
    for key, value in pairs:
        for each in each_of(json.loads(value)) if value is not None else ():
            yield key, json.dumps(each)
        if value is None:
            yield key, value


def as_then(sent: dict[str, Pairs], recorded: dict[str, Pairs]) -> dict[str, dict[str | None, list[Any]]]:
    """What was sent by topic and key, without the topics, the readings, the kinds of records and their fields that the
    version which recorded had not. How far time has come is left out, too: it shows in what is told.
    """
    then = [json.loads(value) for _, value in recorded.get("kpis", []) if value is not None]
    names = {(each["kpi"], each["variant"]) for one in then for each in one["readings"]}
    found: dict[str, dict[str | None, list[Any]]] = {}
    for topic, pairs in recorded.items():
        fields = set().union(*(json.loads(value) for _, value in pairs if value is not None))
        told = defaultdict(list)
        kinds = {json.loads(value).get("kind") for _, value in pairs if value is not None}
        for key, value in apart(sent.get(topic, ())):
            if json.loads(value or "{}").get("kind") not in kinds:
                continue
            if topic == "segments" and value is None:  # the versions which recorded took none back
                continue
            one = {name: said for name, said in json.loads(value or "{}").items() if name in fields}
            if one.get("fact") in NEW_FACTS:
                continue
            if one.get("fact") == "contact_handled":  # how often it was transferred was not told
                one.pop("value", None)
            if topic == "segments":  # a score has a revision more where only what is new in the record changed
                one.pop("revision", None)
                if key in told and told[key][-1] == one:
                    continue
            if key is not None:
                told[key].append(one)
        found[topic] = newest_journeys(told) if topic == "journeys" else dict(told)
    if "kpis" in found:
        found["kpis"] = read_by_windows(found["kpis"], then, names)
    return found


def read_by_windows(
    told: dict[str | None, list[Any]], then: list[Any], names: set[tuple[str, str]]
) -> dict[str | None, list[Any]]:
    """What the windows read that had a record, and those that have one: readings with something to say that were known
    then."""
    every = standing([each for records in told.values() for each in records], over=False)
    # What was not known then amends windows that were out already.
    new = {key or "" for key, records in told.items() if any(each["status"] != "amended" for each in records)}
    keys = {record_key(each) for each in then} | new
    read = {key: [each for each in every.get(key, ()) if (each["kpi"], each["variant"]) in names] for key in keys}
    return {key: said for key, each in read.items() if (said := [one for one in each if says_something(one)])}


def says_something(reading: dict[str, Any]) -> bool:
    """A record leaves the others out; the version before did not."""
    return bool(reading["numerator"] or (reading["denominator"] and reading["unit"] != "count"))


def newest_journeys(told: dict[str | None, list[Any]]) -> dict[str | None, list[Any]]:
    """Of each journey what it came to, by its name, and by what its contacts said then: how often it was published has
    changed, and how long it stays open. Names were taken back by a record without contacts, under the customer's key;
    now it is one without a value, under the name.
    """
    found: dict[str | None, list[Any]] = {}
    for key, records in told.items():
        for one in records:
            name = one.get("journey_id", key)
            found[name] = []
            if one.get("contacts"):
                contacts = [{name: said for name, said in each.items() if name in CONTACT} for each in one["contacts"]]
                found[name] = [{**one, "revision": 0, "status": "", "contacts": contacts}]
    return found


def record(path: Path) -> None:
    with lzma.open(path, "wt", encoding="ascii", preset=9) as file:
        for theme, seed, how in STORIES:
            steps = told(theme, seed, how)
            cut = cut_of(steps)
            run = fresh()
            tell(run, steps[:cut])
            ends = {topic: len(log) for (topic, _), log in run.topics.items()}
            changelogs = {
                task.inlet.name: [[text(key), text(value)] for key, value in task.changelog.items()]
                for task in run.tasks
            }
            for task in run.tasks:
                task.restart()
            tell(run, steps[cut:])
            line = {
                "name": name_of(theme, seed, how),
                "ends": ends,
                "changelogs": changelogs,
                "steps": steps[cut:],
                "sent": sent(run, ends),
            }
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def read(path: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="ascii") as file:
        for line in file:
            yield json.loads(line)


def went_on(recorded: dict[str, Any]) -> dict[str, Pairs]:
    """What this version says from the recorded state on."""
    run = fresh()
    for topic, end in recorded["ends"].items():
        run.topics[topic, 0] += [Stored(topic, 0, number, 0) for number in range(end)]
    for task in run.tasks:
        for key, value in recorded["changelogs"].get(task.inlet.name, ()):  # an agent that is new since has no state
            task.changelog[raw(key) or b""] = raw(value) or b""
        task.restart()
    tell(run, recorded["steps"])
    found = sent(run, recorded["ends"])
    told = [json.loads(value) for _, value in found.get("alert.conditions", ()) if value is not None]
    found["alerts"] = [_alert(each) for each in told if each["kind"] == "condition"]
    return found


def _alert(condition: dict[str, Any]) -> list[str | None]:
    """A condition as the alert that it once was."""
    alert = alerted(condition)
    return [alert["alert_id"], json.dumps(alert | {"kind": {"waiting": "wait"}.get(alert["kind"], alert["kind"])})]
