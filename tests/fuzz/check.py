"""Runs a story through all agents and says what is wrong with what came out."""

import base64
import random
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest import mock

import orjson

from schemas import flow, registry
from schemas.events import check as contract_problem
from streams import app
from streams import rules as rule_files
from streams.engine.offline import Offline, Stored, check_size
from streams.pipeline import stage as hop
from streams.worker.metrics import Metrics
from tests.fuzz.stories import AFTERWARDS, CONTROL, STEPS, Raw, control, now_of
from tests.support.offline import SETTINGS, scorer
from tests.support.records import each_of

RULES = rule_files.load()
OUTPUTS = (*flow.published(), *flow.between())
Sent = list[tuple[bytes | None, bytes | None]]
SAMPLE = 3000
"""Records of a topic that are held against the contract, about."""
MOST_LETTERS = 3
"""Of so many problems of one kind the first are told."""


@dataclass
class Run:
    """What a story became."""

    deployment: Offline
    metrics: Metrics
    raised: BaseException | None = None
    published: list[Stored] = field(default_factory=list)
    raws: list[Raw] = field(default_factory=list)

    def sent(self, topic: str) -> Sent:
        """Every record of a topic but progress; facts one by one."""
        some = [record for record in self.deployment.on(topic) if record.key is not None]
        if topic != "contact.measurements":
            return [(record.key, record.value) for record in some]
        return [(r.key, orjson.dumps(each)) for r in some for each in each_of(orjson.loads(r.value or b"null"))]

    def counted(self, name: str, **labels: str) -> int:
        """What a counter of the metrics says."""
        return int(self.metrics.registry.get_sample_value(name, labels) or 0)


def run(story: Sequence[Raw], restarts: random.Random | None = None) -> Run:
    """Publish step by step, let the agents work, then let time pass. ``restarts``: dice that say after which steps
    which agents begin anew from their changelogs.
    """
    metrics = Metrics()
    inlets = app.inlets(SETTINGS, RULES, metrics, scorer(SETTINGS.sentiment_scorer))
    done = Run(Offline(inlets, dict.fromkeys(registry.topics(), 1), cache=200), metrics)
    by_step = defaultdict(list)
    for raw in story:
        by_step[raw.step].append(raw)
    try:
        # Without the least time between two progress records a restart does not move what is told when.
        with mock.patch.object(hop, "PROGRESS_INTERVAL_MS", 0):
            _tell(done, by_step, restarts)
    except Exception as error:  # noqa: BLE001 - whatever escapes a batch is what is looked for
        done.raised = error
    return done


def _tell(done: Run, by_step: dict[int, list[Raw]], restarts: random.Random | None) -> None:
    for step in range(STEPS):
        for raw in by_step[step]:
            done.raws.append(raw)
            done.published.append(
                done.deployment.publish(raw.topic, raw.key, raw.value, now_of(step), headers=raw.headers)
            )
        _turn(done.deployment, now_of(step), restarts)
    now = now_of(STEPS)
    for jump in AFTERWARDS:
        now += jump
        _turn(done.deployment, now, restarts)
    done.deployment.restart()
    done.deployment.run(now + 1000)


def _turn(deployment: Offline, now: int, restarts: random.Random | None) -> None:
    for task in deployment.tasks:
        # After a restart a task tells once more how far each line has come, and that may be when a deadline is looked
        # at. Here all tell all they know each time, so that a restart changes nothing.
        task.processor.progress.sent.clear()  # type: ignore[union-attr]
    deployment.run(now)
    if restarts is not None and restarts.random() < 0.3:
        deployment.restart(restarts.choice((None, *flow.stages())))


@cache
def undisturbed() -> dict[str, Sent]:
    """What comes out of the control group alone."""
    alone = run(control())
    assert alone.raised is None, alone.raised
    return {topic: of_control(alone.sent(topic)) for topic in OUTPUTS}


def of_control(sent: Sent) -> Sent:
    """The records that are about the control group."""
    word = CONTROL.encode()
    return [(key, value) for key, value in sent if word in (key or b"") or word in (value or b"")]


