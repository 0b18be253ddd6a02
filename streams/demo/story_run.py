"""The story from its first act to its last: tell, wait for what must follow, and hold on to what proves it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.demo.story_parts import Act, Step, Story
from streams.demo.story_records import Expectation, Finding, Record, Seen

LOOK_S = 1.0
"""So long one look at the topics waits for something."""
SETTLE_S = 20.0
"""What holds must still hold when everything is worked off; that is given so long at least."""
SETTLED = "everything that was told is worked off"


class Wire(Protocol):
    """Where the story is told, and what comes of it is read."""

    async def tell(self, act: Act) -> None:
        """Publish the act's events, and say how far time has come."""

    async def more(self, seconds: float) -> list[Record]:
        """What has come since; waits so long for something to come."""

    async def settle(self, seconds: float) -> list[Record] | None:
        """Wait until all that was told has come out, and read it; None when it takes longer."""


@dataclass(frozen=True)
class Check:
    """What had to be found, and what was."""

    says: str
    finding: Finding


@dataclass(frozen=True)
class ActResult:
    """An act and what followed from it."""

    act: Act
    checks: Sequence[Check]

    @property
    def proved(self) -> bool:
        return all(check.finding.holds for check in self.checks)


@dataclass(frozen=True)
class StepResult:
    """A step, by its number from 1, and how long it took."""

    number: int
    step: Step
    acts: Sequence[ActResult]
    seconds: float

    @property
    def proved(self) -> bool:
        return all(act.proved for act in self.acts)


class Show(Protocol):
    """Whoever watches."""

    def begins(self, number: int, of: int, step: Step) -> None: ...
    def waits(self, says: str) -> None: ...
    def acted(self, result: ActResult) -> None: ...
    def ends(self, result: StepResult) -> None: ...


@dataclass
class Telling:
    """Tells a story; ``seen`` is all that was read."""

    wire: Wire
    show: Show
    clock: Callable[[], float] = time.monotonic
    seen: Seen = field(default_factory=Seen)
    _until: float = 0.0
    """So long, by the clock, the step waits for records."""

    async def tell(self, story: Story, patience: float) -> list[StepResult]:
        """Every step, whether those before it hold or not; ``patience``: seconds that each may wait for records, beside
        the time in which everything is worked off.
        """
        results = []
        for number, step in enumerate(story.steps, 1):
            began, acts = self.clock(), list[ActResult]()
            self._until = began + patience
            self.show.begins(number, len(story.steps), step)
            for act in step.acts:
                result = await self._act(act, act.settled or act is step.acts[-1])
                self.show.acted(result)
                acts.append(result)
            results.append(StepResult(number, step, acts, self.clock() - began))
            self.show.ends(results[-1])
        return results

    async def _act(self, act: Act, settled: bool) -> ActResult:
        if act.remember:
            self.seen.remember(act.remember)
        await self.wire.tell(act)
        while True:
            result, left = ActResult(act, look(act.expect, self.seen)), self._until - self.clock()
            if not result.proved:
                if left <= 0:
                    return result
                self.show.waits(next(check.says for check in result.checks if not check.finding.holds))
                self.seen.records += await self.wire.more(min(left, LOOK_S))
                continue
            if not settled:
                return result
            self.show.waits(SETTLED)
            asked = self.clock()
            records = await self.wire.settle(max(left, SETTLE_S))
            self._until += self.clock() - asked
            if records is None:
                return ActResult(act, [*result.checks, Check(SETTLED, Finding(False, (), "it is not, in time"))])
            self.seen.records += records
            result = ActResult(act, look(act.expect, self.seen))
            if result.proved:
                return result


def look(expect: Sequence[Expectation], seen: Seen) -> list[Check]:
    """Everything that must be found, held against what was read."""
    return [Check(each.says, each.check(seen)) for each in expect]
