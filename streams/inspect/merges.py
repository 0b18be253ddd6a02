"""Which contacts went from one owner to another, by which rule and evidence, and what was refused; as the topic
``identity.changes`` tells it.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from rich.table import Table

from streams.base.records import LIVE
from streams.base.times import iso
from streams.identity.refusals import CROWDED, OTHER_SOURCE, TOO_LATE, TOO_MANY_CHANGES
from streams.identity.telling import CUT, LINK
from streams.inspect.readings import ALL_LINES, QueryError, span
from streams.local import text
from streams.local.text import Terminal

TOPIC = "identity.changes"
MOVED = ("customer-id", "linked", "strongest-identifier", "shared")
RULES = (*MOVED, OTHER_SOURCE, CROWDED, TOO_LATE, TOO_MANY_CHANGES, LINK, CUT)
OF_IDENTIFIERS = ("shared", LINK, CUT)
"""What is told of an identifier alone and shown; that one follows another is told of the contacts that move by it."""
ITSELF = "contact"
"""What is said for an owner that is a contact by itself: each has another name."""


Format = Literal["table", "json"]
"""How the changes are shown."""


class Evidence(msgspec.Struct, frozen=True):
    """The event that proved it."""

    event_id: str
    source: str


class Change(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A record of the topic, see `schemas.outputs.IdentityChange`; ``channel`` and ``since`` are not in old ones."""

    contact_id: str
    identifier: str
    from_: str
    to: str
    rule: str
    evidence: Evidence
    at: str
    line: str
    channel: str | None = None
    since: str | None = None


_decode = msgspec.json.Decoder(Change).decode


@dataclass(frozen=True, slots=True)
class Query:
    """Which changes: evidence in a span in ms (end exclusive), line (None = all of them), rule (None = any)."""

    start: int
    end: int
    line: str | None = None
    rule: str | None = None

    def wants(self, change: Change) -> bool:
        if not change.contact_id and change.rule not in OF_IDENTIFIERS:
            return False
        return (
            iso(self.start) <= change.at < iso(self.end)
            and self.line in (None, change.line)
            and self.rule in (None, change.rule)
        )


@dataclass(slots=True)
class Merge:
    """Contacts that went the same way for the same reason, or were refused it: then ``before`` and ``to`` are the
    same.
    """

    line: str
    rule: str
    identifier: str
    before: str
    to: str
    changes: list[Change] = field(default_factory=list)
    """By the time of their evidence."""

    @property
    def contacts(self) -> int:
        return len({(change.channel, change.contact_id) for change in self.changes if change.contact_id})


def _owner(name: str) -> str:
    return ITSELF if name.startswith("contact:") else name


def merged(changes: Iterable[Change]) -> list[Merge]:
    """The merges of the changes: those of most contacts first, of as many the latest."""
    found: dict[tuple[str, ...], Merge] = {}
    for change in sorted(changes, key=lambda each: (each.at, each.channel or "", each.contact_id)):
        way = (change.line, change.rule, change.identifier, _owner(change.from_), _owner(change.to))
        found.setdefault(way, Merge(*way)).changes.append(change)
    latest = sorted(found.values(), key=lambda merge: merge.changes[-1].at, reverse=True)
    return sorted(latest, key=lambda merge: -merge.contacts)


async def collect(values: AsyncIterator[bytes], query: Query) -> list[Merge]:
    """The merges among the records that come."""
    return merged([change async for value in values if query.wants(change := _decode(value))])


def as_table(merges: list[Merge]) -> Table:
    """One row for each merge, with its latest evidence."""
    found = Table("contacts", "rule", "identifier", "from", "to", "first", "last", "last evidence", "line")
    found.columns[0].justify = "right"
    for merge in merges:
        last = merge.changes[-1]
        found.add_row(
            str(merge.contacts),
            merge.rule,
            merge.identifier,
            merge.before,
            "stays" if merge.before == merge.to else merge.to,
            merge.changes[0].at,
            last.at,
            f"{last.evidence.source} {last.evidence.event_id}",
            merge.line or "live",
        )
    for column in found.columns:
        column.overflow = "fold"
    return found


def as_json(merges: list[Merge], query: Query) -> str:
    """``{from, to, merges: [{line, rule, identifier, from, to, contacts, first, last, changes}]}``; the changes as the
    topic has them.
    """
    found = [_plain(merge) for merge in merges]
    return text.as_json({"from": iso(query.start), "to": iso(query.end), "merges": found})


def _plain(merge: Merge) -> dict[str, Any]:
    return {
        "line": merge.line,
        "rule": merge.rule,
        "identifier": merge.identifier,
        "from": merge.before,
        "to": merge.to,
        "contacts": merge.contacts,
        "first": merge.changes[0].at,
        "last": merge.changes[-1].at,
        "changes": msgspec.to_builtins(merge.changes),
    }


def show(these: list[Merge], query: Query, how: Format, console: Terminal) -> None:
    """Write the merges; JSON for other programs."""
    if how == "json":
        console.plain(as_json(these, query))
    elif these:
        console.print(as_table(these))
    else:
        console.print("no contact changed its owner, and nothing was refused, as far as was asked.", highlight=False)


def make_query(first: str, last: str, line: str, rule: str | None, zone: ZoneInfo) -> Query:
    """The query as it was typed; raises QueryError."""
    if rule is not None and rule not in RULES:
        raise QueryError(f"--rule {rule}: there is no such rule; there are {', '.join(RULES)}")
    return Query(*span(first, last, zone), {"live": LIVE, ALL_LINES: None}.get(line, line), rule)
