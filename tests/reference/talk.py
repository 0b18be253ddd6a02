"""The humans who have a contact: how long they talk, hold and work on it afterwards."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Talk:
    """Sums so far, ms, and what is going on."""

    talk: int = 0
    hold: int = 0
    wrap: int = 0
    talk_from: int | None = None
    hold_from: int | None = None
    agent: str | None = None
    met: bool = False
    """Whether a human talked: how long words in writing took to write, nobody tells."""
    staying: bool = False
    """The first agent of a warm transfer, until the other one answers."""
    free: dict[str | None, int] = field(default_factory=dict)
    """Since when each agent is free of the customer."""
    sums: tuple[int | None, int | None] = (None, None)
    """Talk and hold where only their sums are told."""

    def begin(self, at: int, agent: str | None) -> None:
        """A human is connected."""
        if self.hold_from is not None:
            self.hold += at - self.hold_from
            self.hold_from = None
        if self.talk_from is None:
            self.talk_from = at
        self.met, self.staying, self.agent = True, False, agent
        self.free.pop(agent, None)

    def hold_on(self, at: int) -> None:
        self._pause(at)
        self.hold_from = at

    def resume(self, at: int) -> None:
        self.hold += at - (self.hold_from or at)
        self.hold_from, self.talk_from = None, at

    def stop(self, at: int) -> None:
        """The agent is free of the customer."""
        if self.talk_from is not None or self.hold_from is not None:
            self.free[self.agent] = at
        self._pause(at)
        if self.hold_from is not None:
            self.hold += max(0, at - self.hold_from)
            self.hold_from = None
        self.staying = False

    def stop_before(self, at: int, ms: int) -> None:
        """The work after it, which is done now, took so long; as far as there was a talk."""
        self.stop(at - min(ms, at - (self.talk_from or self.hold_from or at)))

    def is_with(self, agent: str | None) -> bool:
        return agent is None or self.agent is None or agent == self.agent

    def work(self, at: int, agent: str | None, ms: int | None) -> None:
        """After-contact work is done; ``ms`` None: all the time since that agent was free."""
        since = self.free.get(agent if agent in self.free else self.agent, at)
        self.wrap += ms if ms is not None else at - since

    def told(self, data: dict[str, Any], answered: bool) -> None:
        """Sums, where an event has any; of a contact that was answered, be it in writing."""
        if not self.met and not answered:
            return
        self.sums = (data.get("talk_ms", self.sums[0]), data.get("hold_ms", self.sums[1]))
        self.met = self.met or any(self.sums)

    def parts(self, *, by_moments: bool) -> tuple[int, int, int]:
        """Talk, hold and work; sums that were told rule where no moments of hold were."""
        talk, hold = (None, None) if by_moments else self.sums
        return self.talk if talk is None else talk, self.hold if hold is None else hold, self.wrap

    def _pause(self, at: int) -> None:
        if self.talk_from is not None:
            self.talk += max(0, at - self.talk_from)
            self.talk_from = None
