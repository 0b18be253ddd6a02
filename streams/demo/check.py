"""The pipeline's figures against the simulator's truth, one by one. Pure."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from streams.demo.figure import Check
from streams.demo.state import BoardState, Pair, Share
from streams.demo.stitching import stitched
from streams.demo.truth import Counts, Truth

__all__ = ["MEASURES", "Check", "Measure", "compare"]


@dataclass(frozen=True)
class Measure:
    """A number of the truth, and the part of a day's reading that must equal it."""

    name: str
    truth: Callable[[Counts], int]
    kpi: str
    variant: str
    part: Callable[[Share], float]


def _numerator(share: Share) -> float:
    return share.numerator


def _denominator(share: Share) -> float:
    return share.denominator


MEASURES = (
    Measure("offered", lambda c: c.offered, "contacts_offered", "all", _numerator),
    Measure("answered", lambda c: c.answered, "speed_of_answer", "all_contacts", _denominator),
    Measure("abandoned", lambda c: c.abandoned, "abandonment", "of_offered", _numerator),
    Measure("legs", lambda c: c.legs, "legs_entered", "all", _numerator),
    Measure("legs answered", lambda c: c.legs_answered, "speed_of_answer", "answered_legs", _denominator),
    Measure("in time", lambda c: c.legs_within, "service_level", "all_abandons_count", _numerator),
    Measure("legs abandoned", lambda c: c.legs_abandoned, "abandonment", "of_left", _numerator),
    Measure("legs flowed out", lambda c: c.legs_flowed_out, "flow_out", "of_left", _numerator),
    Measure("wait ms", lambda c: c.wait_ms, "speed_of_answer", "answered_legs", _numerator),
    Measure("handled", lambda c: c.handled, "handle_time", "talk", _denominator),
    Measure("talk ms", lambda c: c.talk_ms, "handle_time", "talk", _numerator),
    Measure("hold ms", lambda c: c.hold_ms, "handle_time", "hold", _numerator),
    Measure("wrap ms", lambda c: c.wrap_ms, "handle_time", "wrap", _numerator),
    Measure("transferred", lambda c: c.transferred, "transfer_rate", "of_handled", _numerator),
    Measure("went on", lambda c: c.went_on, "contacts_reopened", "all", _numerator),
    Measure("replies", lambda c: c.replies, "first_response", "human_from_start", _denominator),
    Measure("reply ms", lambda c: c.reply_ms, "first_response", "human_from_start", _numerator),
    Measure("replies again", lambda c: c.replies_again, "first_response", "after_reopen", _denominator),
    Measure("reply again ms", lambda c: c.reply_again_ms, "first_response", "after_reopen", _numerator),
    Measure("next replies", lambda c: c.next_replies, "next_response", "human", _denominator),
    Measure("next reply ms", lambda c: c.next_reply_ms, "next_response", "human", _numerator),
    Measure("CSAT answers", lambda c: c.csat, "csat", "satisfied", _denominator),
    Measure("CSAT satisfied", lambda c: c.csat_satisfied, "csat", "satisfied", _numerator),
    Measure("CSAT sum", lambda c: c.csat_sum * 1000, "csat", "mean_score", _numerator),
    Measure("NPS answers", lambda c: c.nps, "nps", "every_answer", _denominator),
    Measure("NPS balance", lambda c: c.nps_balance * 100, "nps", "every_answer", _numerator),
    Measure("CES answers", lambda c: c.ces, "ces", "easy", _denominator),
    Measure("CES easy", lambda c: c.ces_easy, "ces", "easy", _numerator),
    Measure("agents' time on contacts", lambda c: c.occupied_ms, "occupancy", "of_ready_time", _numerator),
    Measure("agents' ready time", lambda c: c.ready_ms, "occupancy", "of_ready_time", _denominator),
)


def compare(truth: Truth, state: BoardState) -> list[Check]:
    """Every figure there is a truth of: per channel and queue, then the whole centre. The line must have ended."""
    pairs = sorted(set(truth.counts) | set(state.pairs()))
    checks = [_check(measure, pair, truth, state) for pair in pairs for measure in MEASURES]
    checks += [Check("waiting", pair, truth.of(*pair).legs_waiting, _waiting(state, pair)) for pair in pairs]
    return checks + _whole(truth, state)


def _check(measure: Measure, pair: Pair, truth: Truth, state: BoardState) -> Check:
    figure = measure.part(state.of_days(measure.kpi, measure.variant, pair))
    return Check(measure.name, pair, measure.truth(truth.of(*pair)), round(figure))


def _waiting(state: BoardState, pair: Pair) -> int:
    """Legs that were entered and not left; the queue's own state is as of the last whole ten seconds."""
    left = state.of_days("flow_out", "of_left", pair).denominator
    return round(state.of_days("legs_entered", "all", pair).numerator - left)


def _whole(truth: Truth, state: BoardState) -> list[Check]:
    people, found = Counter(truth.people.values()), state.contacts_of()
    strangers = {owner for owner in people if owner.startswith("contact:")}
    alerted = state.contacts_alerted("wait")
    # Posts may be scored as well: the forum is left out of both.
    scored = sum(state.of_days("sentiment", "mean", pair).denominator for pair in state.pairs() if pair[0] != "forum")
    letters = sorted(set(truth.malformed) | set(state.dead_letters))
    total = truth.total()
    return [
        Check("first replies of a person in writing", None, total.replies, _of(state, "replies")),
        Check("replies to what was asked after an end", None, total.replies_again, _of(state, "replies again")),
        Check("contacts that went on after an end or a rest", None, total.went_on, _of(state, "went on")),
        Check("contacts with whom they belong to", None, people.total(), (found & people).total()),
        Check("contacts with somebody else", None, 0, (found - people).total()),
        Check("strangers who stay strangers", None, len(strangers), sum(found[owner] == 1 for owner in strangers)),
        *stitched(truth, state),
        *(Check(f"{name}, ms by queue", None, _own(total, name), _of(state, name)) for name in _OF_AGENTS),
        Check("messages scored", None, truth.messages.total(), round(scored)),
        Check("wait alerts raised", None, len(truth.alerts), len(alerted)),
        Check("wait alerts for somebody else", None, 0, len(alerted - truth.alerts)),
        *(
            Check(f"dead letters: {reason}", None, truth.malformed[reason], state.dead_letters[reason])
            for reason in letters
        ),
    ]


_OF_AGENTS = ("agents' time on contacts", "agents' ready time")


def _own(total: Counts, name: str) -> int:
    return next(each for each in MEASURES if each.name == name).truth(total)


def _of(state: BoardState, name: str) -> int:
    """A measure over the whole centre."""
    measure = next(each for each in MEASURES if each.name == name)
    return round(measure.part(state.of_days(measure.kpi, measure.variant)))
