"""Level (h): the quality of contacts. What stands on the topic is what the customers' rows say was told, to the digest,
and nothing else stands. Whether the rows say the right thing `hops` tells, which folds them anew. What the scores count
for in KPIs is held against the records.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from schemas.quality import ContactQuality
from streams.base.records import output_key
from streams.customers.customers import Customer
from streams.customers.quality_records import digest_of
from tests.chaos.audit.contacts import Fact
from tests.chaos.audit.figures import told_together
from tests.chaos.audit.logs import ERASED, POISON, Difference, Logs
from tests.chaos.audit.times import ms

STANDS_MS, SIDES = 31 * 86_400_000, ("business", "human", "hidden")
_customer = msgspec.json.Decoder(Customer).decode


def check(logs: Logs, rows: Mapping[tuple[int, str, str], bytes]) -> Iterator[Difference]:
    """The topic ``contact.quality``; ``rows``: (partition, table, key) → newest value of the changelog of `track`."""
    wanted: dict[bytes, int | None] = {}
    """Key → digest; None = of a contact that is no longer known."""
    for (_, table, owner), row in rows.items():
        if table != "customers" or POISON in owner:
            continue
        for line, timeline in _customer(row).lines.items():
            told = {**dict.fromkeys(timeline.quality.kept), **{m: t.digest for m, t in timeline.quality.told.items()}}
            wanted |= {output_key(line, f"{owner}/{mark}"): digest for mark, digest in told.items()}
    newest = {rec.key: rec for rec in logs.of("contact.quality")}
    standing = {key: rec for key, rec in newest.items() if rec.value is not None and POISON.encode() not in rec.value}
    for key in wanted.keys() | {key or b"" for key in standing}:
        rec, name = standing.get(key), key.decode()
        if rec is None or key not in wanted:
            there = "is told by the row alone" if rec is None else "stands, and no row says so"
            yield Difference("quality", f"{name} {there}", (name.partition("/")[0],), rec)
            continue
        ContactQuality.model_validate(rec.doc)
        if wanted[key] is not None and digest_of(rec.doc) != wanted[key]:
            yield Difference("quality", f"{name} is not what was told last", (rec.doc["contact_id"],), rec)


def check_facts(logs: Logs, now: Mapping[str, int]) -> Iterator[Difference]:
    """Each contact of which a record stands counts once, as that says; one whose record went for its age stays counted.
    ``now``: stream time of each line in the end, ms.
    """
    newest = {rec.key: rec for rec in logs.of("contact.quality")}
    said = {rec.key: rec.doc for rec in logs.of("contact.quality") if rec.value is not None}
    wanted = Counter(_of(rec.doc) for rec in newest.values() if rec.value is not None)
    gone = [said[key] for key, rec in newest.items() if rec.value is None and key in said]
    aged = Counter(_of(doc) for doc in gone if ms(doc["ended_at"]) + STANDS_MS < now.get(doc["line"], 0))
    found = Counter(fact for fact in told_together(logs) if fact.fact == "quality")
    for each in {*wanted, *found}:
        nothing = (each.business, each.human, each.hidden) == (None, None, None)
        if nothing or any(word in each.id for word in (ERASED, POISON)):
            continue
        if not wanted[each] <= found[each] <= wanted[each] + aged[each]:
            yield Difference("facts", f"{found[each]} instead of {wanted[each]} times: {each}", (each.id,))


def _of(doc: dict[str, Any]) -> Fact:
    where = (doc["channel"], doc["queue"], doc["tier"], doc["line"])
    milli = {side: _milli(doc[side]["score"]) for side in SIDES}
    return Fact("quality", doc["contact_id"], ms(doc["ended_at"]), *where, **milli)


def _milli(score: float | None) -> int | None:
    return None if score is None else round(1000 * score)
