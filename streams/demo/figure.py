"""A figure that is known twice."""

from dataclasses import dataclass

from streams.demo.state import Pair


@dataclass(frozen=True)
class Check:
    """One figure; ``where`` is a channel and queue, or None for the whole centre."""

    name: str
    where: Pair | None
    truth: int
    pipeline: int

    @property
    def right(self) -> bool:
        """Whether both agree exactly."""
        return self.truth == self.pipeline
