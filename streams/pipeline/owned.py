"""Whose each contact is: the rows ``owners``, and what is sent when that turns out."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.claims import CONTACT, CUSTOMER
from streams.base.links import Label, Rests, Watched
from streams.base.records import SEP, Event, Grouped
from streams.base.times import SECOND_MS
from streams.base.watermarks import Watermarks
from streams.contacts.rules import ContactRules
from streams.engine import Outputs, Table
from streams.identity.assignment import Judge, Output, assign
from streams.identity.crowds import Crowds
from streams.identity.evidence import links_of, shown
from streams.identity.owners import ContactOwner, after, begun_again, due_at, found_by, stub
from streams.identity.refusals import OTHER_SOURCE, TOO_LONG, TOO_MANY_CHANGES
from streams.identity.rules import IdentityRules
from streams.identity.telling import IdentityChange
from streams.pipeline.nodes import send_change
from streams.pipeline.notes import Notes
from streams.pipeline.waits import Waits

LIMITED = {TOO_MANY_CHANGES: "owner", OTHER_SOURCE: "source", TOO_LONG: "owner"}
"""Rule by which a change was refused → what the metric of limits calls it."""

encode = msgspec.json.Encoder().encode


class Trust(NamedTuple):
    """What `identify` decides by."""

    contacts: ContactRules
    identity: IdentityRules
    erasure_key: bytes | None = None
    """By which the erased are known; None = nobody can be erased."""
    groups: tuple[str, ...] = ()
    """By what else facts count; see `streams.metrics.groups`."""


class Topics(NamedTuple):
    """Where it is sent, by full name."""

    links: str
    interactions: str
    changes: str


class Owners:
    """Rows: key of a contact → its owner, and its events so far while the owner may change."""

    def __init__(
        self,
        rows: Table[ContactOwner],
        rules: Trust,
        crowds: Crowds,
        waits: Waits,
        topics: Topics,
        hall: tuple[Watermarks, Notes],
    ) -> None:
        self.rows, self.crowds, self.waits = rows, crowds, waits
        self.rules, self.trust = rules.contacts, rules.identity
        self.links, self.interactions, self.changes = topics
        self.time, self.notes = hall

    def of(self, key: str) -> ContactOwner | None:
        """Its state, by the strengths that identifiers have now: a row has those of when it was written."""
        state: ContactOwner | None = self.rows.get(key)
        if state is None or state.claim.rank in (CUSTOMER, CONTACT):
            return state
        rank = self.trust.rank(state.claim.identifier)
        return state if rank == state.claim.rank else replace(state, claim=replace(state.claim, rank=rank))

    def place(self, key: str, event: Event, size: int, labels: Mapping[str, Label], out: Outputs) -> None:
        known = self.of(key)
        current, apart = (None, True) if known is None else found_by(known, event, self.rules)
        if known is not None and current is not None:
            self._rest(key, known, current, out)
        judge = Judge(lambda each, more: self._gather(each, more, event), self.trust)
        state, outputs = assign(current, event, size, judge, apart, labels)
        if state is not known:
            self.keep(key, known, state)
            if state.truncated and not (known and known.truncated):
                self.notes.limited("identify", "history")
            if current is None or state.known is not current.known or state.claim is not current.claim:
                self._show(current, state, event.line, out)
        if current is not None and begun_again(current, state):
            self._rest(key, current, stub(current), out)  # under its id another contact goes on
        if known is not None:
            for identifier in known.labels.keys() - state.labels.keys():
                self.look_away(key, identifier, event.line, out)
        self.send(outputs, out)

    def _show(self, before: ContactOwner | None, after: ContactOwner, line: str, out: Outputs) -> None:
        """What the contact shows of its identifiers, where that has changed. One that begins anew under its id takes
        nothing back.
        """
        goes_on = before is not None and before.part == after.part
        links = links_of(before.known, before.claim) if before is not None and goes_on else {}
        for told in shown(links, links_of(after.known, after.claim), line):
            out.send(self.links, told.key, encode(told))

    def look_away(self, key: str, identifier: str, line: str, out: Outputs) -> None:
        told = Watched(identifier, line, key, on=False)
        out.send(self.links, told.key, encode(told))

    def send(self, outputs: Iterable[Output], out: Outputs) -> None:
        for output in outputs:
            if isinstance(output, dict):
                if (what := LIMITED.get(_counted(output))) is not None:
                    self.notes.limited("identify", what)
                send_change(self.changes, output, out)
            else:
                out.send(self.interactions, output.owner.encode(), encode(output))

    def _gather(self, identifier: str, more: bool, event: Event) -> int:
        if not more:
            return self.crowds.over(identifier, event.line, event.time)
        over = self.crowds.gather(identifier, event.line, event.time, self.time.stream_time(event.line))
        if over > 0:
            self.notes.limited("identify", "identifier")
        return over

    def keep(self, key: str, known: ContactOwner | None, state: ContactOwner) -> None:
        if state is not known:
            self.rows[key] = self._scheduled(key, state)

    def _scheduled(self, key: str, state: ContactOwner) -> ContactOwner:
        return replace(state, due={state.line: due_at(state, _channel(key), self.rules)})

    def _rest(self, key: str, known: ContactOwner, state: ContactOwner | None, out: Outputs) -> None:
        """A contact that has become a stub is one of its group from now on: here, and at its owner."""
        if not known.history or state is None or state.history or not state.group:
            return
        channel, _, contact = key.partition(SEP)[0].partition("|")
        grouped = Grouped(state.owner, contact, channel, state.group, state.line)
        out.send(self.interactions, state.owner.encode(), encode(grouped))
        rests = Rests(state.group, state.line, tuple(sorted(known.labels)), state.owner)
        out.send(self.links, rests.key, encode(rests))

    def fire(self, key: str, line: str, now: int, out: Outputs) -> None:
        """A contact's time has come: it becomes a stub, or is forgotten."""
        known = self.rows[key]
        if key in self.waits:  # it is to find the contact as it was
            self.rows[key] = replace(known, due={line: now + SECOND_MS})
            return
        state = after(known, now, _channel(key), self.rules)
        self._rest(key, known, state, out)
        if state is None or not state.history:
            for identifier in known.labels:
                self.look_away(key, identifier, line, out)
        if state is None:
            del self.rows[key]
        else:  # a stub; or the rules have changed, or the row is of an older version
            self.rows[key] = self._scheduled(key, state)


def _counted(change: IdentityChange) -> str:
    """The rule, but for a second number of a person: that alone is no sign of a fault."""
    of_a_customer = change["identifier"].startswith("customer:")
    return "" if change["rule"] == OTHER_SOURCE and not of_a_customer else change["rule"]


def _channel(key: str) -> str:
    return key.partition("|")[0]
