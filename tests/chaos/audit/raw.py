"""Level (a): every raw record is exactly one of normalised, dead letter with the right reason, duplicate, or marker.

What is right is decided here by the contract in words, not by the product's models; only as much of the contract is
known as the load makes use of.
"""

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from tests.chaos.audit.logs import BETWEEN, CHANNELS, INPUTS, Difference, Logs, Rec, home
from tests.chaos.poison import EITHER, REFUSED, SOURCE
from tests.chaos.stories import KILL, RAISE

MAX_BYTES = 1_000_000
MAX_AGE_MS, AHEAD_MS = 24 * 3_600_000, 60_000
SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
KINDS = {
    "contact.initiated", "contact.queued", "contact.connected", "contact.held", "contact.resumed", "contact.ended",
    "contact.wrapped_up", "message.sent", "feedback.given", "customer.profile_changed", "agent.state_changed", "customer.erased",
    "order.placed", "order.delivered", "promise.made", "promise.kept", "alert.commanded", "identity.linked",
    "identity.cut", "replay.started", "replay.progressed", "replay.ended",
}  # fmt: skip
KEYS = {
    "customer.profile_changed": ("customers.profile", "customer_id"),
    **dict.fromkeys(
        ("order.placed", "order.delivered", "promise.made", "promise.kept"), ("customers.events", "customer_id")
    ),
    "customer.erased": ("customers.profile", "customer_id"),
    "agent.state_changed": ("agents.state", "agent_id"),
    "alert.commanded": ("alert.commands", "alert_id"),
    "identity.linked": ("identity.commands", "identifier"),
    "identity.cut": ("identity.commands", "identifier"),
}


@dataclass(frozen=True)
class Input:
    """One accepted raw record: its event, when it happened and when it arrived, ms."""

    rec: Rec
    event: dict[str, Any]
    time: int
    line: str

    @property
    def data(self) -> dict[str, Any]:
        return self.event["data"]  # type: ignore[no-any-return]


FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Accounts:
    """What became of the raw records, by the auditor's own judgement."""

    accepted: list[Input] = field(default_factory=list)
    refused: dict[str, tuple[Rec, str | None]] = field(default_factory=dict)
    """Place → (record, reason); None: whatever it is."""
    either: dict[str, Rec] = field(default_factory=dict)
    """Place → poison that may be taken or refused."""
    duplicates: int = 0
    markers: int = 0

    @property
    def input(self) -> int:
        return len(self.accepted) + len(self.refused) + len(self.either) + self.duplicates + self.markers


def judge(logs: Logs) -> Accounts:
    """Go through the raw topics in log order."""
    accounts = Accounts(refused={rec.place: (rec, None) for topic in BETWEEN for rec in logs.of(topic) if rec.forged})
    known: dict[tuple[str, int, str, str, str], bytes] = {}
    for topic in INPUTS:
        for rec in logs.of(topic):
            fate = _fate(rec)
            if fate == EITHER:
                accounts.either[rec.place] = rec
                continue
            if fate == REFUSED:
                accounts.refused[rec.place] = rec, None
                continue
            reason, event, time = _reason(rec)
            if reason is not None:
                accounts.refused[rec.place] = rec, reason
                continue
            if event["type"].startswith("replay."):
                accounts.markers += 1
                continue
            line = event.get("replayid") or ""
            name = (topic, rec.partition, event["source"], event["id"], line)
            content = orjson.dumps(
                {key: value for key, value in event.items() if key != "replayid"}, option=orjson.OPT_SORT_KEYS
            )
            if name in known:
                if known[name] == content:
                    accounts.duplicates += 1
                else:
                    accounts.refused[rec.place] = rec, "id-reused"
            elif _is_trap(event):
                accounts.refused[rec.place] = rec, "processing"
            else:
                known[name] = content
                accounts.accepted.append(Input(rec, event, time, line))
    return accounts


def _fate(rec: Rec) -> str | None:
    """What is to become of poison, as it says itself; None for other records. What the client passed by is a bomb."""
    if rec.value is None:
        return REFUSED
    if SOURCE.encode() not in (rec.value or b"") or len(rec.value or b"") > MAX_BYTES:
        return None
    return str(orjson.loads(rec.value or b"")["source"]).removeprefix(SOURCE)


def _is_trap(event: dict[str, Any]) -> bool:
    data = event["data"]
    scored = event["type"] == "message.sent" and data["author"] == "customer" and data.get("sentiment") is None
    return scored and any(word in data.get("text", "") for word in (RAISE, KILL))


