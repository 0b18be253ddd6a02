"""Gold customers that wait, in `identify` and `track`, before any alert has fired."""

import msgspec
import orjson

from streams.base.records import Line, Progress
from tests.support.offline import NOW, TaskUnderTest, fetched, hops, the_ingest
from tests.support.records import Fetched, record
from tests.support.system import event

MINUTE = 60_000


def waiting(customers: int) -> list[Fetched]:
    """Gold customers in a queue, as ``identify`` reads them."""
    first = the_ingest()
    events = [
        event("contact.queued", f"c{n}", NOW / 1000 - 60, queue="q", customer_id=f"u{n}", tier="gold")
        for n in range(customers)
    ]
    first.batch(fetched(events))
    return [
        record(topic="contact.normalised", offset=n, key=key, value=orjson.dumps(value))
        for n, (topic, key, value) in enumerate(first.sent)
        if topic == "contact.normalised" and key is not None
    ]


def at(topic: str, time: int, ended: bool = False) -> Fetched:
    return record(topic=topic, value=msgspec.json.encode(Progress("up-0", 1, {"": Line(time, ended)})))


def tracked(customers: int) -> tuple[TaskUnderTest, TaskUnderTest]:
    """``identify`` and ``track`` with customers that wait; no alert has fired yet."""
    tasks = hops()
    first, second = tasks["identify"], tasks["track"]
    first.batch(waiting(customers))
    sent = [(key, value) for topic, key, value in first.sent if topic == "contact.interactions" and key is not None]
    second.batch([record(offset=n, key=key, value=orjson.dumps(value)) for n, (key, value) in enumerate(sent)])
    second.batch([at("contact.interactions", NOW)])
    assert second.on("alerts") == []
    return first, second
