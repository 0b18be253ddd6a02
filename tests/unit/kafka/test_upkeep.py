"""The demands of the product: what the topics are created with meets them, and what mends them does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import flow, registry
from streams import settings as settings_module
from streams.engine.demands import Effect, departures
from streams.kafka.topics import wanted
from streams.kafka.upkeep import of_all
from streams.settings import Settings

DAY = 86_400_000
VALUES = {
    "cleanup.policy": st.sampled_from(["compact", "delete", "compact,delete"]),
    "retention.ms": st.sampled_from([-1, 0, 3_600_000, DAY - 1, DAY, 7 * DAY - 1, 7 * DAY, 31 * DAY, 400 * DAY]).map(
        str
    ),
    "retention.bytes": st.sampled_from(["-1", "0", "1073741824"]),
    "delete.retention.ms": st.sampled_from(["0", "86399999", "86400000", "604800000"]),
    "message.timestamp.type": st.sampled_from(["CreateTime", "LogAppendTime"]),
    "max.message.bytes": st.sampled_from([1, 999_999, 1_000_000, 1_000_512, 1_048_588, 10_000_000]).map(str),
    "min.insync.replicas": st.integers(1, 6).map(str),
    "unclean.leader.election.enable": st.sampled_from(["true", "false"]),
    "message.format.version": st.sampled_from(["0.10.0-IV0", "0.11.0", "3.0-IV1"]),
}
KEPT = st.fixed_dictionaries({}, optional=VALUES)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return settings_module.load(topic_prefix="x.")


def of(settings: Settings, topic: str, **values: str) -> dict[str, Effect]:
    found = departures(topic, of_all(settings)[topic], {k.replace("_", "."): v for k, v in values.items()}, 1)
    return {each.demand.setting: each.demand.effect for each in found}


def test_every_topic_and_changelog_has_demands(settings: Settings) -> None:
    assert set(of_all(settings)) == {each.name for each in wanted(settings)}
    assert all(of_all(settings).values())


@given(replicas=st.integers(1, 5), broker=KEPT)
def test_what_is_created_is_as_demanded_in_all_that_the_contract_says(replicas: int, broker: dict[str, str]) -> None:
    """Whatever the broker's own defaults are."""
    for topic in wanted(settings_module.load(topic_prefix="x.")):
        found = departures(topic.name, topic.demands, broker | topic.config, replicas)
        assert not {each.demand.setting for each in found} & set(topic.config), topic.name


@given(replicas=st.integers(1, 5), kept=KEPT)
def test_what_is_mended_is_as_demanded(replicas: int, kept: dict[str, str]) -> None:
    """However a topic is kept: after each mended value nothing is left to mend, and what was as demanded is untouched."""
    for topic in wanted(settings_module.load(topic_prefix="x.")):
        found = departures(topic.name, topic.demands, kept, replicas)
        mended = kept | {each.demand.setting: each.mended for each in found}
        assert departures(topic.name, topic.demands, mended, replicas) == [], topic.name
        refused = {each.demand.setting: each.mended for each in found if each.demand.effect is Effect.REFUSED}
        left = departures(topic.name, topic.demands, kept | refused, replicas)
        assert {each.demand.effect for each in left} <= {Effect.WARNED}, topic.name


INPUTS = [spec for spec in registry.topics().values() if spec.direction == "input"]


def test_an_input_of_which_the_latest_record_counts(settings: Settings) -> None:
    (topic,) = ["x." + spec.topic for spec in INPUTS if spec.compacted]
    assert of(settings, topic, message_timestamp_type="CreateTime") == {"message.timestamp.type": Effect.REFUSED}
    assert of(settings, topic, cleanup_policy="delete") == {"cleanup.policy": Effect.REFUSED}
    assert of(settings, topic, max_message_bytes="500000") == {"max.message.bytes": Effect.WARNED}
    assert of(settings, topic, retention_ms="1") == {}


@pytest.mark.parametrize("name", [spec.topic for spec in INPUTS if not spec.compacted])
def test_an_input_from_outside(settings: Settings, name: str) -> None:
    topic = "x." + name
    assert of(settings, topic, message_timestamp_type="CreateTime") == {"message.timestamp.type": Effect.REFUSED}
    assert of(settings, topic, cleanup_policy="compact,delete") == {"cleanup.policy": Effect.REFUSED}
    assert of(settings, topic, retention_ms=str(DAY - 1)) == {"retention.ms": Effect.REFUSED}
    assert of(settings, topic, retention_ms=str(7 * DAY - 1)) == {"retention.ms": Effect.WARNED}
    assert of(settings, topic, retention_bytes="1000000") == {"retention.bytes": Effect.WARNED}
    assert of(settings, topic, max_message_bytes="500000") == {"max.message.bytes": Effect.WARNED}
    assert of(settings, topic, retention_ms=str(90 * DAY), max_message_bytes="9000000") == {}


@pytest.mark.parametrize("name", ["contact.normalised", "contact.interactions", "contact.measurements"])
def test_a_topic_between_agents(settings: Settings, name: str) -> None:
    topic = "x." + name
    assert of(settings, topic, message_timestamp_type="CreateTime") == {"message.timestamp.type": Effect.WARNED}
    assert of(settings, topic, cleanup_policy="compact") == {"cleanup.policy": Effect.REFUSED}
    assert of(settings, topic, retention_ms="3600000") == {"retention.ms": Effect.REFUSED}
    assert of(settings, topic, max_message_bytes="500000") == {"max.message.bytes": Effect.REFUSED}


@pytest.mark.parametrize("name", [spec.topic for spec in registry.topics().values() if spec.direction == "output"])
def test_an_output(settings: Settings, name: str) -> None:
    topic, compacted = "x." + name, registry.topics()[name].compacted
    assert of(settings, topic, cleanup_policy="compact,delete") == {"cleanup.policy": Effect.WARNED}
    assert of(settings, topic, cleanup_policy="delete" if compacted else "compact") == {"cleanup.policy": Effect.WARNED}
    assert of(settings, topic, retention_ms="3600000") == ({} if compacted else {"retention.ms": Effect.WARNED})
    assert of(settings, topic, max_message_bytes="500000") == {"max.message.bytes": Effect.REFUSED}


@pytest.mark.parametrize("hop", flow.stages())
def test_a_changelog(settings: Settings, hop: str) -> None:
    topic = f"x.contact-streams-{hop}-changelog"
    assert of(settings, topic, cleanup_policy="compact,delete") == {"cleanup.policy": Effect.REFUSED}
    assert of(settings, topic, delete_retention_ms="3600000") == {"delete.retention.ms": Effect.REFUSED}
    assert of(settings, topic, max_message_bytes="999999") == {"max.message.bytes": Effect.REFUSED}
    assert of(settings, topic, message_timestamp_type="CreateTime") == {"message.timestamp.type": Effect.WARNED}
    assert of(settings, topic, retention_ms="1", retention_bytes="1") == {}, "it is compacted: they mean nothing"


def test_a_connector_can_publish_what_the_settings_allow() -> None:
    larger = settings_module.load(topic_prefix="x.", max_event_bytes=1_040_000)
    assert of(larger, "x.contacts.voice", max_message_bytes="1040000") == {"max.message.bytes": Effect.WARNED}
    assert of(larger, "x.contacts.voice", max_message_bytes="1048588") == {}
