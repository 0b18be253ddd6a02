"""The map and the contract tell the same flow: adding a channel is one YAML file, one word and one row, and this test says
what is missing.
"""

from collections import defaultdict
from typing import Any, get_args

import orjson
import pytest

from schemas import flow, registry
from schemas.data import CHANNELS
from schemas.dead_letter import DeadLetter
from streams import app
from streams.base.times import DAY_MS
from streams.engine.offline import Offline, OfflineTask
from streams.pipeline.tables import TABLES
from tests.support import defect_story
from tests.support.erasure_story import erased, erasing_deployment
from tests.support.offline import NOW, inlets, mark, settle
from tests.support.system import event, home

TOPICS = registry.topics()
DEAD = "contacts.dead-letters"
OF_EVERY_STAGE = ("watermarks", "behind")


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_has_its_topic(channel: str) -> None:
    name = f"contacts.{channel}"
    assert name in TOPICS, f"channel {channel} is in schemas.data.Channel but has no schemas/topics/{name}.yaml"
    spec = TOPICS[name]
    assert (spec.direction, spec.channel, spec.key) == ("input", channel, "{data.contact_id}")
    assert spec.kafka_config()["message.timestamp.type"] == "LogAppendTime", "ages and duplicates run on the arrival"
    channels = {e.value["data"]["channel"] for e in spec.examples if "channel" in e.value["data"]}
    assert channels == {channel}, f"the examples of {name} name other channels"


def test_only_inputs_have_a_channel_and_each_its_own() -> None:
    of_channels = [(spec.channel, spec.direction) for spec in TOPICS.values() if spec.channel]
    assert sorted(of_channels) == sorted((channel, "input") for channel in CHANNELS)


def test_every_agent_is_a_stage_of_the_flow() -> None:
    assert tuple(inlets()) == tuple(TABLES) == get_args(DeadLetter.model_fields["hop"].annotation) == flow.stages()


def test_every_agent_reads_what_the_contract_says() -> None:
    assert {name: inlet.topics for name, inlet in inlets().items()} == {s: flow.inputs(s) for s in flow.stages()}


def test_every_topic_is_on_the_map() -> None:
    read = [topic for stage in flow.stages() for topic in flow.inputs(stage)]
    assert len(read) == len(set(read)), "a topic has one agent that reads it"
    written = {topic for stage in flow.stages() for topic in flow.outputs(stage)}
    assert {*read} & written == {*flow.between()}
    beside = {name for name, spec in TOPICS.items() if not {*spec.producers} & {*flow.stages()} and name not in read}
    assert {*read} | written == TOPICS.keys() - beside
    assert beside == {"api.audit", "notify.dead-letters"}, "of processes beside the agents"


def test_every_agent_writes_what_the_contract_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A story in which everything happens: each agent sends to the topics that name it as producer, and to no other."""
    wrote, batch = defaultdict[str, set[str]](set), OfflineTask.batch

    def watched(task: OfflineTask, *given: Any) -> Any:
        sends = batch(task, *given)
        wrote[task.info.inlet].update(topic for topic, _ in sends)
        return sends

    monkeypatch.setattr(OfflineTask, "batch", watched)
    run, start = erasing_deployment(partitions=1), NOW / 1000
    agent = event("agent.state_changed", "a", start) | {"data": {"agent_id": "a", "state": "busy", "queues": ["q"]}}
    for one in (
        agent,
        event("contact.initiated", "c", start, identifiers=[{"kind": "phone", "value": "+442079460123"}]),
        event("contact.queued", "c", start, queue="q", tier="platinum"),
        event("contact.held", "c", start, customer_id="k"),
        event("contact.initiated", "over", start, identifiers=[{"kind": "phone", "value": "+442079460124"}]),
        event("contact.ended", "over", start + 1, by="customer"),
    ):
        run.publish(*home(one), orjson.dumps(one), NOW)
    _a_replay_of_months(run)
    for topic in ("contacts.voice", *flow.between()):
        run.publish(topic, b"c", b"no record", NOW)
    for seconds in (*range(0, 600, 10), 3 * 3600):
        run.run(NOW + 1000 * seconds)
    late = start + 3 * 3600
    known = event(
        "contact.initiated", "e", late, identifiers=[{"kind": "phone", "value": "+442079460124"}], customer_id="k"
    )
    run.publish(*home(known), orjson.dumps(known), NOW + 3 * 3_600_000)
    settle(run, NOW + 3 * 3_600_000)
    gone = erased("k", NOW + 3 * 3_600_000)
    run.publish(*home(gone), orjson.dumps(gone), NOW + 3 * 3_600_000)
    settle(run, NOW + 3 * 3_600_000)
    for at, one in defect_story.story(late + 3600):
        run.publish(*home(one), orjson.dumps(one), int(at * 1000))
    for hours in range(4, 4 + 24 * defect_story.DAYS):
        run.run(NOW + 3_600_000 * hours)
    assert wrote == {stage: {*flow.outputs(stage)} for stage in flow.stages()}


def _a_replay_of_months(run: Offline) -> None:
    """A customer buys something, calls, and is not heard of any more."""
    topics, at = ("contacts.voice", "customers.events"), NOW - 200 * DAY_MS
    mark(run, "r", "started", at, topics)
    order = event("order.placed", "o", at / 1000) | {"data": {"customer_id": "k", "order_id": "o"}}
    for one in (order, event("contact.queued", "old", at / 1000, queue="q", customer_id="k")):
        run.publish(*home(one), orjson.dumps(one | {"replayid": "r"}), NOW)
    mark(run, "r", "ended", NOW, topics)


@pytest.mark.parametrize("stage", flow.stages())
def test_the_drawing_is_true(stage: str) -> None:
    lines = (app.__doc__ or "").splitlines()
    at = next(number for number, line in enumerate(lines) if f"[{stage}] " in line)
    above, line = lines[at - 2] + lines[at - 1], lines[at] + lines[at + 1]
    assert all(("contacts.<channel>" if TOPICS[topic].channel else topic) in above for topic in flow.inputs(stage))
    assert all(topic in line for topic in flow.outputs(stage) if topic in flow.published() and topic != DEAD)
    assert "…" in line or all(spec.name in line for spec in TABLES[stage] if spec.name not in OF_EVERY_STAGE)


def test_every_internal_topic_has_as_many_partitions_as_its_neighbours() -> None:
    counts = {name: TOPICS[name].partitions for name in TOPICS if name.startswith(("contact.", "contacts."))}
    assert set(counts.values()) == {4}
