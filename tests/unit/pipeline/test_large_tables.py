"""Customers and owners: deadlines in their rows, rows of the version before, many that are due at once."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
import pytest

from schemas.dead_letter import DeadLetter
from streams.customers import customers
from streams.customers.customers import Customer
from streams.engine.errors import StoreError
from streams.engine.outputs import Outputs
from streams.identity.owners import ContactOwner
from streams.pipeline import identify, track
from streams.pipeline.stage import NO_DEADLINE
from tests.support.deadlines import first_of
from tests.support.offline import NOW, PARTITIONS, TaskUnderTest
from tests.support.waits import MINUTE, at, tracked


def side_by_side(line: dict[str, Any]) -> dict[str, Any]:
    """A line of a row with the state of every capability beside each other, as it was before version 3."""
    waits, flat = line.pop("waits", {}), dict[str, Any]()
    for capability, names in (
        ("moods", ("messages", "moods", "settled_message", "judged", "alerts")),
        ("journeys", ("past", "shown", "review")),
        ("segments", ("standing", "score", "score_revision")),
    ):
        flat |= zip(names, line.pop(capability, ()), strict=False)
    return {**line, **flat, "alerts": waits | flat.get("alerts", {})}


def as_version_1(task: TaskUnderTest, table: str) -> None:
    """The rows of a changelog as the version before wrote them, and without the tables that it did not have."""
    for key, value in list(task.changelog.items()):
        name = key.partition(b"\0")[0].decode()
        if name == table:
            assert value[:1] == bytes([task.tables[table].spec.version])
            row = orjson.loads(value[5 + int.from_bytes(value[1:5], "big") :])
            del row["due"]
            if table == "customers":
                row["lines"] = {line: side_by_side(each) for line, each in row["lines"].items()}
            task.changelog[key] = orjson.dumps(row)
        elif name == "firing":
            del task.changelog[key]


def as_version_3(task: TaskUnderTest, table: str) -> None:
    """The rows of a changelog as the version before wrote them, with their deadlines in front."""
    for key, value in list(task.changelog.items()):
        if key.partition(b"\0")[0].decode() == table:
            front = value[1 : 5 + int.from_bytes(value[1:5], "big")]
            row = orjson.loads(value[1 + len(front) :])
            for line in row["lines"].values():
                line["journeys"] = line["journeys"][:8]
            task.changelog[key] = b"\x03" + front + orjson.dumps(row)


@pytest.mark.parametrize("as_before", [as_version_1, as_version_3])
def test_rows_of_a_version_before_publish_their_journeys_once_more_under_their_own_keys(
    as_before: Callable[[TaskUnderTest, str], None],
) -> None:
    """Whatever their deadlines were: all rows are due at once, and none of them twice."""
    _, task = tracked(3)
    names = {key for topic, key, _ in task.sent if topic == "journeys"}
    as_before(task, "customers")
    task.restart()
    for second in (1, 2, 3):
        before = len(task.sent)
        task.batch([at("contact.interactions", NOW + second)])
        told = [(key, value and value["revision"]) for topic, key, value in task.sent[before:] if topic == "journeys"]
        own = [(f"customer:u{n}".encode(), None) for n in range(3)]
        assert sorted(told, key=str) == (sorted([*own, *((name, 2) for name in names)], key=str) if second == 1 else [])


def test_a_deadline_survives_restarts_and_fires_once() -> None:
    _, task = tracked(3)
    for _ in range(2):
        task.restart()
        task.batch([at("contact.interactions", NOW + 2 * MINUTE)])
    assert [alert["status"] for alert in task.on("alerts")] == ["firing"] * 3


def test_rows_of_the_version_before_keep_their_deadlines() -> None:
    _, task = tracked(3)
    as_version_1(task, "customers")
    task.restart()
    task.batch([at("contact.interactions", NOW + 1)])
    assert task.on("alerts") == []
    due = {key: first_of(row.due) for key, row in task.tables["customers"].items()}
    assert due == {f"customer:u{n}": {"": NOW + MINUTE - 1} for n in range(3)}, (
        "each was looked at, and says when it is due"
    )
    task.restart()
    task.batch([at("contact.interactions", NOW + 2 * MINUTE)])
    assert [alert["status"] for alert in task.on("alerts")] == ["firing"] * 3
    as_version_1(task, "customers")
    task.restart()
    task.batch([at("contact.interactions", NOW + 3 * MINUTE)])
    assert len(task.on("alerts")) == 3, "what fires does not fire again"


@pytest.mark.parametrize("old", [False, True])
def test_owners_are_forgotten_when_their_time_has_come(old: bool) -> None:
    task, _ = tracked(3)
    rules = task.processor.rules
    limit = NOW - MINUTE + rules.timeout_ms("voice") + rules.lateness_ms
    if old:
        as_version_1(task, "owners")
    task.restart()
    task.batch([at("contact.normalised", limit)])
    assert [len(row.history) for row in task.tables["owners"].values()] == [1] * 3
    task.restart()
    task.batch([at("contact.normalised", limit + 1)])
    assert [len(row.history) for row in task.tables["owners"].values()] == [0] * 3
    forgotten = NOW - MINUTE + rules.horizon_ms("voice") + rules.lateness_ms
    task.restart()
    task.batch([at("contact.normalised", forgotten)])
    assert len(task.tables["owners"]) == 3
    task.restart()
    task.batch([at("contact.normalised", forgotten + 1)])
    assert len(task.tables["owners"]) == 0
    assert not [key for key in task.changelog if key.startswith(b"owners\0")]


@pytest.mark.parametrize("restarts", [False, True])
def test_many_that_are_due_come_in_portions_and_time_is_passed_on_behind_them(
    monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    _, whole = tracked(5)
    whole.batch([at("contact.interactions", NOW + 2 * MINUTE)])
    monkeypatch.setattr("streams.pipeline.stage.MAX_DUE", 2)
    _, task = tracked(5)

    def told() -> list[int]:
        return [
            v["lines"][""]["watermark"]
            for topic, key, v in task.sent
            if topic == "contact.measurements" and key is None
        ]

    task.batch([at("contact.interactions", NOW + 2 * MINUTE)], now=NOW + 1000)
    assert (len(task.on("alerts")), told()[-1]) == (2, NOW)
    if restarts:
        task.restart()
    task.batch([], now=NOW + 2000)
    assert (len(task.on("alerts")), told()[-1]) == (4, NOW)
    if restarts:
        task.restart()
    task.batch([], now=NOW + 3000)
    assert (len(task.on("alerts")), told()[-1]) == (5, NOW + 2 * MINUTE)
    assert sorted(map(str, task.on("alerts"))) == sorted(map(str, whole.on("alerts")))


@pytest.mark.parametrize("due", [{}, {"": 7}, {"": 7, "replay-1": -3, "due": 2}])
def test_the_deadlines_of_an_encoded_row_are_read_without_the_rest(due: dict[str, int]) -> None:
    tricky: Any = 'a "due":{"x":1} in a text'
    whose = {line: {"waits": at, "contacts": at + 1} for line, at in due.items()}
    customer = Customer(tricky, due=whose)
    (spec,) = [spec for spec in track.TABLES if spec.name == "customers"]
    assert (spec.due_in(spec.dump(customer)), spec.load(spec.dump(customer))) == (due, customer)
    task, _ = tracked(1)
    (owner,) = task.tables["owners"].values()
    (spec,) = [spec for spec in identify.TABLES if spec.name == "owners"]
    row = msgspec.structs.replace(owner, due=due)
    assert isinstance(row, ContactOwner)
    assert spec.due_in(spec.dump(row)) == due


def test_a_replay_without_deadlines_is_due_in_the_end() -> None:
    (spec,) = [spec for spec in track.TABLES if spec.name == "customers"]
    assert spec.due_in(spec.dump(Customer("customer:1", due={"": {}, "r": {}}))) == {"r": NO_DEADLINE}


def test_a_deadline_that_fails_once_is_tried_again_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _, task = tracked(2)

    def fails(*_: Any) -> None:
        raise ZeroDivisionError("our own fault")

    monkeypatch.setattr(task.processor, "fire", fails)  # of this processor: after a failure a fresh one is made
    task.batch([at("contact.interactions", NOW + 2 * MINUTE)])
    assert len(task.on("alerts")) == 2
    assert task.on("contacts.dead-letters") == []


def test_a_deadline_that_fails_for_ever_costs_its_row_and_not_the_progress_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or the progress would be set aside as a record that cannot be used, and time would stand still."""
    _, task = tracked(3)
    advance = customers.advance

    def fails(customer: Any, *rest: Any) -> Any:
        if customer.owner == "customer:u1":
            raise ZeroDivisionError("our own fault")
        return advance(customer, *rest)

    row = next(data for key, data in task.tables["customers"].rows() if key == "customer:u1")
    monkeypatch.setattr(customers, "advance", fails)
    task.batch([at("contact.interactions", NOW + 2 * MINUTE)])
    assert {alert["customer"] for alert in task.on("alerts")} == {"customer:u0", "customer:u2"}
    (letter,) = task.on("contacts.dead-letters")
    DeadLetter.model_validate(letter)
    assert (letter["table"], letter["reason"], letter["hop"]) == ("customers", "processing", "track")
    assert base64.b64decode(letter["key"]) == b"customers\0customer:u1"
    assert base64.b64decode(letter["payload"]) == row
    assert "ZeroDivisionError: our own fault" in letter["traceback"]
    task.restart()
    assert set(task.tables["customers"]) == {"customer:u0", "customer:u2"}
    assert task.processor.live_time() == NOW + 2 * MINUTE


