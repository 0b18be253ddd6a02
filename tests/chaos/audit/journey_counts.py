"""What customers count for over several contacts: journeys, against the newest record of each on ``journeys``, and
answers to the NPS survey that another one follows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.chaos.audit.contacts import Contact, Fact, World
from tests.chaos.audit.figures import told_together
from tests.chaos.audit.journey_records import STANDS_MS
from tests.chaos.audit.logs import ERASED, POISON, Difference, Logs
from tests.chaos.audit.times import ms

KINDS = ("journey_solved", "journey_resolved")


def check(logs: Logs, now: Mapping[str, int]) -> Iterator[Difference]:
    """Each journey that was solved counts once in either kind, and as its record says; one whose record went for its age
    stays counted. ``now``: stream time of each line in the end, ms."""
    newest = {(rec.key or b"").decode(): rec for rec in logs.of("journeys")}
    said = {(rec.key or b"").decode(): rec.doc for rec in logs.of("journeys") if rec.value is not None}
    wanted = Counter(each for rec in newest.values() if rec.value is not None for each in _of(rec.doc))
    gone = [said[key] for key, rec in newest.items() if rec.value is None and key in said]
    aged = Counter(each for doc in gone if _last(doc) + STANDS_MS < now.get(doc["line"], 0) for each in _of(doc))
    told = [fact for fact in told_together(logs) if fact.fact in KINDS]
    facts = [fact for fact in told if not any(word in fact.id for word in (ERASED, POISON))]
    found = Counter(map(_said, facts))
    for each in {*wanted, *found}:
        if not wanted[each] <= found[each] <= wanted[each] + aged[each]:
            what = f"{found[each]} instead of {wanted[each]} times: {each}"
            yield Difference("facts", what, (str(each[1]),))


def _last(doc: dict[str, Any]) -> int:
    return max((ms(each["ended"] or each["started"]) for each in doc["contacts"]), default=ms(doc["started"]))


def followed(world: World) -> None:
    """Each answer of a customer that another one follows is told once more."""
    answers: dict[tuple[str, str], list[tuple[int, str, str, Contact, Fact]]] = defaultdict(list)
    for contact in world.contacts.values():
        for fact in contact.facts:
            if (fact.fact, fact.variant) == ("feedback", "nps"):
                answers[contact.line, contact.owner].append((fact.time, contact.channel, contact.id, contact, fact))
    for its in answers.values():
        its.sort(key=lambda each: each[:3])
        for (*_, contact, one), (later, *_) in pairwise(its):
            told = one._replace(fact="nps_superseded", id=contact.id, time=later, variant=None, entered=one.time)
            contact.facts.append(told)


Said = tuple[Any, ...]


def _said(fact: Fact) -> Said:
    own = (fact.outcome,) if fact.fact == KINDS[0] else (fact.value or 0, fact.contacts, fact.transfers)
    return fact.fact, fact.time, fact.entered, fact.line, *own


def _of(doc: dict[str, Any]) -> Iterator[Said]:
    """A run is shorter than the time in which a journey that is taken up again counts as reopened."""
    if doc["first_solved"] is None:
        return
    started, counts, line = ms(doc["started"]), doc["counts"], doc["line"]
    yield KINDS[0], ms(doc["first_solved"]), started, line, "reopened" if doc["reopens"] else "stays"
    yield KINDS[1], ms(doc["last_solved"]), started, line, doc["reopens"], counts["contacts"], counts["transfers"]
