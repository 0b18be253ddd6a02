"""A task whose hooks fail for some keys, once, or always."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.engine import Failure, Inlet, Processor, Record, Rest, RowFailure, RowFault, Table, TableSpec, TaskInfo
from streams.engine.offline import OfflineTask
from streams.engine.outputs import Outputs
from tests.support.records import Fetched, record

HOOKS = ("handle", "undo", "finish", "encode", "due", "passed", "bury")


@dataclass
class Faults:
    """What raises: hook → keys that make it raise; ``always``: hooks that raise whatever comes."""

    keys: dict[str, set[str]] = field(default_factory=dict)
    always: set[str] = field(default_factory=set)
    once: set[str] = field(default_factory=set)

    def at(self, hook: str, key: str) -> None:
        if hook in self.once:
            self.once.discard(hook)
            raise ZeroDivisionError(f"{hook} once")
        if hook in self.always or key in self.keys.get(hook, ()):
            raise ZeroDivisionError(f"{hook} {key}")


class Adder(Processor):
    """Adds up numbers by key; a row is due at its sum. ``time`` records let time pass: what is due is told and goes."""

    def __init__(self, info: TaskInfo, tables: Mapping[str, Table[Any]], faults: Faults) -> None:
        self.sums, self.faults = tables["sums"], faults
        self.changed: dict[str, None] = {}
        self.folded = False

    def handle(self, record: Record, out: Outputs) -> None:
        key = (record.key or b"").decode()
        if key == "time":
            due = self.sums.take_due("", int(record.value or 0), 100)
            self.each(due, lambda one: self.tell(one, out), certain=True)
            return
        self.folded = True
        out.send("touched", record.key or b"", record.value)
        self.sums[key] = {"sum": self.sums.get(key, {"sum": 0})["sum"] + int(record.value or 0)}
        self.faults.at("handle", key)
        self.changed[key] = None

    def tell(self, key: str, out: Outputs) -> None:
        self.faults.at("passed", key)
        out.send("due", key.encode(), b"%d" % self.sums.pop(key)["sum"])

    def each(self, keys: Any, do: Any, *, certain: bool) -> None:
        faults: dict[tuple[str, str], Exception] = {}
        for key in keys:
            try:
                do(key)
            except Exception as error:  # noqa: BLE001
                faults["sums", key] = error
        if faults:
            raise RowFault(faults, certain=certain)

    def undo(self, record: Record) -> None:
        self.faults.at("undo", (record.key or b"").decode())

    def finish(self, out: Outputs) -> Rest:
        self.faults.at("finish", "")
        self.each(self.changed, lambda key: self.publish(key, out), certain=not self.folded)
        self.changed.clear()
        self.folded = False
        return Rest.NOTHING

    def publish(self, key: str, out: Outputs) -> None:
        self.faults.at("finish", key)
        out.send("sums", key.encode(), orjson.dumps(self.sums.get(key)))


def a_task(faults: Faults, *, resident: bool = True) -> OfflineTask:
    def encode(row: dict[str, Any]) -> bytes:
        faults.at("encode", str(row["sum"]))
        return orjson.dumps(row)

    def due(row: dict[str, Any]) -> Mapping[str, int]:
        faults.at("due", str(row["sum"]))
        return {"": row["sum"]}

    def bury(failure: Failure, out: Outputs) -> None:
        faults.at("bury", (failure.record.key or b"").decode())
        out.send("dead", b"%d" % failure.record.offset, str(failure.error).encode())

    def on_row(failure: RowFailure, out: Outputs) -> None:
        out.send("dead", failure.key.encode(), failure.data)

    spec: TableSpec[Any] = TableSpec("sums", encode, orjson.loads, resident=resident, due=due)
    inlet = Inlet("add", ("in",), lambda info, tables: Adder(info, tables, faults), bury, (spec,), on_row)
    return OfflineTask(inlet, dict.fromkeys(("touched", "sums", "due", "dead"), 1), cache=2)


def load(told: list[tuple[str, int]], first: int = 0) -> list[Fetched]:
    return [record(topic="in", offset=first + n, key=key.encode(), value=b"%d" % v) for n, (key, v) in enumerate(told)]


def run(task: OfflineTask, records: list[Fetched], cuts: list[int] | None = None) -> dict[str, list[tuple[bytes, Any]]]:
    """What is sent by topic; the records come in batches of these sizes, in turns, with a tick after each."""
    sent: dict[str, list[tuple[bytes, Any]]] = {}
    sizes = cuts or [len(records)]
    turn = 0
    while records or turn == 0:
        size = sizes[turn % len(sizes)]
        for some in (records[:size], []):
            for (topic, _), items in task.batch(some, 0, {}).items():
                sent.setdefault(topic, []).extend((key or b"", value) for key, value in items)
        records, turn = records[size:], turn + 1
    return sent
