"""Level (g): nothing of the erased is left in tables and on compacted topics, and each of them has a proof."""

from collections.abc import Iterator, Mapping

from tests.chaos.audit.logs import ERASED, Difference, Logs
from tests.chaos.audit.raw import Input

Rows = Mapping[tuple[int, str, str], bytes]
KEPT = ("journeys", "segments", "defect.signals")
HOPS = ("identify", "track", "measure")
SIGNALS = ("hours", "subjects", "told")
"""The tables of `measure` that are looked at: the others tell legs apart by contacts for a while, and name their queue."""


def is_of(each: Input) -> bool:
    """Does a raw record name one of them?"""
    return ERASED.encode() in (each.rec.value or b"")


def check(logs: Logs, tables: Mapping[str, Rows], accepted: list[Input]) -> Iterator[Difference]:
    """``tables``: hop → (partition, table, key) → newest value of its changelog."""
    for hop in HOPS:
        for (partition, table, key), value in tables[hop].items():
            if hop == "measure" and table not in SIGNALS:
                continue
            if ERASED in key or ERASED.encode() in value:
                yield Difference("erased", f"{hop}-{partition}, table {table}, {key!r}: {value[:300]!r}", (key,))
    for topic in KEPT:
        newest = {rec.key: rec for rec in logs.of(topic)}
        for rec in newest.values():
            if rec.value is not None and ERASED.encode() in (rec.key or b"") + rec.value:
                yield Difference("erased", f"{rec.place} is still there", ((rec.key or b"").decode(),), rec)
    asked = {each.data["customer_id"] for each in accepted if each.event["type"] == "customer.erased"}
    proved = {rec.key for rec in logs.of("privacy.proofs")}
    if len(asked) != len(proved):
        yield Difference("erased", f"{len(proved)} proofs of {len(asked)} erasures")
    for rec in logs.of("privacy.proofs"):
        if ERASED.encode() in (rec.key or b"") + (rec.value or b""):
            yield Difference("erased", f"the proof {rec.place} names somebody", (), rec)