def problems(story: Sequence[Raw], seed: int = 0) -> list[str]:
    """What is wrong when the story is told beside the control group; empty when nothing is."""
    whole = sorted([*control(), *story], key=lambda raw: raw.step)
    done = run(whole)
    if done.raised is not None:
        return [f"escaped a batch: {type(done.raised).__name__}: {done.raised}"]
    found = [*_sizes(done), *_letters(done), *_accounts(done), *_outputs(done), *_others(done)]
    if found:
        return found
    again = run(whole, random.Random(seed))
    if again.raised is not None:
        return [f"escaped a batch after a restart: {type(again.raised).__name__}: {again.raised}"]
    return list(_unlike(done, again))


def _sizes(done: Run) -> Iterator[str]:
    """Rows and outputs that a broker would not take."""
    records = [(topic, r.key, r.value) for topic in OUTPUTS for r in done.deployment.on(topic)]
    records += [(f"{t.inlet.name}-changelog", *item) for t in done.deployment.tasks for item in t.changelog.items()]
    for topic, key, value in records:
        try:
            check_size(topic, key, value)
        except Exception as error:  # noqa: BLE001 - its message is what is to be told
            yield f"too large: {error}"


def _letters(done: Run) -> Iterator[str]:
    """Every refused record has one dead letter, and nothing was refused for a fault of our own."""
    letters = [orjson.loads(record.value or b"") for record in done.deployment.on("contacts.dead-letters")]
    ours = [letter for letter in letters if letter["hop"] != "ingest" or letter["reason"] not in REFUSALS]
    for letter in [letter for letter in ours if not _allowed(letter)][:MOST_LETTERS]:
        payload = base64.b64decode(letter["payload"])[:300]
        yield f"{letter['hop']} raised ({letter['reason']}): {letter['message']} at {payload!r}"
    places = Counter(place for letter in letters for place in places_of(letter))
    yield from (f"{count} dead letters of {place}" for place, count in places.items() if count > 1)


REFUSALS = (
    "unreadable", "missing-field", "unknown-type", "wrong-type", "too-old", "in-the-future", "too-large", "id-reused",
    "replay-refused",
    "not-configured",
)  # fmt: skip


WORDS = ("command", "silenced")
"""Of persons, about alerts: passed on to where alerts are kept."""
ABOUT_ALERTS = (
    "data.alert_id", "data.action", "data.until", "data.to", "data.note", "data.silence_id", "data.ends",
    "data.matchers",
)  # fmt: skip


def _allowed(letter: dict[str, Any]) -> bool:
    """That a command is for no alert, or not for one as it stands, and a customer's replay one too many, is known only
    behind the door.
    """
    if letter["hop"] == "track":
        return bool(letter["reason"] == "replay-refused")
    if letter["hop"] == "alert":
        return letter["reason"] == "wrong-type" and letter["path"] in ABOUT_ALERTS
    return letter["hop"] == "identify" and "does not name its customer" in letter["message"]


def _accounts(done: Run) -> Iterator[str]:
    """Each raw record is one of: passed on, dead letter, duplicate, marker, late. What the contract refuses has a
    letter.
    """
    letters = [orjson.loads(record.value or b"") for record in done.deployment.on("contacts.dead-letters")]
    at_the_door = [letter for letter in letters if letter["hop"] == "ingest"]
    refused = sum(len(places_of(letter)) for letter in at_the_door)
    words = [orjson.loads(value or b"{}").get("kind") in WORDS for _, value in done.sent("alert.conditions")]
    passed = len(done.sent("contact.normalised")) + sum(words)
    places = {place for letter in at_the_door for place in places_of(letter)}
    markers = 0
    for record in done.published:
        known = f"{record.topic}-{record.partition}-{record.offset}" in places
        event = _decoded(record)
        if event is None or contract_problem(event) is not None:
            if not known and not record.headers:
                yield f"refused by the contract and without a dead letter: {record.topic} {record.value!r:.300}"
        elif str(event["type"]).startswith("replay.") and not known:
            markers += 1
    duplicates = done.counted("contact_streams_duplicates_total")
    late = done.counted("contact_streams_late_total", hop="ingest")
    told = passed + refused + duplicates + late + markers
    if told != len(done.published):
        yield (
            f"{len(done.published)} records in; {passed} passed on, {refused} refused, {duplicates} duplicates, "
            f"{late} late, {markers} markers are {told}"
        )


