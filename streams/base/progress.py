"""What a `Progress` record may say. Whoever can write to an internal topic could otherwise stop time for everybody, or
let it run to the year 2100, with one record.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass

from streams.base.records import LIVE, Line, Progress
from streams.base.times import DAY_MS

AHEAD_MS = 10_000
"""How far a live watermark may lie ahead of the reader's clock. Both clocks differ from the broker's by 5 s at most."""
FIRST_MS, LAST_MS = -DAY_MS, 4_102_444_800_000
"""Within these lies every replay: from 1970, less what may be out of order, to 2100-01-01 in UTC."""
GONE = Line(0, forgotten=True)
"""What is said of a line that is to be forgotten."""


class Implausible(ValueError):
    """A `Progress` that cannot be true; the message says why."""


@dataclass(frozen=True)
class Origins:
    """Who speaks on an internal topic: the tasks of the agent before, ``<stage>-0`` and so on."""

    stage: str
    count: int

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(f"{self.stage}-{number}" for number in range(self.count))

    def check(self, progress: Progress, now: int) -> None:
        """Raises `Implausible`. ``now``: the clock of who reads it, ms; it was appended before."""
        if progress.origin not in self.names:
            raise Implausible(
                f"progress of {progress.origin[:100]!r}; this topic has {self.stage}-0 to -{self.count - 1}"
            )
        if progress.of != self.count:
            raise Implausible(
                f"progress of {progress.origin} as one of {progress.of} tasks; {self.stage} has {self.count}"
            )
        for name, line in progress.lines.items():
            if name != LIVE and not FIRST_MS <= line.watermark <= LAST_MS:
                raise Implausible(f"{progress.origin} says that a replay has come beyond the years 1970 to 2100")
            if name == LIVE and line.watermark > now + AHEAD_MS:
                ahead = (line.watermark - now) / 1000
                raise Implausible(f"{progress.origin} says that live time lies {ahead:.0f} s ahead of the clock")
            if name == LIVE and (line.ended or line.forgotten):
                raise Implausible(f"{progress.origin} says that live time has ended")

    def heal(self, table: MutableMapping[str, Progress], now: int) -> None:
        """Take out of a table what a version that believed everything has put there: origins that are none, a live
        watermark ahead of ``now`` (ms), an end of the live line; a replay at a time that cannot be is forgotten.
        """
        for origin, said in list(table.items()):
            live = said.lines.get(LIVE)
            if origin not in self.names:
                del table[origin]
                continue
            healed = {name: GONE for name, line in said.lines.items() if not FIRST_MS <= line.watermark <= LAST_MS}
            if live is not None and (live.watermark > now + AHEAD_MS or live.ended):
                healed[LIVE] = Line(min(live.watermark, now))
            if healed:
                table[origin] = Progress(said.origin, said.of, {**said.lines, **healed})
