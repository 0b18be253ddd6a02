"""Whatever the code behind one contact, customer or queue raises, all others come through exactly."""

import base64
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from unittest import mock

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas import registry
from streams import app
from streams.customers import customers
from streams.engine import Inlet
from streams.engine.offline import Offline
from streams.engine.outputs import Outputs
from streams.metrics import kpis, queues, windows
from streams.metrics.sweep import Lane
from streams.pipeline import ingest, owned
from streams.pipeline import stage as hop
from streams.pipeline.identify import Identify
from streams.pipeline.measure import Measure
from streams.pipeline.track import Track
from streams.signals import watch
from streams.worker.metrics import Metrics
from tests.fuzz.check import OUTPUTS, PASSING, RULES
from tests.fuzz.stories import AFTERWARDS, CONTROL, STEPS, Raw, control, now_of
from tests.support.offline import SETTINGS, scorer
from tests.support.records import each_of

CURSED = "cursed"
"""In the names of all that makes a hook raise."""


class Curse(Exception):
    """What every hook raises."""


def touches(value: Any) -> bool:
    """Is it about somebody who is cursed?"""
    return CURSED in (value if isinstance(value, str) else repr(value))


HOOKS: Mapping[str, tuple[Any, str, int]] = {
    "ingest event": (ingest, "event_record", 0),
    "ingest content": (ingest, "content_of", 0),
    "identify assign": (owned, "assign", 1),
    "identify fold": (Identify, "fold", 1),
    "identify fire": (Identify, "fire", 2),
    "identify after": (owned, "after", 0),
    "track fold": (customers, "fold", 1),
    "track advance": (customers, "advance", 0),
    "track publish": (customers, "publish", 0),
    "track fire": (Track, "fire", 2),
    "track deadlines": (customers, "scheduled", 0),
    "measure fold": (Measure, "fold", 1),
    "measure lane": (windows, "rolling_records", 0),
    "measure encode": (kpis, "encode", 0),
    "measure day": (windows, "calendar_records", 0),
    "measure queue": (queues, "_record", 0),
    "measure judged": (watch, "fold", 1),
}
"""Where it raises: what holds the function, its name, and which of its arguments says whom it is about."""
CUT = (*PASSING, "longest_wait_ms")
"""What depends on where batches are cut: how far time had come when something was told, and what was told before."""
CUT_OF = {"contact.quality": ("service_type",), "queue.state": ("forecast", "waiting")}
"""The same of some topics alone: the type of service is the one known at the end of a batch, a wait is expected as of when
it was seen who waits."""
OF_CUSTOMERS = ("journeys", "journey.events", "segments", "customer.quiet", "outreach")
TABLES = ("owners", "nodes", "waiting", "customers", "panes", "days", "legs", "left", "hours", "subjects", "standings")
SUMS = (b"panes", b"days", b"legs")
SENDS = (
    "contact.normalised",
    "identity.links",
    "contact.interactions",
    "contact.measurements",
    "journeys",
    "alert.conditions",
    "alerts",
    "alert.events",
    "kpis",
    "queue.state",
)


def cursing(function: Callable[..., Any], which: int) -> Callable[..., Any]:
    def raises(*given: Any, **named: Any) -> Any:
        if len(given) > which and touches(about(given[which])):
            raise Curse(function.__name__)
        return function(*given, **named)

    return raises


def about(value: Any) -> Any:
    """What tells whom an argument is about."""
    return value.dims if isinstance(value, Lane) else value


def inlets(tables: Collection[str], reading: bool, burying: bool) -> list[Inlet]:
    """The product's, with tables whose rows cannot be written or read, and dead letters that cannot be made."""
    found = []
    for inlet in app.inlets(SETTINGS, RULES, Metrics(), scorer(SETTINGS.sentiment_scorer)):
        specs = tuple(cursed(spec, reading) if spec.name in tables else spec for spec in inlet.tables)
        bury = cursing(inlet.on_failure, 0) if burying else inlet.on_failure
        found.append(replace(inlet, tables=specs, on_failure=bury))
    return found


