"""Logs while a broker is away."""

import logging

from streams.ops.logs import Repeats


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


def test_other_messages_and_our_own_are_shown_each_time() -> None:
    repeats = Repeats(lambda: 0.0)
    assert say(repeats, "aiokafka", "one %s", 1) == "one 1"
    assert say(repeats, "aiokafka", "two") == "two"
    assert say(repeats, "aiokafka.consumer", "one %s", 1) == "one 1"
    assert [say(repeats, "streams.engine.source", "again") for _ in range(3)] == ["again"] * 3
