"""Who reads and writes what, derived from the topics' YAML (``direction``, ``producers``, ``consumers``).

A stage is an agent of ours: whoever reads an input or an internal topic. Topics are named without the deployment's
prefix.
"""

from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter

from schemas.data import CHANNELS
from schemas.events import EVENTS
from schemas.registry import RegistryError, TopicSpec, topics


def stages() -> tuple[str, ...]:
    """Every agent, behind those that write what it reads.

    Raises ``RegistryError`` when there is no such order.
    """
    return tuple(_reads())


def inputs(stage: str) -> tuple[str, ...]:
    """What a stage reads, in the order of the contract's event types and channels: tasks without a broker take records
    in this order.

    Raises ``KeyError`` for what is no stage.
    """
    return _reads()[stage]


def outputs(stage: str) -> tuple[str, ...]:
    """What a stage writes, by name; its changelog is the engine's and not among it."""
    return tuple(spec.topic for spec in topics().values() if stage in spec.producers and spec.direction != "input")


def published() -> tuple[str, ...]:
    """What subscribers read, by name."""
    return tuple(spec.topic for spec in topics().values() if spec.direction == "output")


def between() -> tuple[str, ...]:
    """What stages write and a later one reads, or the same one, in the order of the flow."""
    return tuple(topic for stage in stages() for topic in inputs(stage) if topics()[topic].direction == "internal")


def order_of(specs: Mapping[str, TopicSpec]) -> tuple[str, ...]:
    """The stages of any topics, in the order of the flow.

    Raises ``RegistryError`` when they write for each other in a circle, or when one of them reads nothing.
    """
    behind: dict[str, list[str]] = {}
    for spec in specs.values():
        if spec.direction == "output":
            continue
        for reader in spec.consumers:
            writers = spec.producers if spec.direction == "internal" else ()
            ahead = (writer for writer in writers if writer != reader and writer not in spec.feedback)
            behind.setdefault(reader, []).extend(ahead)
    try:
        found = tuple(TopologicalSorter(behind).static_order())
    except CycleError as error:
        raise RegistryError(f"agents write for each other in a circle: {' → '.join(error.args[1])}") from error
    if idle := sorted({*found} - behind.keys()):
        raise RegistryError(f"{', '.join(idle)}: writes an internal topic and reads no topic")
    return found


@cache
def _reads() -> Mapping[str, tuple[str, ...]]:
    specs = sorted((spec for spec in topics().values() if spec.direction != "output"), key=_place)
    return {stage: tuple(spec.topic for spec in specs if stage in spec.consumers) for stage in order_of(topics())}


def _place(spec: TopicSpec) -> tuple[int, int]:
    types = [number for number, kind in enumerate(EVENTS) if kind in spec.models]
    return min(types, default=0), CHANNELS.index(spec.channel) if spec.channel else 0