def cursed(spec: Any, reading: bool) -> Any:
    if reading:
        return replace(spec, decode=cursing(spec.decode, 0))
    encode = spec.encode

    def raises(row: Any) -> bytes:
        data: bytes = encode(row)
        if touches(repr(data)):
            raise Curse("encode")
        return data

    return replace(spec, encode=raises)


@contextlib.contextmanager
def cursed_hooks(names: Collection[str], topics: Collection[str]) -> Iterator[None]:
    """These raise, and outputs about the cursed cannot be sent to some topics."""
    send = Outputs.send

    def refuses(out: Outputs, topic: str, key: bytes, value: bytes | None) -> None:
        if topic in topics and (touches(repr(key)) or touches(repr(value))):
            raise Curse("send")
        send(out, topic, key, value)

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(hop, "PROGRESS_INTERVAL_MS", 0))
        for name in names:
            holder, attribute, which = HOOKS[name]
            stack.enter_context(mock.patch.object(holder, attribute, cursing(getattr(holder, attribute), which)))
        if topics:
            stack.enter_context(mock.patch.object(Outputs, "send", refuses))
        yield


@cache
def stories() -> tuple[list[Raw], list[Raw]]:
    """The healthy, and the same once more with cursed names."""
    healthy = control()[:120]
    twin = [
        replace(
            raw,
            key=(raw.key or b"").replace(CONTROL.encode(), CURSED.encode()),
            value=(raw.value or b"").replace(CONTROL.encode(), CURSED.encode()).replace(b"+4420791", b"+4420792"),
        )
        for raw in healthy
    ]
    return healthy, twin


def run(story: list[Raw], parts: list[Inlet], size: int, restarts: int) -> Offline:
    deployment = Offline(parts, dict.fromkeys(registry.topics(), 1), size=size, cache=20)
    by_step: dict[int, list[Raw]] = {}
    for raw in story:
        by_step.setdefault(raw.step, []).append(raw)
    now = now_of(0)
    for step in range(STEPS):
        now = now_of(step)
        for raw in by_step.get(step, ()):
            deployment.publish(raw.topic, raw.key, raw.value, now)
        deployment.run(now)
        if restarts and step % restarts == 0:
            deployment.restart()
    for jump in AFTERWARDS:
        now += jump
        deployment.run(now)
    deployment.restart()
    deployment.run(now + 1000)
    return deployment


def of_the_healthy(deployment: Offline) -> dict[Any, Any]:
    """What holds in the end, without what depends on where batches were cut."""
    found: dict[Any, Any] = {}
    left = _left(deployment)
    for topic in OUTPUTS:
        for record in deployment.on(topic):
            whose = (record.key or b"").rpartition(b"@")[0] if topic == "journeys" else record.key
            if record.key is None or (topic in OF_CUSTOMERS and whose in left):
                continue
            for each in each_of(orjson.loads(record.value or b"null")):
                if CONTROL in repr(record.key) + repr(each):
                    _note(found, topic, record.key, each)
    for task in deployment.tasks:
        for key, row in task.changelog.items():
            if key.partition(b"\0")[2] in left:
                continue
            if CONTROL in repr(key) and (table := key.partition(b"\0")[0]) != b"seen":
                # A customer's row tells revisions, so only that it is there; sums and legs to the last number.
                found[task.inlet.name, key] = orjson.loads(row) if table in SUMS else b""
    return found


def _note(found: dict[Any, Any], topic: str, key: bytes | None, doc: Any) -> None:
    if doc is None:
        found.pop((topic, key), None)
    elif topic == "contact.measurements":
        _note_fact(found, doc)
    elif topic == "kpis":
        found.pop((topic, key), None)
        if any(each["numerator"] for each in doc["readings"]):  # else all of it was taken back, or was never told
            found[topic, key] = {name: value for name, value in doc.items() if name not in CUT}
    elif topic == "alert.events":
        alert = {name: value for name, value in doc["alert"].items() if name not in CUT}
        found[topic, key] = {name: value for name, value in doc.items() if name not in CUT} | {"alert": alert}
    elif topic == "queue.state" and not doc["depth"]:
        found.pop((topic, key), None)  # nobody waits, as where nothing was told
    elif topic == "journey.events":
        found.pop((topic, doc["event_id"]), None)
        if doc["holds"]:
            found[topic, doc["event_id"]] = doc["step"], doc["journey_id"]
    elif topic == "recommendations":  # told at the end of a batch, by what is known then
        return
    elif topic == "identity.links":  # one that is told again comes before or behind another
        found.setdefault((topic, key), set()).add(orjson.dumps(doc))
    elif topic in ("contact.normalised", "contact.interactions"):
        found.setdefault((topic, key), []).append(doc)
    else:
        cut = (*CUT, *CUT_OF.get(topic, ()))
        found[topic, key] = {name: value for name, value in doc.items() if name not in cut}


