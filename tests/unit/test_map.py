"""The map and the contract name the same topics: adding a channel is one YAML file and one word, and this test says what is missing."""

import pytest

from schemas import registry
from streams.app import CHANGELOGS, CHANNELS, INPUTS, OUTPUTS

TOPICS = registry.topics()


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_has_its_topic(channel: str) -> None:
    name = f"contacts.{channel}"
    assert name in TOPICS, f"channel {channel} is in schemas.data.Channel but has no schemas/topics/{name}.yaml"
    spec = TOPICS[name]
    assert (spec.direction, spec.key) == ("input", "{data.contact_id}")
    assert spec.kafka_config()["message.timestamp.type"] == "LogAppendTime", "ages and duplicates run on the arrival"
    channels = {e.value["data"]["channel"] for e in spec.examples if "channel" in e.value["data"]}
    assert channels == {channel}, f"the examples of {name} name other channels"


@pytest.mark.parametrize("name", TOPICS)
def test_every_topic_is_on_the_map(name: str) -> None:
    spec = TOPICS[name]
    if spec.direction == "input":
        assert name in INPUTS, f"{name} is an input that no agent reads; its channel is missing in schemas.data.Channel"
    elif spec.direction == "output":
        assert name in OUTPUTS, f"{name} is an output that streams.app does not name"
    else:
        assert any(name in topics for topics in CHANGELOGS.values()), f"{name} is internal and nobody reads it"


def test_the_map_names_no_topic_without_a_contract() -> None:
    named = {*INPUTS, *OUTPUTS, *(topic for topics in CHANGELOGS.values() for topic in topics)}
    assert named == set(TOPICS)


def test_every_internal_topic_has_as_many_partitions_as_its_neighbours() -> None:
    counts = {name: TOPICS[name].partitions for name in TOPICS if name.startswith(("contact.", "contacts."))}
    assert set(counts.values()) == {4}