def _reason(rec: Rec) -> tuple[str | None, dict[str, Any], int]:
    """Why the record cannot be used (None: it can), its event, and the event's time."""
    nothing: dict[str, Any] = {}
    if not rec.value:
        return "unreadable", nothing, 0
    if len(rec.value) > MAX_BYTES:
        return "too-large", nothing, 0
    try:
        event = orjson.loads(rec.value)
    except orjson.JSONDecodeError:
        return "unreadable", nothing, 0
    if not isinstance(event, dict):
        return "wrong-type", nothing, 0
    if any(name not in event for name in ("specversion", "id", "source", "type", "time", "data")):
        return "missing-field", nothing, 0
    if event["type"] not in KINDS:
        return "unknown-type", nothing, 0
    moment = datetime.fromisoformat(event["time"])
    if moment.tzinfo is None or not FIRST <= moment <= LAST:
        return "wrong-type", nothing, 0
    time = round(moment.timestamp() * 1000)
    return _content_reason(rec, event, time), event, time


def _content_reason(rec: Rec, event: dict[str, Any], time: int) -> str | None:
    kind, data = event["type"], event["data"]
    if kind.startswith("replay."):
        return None
    if kind == "contact.queued" and "queue" not in data:
        return "missing-field"
    if kind == "feedback.given":
        low, high = SCALES[data["metric"]]
        if not low <= data["score"] <= high:
            return "wrong-type"
    return _key_reason(rec, kind, data) or _age_reason(rec, event, time)


def _key_reason(rec: Rec, kind: str, data: dict[str, Any]) -> str | None:
    topic, name = KEYS.get(kind, (f"contacts.{data.get('channel')}", "contact_id"))
    expected = data.get(name)
    known = kind in KEYS or data.get("channel") in CHANNELS
    if not isinstance(expected, str) or not known or rec.topic != topic:
        return "wrong-type"
    if rec.key is None:
        return "missing-field"
    return None if rec.key == expected.encode() else "wrong-type"


def _age_reason(rec: Rec, event: dict[str, Any], time: int) -> str | None:
    if "replayid" in event:
        return None
    if time > rec.timestamp + AHEAD_MS:
        return "in-the-future"
    return "too-old" if time < rec.timestamp - MAX_AGE_MS else None


def check(logs: Logs, accounts: Accounts, prefix: str) -> Iterator[Difference]:
    """What the product made of the raw records against the judgement."""
    yield from _dead_letters(logs, accounts, prefix)
    yield from _normalised(logs, accounts)


def _dead_letters(logs: Logs, accounts: Accounts, prefix: str) -> Iterator[Difference]:
    seen: Counter[str] = Counter()
    for letter in logs.of("contacts.dead-letters"):
        places = _places(letter.doc, prefix)
        if len(places) != (letter.doc.get("count") or 1):
            yield Difference("raw", f"{letter.place} names {len(places)} offsets", (letter.doc["id"],), letter)
        for place in places:
            seen[place] += 1
            about = (letter.doc["id"], f'"offset":{place.rpartition("-")[2]},"key":')
            if seen[place] > 1:
                yield Difference("raw", f"{place} has {seen[place]} dead letters", about, letter)
            elif place not in accounts.either:
                yield from _dead_letter(letter, place, place == places[0], accounts)
    for place, (rec, reason) in accounts.refused.items():
        if place not in seen:
            yield Difference(
                "raw", f"{place} must be refused as {reason} and has no dead letter", _names_in(rec.value), rec
            )


def _dead_letter(letter: Rec, place: str, whole: bool, accounts: Accounts) -> Iterator[Difference]:
    """One record that a letter stands for; ``whole``: the letter holds its bytes."""
    doc, about = letter.doc, (letter.doc["id"],)
    if _too_late(doc):
        return
    if place not in accounts.refused:
        what = f"{place} became a dead letter ({doc['hop']}, {doc['reason']}: {doc['message']}), but can be used"
        yield Difference("raw", what, (*about, *_names_in(base64.b64decode(doc["payload"]))), letter)
        return
    rec, reason = accounts.refused[place]
    hop = doc["hop"] if rec.forged else "ingest"
    kept = (rec.value or b"")[: 64 * 1024]
    if (doc["hop"], doc["reason"]) != (hop, reason or doc["reason"]):
        yield Difference(
            "raw", f"{place} was refused as {doc['reason']} by {doc['hop']}, not as {reason}", about, letter
        )
    elif whole and base64.b64decode(doc["payload"]) != kept:
        yield Difference("raw", f"the dead letter of {place} holds other bytes than the record", about, letter)


