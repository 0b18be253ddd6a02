"""Which topic and which key an event has, derived from the topics' YAML.

A topic of contacts names its ``channel``; every other event type lies on one topic only. The markers of a replay belong
to no topic: they lie on every partition of each that the replay writes to.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from schemas.events import ReplayEvent
from schemas.registry import RegistryError, TopicSpec, kind_of, members_of, topics

MARKERS = frozenset(kind_of(model, "type") for model in members_of(ReplayEvent))


class Home(NamedTuple):
    """Where the events of one type lie."""

    topic: str | None
    """The topic; ``None`` = that of the event's channel."""
    key: str
    """The field of the event's data that is the record's key."""


@cache
def channels() -> Mapping[str, str]:
    """Channel → its topic."""
    return {spec.channel: spec.topic for spec in topics().values() if spec.channel}


@cache
def homes() -> Mapping[str, Home]:
    """Event type → where its events lie.

    Raises ``RegistryError`` where the topics do not tell.
    """
    return homes_of(topics())


def homes_of(specs: Mapping[str, TopicSpec]) -> dict[str, Home]:
    """The same of any topics."""
    found: dict[str, Home] = {}
    for spec in specs.values():
        if spec.direction != "input":
            continue
        home = Home(None if spec.channel else spec.topic, _field_of(spec))
        for kind in spec.models:
            if kind not in MARKERS and found.setdefault(kind, home) != home:
                raise RegistryError(
                    f"{spec.topic} carries {kind}, and so does another topic; only topics with a channel may"
                )
    return found


def route(event: Mapping[str, Any]) -> tuple[str, str]:
    """(topic, key) of an event of the contract, as decoded; the topic without the deployment's prefix.

    Raises ``ValueError`` for a type without a topic of its own: an unknown one, or a marker of a replay.
    """
    home = homes().get(event["type"])
    if home is None:
        raise ValueError(f"{event['type']} has no topic of its own")
    data = event["data"]
    return home.topic or channels()[data["channel"]], data[home.key]


def _field_of(spec: TopicSpec) -> str:
    field = spec.key.removeprefix("{data.").removesuffix("}")
    if spec.key != f"{{data.{field}}}" or not field.isidentifier():
        raise RegistryError(f"{spec.topic}: key must be {{data.<field>}}, one field of the data, got {spec.key}")
    return field
