"""The pipeline's figures against the simulator's truth, one by one. Pure."""

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch

from streams.demo.figure import WITHIN_PERCENT, Check
from streams.demo.measures import MEASURES, MOMENTS, NOT_COMPARED, Measure, Moment, Ratio
from streams.demo.served import quality
from streams.demo.state import NOTHING, BoardState, Pair
from streams.demo.stitching import GROUP as WHOSE
from streams.demo.stitching import stitched
from streams.demo.truth import Truth
from streams.metrics.accumulators import percentile
from streams.metrics.catalogue import BUSINESS_INSTANT, INSTANT, SPANS, Kpi

__all__ = ["Check", "compare", "excused"]

KPIS = {(kpi.name, kpi.variant): kpi for kpi in (*SPANS, *INSTANT, *BUSINESS_INSTANT)}
ALERTS, MESSAGES, LETTERS = "alerts", "messages", "dead letters"
WAITING = "waiting"


def excused(kpi: str, variant: str) -> str | None:
    """Why a KPI is not compared; None = it is."""
    return next((why for pattern, why in NOT_COMPARED.items() if fnmatch(f"{kpi}.{variant}", pattern)), None)


def compare(truth: Truth, state: BoardState) -> list[Check]:
    """Every figure there is a truth of: per channel and queue, as far as there is anything to say, then the whole
    centre. The line must have ended.
    """
    pairs = sorted(set(truth.counts) | set(state.pairs()))
    checks = [check for pair in pairs for check in _of_pair(pair, truth, state) if check.says_something]
    return [*checks, *_whole(truth, state)]


def _of_pair(pair: Pair, truth: Truth, state: BoardState) -> Iterator[Check]:
    for measure in MEASURES:
        if measure.on(pair[0]):
            yield from _checks(measure, pair, measure.truth(truth.of(*pair)), _of_days(measure, pair, state))
    ends = list(state.each_minute(pair))
    for moment in MOMENTS:
        # All of them together: of a moment at which nobody waits a record says nothing.
        says = [shares.get((moment.kpi, moment.variant), NOTHING) for _, shares in ends]
        real = [moment.truth(truth.waits_at(pair, end)) for end, _ in ends]
        found = round(sum(share.numerator for share in says)), round(sum(share.denominator for share in says))
        yield from _checks(moment, pair, (sum(above for above, _ in real), sum(below for _, below in real)), found)
    yield Check(WAITING, pair, truth.of(*pair).legs_waiting, _waiting(state, pair), WAITING)


def _checks(measure: Measure | Moment, pair: Pair, real: Ratio, found: Ratio) -> Iterator[Check]:
    """One figure of a count; of all others what is above the line, and what is below."""
    name, merge = f"{measure.kpi}.{measure.variant}", KPIS[measure.kpi, measure.variant].formula.merge
    percent = WITHIN_PERCENT if merge == "percentile" else 0
    yield Check(name, pair, real[0], found[0], measure.kpi, percent)
    if merge in ("ratio", "percentile"):
        yield Check(f"{name}, of how many", pair, real[1], found[1], measure.kpi)


def _of_days(measure: Measure, pair: Pair, state: BoardState) -> Ratio:
    """All days and tiers together, as readers are told to take them together."""
    kpi: Kpi = KPIS[measure.kpi, measure.variant]
    says = state.each_day(kpi.name, kpi.variant, pair)
    below = round(sum(share.denominator for share in says))
    if kpi.formula.merge == "max":
        return round(max((share.numerator for share in says), default=0)), 1
    if kpi.formula.merge == "percentile" and len(says) > 1:
        counts = state.histogram(kpi.formula.histogram, pair)
        return percentile(dict(sorted(counts.items())), kpi.formula.percent) or 0, below
    return round(sum(share.numerator for share in says)), below


def _waiting(state: BoardState, pair: Pair) -> int:
    """Legs that were entered and not left; the queue's own state is as of the last whole ten seconds."""
    left = state.of_days("flow_out", "of_left", pair).denominator
    return round(state.of_days("legs_entered", "all", pair).numerator - left)


def _whole(truth: Truth, state: BoardState) -> list[Check]:
    people, found = Counter(truth.people.values()), state.contacts_of()
    strangers = {owner for owner in people if owner.startswith("contact:")}
    alerted = state.contacts_alerted("waiting")
    # Posts may be scored as well: the forum is left out of both.
    scored = sum(state.of_days("sentiment", "mean", pair).denominator for pair in state.pairs() if pair[0] != "forum")
    letters = sorted(set(truth.malformed) | set(state.dead_letters))
    return [
        Check("contacts with whom they belong to", None, people.total(), (found & people).total(), WHOSE),
        Check("contacts with somebody else", None, 0, (found - people).total(), WHOSE),
        Check(
            "strangers who stay strangers",
            None,
            len(strangers),
            sum(found[owner] == 1 for owner in strangers),
            WHOSE,
        ),
        *stitched(truth, state),
        *quality(truth, state),
        Check("messages scored", None, truth.messages.total(), round(scored), MESSAGES),
        Check("wait alerts raised", None, len(truth.alerts), len(alerted), ALERTS),
        Check("wait alerts for somebody else", None, 0, len(alerted - truth.alerts), ALERTS),
        *(
            Check(f"dead letters: {reason}", None, truth.malformed[reason], state.dead_letters[reason], LETTERS)
            for reason in letters
        ),
    ]