def _too_late(doc: dict[str, Any]) -> bool:
    """A command came when its alert was forgotten, or set aside with its row. That an alert stays as it was although a
    command closed it is told beside: it still fires.
    """
    return (doc["hop"], doc["reason"]) == ("alert", "wrong-type") and doc["path"] in ("data.alert_id", "data.action")


def _places(doc: dict[str, Any], prefix: str) -> list[str]:
    """Where the records lie that a dead letter stands for."""
    runs = doc.get("offsets") or [[doc["offset"], doc["offset"]]]
    where = f"{doc['topic'].removeprefix(prefix)}-{doc['partition']}"
    return [f"{where}-{offset}" for first, last in runs for offset in range(first, last + 1)]


def _names_in(value: bytes | None) -> tuple[str, ...]:
    try:
        event = orjson.loads(value or b"")
        return (event["id"], event["data"]["contact_id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ()


def _normalised(logs: Logs, accounts: Accounts) -> Iterator[Difference]:
    wanted: dict[bytes, list[Input]] = {}
    for each in accounts.accepted:
        wanted.setdefault(_name_of(each), []).append(each)
    found: dict[bytes, list[Rec]] = {}
    words = [rec for rec in logs.of("alert.conditions") if rec.doc["kind"] in ("command", "silenced")]
    for rec in (*logs.of("contact.normalised"), *words):
        count = logs.partitions[rec.topic]
        if rec.doc["kind"] != "progress" and _by(rec)[0] != SOURCE + EITHER:
            found.setdefault(rec.key or b"", []).append(rec)
            if rec.partition != home(rec.key or b"", count):
                yield Difference(
                    "normalised", f"{rec.place} lies on another partition than its key's", _by(rec)[1:], rec
                )
    for key in wanted.keys() | found.keys():
        yield from _same(key.decode(), wanted.get(key, []), found.get(key, []))


def _name_of(each: Input) -> bytes:
    """What the agents call it: a contact by its channel and id, anything else by its key."""
    data = each.data
    name = f"{data['channel']}|{data['contact_id']}".encode() if "contact_id" in data else each.rec.key
    return name or b""


def _by(rec: Rec) -> tuple[str, str]:
    """Source and id of the event behind a normalised record."""
    if rec.doc["kind"] == "word":
        return rec.doc["ref"][2], rec.doc["ref"][1]
    return rec.doc["source"], rec.doc["id"]


def _same(key: str, wanted: list[Input], found: list[Rec]) -> Iterator[Difference]:
    """What one key's raw records became, in order: the events of a key lie in one partition of each raw topic."""
    wanted = sorted(wanted, key=lambda each: each.rec.topic)
    names = [(each.event["source"], each.event["id"], each.line) for each in wanted]
    got = [(*_by(rec), rec.doc.get("line", "")) for rec in found]
    topics = {name: each.rec.topic for name, each in zip(names, wanted, strict=True)}
    order = sorted(range(len(got)), key=lambda number: topics.get(got[number], ""))
    found, got = [found[number] for number in order], [got[number] for number in order]
    if names != got:
        lost, extra = Counter(names) - Counter(got), Counter(got) - Counter(names)
        first = next(
            (n for n, (one, other) in enumerate(zip(names, got, strict=False)) if one != other),
            min(len(names), len(got)),
        )
        what = f"lost {sorted(lost)}, too many {sorted(extra)}" if lost or extra else "in another order"
        rec = wanted[first].rec if first < len(wanted) else found[first]
        yield Difference("normalised", f"key {key}: {what}", (key,), rec)
        return
    for each, rec in zip(wanted, found, strict=True):
        if problem := _unlike(each, rec.doc):
            yield Difference(
                "normalised", f"{rec.place} is not what {each.rec.place} says: {problem}", (each.event["id"],), rec
            )


def _unlike(each: Input, doc: dict[str, Any]) -> str | None:
    told = {"time": each.time, "id": each.event["id"], "source": each.event["source"]}
    names = {
        "contact_id": "contact", "channel": "channel", "queue": "queue", "tier": "tier", "topic": "topic",
        "alert_id": "alert", "action": "action", "state": "state", "customer_id": "customer", "author": "data.author",
        "score": "data.score",
    }  # fmt: skip
    told |= {names[name]: value for name, value in each.data.items() if name in names}
    flat = doc | {f"data.{name}": value for name, value in doc.get("data", {}).items()}
    if doc["kind"] == "erase":
        flat["customer"] = doc["owner"].removeprefix("customer:")
    if doc["kind"] == "word":
        flat |= dict(zip(("time", "id", "source"), doc["ref"], strict=True))
    return next(
        (f"{name} is {flat.get(name)!r}, not {value!r}" for name, value in told.items() if flat.get(name) != value),
        None,
    )
