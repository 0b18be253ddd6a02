"""A simulated queue, of which the model is known."""

import heapq
import random
from dataclasses import dataclass

from streams.metrics.forecast import Stay


@dataclass(frozen=True)
class Centre:
    """An M/M/c+M queue: callers at random, exponential handle times and patience."""

    agents: int
    per_hour: float
    handle_s: float
    patience_s: float

    def simulated(self, hours: int, seed: int) -> list[Stay]:
        rng = random.Random(seed)
        free, now, found = [0.0] * self.agents, 0.0, []
        while (now := now + rng.expovariate(self.per_hour / 3600)) < hours * 3600:
            patience, handle = rng.expovariate(1 / self.patience_s), rng.expovariate(1 / self.handle_s)
            begins = max(free[0], now)
            answered = begins <= now + patience
            if answered:
                heapq.heapreplace(free, begins + handle)
            left = begins if answered else now + patience
            found.append(Stay(round(now * 1000), f"{len(found):06}", round(left * 1000), answered))
        return found
