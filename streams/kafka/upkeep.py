"""How the topics have to be kept: what a worker demands of the settings of each topic and each changelog.

What the contract promises to connectors and subscribers comes to what the engine demands for itself. Longer is always
allowed; how the promises hang on the settings is told in docs/operations.md.
"""

from schemas import flow, registry
from schemas.registry import COMPACTED_WITHIN, DAY_MS, SEGMENT_MS, TopicSpec
from streams.engine import changelog_of
from streams.engine.demands import (
    BROKERS_DEFAULT_BYTES,
    CHANGELOG,
    EVERY,
    LARGE_ENOUGH,
    READ,
    Demand,
    Effect,
    at_least,
    at_most,
    exactly,
)
from streams.engine.kafka import FRAMING_BYTES
from streams.settings import Settings, variable

LEAST_KEPT_MS = DAY_MS
"""What is not read yet has to outlast a night without workers."""

_ARRIVAL = exactly(
    "message.timestamp.type",
    "LogAppendTime",
    f"a producer's clock says when an event arrived: {variable('future_tolerance_s')} and {variable('max_age_h')} mean "
    "nothing, ids are forgotten too early, and duplicates count",
)
_STAMPED = exactly(
    "message.timestamp.type",
    "LogAppendTime",
    "for how long records have been unread, and whether clocks are right, is not known",
    Effect.WARNED,
)
_GONE = "a proof of erasure says by when nothing is left, and something may be left then"
_SEGMENTS = at_most("segment.ms", SEGMENT_MS, _GONE, Effect.WARNED, unit=" (a day)")
_COMPACTED = tuple(
    at_most(setting, int(value), _GONE, Effect.WARNED, unit=" (a day)") for setting, value in COMPACTED_WITHIN.items()
)
_BY_SIZE = exactly("retention.bytes", "-1", "records are deleted before their time when there are many", Effect.WARNED)


def demands(spec: TopicSpec, settings: Settings) -> tuple[Demand, ...]:
    """What is demanded of one topic of the contract."""
    if spec.direction == "output":
        found = [*_published(spec), LARGE_ENOUGH, *EVERY]
        return (*found, _STAMPED) if "message.timestamp.type" in spec.config else tuple(found)
    kept = _kept(spec, "workers that are down for longer lose what came meanwhile, and a rebuild has less to read")
    if spec.direction == "internal":
        return (*READ, LARGE_ENOUGH, _STAMPED, _unread_kept(spec), kept, _BY_SIZE, _SEGMENTS)
    largest = at_least(
        "max.message.bytes",
        settings.max_event_bytes + FRAMING_BYTES,
        f"connectors cannot publish events that {variable('max_event_bytes')} allows",
        Effect.WARNED,
        mend=BROKERS_DEFAULT_BYTES,
    )
    if spec.compacted:
        return (
            exactly("cleanup.policy", "compact", "what was said last is deleted in time"),
            *EVERY,
            _ARRIVAL,
            largest,
        )
    return (*READ, _ARRIVAL, _unread_kept(spec), kept, _BY_SIZE, _SEGMENTS, largest)


def of_all(settings: Settings) -> dict[str, tuple[Demand, ...]]:
    """Topic and changelog, by their names on the broker → what is demanded of it."""
    found = {settings.topic_prefix + spec.topic: demands(spec, settings) for spec in registry.topics().values()}
    return found | {changelog_of(settings.group, stage): CHANGELOG for stage in flow.stages()}


def _published(spec: TopicSpec) -> tuple[Demand, ...]:
    if spec.compacted:
        why = "subscribers were told that the newest record of each key stays"
        return (exactly("cleanup.policy", "compact", why, Effect.WARNED), *_COMPACTED)
    why = "subscribers were told that every record stays for its time"
    return (exactly("cleanup.policy", "delete", why, Effect.WARNED), _kept(spec, why), _BY_SIZE, _SEGMENTS)


def _unread_kept(spec: TopicSpec) -> Demand:
    breaks = "what workers that are down for a night have not read is deleted"
    mended = max(7, spec.retention_days or 0) * DAY_MS
    return at_least("retention.ms", LEAST_KEPT_MS, breaks, mend=mended, unit=" (a day)")


def _kept(spec: TopicSpec, breaks: str) -> Demand:
    days = spec.retention_days or 0
    return at_least("retention.ms", days * DAY_MS, breaks, Effect.WARNED, unit=f" ({days} days)")
