"""What the formulas of KPIs name, in words: accumulators, and who waits at the window's end; and what a definition is
made of.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from streams.metrics.accumulators import HISTOGRAMS, step_of

_RESPONSES = ("first_any", "first_from_start", "first_from_handoff", "first_after_reopen", "next_response")
TERMS: dict[str, str] = {
    "entered": "legs that entered the queue",
    "answered": "legs that were answered",
    "abandoned": "legs that were given up by the customer",
    "flowed_out": "legs that left otherwise",
    "answered_in_time": "legs answered within t",
    "abandoned_in_time": "legs given up within t",
    "short_abandoned": "legs given up within the time of a short abandon",
    "answered_wait_ms": "waits of answered legs, ms",
    "abandoned_wait_ms": "waits of abandoned legs, ms",
    "answered_waits": "waits of answered legs, as a histogram",
    "longest": "waits of legs that left, the longest of them",
    "forecast_judged": "answered legs of which a wait was expected when they entered",
    "forecast_error_ms": "the expected waits less the waits, ms",
    "forecast_absolute_ms": "these differences without their sign, ms",
    "forecast_unknown": "answered legs of which none was known when they entered",
    "waiting": "legs waiting at the window's end",
    "waiting_reached": "those of them that have waited for t or longer",
    "oldest": "1 where a leg waits",
    "oldest_waits_ms": "how long the oldest of them has waited, ms",
    "contacts_answered": "contacts that were answered",
    "contacts_abandoned": "contacts that the customer gave up",
    "contacts_flowed_out": "contacts that asked for a human and ended otherwise",
    "contacts_in_time": "contacts answered after a wait of at most t",
    "contacts_wait_ms": "waits of answered contacts, ms",
    "contained": "contacts served without a human",
    "left": "contacts from which the customer went unserved",
    "reopened": "times that contacts went on after an end",
    "turned_away": "times that contacts were not let into a queue",
    "handled": "contacts that ended after a human had them",
    "talk_ms": "their talk, ms",
    "hold_ms": "their hold, ms",
    "wrap_ms": "their after-contact work, ms",
    "first_any": "first replies, bots included",
    "first_any_ms": "the times to them, ms",
    "first_from_start": "first replies of humans",
    "first_from_start_ms": "the times to them, ms",
    "first_from_handoff": "first replies of humans after a hand-over",
    "first_from_handoff_ms": "the times to them from the hand-over, ms",
    "first_after_reopen": "first replies of humans to askings after an end",
    "first_after_reopen_ms": "the times to them, ms",
    "next_response": "later replies of humans",
    "next_response_ms": "the times to them, ms",
    "occupied_ms": "agents' time on contacts, after-contact work included, ms",
    "idle_ms": "agents' time ready and without a contact, ms",
    "csat": "answers about satisfaction",
    "csat_satisfied": "those from the cut up",
    "csat_milli": "their scores, in thousandths",
    "nps": "answers about recommending",
    "nps_promoters": "those of 9 and 10",
    "nps_detractors": "those of 0 to 6",
    "ces": "answers about effort",
    "ces_easy": "those from the cut up",
    "sentiment": "customer messages with a score",
    "sentiment_milli": "their scores, in thousandths",
    "quality_business": "contacts with a score of the business side",
    "quality_human": "contacts with a score of the human side",
    "quality_hidden": "contacts with a score of the hidden side",
    **{f"quality_{side}_milli": "their scores, in thousandths" for side in ("business", "human", "hidden")},
}
TERMS |= {
    "contacts_waits": "the same waits, as a histogram",
    "handle_times": "handle times, as a histogram",
    "talks": "talk times, as a histogram",
    "holds": "hold times, as a histogram",
    "wraps": "times of after-contact work, as a histogram",
    **{f"{name}_times": f"{TERMS[name]}: the times to them, as a histogram" for name in _RESPONSES},
    "transferred": "handled contacts that were transferred",
    "by_machine": "contacts that a menu or a bot had first",
    "by_machine_alone": "those of them that no human had",
    "callbacks": "call-backs asked for",
    "callbacks_kept": "those of them that came in time",
    "solved": "journeys solved, in the window of the first solution",
    "solved_ms": "the times to it, ms",
    "solved_times": "the same, as a histogram",
    "stayed_solved": "those of them not reopened in time",
    "solved_once": "those of them for which the customer came once",
    "resolved": "journeys solved, in the window of the last solution",
    "resolved_ms": "the times to it, ms",
    "resolved_times": "the same, as a histogram",
    "resolved_reopens": "times that they were reopened",
    "resolved_contacts": "their contacts",
    "resolved_transfers": "their transfers",
    "open_journeys": "journeys open when the day was read",
    "open_ages": "their ages, as a histogram",
    "nps_superseded": "answers that another one of the same customer follows",
    "superseded": "when these were given and what they were, as a histogram",
    "followed": "answers that another one of the customer follows in the window",
    "followed_promoters": "promoters among them",
    "followed_detractors": "detractors among them",
}

BY_BUSINESS_TIME = {
    "business_answered": "answered",
    "business_abandoned": "abandoned",
    "business_in_time": "answered_in_time",
    "business_answered_ms": "answered_wait_ms",
    "business_waits": "answered_waits",
    "business_longest": "longest",
    "business_abandoned_ms": "abandoned_wait_ms",
    **{f"business_{name}": name for name in ("solved", "solved_ms", "resolved", "resolved_ms")},
    "oldest_business_ms": "oldest_waits_ms",
    **{f"business_{name}": name for name in TERMS if name.removesuffix("_ms") in _RESPONSES},
}
"""What is kept by business time → what it is by calendar time."""
TERMS |= {name: f"{TERMS[of]}, by business time" for name, of in BY_BUSINESS_TIME.items()}


class Definition(NamedTuple):
    """All variants of one KPI."""

    says: str
    variants: Mapping[str, str]
    """Variant → what is particular to it; `said` knows those of percentiles and of business time by these."""
    source: str
    example: Mapping[str, Any]
    """Accumulator → its state; what is not named is empty."""
    final: str = ""
    """When a reading is final, where it is not with its window."""

    def said(self, variant: str) -> str:
        """What is particular to a variant; nothing where nobody said it."""
        if variant in self.variants:
            return self.variants[variant]
        if variant.endswith(_BUSINESS):
            by_calendar = self.said(variant.removesuffix(_BUSINESS))
            return f"{by_calendar}, by business time" if by_calendar else ""
        found = _PERCENTILE.fullmatch(variant)
        if found is None or not (found["of"] is None or found["of"] in self.variants):
            return ""
        what = f": {self.variants[found['of']]}" if found["of"] else ""
        return f"what {found['percent']} % of them do not exceed{what}"

    def amounts(self, histogram: str = "") -> Mapping[str, Any]:
        """Those of the example; a histogram that it does not have holds ten amounts."""
        business = {name: self.example[of] for name, of in BY_BUSINESS_TIME.items() if of in self.example}
        found = {**self.example, **business}
        if not histogram or histogram in found:
            return found
        return {**found, histogram: _TEN, HISTOGRAMS[histogram].counted_by: sum(_TEN.values())}


_BUSINESS = "_business"
_PERCENTILE = re.compile(r"(?:(?P<of>\w+)_)?p(?P<percent>\d+)")
_TEN = {step_of(5_000): 6, step_of(20_000): 3, step_of(90_000): 1}
