"""What belongs to one journey, as data: ``journeys`` of tracking.yaml."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.base.units import FROM_FILES, ChannelName, Span


@dataclass(frozen=True, slots=True)
class JourneyRules:
    """All times in ms. A contact's channel decides how long after the contact before it it may begin."""

    session_ms: Annotated[Span, Field(alias="session")] = 30 * MINUTE_MS
    """Contacts that follow each other within this are one visit."""
    need_ms: Annotated[Span, Field(alias="need")] = 7 * DAY_MS
    """Contacts that follow each other within this may be about one need."""
    channel_sessions: dict[ChannelName, Span] = field(default_factory=dict)
    channel_needs: dict[ChannelName, Span] = field(default_factory=dict)
    repeat_ms: Annotated[Span, Field(alias="repeat")] = 7 * DAY_MS
    """A contact about the same need so long after an earlier one was over is a repeat."""
    longest_ms: int = field(init=False, default=0)
    """The longest need of any channel: so long after its last word a journey may go on."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        for channel in (None, *self.channel_sessions, *self.channel_needs):
            session, need = self.session(channel), self.need(channel)
            if session > need:
                where = f" on {channel}" if channel else ""
                raise ValueError(f"a session ({_words(session)}) is longer than a need ({_words(need)}){where}")
        longest = max((self.need_ms, *self.channel_needs.values()))
        if self.repeat_ms > longest:
            raise ValueError(f"a repeat ({_words(self.repeat_ms)}) is longer than any need ({_words(longest)})")
        object.__setattr__(self, "longest_ms", longest)

    def session(self, channel: str | None) -> int:
        """Of a contact on this channel; ms."""
        return self.session_ms if channel is None else self.channel_sessions.get(channel, self.session_ms)

    def need(self, channel: str | None) -> int:
        """Of a contact on this channel; ms."""
        return self.need_ms if channel is None else self.channel_needs.get(channel, self.need_ms)


def _words(ms: int) -> str:
    """As it may stand in the file."""
    for unit, size in (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS)):
        if ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"