def _note_fact(found: dict[Any, Any], doc: Any) -> None:
    """How often something is told and taken back hangs on the cut."""
    name = "contact.measurements", orjson.dumps({**doc, "sign": 0}, option=orjson.OPT_SORT_KEYS)
    found[name] = found.get(name, 0) + doc.get("sign", 1)
    if not found[name]:
        del found[name]


def _left(deployment: Offline) -> set[bytes]:
    """Owners whom all contacts have left: whether anything was told of them before depends on the cut."""
    has: dict[bytes, set[str]] = {}
    for record in deployment.on("contact.interactions"):
        doc = orjson.loads(record.value or b"null")
        if record.key is not None and doc["kind"] in ("event", "left"):
            contacts = has.setdefault(record.key, set())
            (contacts.add if doc["kind"] == "event" else contacts.discard)(f"{doc['channel']}|{doc['contact']}")
    return {owner for owner, contacts in has.items() if not contacts}


@cache
def undisturbed() -> dict[Any, Any]:
    with cursed_hooks(set(), set()):
        return of_the_healthy(run(stories()[0], inlets(set(), False, False), 4000, 0))


@dataclass(frozen=True)
class Faults:
    """What raises for the cursed, and how the log is cut."""

    hooks: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    sends: frozenset[str] = frozenset()
    reading: bool = False
    """Rows cannot be read; else they cannot be written."""
    burying: bool = False
    """Dead letters cannot be made either."""
    size: int = 4000
    restarts: int = 0


def others_come_through(faults: Faults) -> Offline:
    healthy, twin = stories()
    story = sorted([*healthy, *twin], key=lambda raw: raw.step)
    with cursed_hooks(faults.hooks, faults.sends):
        parts = inlets(faults.tables, faults.reading, faults.burying)
        deployment = run(story, parts, faults.size, faults.restarts)
    found, wanted = of_the_healthy(deployment), undisturbed()
    unlike = [name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)]
    assert [(name, found.get(name), wanted.get(name)) for name in sorted(unlike, key=str)[:3]] == []
    assert [task.info.name for task in deployment.tasks if task.unfinished] == []
    letters = [orjson.loads(record.value or b"") for record in deployment.on("contacts.dead-letters")]
    assert [letter for letter in letters if CONTROL.encode() in base64.b64decode(letter["key"] or b"")] == []
    return deployment


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_raises_for_some_costs_nobody_else(name: str) -> None:
    deployment = others_come_through(Faults(hooks=frozenset({name})))
    assert deployment.on("contacts.dead-letters"), "it has raised"


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_rows_that_cannot_be_written_or_read_cost_nobody_else(name: str, reading: bool) -> None:
    others_come_through(Faults(tables=frozenset({name}), reading=reading, restarts=5))


@pytest.mark.parametrize("topic", SENDS)
def test_what_cannot_be_sent_costs_nobody_else(topic: str) -> None:
    deployment = others_come_through(Faults(sends=frozenset({topic})))
    assert deployment.on("contacts.dead-letters")


@settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    st.builds(
        Faults,
        hooks=st.frozensets(st.sampled_from(sorted(HOOKS)), max_size=4),
        tables=st.frozensets(st.sampled_from(TABLES), max_size=2),
        sends=st.frozensets(st.sampled_from(SENDS), max_size=2),
        reading=st.booleans(),
        burying=st.booleans(),
        size=st.sampled_from([1, 7, 60, 4000]),
        restarts=st.sampled_from([0, 1, 4]),
    )
)
def test_whatever_raises_for_some_all_others_come_through(faults: Faults) -> None:
    others_come_through(faults)
