"""What `track` publishes of customers is counted as it is published."""

from collections import Counter

import orjson

from streams import app
from streams.base.times import iso
from streams.engine.offline import Offline
from streams.worker.metrics import Metrics
from tests.support.offline import NOW, RULES, SETTINGS, names, scorer


def test_recommendations_are_counted_by_why_and_status() -> None:
    metrics = Metrics()
    inlets = app.inlets(SETTINGS, RULES, metrics, scorer(SETTINGS.sentiment_scorer))
    run = Offline(list(inlets), dict.fromkeys(names(), 1))
    said = [("contact.queued", {"queue": "cards"}), ("contact.connected", {"agent_id": "a-1"})]
    for number, (kind, data) in enumerate(said):
        event = {
            "specversion": "1.0", "id": f"e{number}", "source": "/test", "type": kind, "time": iso(NOW + number),
            "data": {"contact_id": "c1", "channel": "voice", "customer_id": "ann", **data},
        }  # fmt: skip
        run.publish("contacts.voice", b"c1", orjson.dumps(event), NOW + number, 0)
        run.run(NOW + number)
    told = [orjson.loads(each.value) for each in run.on("recommendations") if each.value]
    found = Counter((each["because"], each["status"]) for each in told)
    assert found == {("queued", "current"): 1}, "when it is connected, nothing else is recommended"
    counted = {
        (sample.labels["because"], sample.labels["status"]): sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "contact_recommendations_total"
    }
    zero = {("connected", "current"): 0, ("message", "current"): 0, ("tier", "current"): 0, ("left", "withdrawn"): 0}
    assert counted == {**found, **zero}
