"""The rule of wait alerts for all alike, as the demo and the recount go by it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from streams.base.channels import LIVE_CHANNELS
from streams.base.times import SECOND_MS
from streams.base.units import FROM_FILES, ChannelName, Duration, RuleName, Severity, TierName


@dataclass(frozen=True, slots=True)
class WaitRule:
    """Of a rule about ``waiting``: fires when a queue leg of a tier and channel waits longer than the limit."""

    name: RuleName
    tiers: Annotated[frozenset[TierName], Field(min_length=1)] = frozenset()
    limit_ms: Annotated[Duration, Field(alias="limit")] = 120 * SECOND_MS
    severity: Severity = "critical"
    channels: Annotated[frozenset[ChannelName], Field(min_length=1)] = LIVE_CHANNELS

    __pydantic_config__ = FROM_FILES
