"""Half a year of customers through all four agents: what is published of silences and outreaches is what the audit of
the chaos runs recounts from the raw events, with restarts half-way.
"""

import random

import orjson
import pytest

from streams.base.times import DAY_MS, iso, to_ms
from tests.chaos import initiative
from tests.chaos.audit import initiative as audit
from tests.chaos.audit.logs import Logs, Rec
from tests.chaos.audit.raw import Input
from tests.support.offline import NOW, RULES, deployment, mark, settle
from tests.support.system import event, home


@pytest.mark.parametrize("seed", range(3))
def test_what_comes_out_is_what_the_audit_recounts(seed: int) -> None:
    dice = random.Random(seed)
    told, run = initiative.told(dice, "quiet"), deployment()
    mark(run, initiative.LINE, "started", told[0][0] - 1, initiative.TOPICS)
    for number, (at, one) in enumerate(told):
        run.publish(*home(one), orjson.dumps(one), NOW)
        if dice.random() < 0.2:
            mark(run, initiative.LINE, "progressed", at - 1, initiative.TOPICS)
            run.run(NOW)
        if number == len(told) // 2:
            run.restart()
    mark(run, initiative.LINE, "ended", initiative.end(told), initiative.TOPICS)
    settle(run, NOW)
    accepted = [Input(Rec("t", 0, 0, NOW, None, None), one, to_ms(one["time"]), initiative.LINE) for _, one in told]
    logs = Logs({topic: _records(run, topic) for topic in ("customer.quiet", "outreach", "customers.events")})
    assert [each.what for each in audit.check(logs, accepted, RULES)] == []
    assert len(logs.of("customer.quiet")) > 5
    assert {rec.doc["status"] for rec in logs.of("outreach")} == {"send", "held"}
    lost = Logs({**logs.records, "outreach": logs.of("outreach")[:-1]})
    assert list(audit.check(lost, accepted, RULES)), "the audit sees what is missing"


CUSTOMER = {"customer_id": "c"}


@pytest.mark.parametrize(
    ("kind", "data", "reason", "path"),
    [
        ("customer.profile_changed", CUSTOMER | {"time_zone": "Mars/Olympus"}, "wrong-type", "data.time_zone"),
        ("customer.profile_changed", CUSTOMER | {"time_zone": "../../etc/passwd"}, "wrong-type", "data.time_zone"),
        ("customer.profile_changed", CUSTOMER | {"country": "Italy"}, "wrong-type", "data.country"),
        (
            "customer.profile_changed",
            CUSTOMER | {"consent": {"marketing": "yes"}},
            "wrong-type",
            "data.consent.marketing",
        ),
        ("order.placed", {"order_id": "o"}, "missing-field", "data.customer_id"),
        ("order.placed", {"customer_id": "unknown", "order_id": "o"}, "wrong-type", "data.customer_id"),
        ("order.delivered", CUSTOMER, "missing-field", "data.order_id"),
        ("promise.made", CUSTOMER | {"promise_id": "p"}, "missing-field", "data.due"),
        ("promise.made", CUSTOMER | {"promise_id": "p", "due": iso(NOW + 400 * DAY_MS)}, "in-the-future", "data.due"),
        ("promise.kept", CUSTOMER | {"promise_id": ""}, "wrong-type", "data.promise_id"),
    ],
)
def test_bad_input_is_a_dead_letter_and_nothing_else(kind: str, data: dict[str, str], reason: str, path: str) -> None:
    [letter] = dead(event(kind, "x", NOW / 1000) | {"data": data})
    assert (letter["reason"], letter["path"]) == (reason, path)


def test_consent_from_the_future_is_a_dead_letter() -> None:
    given = event("customer.profile_changed", "x", NOW / 1000 + 3600) | {
        "data": CUSTOMER | {"consent": {"marketing": True}}
    }
    [letter] = dead(given)
    assert (letter["reason"], letter["path"]) == ("in-the-future", "time")


def dead(one: dict[str, object]) -> list[dict[str, object]]:
    """What the agents say of one event; the next one, a good one, comes through."""
    run, good = deployment(), event("order.placed", "good", NOW / 1000) | {"data": CUSTOMER | {"order_id": "o"}}
    topic, key = home(one) if "customer_id" in one["data"] else ("customers.events", b"c")  # type: ignore[operator]
    run.publish(topic, key, orjson.dumps(one), NOW)
    run.publish(*home(good), orjson.dumps(good), NOW)
    run.run(NOW)
    kinds = [orjson.loads(each.value)["kind"] for each in run.on("contact.interactions") if each.key == b"customer:c"]
    assert kinds == ["customer_event"]
    return [orjson.loads(each.value) for each in run.on("contacts.dead-letters")]


def _records(run: object, topic: str) -> list[Rec]:
    return [Rec(topic, 0, at, NOW, each.key, each.value) for at, each in enumerate(run.on(topic))]  # type: ignore[attr-defined]