def places_of(letter: dict[str, Any]) -> list[str]:
    """Where the records lie that a dead letter stands for: of a flood one is written for many."""
    if "table" in letter:
        return [letter["id"]]
    runs = letter.get("offsets") or [[letter["offset"], letter["offset"]]]
    where = f"{letter['topic']}-{letter['partition']}"
    return [f"{where}-{offset}" for first, last in runs for offset in range(first, last + 1)]


def _decoded(record: Stored) -> Any:
    try:
        return orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return None


def _outputs(done: Run) -> Iterator[str]:
    """Every record on every output validates."""
    for topic in OUTPUTS:
        spec = registry.topics()[topic]
        wrong = 0
        records = done.deployment.on(topic)
        for record in records[:: max(1, len(records) // SAMPLE)]:
            problem = None if record.value is None else spec.check(orjson.loads(record.value))
            if problem is not None and wrong < MOST_LETTERS:
                wrong += 1
                yield f"not as the contract of {topic} has it: {problem} in {record.value!r:.300}"


def _others(done: Run) -> Iterator[str]:
    """The control group got what it gets alone."""
    for topic, wanted_ in undisturbed().items():
        found, alone = of_control(done.sent(topic)), wanted_
        if topic == "contact.measurements":  # in what order keys lie hangs on where batches were cut
            found, alone = (sorted(some, key=lambda pair: pair[0]) for some in (found, alone))
        if found != alone:
            at = next((n for n, (a, b) in enumerate(zip(found, alone, strict=False)) if a != b), len(alone))
            got, wanted = (some[at] if at < len(some) else None for some in (found, alone))
            yield f"others' {topic}: {len(found)} records instead of {len(alone)}; number {at}: {got!r:.400} instead of {wanted!r:.400}"


def _unlike(done: Run, again: Run) -> Iterator[str]:
    """A restart changes nothing: on the live line no record, on replays nothing that stands in the end.

    Left out are replays with events that are hours late: when a deadline is looked at that had passed long before
    depends on when progress is told, and a restart tells it once more.
    """
    late = {line for raw in done.raws for line in _late_line(raw)}
    for topic in OUTPUTS:
        one, other = told(done, topic, late), told(again, topic, late)
        for key in one.keys() | other.keys():
            if one.get(key) != other.get(key):
                got, wanted = other.get(key), one.get(key)
                yield f"after restarts {topic}, {key!r:.300}: {got!r:.1500} instead of {wanted!r:.1500}"
                break


def _late_line(raw: Raw) -> Iterator[str]:
    """The replay of a record whose time is not about now."""
    try:
        event = orjson.loads(raw.value or b"")
        if not NEAR.match(event["time"]):
            yield from (
                line for line in (event.get("replayid"), event["data"].get("replay_id")) if isinstance(line, str)
            )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return


NEAR = re.compile(r"2026-03-02T(08:[3-5]|09:[0-2])")


def told(run: Run, topic: str, without: Collection[str]) -> dict[Any, Any]:
    """What a topic says by key: all records of the live line in order, of a replay what holds in the end."""
    found: dict[Any, Any] = {}
    for key, value in run.sent(topic):
        if value is None:
            _taken_back(found, key or b"")
            continue
        doc = orjson.loads(value)
        if doc.get("line", "") in without:
            continue
        if topic == "contacts.dead-letters":
            if doc["hop"] == "ingest":  # offsets of internal topics depend on how often progress is told
                found[key] = doc
        elif topic == "contact.measurements" and doc["kind"] == "fact":
            name = orjson.dumps({**doc, "sign": 0}, option=orjson.OPT_SORT_KEYS)
            found[name] = found.get(name, 0) + doc.get("sign", 1)
        elif doc.get("line", ""):
            found[key, doc["line"]] = {name: each for name, each in doc.items() if name not in PASSING}
        else:
            found.setdefault(key, []).append(doc)
    return {key: value for key, value in found.items() if value != 0}


def _taken_back(found: dict[Any, Any], key: bytes) -> None:
    """Of the live line that is a record like others, of a replay nothing holds any more."""
    line, slash, _ = key.partition(b"/")
    if slash and b":" not in line:
        found.pop((key, line.decode()), None)
    else:
        found.setdefault(key, []).append(None)


PASSING = ("revision", "watermark", "status", "fired_at", "at", "updated", "before", "changed")
"""Fields of a replay's outputs that say when they were made, or what was told before."""


def kind(problem: str) -> str:
    """What sort of problem it is: its words up to the first number or name."""
    return problem.partition(":")[0]
