"""How well a contact was served, 0 to 1 on three sides, each with what that is made of.

* *business*: is the need met, how long did it take, through how many hands;
* *human*: what agents were seen to do in their texts, and holds without a word;
* *hidden*: the wait against what was promised and what this customer got before, promises kept, steps of the procedure.

A side of which nothing is known has no score (None), and so has a part: the others then weigh more. What each adds is
its evidence; the weights of a side's evidence add up to its score, before that is brought into 0 to 1.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple

from streams.base.channels import LIVE_CHANNELS
from streams.base.times import SECOND_MS
from streams.contacts import lifecycle
from streams.contacts.contact import ABANDONED, FLOW_OUT, LEFT, Contact
from streams.contacts.service import NOTHING, Seen, Service
from streams.quality.rules import NO_QUEUE, QualityRules, QueueRules

MET, TIME, TRANSFERS = "need met", "time", "transfers"
BUSINESS = {MET: 0.6, TIME: 0.25, TRANSFERS: 0.15}
SERVED, SILENT_HOLD = "served", "hold without a word"
START = 0.4
"""The human side of a contact in which an agent did nothing that is known."""
SILENT = -0.1
"""What holds add to the human side of which some were not announced."""
HOLD_ANNOUNCED = "hold-announced"
PROMISED, USUAL, PROMISES, STEPS = "wait as promised", "wait as before", "promises", "steps"
HIDDEN = {PROMISED: 0.25, USUAL: 0.25, PROMISES: 0.3, STEPS: 0.2}
LEAST_BEFORE, MOST_BEFORE = 2, 10
"""Earlier waits from which on there is something usual, and the latest that count."""
SLACK_MS = 30 * SECOND_MS
"""A wait that is so much longer than usual is not yet felt."""
AGAIN = 0.5
"""Of a need that is met only after it was taken up again."""


class Evidence(NamedTuple):
    """One thing that a score is made of. ``weight``: what it adds; ``events``: ids of events that show it, as far as a
    contact keeps them.
    """

    what: str
    weight: float
    events: tuple[str, ...] = ()


class Score(NamedTuple):
    """``score`` None = cannot be told."""

    score: float | None = None
    evidence: tuple[Evidence, ...] = ()


class Around(NamedTuple):
    """What is known of the customer beside the contact; times in ms."""

    promised_ms: int | None = None
    """The longest wait of the tier, by the policy."""
    usual_ms: int | None = None
    """The customer's usual wait before."""
    called: tuple[int, ...] = ()
    """When contacts began that our side opened, ascending."""
    now: int | None = None
    """Stream time: a promise whose time is not over is neither kept nor broken."""
    since: int = 0
    """From when on it is known what our side opened: of a promise of before nobody can tell that it was broken."""
    until: int = 1 << 62
    """When the scores are final: a promise that may be kept later is not broken, nor kept by what our side opens."""


class Quality(NamedTuple):
    business: Score
    human: Score
    hidden: Score


def quality(contact: Contact, rules: QualityRules, around: Around) -> Quality:
    """The three sides of a contact that is over."""
    queue = rules.queues.get(queue_of(contact) or "", NO_QUEUE)
    return Quality(business(contact, queue), human(contact, rules), hidden(contact, rules, queue, around))


def queue_of(contact: Contact) -> str | None:
    """The queue that a contact is scored in: its last one."""
    return contact.queue or contact.first_queue


def business(contact: Contact, usual: QueueRules) -> Score:
    """None where nobody can tell whether the need is met."""
    met = _met(contact)
    if met is None:
        return Score()
    parts = {MET: met}
    if usual.time_ms and met > 0:
        parts[TIME] = 1 - rank(took_ms(contact), usual.time_ms)
    parts[TRANSFERS] = _transfers(contact.transfers, usual)
    return _mean([(what, BUSINESS[what], value, ()) for what, value in parts.items()])


def _met(contact: Contact) -> float | None:
    if contact.only_told:
        return None
    if contact.solved_at is not None or contact.served_well is not None:
        return AGAIN if contact.reopened or len(contact.solves) > 1 else 1.0
    if contact.outcome in (ABANDONED, LEFT, FLOW_OUT) or contact.solves:
        return 0.0
    return None


def took_ms(contact: Contact) -> int:
    """From its beginning until it was first solved, or over: what is idle at its end counts for nothing."""
    over = contact.heard if contact.timed_out or contact.ended is None else contact.ended
    return max(0, (contact.solves[0][0] if contact.solves else over) - contact.started)


def rank(value: float, percentiles: dict[int, int]) -> float:
    """The share (0 to 1) of a queue's contacts that took less, by some of its percentiles (ascending): linear between
    them, by the ratio beyond.
    """
    if value <= 0:
        return 0.0
    known = sorted(percentiles.items())
    (low, least), (high, most) = known[0], known[-1]
    if value <= least:
        return low / 100 * value / least
    if value >= most:
        return 1 - (1 - high / 100) * most / value
    for (below, start), (above, end) in pairwise(known):
        if value <= end:
            return (below + (above - below) * (value - start) / (end - start)) / 100
    raise AssertionError("it lies between the least and the most")


