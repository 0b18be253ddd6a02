"""What random contacts share: who is in them, how time passes, how they end without an answer."""

import random
from dataclasses import dataclass

from tests.reference.events import S, Story
from tests.reference.model import LIMIT

QUEUES = ("cards", "loans", "fraud")
AGENTS = ("ada", "bob", "cy", "dee")
TIERS = ("gold", "platinum", "silver", "red")


@dataclass
class Teller:
    """What the stories of one history share."""

    r: random.Random
    start: int
    grid: int = 1
    apart: bool = False
    """Each contact has a customer of its own."""
    told: int = 0

    def chance(self, p: float) -> bool:
        return self.r.random() < p

    def ms(self, low: float, high: float) -> int:
        """Seconds from low to high, as ms on the grid."""
        step = max(1, self.grid)
        return self.r.randrange(round(low * S), round(high * S) + 1) // step * step

    def begin(self, channel: str, spread: float = 1800) -> Story:
        """A contact of one of a few customers, or of somebody nobody knows."""
        self.told += 1
        who = self.told if self.apart else self.r.randrange(4)
        common: dict[str, object] = {}
        first: dict[str, object] = {}
        if who < 3 or self.apart:
            (common if self.chance(0.5) else first)["customer_id"] = f"c{who}"
        elif self.chance(0.5):
            common["identifiers"] = [{"kind": "phone", "value": f"+4420794600{self.told:02}"}]
        if who != 1 and self.chance(0.8):
            (common if self.chance(0.5) else first)["tier"] = TIERS[who % 4]
        return Story(channel, f"{channel[0]}{self.told}", self.start + self.ms(0, spread), common, first, self.grid)


def end_wait(t: Teller, s: Story, low: float, high: float) -> None:
    """Time passes while the contact waits; never exactly the limit of an alert."""
    ms = t.ms(low, high)
    s.wait(ms + max(1, t.grid) if abs(ms - LIMIT) < 5 * S else ms)


def give_up(t: Teller, s: Story) -> Story:
    how = t.r.randrange(6)
    if how == 0:
        s.say("callback_requested").wait(t.ms(1, 10)).say(
            "ended", by="customer", reason=t.r.choice(["callback", "completed"])
        )
    elif how == 1:
        s.say("ended", by="customer", reason="voicemail")
    elif how == 2:
        s.say("ended", by="system", reason=t.r.choice(["timeout", "error", "completed"]))
    else:
        sums = {"talk_ms": 0, "hold_ms": 0} if t.chance(0.2) else {}
        s.say("ended", by="customer", **({"reason": "abandoned"} if t.chance(0.5) else {}), **sums)
    return s
