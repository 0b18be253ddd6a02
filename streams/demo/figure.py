"""A figure that is known twice."""

from dataclasses import dataclass

from streams.demo.state import Pair

WITHIN_PERCENT = 1
"""A percentile is read from a histogram, which is as exact as that."""


@dataclass(frozen=True)
class Check:
    """One figure; ``where`` is a channel and queue, or None for the whole centre; ``group``: of what it is one."""

    name: str
    where: Pair | None
    truth: int
    pipeline: int
    group: str = ""
    percent: int = 0
    """How far they may be apart: of the truth."""

    @property
    def right(self) -> bool:
        """Whether both agree: exactly, but for percentiles."""
        return 100 * abs(self.pipeline - self.truth) <= self.percent * abs(self.truth)

    @property
    def says_something(self) -> bool:
        """Whether there is anything to agree on: most queues have no transfers, for example."""
        return bool(self.truth or self.pipeline)