def _transfers(count: int, usual: QueueRules) -> float:
    """1 = fewer than others have; of a queue that says nothing, none is 1, one is a half, and so on."""
    shares = usual.transfers
    if not shares:
        return 1 / (1 + count)
    return 1 - (0.0 if count == 0 else shares[min(count, len(shares)) - 1] / 100)


def human(contact: Contact, rules: QualityRules) -> Score:
    """None where no text of an agent was read."""
    service = contact.service or NOTHING
    if not service.read:
        return Score()
    found = [Evidence(SERVED, START)]
    announced = 0
    for each in service.seen:
        weight = rules.human.get(each.name, 0.0)
        if weight:
            found.append(Evidence(each.name, weight, (each.event,)))
        if each.name == HOLD_ANNOUNCED:
            announced = each.times
    if service.held > announced:
        found.append(Evidence(SILENT_HOLD, SILENT))
    return Score(_inside(found), tuple(found))


def hidden(contact: Contact, rules: QualityRules, queue: QueueRules, around: Around) -> Score:
    service = contact.service or NOTHING
    waited = waited_ms(contact)
    parts: list[Part] = []
    if waited is not None and around.promised_ms and contact.channel in LIVE_CHANNELS:
        parts.append((PROMISED, HIDDEN[PROMISED], min(1.0, around.promised_ms / max(waited, 1)), ()))
    if waited is not None and around.usual_ms is not None:
        parts.append((USUAL, HIDDEN[USUAL], min(1.0, (around.usual_ms + SLACK_MS) / (waited + SLACK_MS)), ()))
    if service.seen:
        kept = [(each, value) for each, value in promises(service, rules, around) if value is not None]
        parts += [(each.name, HIDDEN[PROMISES] / len(kept), float(value), (each.event,)) for each, value in kept]
    if queue.steps:
        done = {**dict(service.steps), **{each.name: each.event for each in service.seen}}
        share = HIDDEN[STEPS] / len(queue.steps)
        parts += [
            (f"step {step}", share, float(step in done), (done[step],) if step in done else ()) for step in queue.steps
        ]
    return _mean(parts)


def waited_ms(contact: Contact) -> int | None:
    """In queues, or where it was in none from the first message to the first answer; None: it waited for nobody."""
    if contact.wait_ms:
        return contact.wait_ms
    if contact.service is not None and contact.service.first_ms is not None:
        return contact.service.first_ms
    return None if contact.answered is None else 0


def promises(service: Service, rules: QualityRules, around: Around) -> list[tuple[Seen, bool | None]]:
    """Each promise of the contact, as it was made last, and whether it was kept; None = its time is not over."""
    found: list[tuple[Seen, bool | None]] = []
    for each in service.seen:
        until = due_ms(each, rules)
        if until is None:
            continue
        called = bisect_left(around.called, each.last + 1)
        judged = until <= around.until
        kept = (each.kept is not None and each.kept <= until) or (
            judged and called < len(around.called) and around.called[called] <= until
        )
        over = judged and around.now is not None and around.now > until and each.last >= around.since
        found.append((each, True if kept else False if over else None))
    return found


def first_calls(service: Service | None, called: tuple[int, ...]) -> tuple[int, ...]:
    """Of what our side opened, the first after each thing that agents did: all that promises hang on."""
    places = {bisect_left(called, each.last + 1) for each in (service or NOTHING).seen}
    return tuple([called[at] for at in sorted(places) if at < len(called)])


def first_due(service: Service, rules: QualityRules, around: Around) -> int | None:
    """When the time of the first promise is over of which it is then known whether it was kept."""
    made = promises(service, rules, around)
    times = [due_ms(each, rules) for each, kept in made if kept is None]
    ahead = [at for at in times if at is not None and at <= around.until and (around.now is None or at >= around.now)]
    return min(ahead, default=None)


def due_ms(seen: Seen, rules: QualityRules) -> int | None:
    """By when a promise is to be kept (ms): as it says itself, else in the time of its kind; None: it is none."""
    within = rules.kept_within_ms.get(seen.name)
    return None if within is None else seen.last + within if seen.due is None else seen.due


def usual_wait(before: Collection[tuple[int, str, int]]) -> int | None:
    """The median of the latest waits of a customer, given as (end, contact, ms); None = too few."""
    if len(before) < LEAST_BEFORE:
        return None
    return median_low([wait for _, _, wait in sorted(before)[-MOST_BEFORE:]])


def is_over(contact: Contact) -> bool:
    """Is it to be scored?"""
    return contact.state == lifecycle.END and not contact.only_told


Part = tuple[str, float, float, tuple[str, ...]]
"""What, its share of the whole, its value (0 to 1), events."""


def _mean(parts: Collection[Part]) -> Score:
    """The weighted mean of the parts that are known."""
    if not parts:
        return Score()
    whole = 0.0
    for part in parts:
        whole += part[1]
    found = tuple([Evidence(what, round(share / whole * value, 4), events) for what, share, value, events in parts])
    return Score(_inside(found), found)


def _inside(found: Iterable[Evidence]) -> float:
    total = 0.0
    for each in found:
        total += each[1]
    return round(min(1.0, max(0.0, total)), 3)
