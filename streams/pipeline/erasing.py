"""What `track` does when an owner is erased: the row goes, every record that subscribers keep by the owner's name is
taken back, and of a customer who asked for it a proof is published.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from schemas import registry
from streams.base.links import ForgetContact, row_key
from streams.base.records import (
    LIVE,
    SEP,
    CustomerEvent,
    Erase,
    Event,
    Handed,
    Moved,
    Profile,
    Unnamed,
    contact_key,
    output_key,
)
from streams.base.times import iso
from streams.base.watermarks import Watermarks
from streams.customers import customers, erasing
from streams.customers.rules import CustomerRules
from streams.engine import Outputs, Table
from streams.identity.erased import NEVER, Marks

encode = msgspec.json.Encoder().encode
OWN_KEY = "{line/}{customer}"
"""The key of records of which an owner has one on each line."""
FORMERLY_OWN = ("journeys",)
"""Topics that had this key in a version before, whose records may be there still."""
MAX_PAST = 200
"""Replays that are forgotten, and whose records are still taken back; of more, the latest."""


class Privacy(NamedTuple):
    """The key by which the erased are known (None = nobody can be), and after how many ms nothing is left of one."""

    key: bytes | None = None
    left_ms: int = 0


NOBODY_ERASED = Privacy()


def owners_topics() -> list[str]:
    """What is published of each owner under the owner's key and kept until it is replaced."""
    topics = registry.topics().values()
    return [spec.topic for spec in topics if spec.compacted and "track" in spec.producers and spec.key == OWN_KEY]


class Erasures:
    """Rows ``erased``: hash of an owner → until when it is erased; ``past``: replays that are forgotten."""

    def __init__(
        self, tables: Mapping[str, Table[Any]], privacy: Privacy, lines: Watermarks, topics: Mapping[str, str]
    ) -> None:
        """``topics``: by their names in the map."""
        self.marks = Marks(tables["erased"], privacy.key)
        self.past, self.left_ms, self.lines = tables["past"], privacy.left_ms, lines
        self.own = [topics[topic] for topic in (*owners_topics(), *FORMERLY_OWN)]
        self.proofs, self.links = topics["privacy.proofs"], topics["identity.links"]
        self.measurements = topics["contact.measurements"]

    def of(self, value: Any, known: object, out: Outputs) -> Any:
        """The record, as far as its owner is not erased by its time; None = nothing of it. ``known``: the row."""
        owner = customers.owner_of(value)
        if owner is None or self.marks.latest == NEVER:
            return value
        if isinstance(value, Event | Profile | CustomerEvent):
            if not self.marks.covers(owner, value.line, value.time):
                return value
            if isinstance(value, Event):
                until = self.marks.until(owner, value.line)
                self._forget([(contact_key(value.channel, value.contact), value.line)], owner, until, out)
            return None
        if isinstance(value, Handed | Moved) and (until := self.marks.until(owner, value.line)) != NEVER:
            return (
                erasing.lasting(value, until) if isinstance(value, Handed) else (value if known is not None else None)
            )
        return value

    def erase(self, customer: Any, told: Erase, rules: CustomerRules, out: Outputs) -> erasing.Outcome:
        """What is left of the row; that it is to be forgotten is told to whom it concerns."""
        owner = told.owner
        self.marks.add([self.marks.of(owner, LIVE if told.every else told.line)], told.time)
        outcome = erasing.erase(customer, told, rules, self.lines)
        known = customer.lines if customer is not None else ()
        for line in sorted({LIVE, *self.lines.lines(), *self.past, *known}) if told.every else [told.line]:
            for topic in self.own:
                out.send(topic, output_key(line, owner), None)
        self._forget(outcome.contacts, owner, told.time, out)
        unnamed = Unnamed(owner, told.time, told.line, told.every, outcome.judged)
        out.broadcast(self.measurements, owner.encode(), encode(unnamed))
        return outcome

    def prove(self, told: Erase, out: Outputs) -> None:
        """Nothing in it names the person."""
        line = LIVE if told.every else told.line
        subject = self.marks.of(told.owner)
        proof = {
            "subject": subject,
            "request": self.marks.of(f"{told.source}{SEP}{told.id}"),
            "until": iso(told.time),
            "erased_at": iso(out.now),
            "nothing_left_after": iso(out.now + self.left_ms),
            "line": line,
        }
        out.send(self.proofs, output_key(line, subject), orjson.dumps(proof))

    def forgotten(self, line: str) -> None:
        """A replay is forgotten: its records stay on the topics, and may have to be taken back one day. Not where there
        is no key, and nobody is erased.
        """
        if self.marks.key is None or line in self.past:
            return
        self.past[line] = 1 + max(self.past.values(), default=0)
        if len(self.past) > MAX_PAST:
            del self.past[min(self.past, key=lambda each: self.past[each])]

    def _forget(self, contacts: Iterable[tuple[str, str]], owner: str, time: int, out: Outputs) -> None:
        for contact, line in contacts:
            told = ForgetContact(row_key(contact, line), owner, time)
            out.send(self.links, told.key, encode(told))
