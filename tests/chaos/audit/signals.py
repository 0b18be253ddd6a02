"""Early signals of a defect, recounted: which contacts count, how they turned out, and what the test says of a replay
that is over. In the words of docs/signals.md, by code of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import exp, lgamma, log, pi

from tests.chaos.audit.contacts import Contact, Fact, World
from tests.chaos.audit.logs import Difference, Logs
from tests.chaos.audit.times import ms
from tests.chaos.stories import SIGNALS

HOUR, DAY = 3_600_000, 86_400_000
LOW = {"csat": 2000, "nps": 6000, "ces": 3000}
SAD = -300
ODDS = (1.4, 1.8, 2.3, 3.0, 5.0)

Told = tuple[int, int, int, int, int]
"""When it fired; contacts and negative ones since the test began, and before."""


def judge(contact: Contact) -> list[Fact]:
    """What a contact counts for that is over; the stories say product and topic with every event."""
    said = contact.events[0].data
    subjects = [(kind, said[kind]) for kind in ("product", "topic") if said.get(kind)]
    if not subjects or contact.ended is None:
        return []
    answers = {fact.variant: fact.value or 0 for fact in contact.facts if fact.fact == "feedback"}
    low = {metric for metric, value in answers.items() if value <= LOW[metric or ""]}
    given_up = any(fact.fact == "contact_offered" and fact.outcome == "abandoned" for fact in contact.facts)
    moods = [message.milli for message in contact.messages]
    negative = bool(low) or given_up or (bool(moods) and sum(moods) <= SAD * len(moods))
    sad = {message.id for message in contact.messages if message.milli <= SAD}
    shows = [
        each.event["id"]
        for each in contact.events
        if each.event["id"] in sad
        or (each.event["type"] == "feedback.given" and each.data["metric"] in low)
        or (each.event["type"] == "contact.ended" and given_up)
    ]
    proof = (shows or [contact.events[0].event["id"]])[-1]
    fact = Fact("judged", contact.id, contact.ended, contact.channel, "none", "none", contact.line)
    return [fact._replace(variant=kind, value=int(negative), about=name, event=proof) for kind, name in subjects]


def check(logs: Logs, world: World, ended: Iterable[str]) -> Iterator[Difference]:
    """The signals of replays that are over; live hours are tested an hour after they end, later than a run lasts."""
    for line in ended:
        told = {
            (rec.doc["kind"], rec.doc["name"]): (
                ms(rec.doc["fired_at"]),
                *(rec.doc[name] for name in ("contacts", "negative", "contacts_before", "negative_before")),
            )
            for rec in logs.of("defect.signals")
            if rec.doc["line"] == line
        }
        wanted = recount([fact for fact in world.facts if fact.fact == "judged" and fact.line == line])
        for subject in sorted({*told, *wanted}):
            if told.get(subject) != wanted.get(subject):
                what = f"{subject} of {line}: {told.get(subject)} instead of {wanted.get(subject)}"
                yield Difference("signals", what, subject)


def recount(facts: list[Fact]) -> dict[tuple[str, str], Told]:
    """(kind, name) → its first signal; days before it are its history, at most 28 of them."""
    hours: dict[tuple[str, str], dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for fact in facts:
        hour = hours[fact.variant or "", fact.about or ""][fact.time // HOUR]
        hour.update(contacts=1, negative=fact.value or 0)
    found = {subject: _first(some) for subject, some in hours.items()}
    return {subject: told for subject, told in found.items() if told is not None}


def _first(hours: dict[int, Counter[str]]) -> Told | None:
    limit = -log(SIGNALS["false_alarms_per_year"] / 366)
    for hour in sorted(hours):
        best: tuple[float, Told] | None = None
        today = hour * HOUR // DAY
        for day in range(min(hours) * HOUR // DAY + 1, today + 1):
            before = _sum(hours, (day - 28) * 24, day * 24)
            since = _sum(hours, day * 24, hour + 1)
            if before[0] < SIGNALS["min_history"] or since[0] < SIGNALS["min_contacts"] or since[1] < 5:
                continue
            if since[1] / since[0] <= 1.25 * before[1] / before[0]:
                continue
            value = _evidence(before, since)
            if value >= limit and (best is None or value > best[0]):
                best = value, ((hour + 2) * HOUR, *since, *before)
        if best is not None:
            return best[1]
    return None


def _sum(hours: dict[int, Counter[str]], start: int, end: int) -> tuple[int, int]:
    some = [counts for hour, counts in hours.items() if start <= hour < end]
    return sum(each["contacts"] for each in some), sum(each["negative"] for each in some)


def _evidence(before: tuple[int, int], since: tuple[int, int]) -> float:
    """Logarithm of the e-value; without a tolerated rise the null is one share for both."""
    n, x = before[0] + since[0], before[1] + since[1]
    null = _likelihood((n, x), x / n)
    odds = (before[1] + 0.5) / (before[0] - before[1] + 0.5)
    grown = [_likelihood(since, times * odds / (1 + times * odds)) for times in ODDS]
    values = [*grown, _jeffreys(since)]
    return _jeffreys(before) + log(sum(exp(value - null) for value in values) / len(values))


def _jeffreys(sample: tuple[int, int]) -> float:
    n, x = sample
    return lgamma(x + 0.5) + lgamma(n - x + 0.5) - lgamma(n + 1) - log(pi)


def _likelihood(sample: tuple[int, int], share: float) -> float:
    n, x = sample
    return (x * log(share) if x else 0.0) + ((n - x) * log(1 - share) if n > x else 0.0)
