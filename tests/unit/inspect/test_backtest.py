"""Rules on recorded events: the alerts are those of the whole pipeline, however the work is cut."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import rules as rule_files
from streams.alerts.tally import Alerted, alerts
from streams.base.times import iso
from streams.inspect import backtest
from streams.inspect.backtest import backtested
from streams.inspect.recording import Raw
from streams.rules import Rules
from tests.support.offline import SETTINGS, deployment
from tests.support.system import home

T0 = 1_772_442_000_000
"""2026-03-02 09:00 UTC."""
RULES = """rules:
  - {name: gold-wait, subject: contact, tiers: [gold], channels: [voice, chat], when: {waiting: {above: 60s}}, severity: critical}
  - {name: long-wait, subject: contact, when: {waiting: {above: {by: queue, cards: 120s, default: 240s}}}, for: 30s}
  - {name: gold-mood, subject: customer, tiers: [gold], when: {sentiment: {at_or_below: -0.4, clear_at_or_above: -0.1, min_messages: 2, quiet_after: 10m}}}
  - {name: gold-busy, subject: customer, tiers: [gold], when: {open_contacts: {at_or_above: 2}}, keep_firing_for: 2m}
"""
GOLD_ALONE = "\n".join(line for line in RULES.splitlines() if "long-wait" not in line)
JOURNEYS = """rules:
  - {name: again, subject: journey, when: {contacts: {at_or_above: 2}}}
  - {name: came-back, subject: customer, when: {repeats: {at_or_above: 1, within: 1d}}}
"""


def rules_of(folder: Path, text: str) -> Rules:
    folder.mkdir(exist_ok=True)
    (folder / "alerts.yaml").write_text(text)
    return rule_files.load(folder)


def event(kind: str, number: int, at: int, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "/t", "type": kind, "time": iso(at), "data": data,
    }  # fmt: skip


def raw(one: dict[str, Any], at: int, time: int) -> Raw:
    topic, key = home(one)
    return Raw(at, time, topic, key or b"", orjson.dumps(one))


KINDS = (
    "contact.initiated", "contact.queued", "contact.queued", "contact.connected", "contact.transferred", "contact.ended",
    "message.sent", "message.sent", "customer.profile_changed",
)  # fmt: skip
STEP = 20_000
LATE = (0, 0, 0, 0, 1_500, 45_000, 400_000)


@st.composite
def histories(draw: st.DrawFn) -> list[Raw]:
    """Some contacts of some customers, of whom families share a phone; events that come late, and twice."""
    found, at = list[Raw](), T0
    for number in range(draw(st.integers(4, 25))):
        at += 1000 * draw(st.sampled_from([1, 1, 5, 20, 61, 130]))
        time = at - draw(st.sampled_from(LATE))
        who = draw(st.integers(0, 5))
        if found and draw(st.integers(0, 9)) == 0:
            found.append(found[draw(st.integers(0, len(found) - 1))]._replace(at=at))
            continue
        one = _event(draw, number, time, who)
        found.append(raw(one, at, time))
    return found


def _event(draw: st.DrawFn, number: int, time: int, who: int) -> dict[str, Any]:
    kind, tier = draw(st.sampled_from(KINDS)), ("gold", "silver", None)[who % 3]
    if kind == "customer.profile_changed":
        phones = {"identifiers": [{"kind": "phone", "value": f"+4420794601{who % 2:02d}"}]} if who < 4 else {}
        return event(
            kind, number, time, customer_id=f"k{who}", tier=draw(st.sampled_from(["gold", "silver"])), **phones
        )
    data: dict[str, Any] = {"contact_id": f"c{who}-{draw(st.integers(0, 1))}", "channel": ("voice", "chat")[who % 2]}
    whose = draw(st.sampled_from(["customer", "phone", "nobody"]))
    if whose == "customer":
        data |= {"customer_id": f"k{who}"} | ({} if tier is None else {"tier": tier})
    elif whose == "phone":
        data["identifiers"] = [{"kind": "phone", "value": f"0044 20 794601{who % 2:02d}"}]
    more: dict[str, Any] = {
        "contact.queued": {"queue": draw(st.sampled_from(["cards", "loans"]))},
        "contact.connected": {"agent_id": "a1"},
        "contact.transferred": {"to_queue": "loans"},
        "contact.ended": {"by": "customer"},
        "message.sent": {
            "direction": "inbound", "author": "customer", "sentiment": draw(st.sampled_from([-0.9, -0.5, 0.3]))
        },
    }.get(kind, {})  # fmt: skip
    return event(kind, number, time, **data, **more)


def by_the_pipeline(events: list[Raw], end: int, rules: Rules) -> list[Alerted]:
    """All agents as they are, which read an event at a time; stream time comes to every 20 s."""
    run, now = deployment(SETTINGS, rules=rules), events[0].at
    for each in events:
        while now + STEP < each.at:
            now += STEP
            run.run(now)
        now = each.at
        run.publish(each.topic, each.key, each.value, each.at)
        run.run(now)
    while now < end + 2001:
        now = min(now + STEP, end + 2001)
        run.run(now)
    return alerts(orjson.loads(step.value or b"") for step in run.on("alert.events"))


def compared(found: list[Alerted]) -> list[Alerted]:
    """When they fired, and when it was found that they should not have, hangs on when one looked."""
    untimely = {"withdrawn": 0}
    return sorted(each._replace(fired=0, until=untimely.get(each.because, each.until)) for each in found)


@pytest.mark.parametrize("text", [RULES, GOLD_ALONE, JOURNEYS], ids=["all", "gold", "journeys"])
def test_the_alerts_are_those_of_the_whole_pipeline(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    rules = rules_of(tmp_path_factory.mktemp("rules"), text)

    @settings(max_examples=20)
    @given(histories(), st.sampled_from([3, 4000]), st.sampled_from([60_000, backtest.STEP_MS]))
    def check(events: list[Raw], size: int, longest: int) -> None:
        end = events[-1].at + 900_000
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(backtest, "STEP_EVENTS", size)
            patched.setattr(backtest, "STEP_MS", longest)
            found = backtested(events, (T0, end), [rules], SETTINGS)
        assert compared(list(found.outcomes[0].alerts)) == compared(by_the_pipeline(events, end, rules))

    check()
