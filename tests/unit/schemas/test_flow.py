"""The flow as the topics' YAML tells it: who reads and writes what, in which order."""

from typing import Any

import pytest

from schemas import flow
from schemas.data import CHANNELS
from schemas.registry import RegistryError, TopicSpec, topics


def test_the_flow() -> None:
    assert flow.stages() == ("ingest", "identify", "track", "measure", "alert")
    assert flow.between() == (
        "contact.normalised", "identity.links", "contact.interactions", "contact.measurements", "alert.conditions",
    )  # fmt: skip
    assert flow.published() == (
        "alert.events", "alerts", "api.audit", "contact.quality", "contacts.dead-letters", "customer.quiet", "defect.signals", "identity.changes", "journey.events",
        "journeys", "kpis", "notify.dead-letters", "outreach", "privacy.proofs", "queue.state", "recommendations", "segments",
    )  # fmt: skip


def test_what_each_stage_reads_and_writes() -> None:
    contacts = tuple(f"contacts.{channel}" for channel in CHANNELS)
    assert {stage: (flow.inputs(stage), flow.outputs(stage)) for stage in flow.stages()} == {
        "ingest": (
            (
                *contacts,
                "customers.profile",
                "customers.events",
                "agents.state",
                "alert.commands",
                "alert.silences",
                "alert.rules",
                "identity.commands",
            ),
            ("alert.conditions", "contact.normalised", "contacts.dead-letters"),
        ),
        "identify": (
            ("contact.normalised", "identity.links"),
            (
                "contact.interactions",
                "contact.measurements",
                "contacts.dead-letters",
                "identity.changes",
                "identity.links",
            ),
        ),
        "track": (
            ("contact.interactions",),
            (
                "alert.conditions",
                "contact.interactions",
                "contact.measurements",
                "contact.quality",
                "contacts.dead-letters",
                "customer.quiet",
                "identity.links",
                "journey.events",
                "journeys",
                "outreach",
                "privacy.proofs",
                "recommendations",
                "segments",
            ),
        ),
        "measure": (
            ("contact.measurements",),
            ("alert.conditions", "contacts.dead-letters", "defect.signals", "kpis", "queue.state"),
        ),
        "alert": (("alert.conditions",), ("alert.events", "alerts", "contacts.dead-letters")),
    }
    with pytest.raises(KeyError):
        flow.inputs("webhooks")


def changed(topic: str, **change: Any) -> dict[str, TopicSpec]:
    return topics() | {topic: topics()[topic].model_copy(update=change)}


def test_a_new_stage_stands_behind_those_it_reads_of() -> None:
    added = changed("contact.normalised", consumers=["identify", "link"])
    added["contact.links"] = topics()["contact.normalised"].model_copy(update={"producers": ["link"]})
    assert flow.order_of(added) == ("ingest", "link", "identify", "track", "measure", "alert")


def test_what_is_written_against_the_flow_orders_nothing() -> None:
    assert "track" in topics()["identity.links"].producers
    assert flow.order_of(changed("identity.links", feedback=["track"])) == flow.stages()
    with pytest.raises(RegistryError, match="circle"):
        flow.order_of(changed("identity.links", feedback=[]))


@pytest.mark.parametrize(
    ("topic", "change", "told"),
    [
        ("contact.normalised", {"producers": ["ingest", "track"]}, "write for each other in a circle: .* → "),
        ("contact.normalised", {"producers": ["ingets"]}, "ingets: writes an internal topic and reads no topic"),
    ],
)
def test_what_is_no_flow_is_refused(topic: str, change: dict[str, Any], told: str) -> None:
    with pytest.raises(RegistryError, match=told):
        flow.order_of(changed(topic, **change))
