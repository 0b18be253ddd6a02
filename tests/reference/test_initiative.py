"""Half a year of customers through all four agents: what is published of silences and outreaches is what the audit of
the chaos runs recounts from the raw events, with a restart half-way.
"""

import random

import orjson
import pytest

from streams.base.times import to_ms
from tests.chaos import initiative
from tests.chaos.audit import initiative as audit
from tests.chaos.audit.logs import Logs, Rec
from tests.chaos.audit.raw import Input
from tests.support.offline import NOW, RULES, deployment, mark, settle
from tests.support.system import home


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


def _records(run: object, topic: str) -> list[Rec]:
    return [Rec(topic, 0, at, NOW, each.key, each.value) for at, each in enumerate(run.on(topic))]  # type: ignore[attr-defined]
