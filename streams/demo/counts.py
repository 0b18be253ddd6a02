"""What the simulator counts in one queue of one channel: numbers of things, and durations one by one.

All durations are milliseconds. Counts add up, and can be taken back: what a contact has once takes the place of what
was counted of it before.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields


class Times(Counter[int]):
    """Durations in ms → how often each is there."""

    @property
    def count(self) -> int:
        """How many there are."""
        return self.total()

    @property
    def ms(self) -> int:
        """All of them together."""
        return sum(took * n for took, n in self.items())

    def rank(self, percent: int) -> int:
        """The shortest that so many percent of them do not exceed (nearest rank); 0 of none."""
        left = -(-self.count * percent // 100)
        for took, n in sorted(self.items()):
            left -= n
            if n and left <= 0:
                return took
        return 0


def times(*some: int | None) -> Times:
    """Those that there are."""
    return Times(took for took in some if took is not None)


@dataclass
class Counts:
    """What happened."""

    # Contacts.
    offered: int = 0
    """They asked for a person, and it is known what came of that."""
    abandoned: int = 0
    flowed_out: int = 0
    answers: Times = field(default_factory=Times)
    """Waits of those answered, in all queues together."""
    answered_within: int = 0
    contained: int = 0
    left: int = 0
    turned_away: int = 0
    went_on: int = 0
    """Times that contacts went on after an end, or after a rest in which they were taken for over."""
    machine: int = 0
    """They began with a machine, and are over."""
    machine_alone: int = 0
    callbacks: int = 0
    callbacks_kept: int = 0
    # Stays in a queue.
    legs: int = 0
    legs_within: int = 0
    """Answered within the threshold."""
    legs_abandoned_within: int = 0
    legs_short: int = 0
    """Abandoned at once."""
    legs_waiting: int = 0
    """Still waiting at the end."""
    legs_reached: int = 0
    """Waiting at the end of a day, for the threshold or longer; once for each day."""
    waits: Times = field(default_factory=Times)
    """Of those answered."""
    given_up: Times = field(default_factory=Times)
    """Of those abandoned."""
    flows: Times = field(default_factory=Times)
    """Of those that flowed out."""
    # Agents, by the queues that they serve, under the channel `all`.
    occupied_ms: int = 0
    """Busy, or with after-contact work."""
    ready_ms: int = 0
    """The same, and available."""
    # Contacts that a person handled.
    transferred: int = 0
    handles: Times = field(default_factory=Times)
    talks: Times = field(default_factory=Times)
    holds: Times = field(default_factory=Times)
    wraps: Times = field(default_factory=Times)
    # Replies in writing.
    first_any: Times = field(default_factory=Times)
    """First replies of anybody, bots too."""
    first_person: Times = field(default_factory=Times)
    first_handed: Times = field(default_factory=Times)
    """First replies of a person, from when a bot handed over."""
    first_again: Times = field(default_factory=Times)
    """First replies to what was asked after an end or a solution."""
    next_replies: Times = field(default_factory=Times)
    """All replies but the contacts' first."""
    # Needs that were solved, by where that was.
    solved: Times = field(default_factory=Times)
    """From the beginning to the first solution."""
    solved_once: int = 0
    stayed_solved: int = 0
    resolved: Times = field(default_factory=Times)
    """To the last one."""
    reopenings: int = 0
    needed_contacts: int = 0
    needed_transfers: int = 0
    # Answers to surveys, and how messages sound.
    csat: int = 0
    csat_satisfied: int = 0
    csat_sum: int = 0
    nps: int = 0
    nps_balance: int = 0
    """Promoters less detractors."""
    nps_last: int = 0
    """A customer's last answer of a day."""
    nps_last_balance: int = 0
    ces: int = 0
    ces_easy: int = 0
    scored: int = 0
    """Messages that a connector scored."""
    scored_milli: int = 0

    @property
    def answered(self) -> int:
        """Contacts."""
        return self.answers.count

    @property
    def legs_over(self) -> int:
        """Answered or abandoned."""
        return self.waits.count + self.given_up.count

    @property
    def legs_left(self) -> int:
        """They wait no more, whatever came of them."""
        return self.legs_over + self.flows.count

    @property
    def longest_ms(self) -> int:
        """The longest wait of those that wait no more."""
        return max(
            [took for some in (self.waits, self.given_up, self.flows) for took, n in some.items() if n], default=0
        )

    def add(self, other: "Counts", sign: int = 1) -> None:
        """Count the other here, or take it back."""
        for each in fields(self):
            mine, more = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Times):
                for took, n in more.items():
                    mine[took] += sign * n
            else:
                setattr(self, each.name, mine + sign * more)


def together(some: Iterable[Counts]) -> Counts:
    """All of them."""
    total = Counts()
    for each in some:
        total.add(each)
    return total
