"""The contacts of a person as one after the other: which are about one need, and how that was solved. docs/journeys.md,
written down once more for the demo's check; it shares nothing with what the product computes it by.

A simulated contact says what it is about by a case alone. Times are ms since the epoch.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.customers.journey_rules import JourneyRules


@dataclass
class Life:
    """What became of one contact."""

    name: str
    channel: str
    began: int
    last: int = 0
    """When something was told of it, about it or in it."""
    over: int | None = None
    rested: bool = False
    """It is over because nothing was told of it for long, which solves nothing."""
    queue: str | None = None
    """The last one, or the first that was named."""
    ours: bool = False
    met: bool = False
    """A person served the customer."""
    served: bool = False
    """A machine did, and it did not hand over."""
    transfers: int = 0
    cases: list[str] = field(default_factory=list)
    solutions: list[int] = field(default_factory=list)
    setbacks: list[int] = field(default_factory=list)
    """When it was taken up after each of them, but for the last one where that holds."""
    comebacks: int = 0
    """Times it went on after it was over, or taken for over."""

    @property
    def is_solved(self) -> bool:
        """Now."""
        return len(self.solutions) > len(self.setbacks)

    def solve(self, at: int) -> None:
        """Somebody said so, or it ended well."""
        if not self.is_solved:
            self.solutions.append(at)

    def take_up(self, at: int) -> None:
        """What was solved is not."""
        if self.is_solved:
            self.setbacks.append(at)

    def end(self, at: int) -> None:
        """It ended: of what has no case that is a solution, if somebody was there for the customer."""
        self.over = at
        if not self.cases and (self.met or self.served):
            self.solve(at)

    def go_on(self, at: int) -> None:
        """After it was over."""
        self.over, self.rested = None, False
        self.take_up(at)

    @property
    def stands_since(self) -> int:
        """The moment as of which it is known how it stands."""
        if self.over is None or self.rested:
            return self.last
        return self.solutions[-1] if self.is_solved else self.over


class Solution(NamedTuple):
    """How a need was solved."""

    first: tuple[int, Life]
    """When, and by which contact."""
    latest: tuple[int, Life]
    began: int
    once: bool
    """The customer came but once, and did not come again in the time of a repeat."""
    stayed: bool
    """Nor was it taken up again in that time."""
    reopenings: int
    contacts: int
    transfers: int


def needs(lives: Iterable[Life], rules: JourneyRules) -> Iterator[list[Life]]:
    """The contacts of one person, by what they are about; each in the order in which they began."""
    ordered = sorted(lives, key=lambda life: (life.began, life.channel, life.name))
    need_of = list(range(len(ordered)))

    def join(one: int, other: int) -> None:
        old, new = need_of[other], need_of[one]
        need_of[:] = [new if each == old else each for each in need_of]

    about: list[set[str]] = []
    for place, life in enumerate(ordered):
        about.append(set(life.cases))
        for before in range(place):
            if about[place] & set(ordered[before].cases):
                join(before, place)
        if place == 0:
            continue
        beside = _beside(ordered, place)
        own, theirs = about[place], about[beside]
        near = life.began - ordered[beside].last <= rules.need(life.channel)
        if near and not (own and theirs and not own & theirs):
            join(beside, place)
            about[place] = own or theirs
    found: dict[int, list[Life]] = defaultdict(list)
    for place, life in enumerate(ordered):
        found[need_of[place]].append(life)
    yield from found.values()


def _beside(ordered: Sequence[Life], place: int) -> int:
    """The contact before it in time: the one that began last, if that was still going on; else the last heard of."""
    if ordered[place - 1].last >= ordered[place].began:
        return place - 1
    return max(range(place), key=lambda before: (ordered[before].last, before))


def solution(need: Sequence[Life], repeat_ms: int) -> Solution | None:
    """How the contacts of one need came to a solution; None = they did not. Whatever comes later than ``repeat_ms``
    after the first one leaves it as it was."""
    solved = sorted(((at, life) for life in need for at in life.solutions), key=lambda one: (one[0], one[1].channel))
    if not solved:
        return None
    setbacks = [at for life in need for at in life.setbacks]
    comes_after = [life.began for life in need if not life.ours and _was_solved(need, life.began)]
    repeats = [life.began for life in need if not life.ours and _follows(need, life.began, repeat_ms)]
    until = solved[0][0] + repeat_ms
    return Solution(
        first=solved[0],
        latest=solved[-1],
        began=need[0].began,
        once=not any(at <= until for at in (*setbacks, *comes_after, *repeats)),
        stayed=not any(at <= until for at in (*setbacks, *comes_after)),
        reopenings=len(setbacks) + len(comes_after),
        contacts=len(need),
        transfers=sum(life.transfers for life in need),
    )


def _was_solved(need: Sequence[Life], moment: int) -> bool:
    """Of what is known of contacts from before then the latest decides, of one moment a solution; but each contact
    that came since has taken it up."""
    known = [(life.stands_since, life.is_solved) for life in need if life.stands_since < moment]
    if not known:
        return False
    heard, is_solved = max(known)
    return is_solved and not any(heard < life.began < moment for life in need)


def _follows(need: Sequence[Life], moment: int, repeat_ms: int) -> bool:
    """An earlier contact was over by then, or had its last word, not longer ago than a repeat may be."""
    overs = (life.last if life.over is None else life.over for life in need)
    return any(over < moment <= over + repeat_ms for over in overs)
