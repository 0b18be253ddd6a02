"""W on Bytewax, without recovery: state is in memory."""

from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main
from contract import PANE_MS, Event, Interaction, check, fold, interaction, new_customer, options

encode, decode = msgspec.json.encode, msgspec.json.decode


def measurement(event: Event) -> KafkaSinkMessage[bytes, bytes] | None:
    """One answered contact."""
    if event.wait_s is None:
        return None
    queue = f"{event.channel}|{event.queue}"
    start = event.time_ms - event.time_ms % PANE_MS
    value = {"pane": f"{queue}|{start}", "wait_ms": event.wait_ms, "within": int(event.wait_s <= 20)}
    return KafkaSinkMessage(queue.encode(), encode(value))


def track(state: dict[str, Any] | None, event: Interaction) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The customer's next state and its alert."""
    return fold(state or new_customer(), event)


def add(was: dict[str, int] | None, it: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """The pane with one more contact, kept and sent."""
    was = was or {"count": 0, "wait_ms": 0, "within": 0}
    after = {
        "count": was["count"] + 1,
        "wait_ms": was["wait_ms"] + it["wait_ms"],
        "within": was["within"] + it["within"],
    }
    return after, after


def message(pair: tuple[str, Any]) -> KafkaSinkMessage[bytes, bytes]:
    """(key, value) as a record of JSON."""
    return KafkaSinkMessage(pair[0].encode(), encode(pair[1]))


def dataflow(bootstrap: str, prefix: str) -> Dataflow:
    """Three stages with a topic between each."""
    flow, brokers = Dataflow("workload"), [bootstrap]

    def read(name: str) -> Any:
        return kop.input(name, flow, brokers=brokers, topics=[f"{prefix}.{name}"]).oks

    def write(name: str, stream: Any) -> None:
        kop.output(f"to_{name}", stream, brokers=brokers, topic=f"{prefix}.{name}")

    checked = op.map("check", read("in"), lambda record: (record, check(record.value)))
    parted = op.branch("malformed", checked, lambda pair: pair[1] is None)
    write("dead", op.map("letter", parted.trues, lambda pair: KafkaSinkMessage(pair[0].key, pair[0].value)))
    by_customer = op.map(
        "by_customer", parted.falses, lambda pair: KafkaSinkMessage(pair[1].customer_id.encode(), pair[0].value)
    )
    write("interactions", by_customer)
    write("measurements", op.filter_map("by_queue", parted.falses, lambda pair: measurement(pair[1])))

    events = op.map("event", read("interactions"), lambda record: interaction(record.value))
    tracked = op.stateful_map("track", op.key_on("customer", events, lambda event: event.customer_id), track)
    write("alerts", op.map("alert", op.filter("raised", tracked, lambda pair: pair[1] is not None), message))

    waits = op.map("wait", read("measurements"), lambda record: decode(record.value))
    panes = op.stateful_map("measure", op.key_on("pane", waits, lambda it: it["pane"]), add)
    write("kpis", op.map("kpi", panes, message))
    return flow


if __name__ == "__main__":
    given = options()
    cli_main(dataflow(given.bootstrap, given.prefix))
