"""One week of a real bank's calls, counted in the generated events. Where the file is: environment variable CALLS_FILE."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.events import check
from streams.replay.mapping import load_mapping
from streams.replay.reader import CallLog, read_log

CALLS_FILE = os.environ.get("CALLS_FILE", "")
pytestmark = pytest.mark.skipif(not CALLS_FILE, reason="CALLS_FILE is not set: no real call log at hand")

Contacts = dict[str, dict[str, dict[str, Any]]]
"""Contact id → type → event."""


@pytest.fixture(scope="module")
def calls() -> CallLog:
    return read_log(Path(CALLS_FILE), load_mapping("bank"))


@pytest.fixture(scope="module")
def contacts(calls: CallLog) -> Contacts:
    found: Contacts = defaultdict(dict)
    for _, event in calls.events("x"):
        assert event["type"] not in found[event["data"]["contact_id"]]
        found[event["data"]["contact_id"]][event["type"]] = event
    return found


def seconds(later: dict[str, Any], sooner: dict[str, Any]) -> float:
    return (datetime.fromisoformat(later["time"]) - datetime.fromisoformat(sooner["time"])).total_seconds()


def waits(contacts: Contacts) -> Iterator[tuple[dict[str, dict[str, Any]], float | None]]:
    """(events, seconds in the queue or None) of every contact."""
    for events in contacts.values():
        left = events.get("contact.connected") or events["contact.ended"]
        yield events, seconds(left, events["contact.queued"]) if "contact.queued" in events else None


def test_every_figure_of_the_week(calls: CallLog, contacts: Contacts) -> None:
    answered = [events for events in contacts.values() if "contact.connected" in events]
    abandoned = [events for events in contacts.values() if events["contact.ended"]["data"]["reason"] == "abandoned"]
    queued = [wait for _, wait in waits(contacts) if wait is not None]
    queued_abandoned = [events for events in abandoned if "contact.queued" in events]
    answer_waits = [wait or 0 for events, wait in waits(contacts) if "contact.connected" in events]
    waited = [wait for wait in answer_waits if wait]
    in_time = sum(wait <= 20 for wait in answer_waits)
    service = [seconds(events["contact.ended"], events["contact.connected"]) for events in answered]
    gold = [wait for events, wait in waits(contacts) if events["contact.ended"]["data"].get("tier") == "gold"]
    customers = {events["contact.ended"]["data"].get("customer_id") for events in contacts.values()} - {None}

    assert (calls.rows, calls.unreadable, dict(calls.left_out)) == (9007, 0, {"phantom": 59})
    assert (len(answered), len(abandoned), len(contacts)) == (7429, 1519, 8948)
    assert len(queued) == 4522
    assert round(100 * len(abandoned) / len(contacts), 2) == 16.98
    assert round(100 * len(queued_abandoned) / len(queued), 2) == 18.73
    assert round(sum(answer_waits) / len(answer_waits), 2) == 32.03
    assert round(sum(waited) / len(waited), 2) == 64.74
    assert round(100 * in_time / len(contacts), 2) == 52.82
    assert round(100 * in_time / len(answered), 2) == 63.62
    assert round(sum(service) / len(service), 2) == 167.94
    assert max(queued) == 676
    assert sum(wait is not None and wait > 120 for wait in gold) == 201
    assert len(customers) == 1690


def test_every_row_by_another_reading(contacts: Contacts) -> None:
    """Row by row against a reading of the file that shares no code with the mapping."""
    with Path(CALLS_FILE).open(newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["outcome"] != "PHANTOM"]
    assert len(rows) == len(contacts)
    for row in rows:
        events = contacts["-".join((row["date"], row["vru+line"], row["call_id"]))]
        data = events["contact.initiated"]["data"]
        assert data.get("customer_id", "0") == row["customer_id"]
        assert data.get("tier") == {"0": None, "1": "silver", "2": "gold"}[row["priority"]]
        assert data["queue"] == row["type"]
        assert ("contact.queued" in events) == (row["q_time"] != "0")
        assert ("contact.connected" in events) == (row["outcome"] == "AGENT")
        last = events.get("contact.connected") or events["contact.ended"]
        if "contact.queued" in events:
            assert seconds(last, events["contact.queued"]) == int(row["q_time"])
        if "contact.connected" in events:
            assert seconds(events["contact.ended"], last) == int(row["ser_time"])
            assert last["data"].get("agent_id", "NO_SERVER") == row["server"]
        spread = [seconds(event, events["contact.initiated"]) for event in events.values()]
        assert min(spread) >= -120 and max(spread) < 7200  # nothing landed on a wrong day


def test_events_are_ordered_valid_and_unique(calls: CallLog) -> None:
    times: list[int] = []
    ids: set[str] = set()
    for ms, event in calls.events(calls.replay_id):
        assert check(event) is None
        assert datetime.fromisoformat(event["time"]) == datetime.fromtimestamp(ms / 1000, UTC)
        times.append(ms)
        ids.add(event["id"])
    assert times == sorted(times)
    assert len(ids) == len(times) == len(calls.planned)
