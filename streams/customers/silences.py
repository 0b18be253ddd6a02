"""What a silence is: what it is reckoned from, how it stands, what was told of it, and what is published."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace
from pydantic import Field

from streams.alerts.episodes import alert_id
from streams.base.times import DAY_MS, iso
from streams.base.units import FROM_FILES, Positive, Span, TierName
from streams.customers.follow import View

QUIET, ENDED, WITHDRAWN = "quiet", "ended", "withdrawn"
USUAL_DAYS = 16
"""The latest days by which a gap is usual."""
FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class SilenceRules:
    """``silence`` of tracking.yaml."""

    floor_ms: Annotated[Span, Field(alias="floor")] = 60 * DAY_MS
    tier_floors: dict[TierName, Span] = field(default_factory=dict)
    factor: Positive = 3.0
    least_gaps: Annotated[int, Field(strict=True, ge=1, le=USUAL_DAYS - 1)] = 4

    __pydantic_config__ = FROM_FILES

    @property
    def least_ms(self) -> int:
        """Nobody is quiet before that."""
        return min(self.floor_ms, *self.tier_floors.values(), FOREVER)


class Run(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Acts of the customer in a row, and of the contact with the last of them how it stood."""

    first: int
    last: int
    key: str
    heard: int
    """When that contact was last heard of, whoever acted."""
    verdict: str
    reason: str
    tier: str | None = None
    """That the contact said."""


class Past(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of contacts that are no longer kept: days since the epoch, ascending; runs in order."""

    days: tuple[int, ...] = ()
    runs: tuple[Run, ...] = ()


class Silence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One silence as it stands; times in ms."""

    since: int
    """The last act before it."""
    at: int
    """Stream time that had to pass for it."""
    ended: int | None
    """The next act."""
    limit: int
    usual: int | None
    tier: str
    key: str
    verdict: str
    reason: str


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A silence as it was published."""

    silence: Silence
    status: str
    revision: int


NOTHING = Past()


def steps(told: Told | None, silence: Silence | None, now: int) -> list[Told]:
    """What is to be published of one: that it began, that it is over, or that it never was."""
    if silence is None or now <= silence.at:
        if told is None or told.status == WITHDRAWN:
            return []
        return [Told(told.silence, WITHDRAWN, told.revision + 1)]
    over = silence.ended is not None and now > silence.ended
    goes_on = replace(silence, ended=None)
    found, revision = list[Told](), told.revision if told else 0
    if told is None or told.status == WITHDRAWN:
        found.append(Told(goes_on, QUIET, revision + 1))
    elif told.silence != (silence if over else goes_on) or told.status != (ENDED if over else QUIET):
        return [Told(silence if over else goes_on, ENDED if over else QUIET, revision + 1)]
    if found and over:
        found.append(Told(silence, ENDED, revision + 2))
    return found


def record(told: Told, view: View) -> dict[str, Any]:
    """The record on the topic ``customer.quiet``."""
    silence = told.silence
    channel, _, contact = silence.key.partition("|")
    return {
        "quiet_id": alert_id("quiet", view.line, view.owner, str(silence.since)),
        "customer": view.owner,
        "status": told.status,
        "verdict": silence.verdict,
        "reason": silence.reason,
        "since": iso(silence.since),
        "quiet_at": iso(silence.at),
        "ended_at": None if silence.ended is None or told.status != ENDED else iso(silence.ended),
        "limit_ms": silence.limit,
        "usual_gap_ms": silence.usual,
        "tier": silence.tier,
        "contact_id": contact,
        "channel": channel,
        "line": view.line,
        "revision": told.revision,
    }
