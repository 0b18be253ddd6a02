"""Alerts as the agent publishes them, made by hand; and a deployment that has their topics."""

from typing import Any
from zlib import crc32

import orjson

from schemas import registry
from streams.base.times import iso
from streams.desk.board import OVER
from streams.desk.reading import key_of
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.topics import Wanted
from streams.settings import Settings
from tests.support.engine import publish

T0 = 1_772_442_964_000  # 2026-03-02T09:16:04Z
PARTITIONS = 4
DIGEST = "5d1f0c7a94be32d86e01"
ANN = f"high-tier-wait.{DIGEST}@customer:ann"
JOURNEY = "customer:ann@2026-03-02T09:16:04.000Z"
NEEDED = (
    "alerts", "alert.events", "alert.commands", "alert.silences", "alert.rules", "api.audit", "contacts.dead-letters", "journeys"
)  # fmt: skip
Doc = dict[str, Any]


def alert(fingerprint: str = ANN, **changes: Any) -> Doc:
    """A gold customer who waits; ``subject`` changes fields of the subject."""
    subject = {
        "type": "contact", "customer": "customer:" + fingerprint.rpartition(":")[2], "contact_id": "call-1",
        "journey_id": None, "channel": "voice", "queue": "cards", "tier": "gold", "service_type": None, "kpi": None,
        "source": None, **changes.pop("subject", {}),
    }  # fmt: skip
    name, _, owner = fingerprint.partition("@")
    found = {
        "fingerprint": fingerprint, "episode_id": f"{name.rpartition('.')[0]}.{name[::-1].partition('.')[0]}@{owner}",
        "rule": name.rpartition(".")[0], "rule_version": "v1", "kind": "waiting", "state": "firing",
        "severity": "critical", "subject": subject, "value": 120_000, "limit": 120_000, "clear_limit": None,
        "unit": "ms", "since": iso(T0), "fired_at": iso(T0 + 2000), "resolved_at": None, "because": "fired",
        "acknowledged_by": None, "acknowledged_at": None, "assigned_to": None, "level": 0, "silenced_by": None,
        "inhibited_by": None, "owner": "service-desk", "runbook": "https://example.com/waits", "labels": {"team": "floor"},
        "event_ids": ["call-1-queued"], "line": "", "revision": 1, **changes,
    }  # fmt: skip
    if found["state"] in OVER and found["resolved_at"] is None:
        found["resolved_at"] = iso(T0 + 60_000)
    return found


def step(of: Doc, before: str | None = None, **changes: Any) -> Doc:
    """A step of it."""
    return {
        "event_id": f"{of['episode_id']}#{of['revision']}", "at": iso(T0 + 2000 + of["revision"]), "before": before,
        "because": of["because"], "by": None, "note": None, "notify": True, "line": of["line"], "alert": of, **changes,
    }  # fmt: skip


def journey(name: str = JOURNEY, owner: str = "customer:ann", **changes: Any) -> Doc:
    """The example of the contract, of this customer."""
    example = registry.topics()["journeys"].examples[0].value
    return {**example, "journey_id": name, "customer": owner, "line": "", "others": [], **changes}


async def create(settings: Settings) -> None:
    """The topics that the desk reads and writes."""
    names = {settings.topic_prefix + name for name in NEEDED}
    wanted = [each for each in topics.wanted(settings) if each.name in names]
    name = settings.topic_prefix + "alert.events"
    if name not in {each.name for each in wanted}:
        wanted.append(Wanted(name, PARTITIONS, {"cleanup.policy": "delete"}))
    await topics.create(connection_of(settings), wanted)


async def tell(settings: Settings, topic: str, *docs: Doc) -> None:
    """Publish records of ``alerts``, ``alert.events`` or ``journeys`` where the agent would."""
    await put(settings, topic, [(key(topic, doc), orjson.dumps(doc)) for doc in docs])


async def put(settings: Settings, topic: str, records: list[tuple[bytes, bytes | None]]) -> None:
    """Key and value."""
    spec = registry.topics().get(topic)
    count = spec.partitions if spec else PARTITIONS
    placed = [(crc32(name) % count, name, value) for name, value in records]
    await publish(settings.bootstrap_servers, settings.topic_prefix + topic, placed)


def key(topic: str, doc: Doc) -> bytes:
    """Of a record."""
    if topic == "journeys":
        return str(doc["journey_id"]).encode()
    of = doc["alert"] if topic == "alert.events" else doc
    return key_of(of["fingerprint"], of["line"])
