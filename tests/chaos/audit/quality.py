"""Level (h): the quality of contacts. What stands on the topic is what the customers' rows say was told, to the digest,
and nothing else stands. Whether the rows say the right thing `hops` tells, which folds them anew.
"""

from collections.abc import Iterator, Mapping

import msgspec

from schemas.quality import ContactQuality
from streams.base.records import output_key
from streams.customers.customers import Customer
from streams.customers.quality_records import digest_of
from tests.chaos.audit.logs import POISON, Difference, Logs

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
