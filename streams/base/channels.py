"""The nature of each channel, a row each. A channel of the contract without a row: this module cannot be imported."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.data import CHANNELS, Channel


@dataclass(frozen=True, slots=True)
class Nature:
    """How people deal with each other on a channel."""

    live: bool
    """The customer sits and waits: who leaves has abandoned, and wait alerts watch it unless a rule says otherwise."""
    spoken: bool
    """A human answers by being there, and there are no response times; on the others by a message, too."""
    abandoned: bool
    """Customers give up a queue. Not where one writes, and goes on with the day."""


NATURES: Mapping[Channel, Nature] = {
    "voice": Nature(live=True, spoken=True, abandoned=True),
    "email": Nature(live=False, spoken=False, abandoned=False),
    "chat": Nature(live=True, spoken=False, abandoned=True),
    "messaging": Nature(live=False, spoken=False, abandoned=False),
    "social": Nature(live=False, spoken=False, abandoned=True),
    "self-service": Nature(live=False, spoken=False, abandoned=True),
    "bot": Nature(live=False, spoken=False, abandoned=True),
    "forum": Nature(live=False, spoken=False, abandoned=True),
    "in-person": Nature(live=True, spoken=True, abandoned=True),
    "ticket": Nature(live=False, spoken=False, abandoned=False),
    "task": Nature(live=False, spoken=False, abandoned=False),
}

LIVE_CHANNELS = frozenset(channel for channel in CHANNELS if NATURES[channel].live)
SPOKEN = frozenset(channel for channel in CHANNELS if NATURES[channel].spoken)
WITHOUT_ABANDONMENT = frozenset(channel for channel in CHANNELS if not NATURES[channel].abandoned)
MACHINES = frozenset[str]({"self-service", "bot"})
"""Where a menu or a bot has every contact from the start."""
