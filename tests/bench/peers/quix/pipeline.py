"""W on Quix Streams, exactly once."""

from typing import Any

import msgspec
from contract import PANE_MS, Event, Interaction, check, fold, new_customer, options
from quixstreams import Application, State
from quixstreams.dataframe.windows.aggregations import Count, Sum

GRACE_MS = 24 * 3_600_000
"""The partitions of the input are not read at one pace: no pane is closed while the load lasts."""


def slim(event: Event) -> dict[str, Any]:
    """What goes on to the customer's state."""
    return {name: getattr(event, name) for name in Interaction.__struct_fields__}


def wait(event: Event) -> dict[str, Any]:
    """What goes on to the panes."""
    within = event.wait_s is not None and event.wait_s <= 20
    return {"queue": f"{event.channel}|{event.queue}", "wait_ms": event.wait_ms, "within": int(within)}


def track(value: dict[str, Any], state: State) -> dict[str, Any] | None:
    """Fold one event into the customer's state; the alert, or None."""
    after, alert = fold(state.get("state") or new_customer(), msgspec.convert(value, Interaction))
    state.set("state", after)
    return alert


def pane(value: dict[str, Any], key: str, timestamp: int, headers: Any) -> dict[str, Any]:
    """A window's sums with the key they go out under."""
    sums = {name: value[name] for name in ("count", "wait_ms", "within")}
    return {"pane": f"{key}|{value['start']}", **sums}


def main() -> None:
    given = options()
    app = Application(
        broker_address=given.bootstrap,
        consumer_group=given.app,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=0.1,
        state_dir=given.state,
        loglevel="WARNING",
    )
    raw = app.topic(f"{given.prefix}.in", key_deserializer="str", value_deserializer="bytes")
    dead = app.topic(f"{given.prefix}.dead", key_serializer="str", value_serializer="bytes")
    alerts = app.topic(f"{given.prefix}.alerts", key_serializer="str")
    kpis = app.topic(f"{given.prefix}.kpis", key_serializer="str")

    checked = app.dataframe(raw).apply(lambda value: (value, check(value)))
    checked.filter(lambda it: it[1] is None).apply(lambda it: it[0]).to_topic(dead)
    events = checked.filter(lambda it: it[1] is not None).apply(lambda it: it[1])
    events = events.set_timestamp(lambda event, *_: event.time_ms)

    customers = events.apply(slim).group_by("customer_id", key_serializer="str", key_deserializer="str")
    raised = customers.apply(track, stateful=True).filter(lambda alert: alert is not None)
    raised.to_topic(alerts, key=lambda alert: alert["customer"])

    waits = events.filter(lambda event: event.wait_s is not None).apply(wait)
    waits = waits.group_by("queue", key_serializer="str", key_deserializer="str")
    panes = waits.tumbling_window(PANE_MS, grace_ms=GRACE_MS).agg(
        count=Count(), wait_ms=Sum("wait_ms"), within=Sum("within")
    )
    panes.current().apply(pane, metadata=True).to_topic(kpis, key=lambda value: value["pane"])
    app.run()


if __name__ == "__main__":
    main()
