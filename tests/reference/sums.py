"""Sums of a day, and the figures that are read from them."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from tests.reference.contact import NO_GIVING_UP
from tests.reference.events import S

THRESHOLD = 20 * S
SHORT = 5 * S
PERCENTS = (50, 90, 95)
PATIENCE = ("abandonment.", "time_to_abandon.")
Ratio = tuple[int, int]
"""Numerator and denominator; of counts the denominator is 0, of percentiles the value and of how many it is."""


def ranked(amounts: list[int], percent: int) -> int:
    """The smallest amount that so many percent do not exceed; 0 of none."""
    return sorted(amounts)[math.ceil(len(amounts) * percent / 100) - 1] if amounts else 0


def is_percentile(figure: str) -> bool:
    return figure.endswith(tuple(f"p{percent}" for percent in PERCENTS))


def percentiles(of: str, amounts: list[int]) -> dict[str, Ratio]:
    return {f"{of}p{percent}": (ranked(amounts, percent), len(amounts)) for percent in PERCENTS}


@dataclass
class Sums:
    """What happened on one day in one channel, queue and tier."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    amounts: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    waiting: int = 0

    def add(self, name: str, amounts: tuple[int, ...]) -> None:
        self.counts[name] += 1
        self.amounts[name].append(amounts)

    def figures(self, channel: str = "voice") -> dict[str, Ratio]:
        """kpi.variant → numerator and denominator; where nobody can give up there is no rate of it."""
        found = self.of_legs() | self.of_contacts() | self.of_words()
        return found | {name: (0, 0) for name in found if name.startswith(PATIENCE) and channel in NO_GIVING_UP}

    def of_legs(self) -> dict[str, Ratio]:
        answered = [a for (a,) in self.amounts["left.answered"]]
        gone = [a for (a,) in self.amounts["left.abandoned"]]
        flown = [a for (a,) in self.amounts["left.flow_out"]]
        left = len(answered) + len(gone) + len(flown)
        hit = sum(a <= THRESHOLD for a in answered)
        gone_in, short = sum(a <= THRESHOLD for a in gone), sum(a <= SHORT for a in gone)
        ended = len(answered) + len(gone)
        return {
            "legs_entered.all": (self.counts["entered"], 0),
            "abandonment.of_left": (len(gone), left),
            "abandonment.short": (short, left),
            "time_to_abandon.mean": (sum(gone), len(gone)),
            "flow_out.of_left": (len(flown), left),
            "speed_of_answer.answered_legs": (sum(answered), len(answered)),
            **percentiles("speed_of_answer.", answered),
            "longest_wait.left": (max([*answered, *gone, *flown], default=0), 0),
            "service_level.reached_threshold": (hit, ended + self.waiting),
            "service_level.abandon_in_time_is_hit": (hit + gone_in, ended),
            "service_level.answered_only": (hit, len(answered)),
            "service_level.all_abandons_count": (hit, ended),
            "service_level.in_threshold_abandons_excluded": (hit, ended - gone_in),
            "service_level.short_abandons_positive": (hit + short, ended),
            "service_level.short_abandons_excluded": (hit, ended - short),
        }

    def of_contacts(self) -> dict[str, Ratio]:
        waits = [a for (a,) in self.amounts["answered"]]
        offered = len(waits) + self.counts["abandoned"] + self.counts["flow_out"]
        in_time = sum(a <= THRESHOLD for a in waits)
        handled = self.amounts["handled"]
        n = len(handled)
        return {
            "contacts_offered.all": (offered, 0),
            "abandonment.of_offered": (self.counts["abandoned"], offered),
            "answered_in_time.of_offered": (in_time, offered),
            "answered_in_time.of_answered": (in_time, len(waits)),
            "speed_of_answer.all_contacts": (sum(waits), len(waits)),
            "handle_time.all": (sum(sum(parts[:3]) for parts in handled), n),
            "handle_time.talk": (sum(parts[0] for parts in handled), n),
            "handle_time.hold": (sum(parts[1] for parts in handled), n),
            "handle_time.wrap": (sum(parts[2] for parts in handled), n),
            **percentiles("speed_of_answer.all_contacts_", waits),
            **percentiles("handle_time.all_", [sum(parts[:3]) for parts in handled]),
            **percentiles("handle_time.talk_", [parts[0] for parts in handled]),
            **percentiles("handle_time.hold_", [parts[1] for parts in handled]),
            **percentiles("handle_time.wrap_", [parts[2] for parts in handled]),
            "transfer_rate.of_handled": (sum(parts[3] > 0 for parts in handled), n),
            "callbacks_kept.of_requested": (sum(a for (a,) in self.amounts["callback"]), self.counts["callback"]),
            "containment.of_machine": (sum(a for (a,) in self.amounts["machine"]), self.counts["machine"]),
        }

    def of_words(self) -> dict[str, Ratio]:
        made: dict[str, Ratio] = {}
        for name, some in self.amounts.items():
            if name.startswith("first_response."):
                made[name] = (sum(a for (a,) in some), len(some))
                made |= percentiles(f"{name}_", [a for (a,) in some])
        csat = [a for (a,) in self.amounts["csat"]]
        nps = [a for (a,) in self.amounts["nps"]]
        ces = [a for (a,) in self.amounts["ces"]]
        last = [a for (a,) in self.amounts["last_nps"]]
        moods = [a for (a,) in self.amounts["sentiment"]]
        replies = [a for (a,) in self.amounts["next_response"]]
        return made | {
            "csat.satisfied": (sum(a >= 4000 for a in csat), len(csat)),
            "csat.mean_score": (sum(csat), len(csat)),
            "nps.every_answer": (100 * (sum(a >= 9000 for a in nps) - sum(a <= 6000 for a in nps)), len(nps)),
            "nps.last_answer": (100 * (sum(a >= 9000 for a in last) - sum(a <= 6000 for a in last)), len(last)),
            "ces.easy": (sum(a >= 5000 for a in ces), len(ces)),
            "sentiment.mean": (sum(moods), len(moods)),
            "next_response.human": (sum(replies), len(replies)),
            **percentiles("next_response.human_", replies),
            "contacts_contained.all": (self.counts["contained"], 0),
            "contacts_left.all": (self.counts["left"], 0),
            "contacts_reopened.all": (self.counts["reopened"], 0),
            "contacts_turned_away.all": (self.counts["turned_away"], 0),
        }
