"""What `ingest` works with beside its task."""

from dataclasses import dataclass

from streams.identity.nobody import Nobody
from streams.intake.behaviours import Detector
from streams.intake.deadlines import Deadlines, Zones
from streams.intake.intents import Intents
from streams.pipeline.checks import Door
from streams.pipeline.notes import Notes
from streams.sentiment.scoring import Scorer


@dataclass(frozen=True)
class Means:
    """All of it."""

    door: Door
    notes: Notes
    scorer: Scorer | None
    intents: Intents
    behaviours: Detector
    deadlines: Deadlines
    zone: Zones
    """The clock of a channel and queue."""
    nobody: Nobody
    phone_region: str | None
    dedup_horizon_ms: int
    out_of_orderness_ms: int
    max_replays: int
    replay_life_ms: int
    max_undeclared: int
    """Events of a replay that are taken before it is declared."""
    erases: bool
    """Can customers be erased?"""
    hold_ms: int
    """How long unread records hold live time in vain."""
