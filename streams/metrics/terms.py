"""What the formulas of KPIs name, in words: accumulators, and who waits at the window's end."""

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
    "csat": "answers about satisfaction",
    "csat_satisfied": "those from the cut up",
    "csat_milli": "their scores, in thousandths",
    "nps": "answers about recommending",
    "nps_promoters": "those of 9 and 10",
    "nps_detractors": "those of 0 to 6",
    "ces": "answers about effort",
    "ces_easy": "those of at least 5",
    "sentiment": "customer messages with a score",
    "sentiment_milli": "their scores, in thousandths",
}

BY_BUSINESS_TIME = {
    "business_answered": "answered",
    "business_abandoned": "abandoned",
    "business_in_time": "answered_in_time",
    "business_answered_ms": "answered_wait_ms",
    "business_waits": "answered_waits",
    "business_longest": "longest",
    "oldest_business_ms": "oldest_waits_ms",
    **{
        f"business_{name}": name
        for name in TERMS
        if name.startswith(("first_any", "first_from", "first_after", "next_response"))
    },
}
"""What is kept by business time → what it is by calendar time."""
TERMS |= {name: f"{TERMS[of]}, by business time" for name, of in BY_BUSINESS_TIME.items()}
