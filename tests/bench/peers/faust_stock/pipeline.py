"""W on Faust as it is shipped: agents, tables, changelogs; at least once."""

import faust
from contract import PANE_MS, check, fold, interaction, new_customer, options
from faust.worker import Worker

given = options()
app = faust.App(
    given.app,
    broker=f"kafka://{given.bootstrap}",
    datadir=given.state,
    store="memory://",
    topic_partitions=4,
    broker_commit_interval=0.1,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)


def topic(name: str, **kinds: str) -> faust.TopicT:
    """A topic of the run."""
    return app.topic(f"{given.prefix}.{name}", partitions=4, **kinds)


RAW = {"key_serializer": "raw", "value_serializer": "raw"}
JSON = {"key_serializer": "raw", "value_serializer": "json"}
incoming, dead, interactions = topic("in", **RAW), topic("dead", **RAW), topic("interactions", **RAW)
measurements, alerts, kpis = topic("measurements", **JSON), topic("alerts", **JSON), topic("kpis", **JSON)
customers = app.Table("customers", default=new_customer, partitions=4)
panes = app.Table("panes", default=lambda: {"count": 0, "wait_ms": 0, "within": 0}, partitions=4)


@app.agent(incoming)
async def ingest(stream: faust.StreamT) -> None:
    async for key, raw in stream.items():
        event = check(raw)
        if event is None:
            await dead.send(key=key, value=raw)
            continue
        await interactions.send(key=event.customer_id.encode(), value=raw)
        if event.wait_s is not None:
            queue = f"{event.channel}|{event.queue}"
            start = event.time_ms - event.time_ms % PANE_MS
            value = {"pane": f"{queue}|{start}", "wait_ms": event.wait_ms, "within": int(event.wait_s <= 20)}
            await measurements.send(key=queue.encode(), value=value)


@app.agent(interactions)
async def track(stream: faust.StreamT) -> None:
    async for raw in stream:
        event = interaction(raw)
        customers[event.customer_id], alert = fold(customers[event.customer_id], event)
        if alert is not None:
            await alerts.send(key=event.customer_id.encode(), value=alert)


@app.agent(measurements)
async def measure(stream: faust.StreamT) -> None:
    async for it in stream:
        was = panes[it["pane"]]
        after = {
            "count": was["count"] + 1,
            "wait_ms": was["wait_ms"] + it["wait_ms"],
            "within": was["within"] + it["within"],
        }
        panes[it["pane"]] = after
        await kpis.send(key=it["pane"].encode(), value=after)


if __name__ == "__main__":
    Worker(app, loglevel="WARN").execute_from_commandline()
