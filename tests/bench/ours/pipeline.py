"""W in three agents: ingest (check, re-key by customer and by queue), track (state, alerts), measure (panes)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from streams.engine import Failure, Inlet, Outputs, Processor, Record, Rest, Table, TableSpec, TaskInfo

Text = Annotated[str, msgspec.Meta(min_length=1)]
Channel = Literal["voice", "chat", "email", "messaging", "social"]
Kind = Literal["contact.queued", "contact.connected", "contact.message", "contact.ended", "contact.feedback"]
encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, gc=False):
    """The contract of W: what does not decode into it is a dead letter."""

    id: Text
    source: Text
    type: Kind
    time: str
    contact_id: Text
    customer_id: Text
    channel: Channel
    queue: Text
    sentiment: Annotated[float, msgspec.Meta(ge=-1, le=1)] | None
    wait_s: Annotated[float, msgspec.Meta(ge=0)] | None
    text: str | None


class Interaction(msgspec.Struct, array_like=True, gc=False):
    """What `Track` needs of an event that `Ingest` has checked."""

    type: str
    time: str
    contact_id: str
    channel: str
    sentiment: float | None
    wait_ms: int | None


class Customer(msgspec.Struct, gc=False):
    """State of one customer; never changed in place."""

    n: int
    last: str
    open: dict[str, str]
    ewma: float
    wait_ms: int
    touch: tuple[str, ...]


class Measurement(msgspec.Struct, array_like=True, gc=False):
    """One answered contact: its pane's key and its wait."""

    pane: str
    wait_ms: int


class Pane(msgspec.Struct, gc=False):
    """Ten seconds of one channel and queue."""

    count: int
    wait_ms: int
    within: int


NOBODY = Customer(0, "", {}, 0.0, 0, ())
EMPTY = Pane(0, 0, 0)


class Ingest(Processor):
    """Check; events go on by customer, waits by channel and queue."""

    def __init__(self, prefix: str) -> None:
        self.interactions, self.measurements = f"{prefix}.interactions", f"{prefix}.measurements"
        self.decode = msgspec.json.Decoder(Event).decode

    def handle(self, record: Record, out: Outputs) -> None:
        it = self.decode(record.value or b"")
        msgspec.convert(it.time, datetime)  # a fifth of what a pattern costs
        wait = None
        if it.wait_s is not None:
            wait, queue = round(it.wait_s * 1000), f"{it.channel}|{it.queue}"
            out.send(self.measurements, queue.encode(), encode(Measurement(f"{queue}|{it.time[:18]}0", wait)))
        event = Interaction(it.type, it.time, it.contact_id, it.channel, it.sentiment, wait)
        out.send(self.interactions, it.customer_id.encode(), encode(event))


class Track(Processor):
    """State and alerts of customers."""

    def __init__(self, prefix: str, tables: Mapping[str, Table[Any]]) -> None:
        self.customers, self.alerts = tables["customers"], f"{prefix}.alerts"
        self.decode = msgspec.json.Decoder(Interaction).decode

    def handle(self, record: Record, out: Outputs) -> None:
        raw = record.key or b""
        key, event = raw.decode(), self.decode(record.value or b"")
        was = self.customers.get(key, NOBODY)
        kind, contact, opened = event.type, event.contact_id, was.open
        if kind == "contact.queued":
            opened = {**opened, contact: event.time}
        elif kind == "contact.ended" and contact in opened:
            opened = {other: since for other, since in opened.items() if other != contact}
        ewma, n = was.ewma, was.n + 1
        if event.sentiment is not None:
            ewma = 0.7 * ewma + 0.3 * event.sentiment
            if ewma < -0.6 <= was.ewma and n >= 3:
                out.send(self.alerts, raw, encode({"customer": key, "ewma": ewma, "n": n}))
        touch = (*was.touch[-4:], f"{event.channel}:{kind}")
        self.customers[key] = Customer(n, event.time, opened, ewma, was.wait_ms + (event.wait_ms or 0), touch)


class Measure(Processor):
    """Panes; each that changed goes out once a batch."""

    def __init__(self, prefix: str, tables: Mapping[str, Table[Any]]) -> None:
        self.panes, self.kpis = tables["panes"], f"{prefix}.kpis"
        self.decode = msgspec.json.Decoder(Measurement).decode
        self.touched: dict[str, None] = {}

    def handle(self, record: Record, out: Outputs) -> None:
        it = self.decode(record.value or b"")
        was = self.panes.get(it.pane, EMPTY)
        self.panes[it.pane] = Pane(was.count + 1, was.wait_ms + it.wait_ms, was.within + (it.wait_ms <= 20_000))
        self.touched[it.pane] = None

    def finish(self, out: Outputs) -> Rest:
        for pane in self.touched:
            out.send(self.kpis, pane.encode(), encode(self.panes[pane]))
        self.touched.clear()
        return Rest.NOTHING


def table(name: str, kind: type) -> TableSpec[Any]:
    """A table of structs, kept as JSON."""
    return TableSpec(name, encode, msgspec.json.Decoder(kind).decode)


def inlets(prefix: str) -> list[Inlet]:
    """The three agents' inputs."""

    def dead(failure: Failure, out: Outputs) -> None:
        record = failure.record
        out.send(f"{prefix}.dead", record.key or b"", record.value)

    def ingest(info: TaskInfo, tables: Mapping[str, Table[Any]]) -> Ingest:
        return Ingest(prefix)

    def track(info: TaskInfo, tables: Mapping[str, Table[Any]]) -> Track:
        return Track(prefix, tables)

    def measure(info: TaskInfo, tables: Mapping[str, Table[Any]]) -> Measure:
        return Measure(prefix, tables)

    return [
        Inlet("ingest", (f"{prefix}.in",), ingest, dead),
        Inlet("track", (f"{prefix}.interactions",), track, dead, (table("customers", Customer),)),
        Inlet("measure", (f"{prefix}.measurements",), measure, dead, (table("panes", Pane),)),
    ]
