"""Logs while a broker is away."""

import logging

from aiokafka.cluster import ClusterMetadata
from aiokafka.protocol.metadata import MetadataResponse_v1

from streams.worker.logs import Repeats


def say(repeats: Repeats, name: str, text: str, *args: object) -> str | None:
    record = logging.LogRecord(name, logging.ERROR, "file.py", 1, text, args, None)
    return record.getMessage() if repeats.filter(record) else None


def test_what_a_library_repeats_is_shown_every_ten_seconds_and_counted() -> None:
    now = [100.0]
    repeats = Repeats(lambda: now[0])
    away = "aiokafka", "Unable connect to node with id %s: %s"
    shown = []
    for tenth in range(250):
        now[0] = 100 + tenth / 10
        shown.append((tenth, say(repeats, *away, 1, f"refused {tenth}")))
    assert [each for each in shown if each[1]] == [
        (0, "Unable connect to node with id 1: refused 0"),
        (100, "Unable connect to node with id 1: refused 100 (99 more like it in 10 s)"),
        (200, "Unable connect to node with id 1: refused 200 (99 more like it in 10 s)"),
    ]


def test_a_topic_that_may_not_be_seen_is_said_every_ten_seconds_and_not_at_each_look() -> None:
    """As the Kafka client itself says it, at each of its tries."""
    now, shown = [100.0], list[str]()
    repeats = Repeats(lambda: now[0])

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.append(record.getMessage())

    handler = Shown()
    handler.addFilter(repeats)
    logger = logging.getLogger("aiokafka.cluster")
    logger.addHandler(handler)
    try:
        cluster = ClusterMetadata()
        for tenth in range(150):
            now[0] = 100 + tenth / 10
            topics = [(29, "contacts.voice", False, []), (29, "contacts.chat", False, [])]
            cluster.update_metadata(MetadataResponse_v1([(1, "127.0.0.1", 9092, None)], 1, topics))
    finally:
        logger.removeHandler(handler)
    assert shown == [
        "Topic contacts.voice is not authorized for this client",
        "Topic contacts.voice is not authorized for this client (199 more like it in 10 s)",
    ]


def test_other_messages_and_our_own_are_shown_each_time() -> None:
    repeats = Repeats(lambda: 0.0)
    assert say(repeats, "aiokafka", "one %s", 1) == "one 1"
    assert say(repeats, "aiokafka", "two") == "two"
    assert say(repeats, "aiokafka.consumer", "one %s", 1) == "one 1"
    assert [say(repeats, "streams.engine.source", "again") for _ in range(3)] == ["again"] * 3
