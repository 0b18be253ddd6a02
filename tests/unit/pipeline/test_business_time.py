"""From events to readings: what a queue with opening hours is told by both clocks, whatever the batches and the order."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams import app
from streams import rules as rule_files
from streams.base.times import HOUR_MS, to_ms
from streams.engine.offline import Offline
from streams.worker.metrics import Metrics
from tests.support.offline import NOW, SETTINGS, mark, names, scorer, settle
from tests.support.system import event, home

HOURS = """
calendars:
  office:
    time_zone: Europe/Berlin
    weekly: {monday: &day [09:00-18:00], tuesday: *day, wednesday: *day, thursday: *day, friday: *day}
    holidays: {country: DE}
queues: {support: office}
"""


def at(text: str) -> float:
    return to_ms(text) / 1000


# Friday before the clock goes forward, 17:30 in Berlin, and Monday at 9:30; the mail of Maundy Thursday waits for Tuesday.
FIRST, ANSWER = at("2026-03-27T16:30:00Z"), at("2026-03-30T07:30:00Z")
HOLIDAYS, AFTER = at("2026-04-02T15:45:00Z"), at("2026-04-07T07:15:00Z")
MAIL: dict[str, Any] = {"channel": "email", "queue": "support"}
EVENTS = [
    *(
        event(kind, contact, when, **MAIL, **more)
        for contact, asked, answered in (("mail-1", FIRST, ANSWER), ("mail-2", HOLIDAYS, AFTER))
        for kind, when, more in (
            ("contact.initiated", asked, {}),
            ("contact.queued", asked, {}),
            ("message.sent", asked, {"direction": "inbound", "author": "customer", "text": "hello"}),
            ("message.sent", answered, {"direction": "outbound", "author": "agent", "text": "good morning"}),
            ("contact.ended", answered + 60, {"by": "agent", "reason": "completed"}),
        )
    ),
    *(
        event(kind, "call", when, queue="sales", **more)
        for kind, when, more in (
            ("contact.initiated", FIRST, {}),
            ("contact.queued", FIRST, {}),
            ("contact.connected", FIRST + 30, {"agent_type": "human"}),
        )
    ),
]


def readings(tmp_path: Path, events: list[dict[str, Any]], size: int, restart: bool) -> dict[bytes, dict[str, Any]]:
    """The newest record of each window."""
    (tmp_path / "hours.yaml").write_text(HOURS)
    inlets = app.inlets(SETTINGS, rule_files.load(tmp_path), Metrics(), scorer(SETTINGS.sentiment_scorer))
    run, topics = Offline(inlets, dict.fromkeys(names(), 1), size=4000), ["contacts.email", "contacts.voice"]
    mark(run, "r", "started", round(FIRST * 1000) - 1, topics)
    for start in range(0, len(events), size):
        for one in events[start : start + size]:
            run.publish(*home(one), orjson.dumps(one | {"replayid": "r"}), NOW)
        run.run(NOW)
        if restart:
            run.restart()
    mark(run, "r", "ended", round(AFTER * 1000) + 30 * HOUR_MS, topics)
    settle(run, NOW)
    assert [orjson.loads(each.value or b"") for each in run.on("contacts.dead-letters")] == []
    return {each.key or b"": orjson.loads(each.value or b"") for each in run.on("kpis")}


def days(found: dict[bytes, dict[str, Any]], queue: str) -> dict[str, dict[tuple[str, str], Any]]:
    """Start of the day → reading → numerator or value, and denominator."""
    return {
        each["window"]["start"]: {
            (one["kpi"], one["variant"]): (one["numerator"], one["denominator"]) for one in each["readings"]
        }
        for each in found.values()
        if each["dimensions"]["queue"] == queue and each["window"]["length_ms"] > 13 * HOUR_MS
    }


def test_a_mail_over_the_week_end_took_64_hours_less_one_and_one_of_business_time(tmp_path: Path) -> None:
    found = readings(tmp_path, EVENTS, len(EVENTS), restart=False)
    mails = days(found, "support")
    hour = HOUR_MS
    # Monday of Berlin, and the Tuesday after Easter.
    monday, tuesday = mails["2026-03-29T22:00:00.000Z"], mails["2026-04-06T22:00:00.000Z"]
    for kpi, variant in (("speed_of_answer", "answered_legs"), ("first_response", "human_from_start")):
        assert monday[kpi, variant] == (63 * hour, 1)
        assert monday[kpi, f"{variant}_business"] == (hour, 1)
        assert tuesday[kpi, variant] == (111.5 * hour, 1)
        assert tuesday[kpi, f"{variant}_business"] == (hour / 2, 1)
    assert monday["longest_wait", "left_business"] == (hour, 1)
    calls = days(found, "sales")["2026-03-27T00:00:00.000Z"]  # of UTC: it has no opening hours
    assert calls["speed_of_answer", "answered_legs"] == (30_000, 1)
    assert not any(variant.endswith("business") for _, variant in calls)


@pytest.mark.parametrize(("size", "seed"), [(1, 1), (3, 2), (4, 3)])
def test_order_batches_and_restarts_change_nothing(tmp_path: Path, size: int, seed: int) -> None:
    given = readings(tmp_path, EVENTS, len(EVENTS), restart=False)
    shuffled = [*EVENTS, *EVENTS[2:5]]
    random.Random(seed).shuffle(shuffled)
    found = readings(tmp_path, shuffled, size, restart=True)
    for queue in ("support", "sales"):
        assert days(found, queue) == days(given, queue)