def test_a_row_that_time_makes_too_large_costs_itself_and_not_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deadline can be looked after, and then it cannot be written: for ever, and no record is to blame."""
    _, task = tracked(3)
    advance = customers.advance

    def grows(customer: Any, *rest: Any) -> Any:
        outcome = advance(customer, *rest)
        if customer.owner == "customer:u1":
            (line,) = outcome.customer.lines.values()
            huge = msgspec.structs.replace(line, gone={f"{n:020}": n for n in range(60_000)})
            outcome = msgspec.structs.replace(
                outcome, customer=msgspec.structs.replace(outcome.customer, lines={"": huge})
            )
        return outcome

    monkeypatch.setattr(customers, "advance", grows)
    for minutes in (2, 3):
        task.batch([at("contact.interactions", NOW + minutes * MINUTE)])
    assert {alert["customer"] for alert in task.on("alerts")} == {"customer:u0", "customer:u2"}
    letters = task.on("contacts.dead-letters")
    assert [(letter["table"], base64.b64decode(letter["key"])) for letter in letters] == [
        ("customers", b"customers\0customer:u1")
    ]
    assert task.processor.live_time() == NOW + 3 * MINUTE


def test_a_disk_that_fails_at_a_deadline_costs_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    _, task = tracked(1)

    def fails(*_: Any) -> None:
        raise StoreError("the disk")

    monkeypatch.setattr(task.processor, "fire", fails)
    with pytest.raises(StoreError):
        task.processor.handle(at("contact.interactions", NOW + 2 * MINUTE), Outputs(PARTITIONS, NOW, {}))
