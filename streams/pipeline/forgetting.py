"""What `identify` does when somebody is erased: the customer's profiles, node and contacts go, and with them the
identifiers that were that customer's alone (`streams.identity.forgetting`).

Who is linked with whom lies on many partitions, so each step is a record to the next one, in the transaction of its
batch. What is on its way meanwhile meets the marks of the erased (`streams.identity.erased`) wherever it arrives.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.claims import CUSTOMER
from streams.base.links import (
    GROUP,
    Erased,
    Erasing,
    Forget,
    ForgetContact,
    Joined,
    Shown,
    ToNode,
    Watched,
    Word,
    Worded,
    is_customer,
    row_key,
)
from streams.base.records import LIVE, SEP, CustomerEvent, Erase, Event, Left, Profile, Unforwarded
from streams.base.watermarks import Watermarks
from streams.engine import Outputs, Table
from streams.identity import forgetting, telling
from streams.identity.erased import Marks
from streams.identity.evidence import links_of, shown
from streams.identity.graph import Outcome
from streams.identity.groups import Group
from streams.identity.owners import ContactOwner, encoded
from streams.identity.profiled import Profiled
from streams.identity.rules import IdentityRules
from streams.pipeline.ends import Ends, line_of
from streams.pipeline.nodes import Nodes, send_change
from streams.pipeline.notes import Notes

encode = msgspec.json.Encoder().encode
MAX_WORDED = 200
"""Identifiers that keep a person's word on one node, and are known for that."""
Identifiers = tuple[tuple[str, str], ...]
"""Kind and value."""
Place = Callable[[Event, int, Outputs], None]
"""Places an event of so many bytes."""


class Hall(NamedTuple):
    """What the other parts of the stage are needed for."""

    nodes: Nodes
    ends: Ends
    lines: Watermarks
    notes: Notes
    place: Place


class Forgets:
    """Rows ``erased``: hash → until when what has the name is erased; ``worded``: node → identifiers that keep a
    person's word on it.
    """

    def __init__(
        self, tables: Mapping[str, Table[Any]], marks: Marks, trust: IdentityRules, hall: Hall, topics: tuple[str, str]
    ) -> None:
        """``topics``: of links, and of what owners are told."""
        self.tables, self.marks, self.trust, self.hall = tables, marks, trust, hall
        self.owners: Table[ContactOwner] = tables["owners"]
        self.links, self.interactions = topics

    def erase(self, told: Erase, out: Outputs) -> None:
        """A customer is to be forgotten: on the live line on all lines, else on that of the record."""
        name, lines = told.owner, self._lines() if told.every else [told.line]
        self._mark(name, LIVE if told.every else told.line, told.time, out)
        for line in lines:
            self._forget_profiles(row_key(name.removeprefix("customer:"), line), told.time)
            self._tell(Forget(name, line, name, told.time), out)
        out.send(self.interactions, name.encode(), encode(told))

    def told(self, told: Erasing, out: Outputs) -> None:
        """What tasks of this agent, and `track`, tell of somebody who is erased."""
        if isinstance(told, Erased):
            self.marks.add(told.marks, told.time)
        elif isinstance(told, Forget):
            self.node(told, out)
        elif isinstance(told, Worded):
            self.worded(told, out)
        elif told.contact.startswith(GROUP):
            self.group(told, out)
        else:
            self.contact(told, out)

    def learn(self, customer: str, line: str, named: Identifiers, until: int, out: Outputs) -> None:
        """What a record of the erased named beside is of that person, too, unless it is somebody else's. That is asked
        on the live line alone: a replay must not take from others what the live line has not. ``customer``: empty where
        the record names an erased identifier alone.
        """
        for kind, value in named if line == LIVE else ():
            name = f"{kind}:{value}"
            if kind in self.trust.ranks and not self.marks.covers(name, line, until):
                self._tell(Forget(name, line, customer, until, hops=1 if customer else 2), out)

    def profile(self, profile: Profile, out: Outputs) -> Profile | None:
        """Without identifiers that were an erased customer's alone; None = its customer is erased."""
        listed, customer = profile.identifiers, f"customer:{profile.customer}"
        if self.marks.covers(customer, profile.line, profile.time):
            self.hall.notes.left_out("identify")
            self.learn(customer, profile.line, listed or (), self.marks.until(customer, profile.line), out)
            return None
        if not listed or profile.time > self.marks.latest:
            return profile
        kept = tuple(p for p in listed if not self.marks.covers(":".join(p), profile.line, profile.time))
        return profile if len(kept) == len(listed) else replace(profile, identifiers=kept)

    def is_of_erased(self, told: CustomerEvent) -> bool:
        """Is its customer erased by its time?"""
        return self.marks.covers(f"customer:{told.customer}", told.line, told.time)

    def node(self, told: Forget, out: Outputs) -> None:
        """The node, or who is linked with it, is erased."""
        key, hall = row_key(told.node, told.line), self.hall
        self._without_word(key, told.other)
        found = forgetting.forget(hall.nodes.nodes.get(key), told, self.trust)
        if found is None:
            return
        over = hall.ends.is_over(told.line)  # nobody may be told of anything else by then
        hall.nodes.settle(
            key, Outcome(found.node, tuple(e for e in found.out if not over or isinstance(e, Forget))), out
        )
        if found.changed is not None and not over:
            send_change(hall.nodes.changes, telling.of_node(told.node, told.line, found.changed), out)
        if found.erased:
            for other in self.tables["worded"].pop(key, ()):
                self._tell(Forget(other, told.line, told.of, told.time, told.node, told.hops + 1), out)
            if not is_customer(told.node) and (told.other or told.line == LIVE):
                self._identifier(told, out)
        for contact in found.contacts:  # behind the mark, by which they are known to be the person's
            forget = ForgetContact(contact, told.of, told.time)
            out.send(self.links, forget.key, encode(forget))

    def _identifier(self, told: Forget, out: Outputs) -> None:
        """It was the customer's alone: on the live line, it is so on all lines where it is not another customer's."""
        every, owner = told.line == LIVE, f"anonymous:{told.node}"
        self._mark(told.node, told.line, told.time, out)
        out.send(self.interactions, owner.encode(), encode(Erase(owner, told.time, told.line, every)))
        for line in self._lines() if every else ():
            if line != told.line:
                self._tell(Forget(told.node, line, told.of, told.time), out)

    def worded(self, told: Worded, out: Outputs) -> None:
        """A weaker identifier keeps a word on this node, which does not know of a link that was cut."""
        if self.marks.covers(told.node, told.line, told.time):
            until = self.marks.until(told.node, told.line)
            self._tell(Forget(told.other, told.line, told.node, until, told.node, 1), out)
            return
        rows, key = self.tables["worded"], row_key(told.node, told.line)
        known = rows.get(key, ())
        if told.other not in known:
            rows[key] = (*known, told.other)[-MAX_WORDED:]

    def left_out(self, told: ToNode, out: Outputs) -> bool:
        """Is it of a time until which one of the two is erased? Then nothing is made of it; and whoever tells an erased
        node of a link is told that it is.
        """
        if not isinstance(told, Word | Joined) and getattr(told, "ref", None) is None:
            return False
        other, time = getattr(told, "other", ""), told.ref[0]  # type: ignore[union-attr]
        if time > self.marks.latest:
            return False
        gone = self.marks.covers(told.node, told.line, time)
        if not gone and not self.marks.covers(other, told.line, time):
            return False
        until = self.marks.until(told.node if gone else other, told.line)
        if gone and isinstance(told, Joined) and told.on:
            self._tell(Forget(other, told.line, told.node, until, told.node, 1), out)
        elif not gone and is_customer(other) and isinstance(told, Word | Shown) and told.on:
            kind, _, value = told.node.partition(":")
            self.learn(other, told.line, ((kind, value),), until, out)
        self.hall.notes.left_out("identify")
        return True

    def contact(self, told: ForgetContact, out: Outputs) -> None:
        """A contact of the erased; what came of it later begins anew."""
        key, line, time = told.contact, line_of(told.contact), told.time
        name = key.partition(SEP)[0]
        state = self.owners.get(key)
        if state is not None and self._is_anothers(state, told, line):
            return
        self.marks.add([self.marks.of(name, line)], time)
        if state is not None and not self.hall.ends.is_over(line):
            self._take_back(key, state, told, out)  # before its own row goes, which it may lie in
        if told.of or state is not None:
            itself = f"contact:{name.replace('|', ':', 1)}"
            out.send(self.interactions, itself.encode(), encode(Erase(itself, time, line, line == LIVE)))
        if state is None:
            return
        for identifier in _named(state) if told.of else ():
            if not is_customer(identifier):
                self._tell(Forget(identifier, line, told.of, time, hops=1), out)
        del self.owners[key]
        for event in state.history:
            if event.time > time:
                self.hall.place(event, encoded(event), out)

    def _is_theirs(self, state: ContactOwner, told: ForgetContact, line: str) -> bool:
        return state.owner == told.of or self.marks.covers(state.owner, line, told.time)

    def _is_anothers(self, state: ContactOwner, told: ForgetContact, line: str) -> bool:
        """Is it another customer's, or has it gone to somebody else meanwhile? Not when it names who is erased."""
        if self._is_theirs(state, told, line):
            return False
        names = any(self.marks.covers(each, line, told.time) for each in _named(state))
        return state.owner.startswith("customer:") or bool(told.of and not names)

    def _take_back(self, key: str, state: ContactOwner, told: ForgetContact, out: Outputs) -> None:
        """What the contact brought to somebody else, what it shows, and what it asks."""
        line, (channel, _, contact) = line_of(key), key.partition(SEP)[0].partition("|")
        if not self._is_theirs(state, told, line):
            left = Left(state.owner, contact, channel, "", told.time, line)
            out.send(self.interactions, state.owner.encode(), encode(left))
        for each in shown(links_of(state.known, state.claim), {}, line):
            self._tell(each, out)
        for identifier in state.labels:
            self._tell(Watched(identifier, line, key, on=False), out)

    def group(self, told: ForgetContact, out: Outputs) -> None:
        """Contacts that are over and came by what was the customer's alone."""
        known: Group | None = self.tables["groups"].pop(told.contact, None)
        if known is None:
            return
        name, _, line = told.contact.partition(SEP)
        for identifier in known.names:
            self._tell(Watched(identifier, line, told.contact, on=False), out)
        for holder in known.holders:
            if not holder.startswith("customer:"):
                out.send(self.interactions, holder.encode(), encode(Erase(holder, told.time, line)))
        for holder in known.past:
            out.send(self.interactions, holder.encode(), encode(Unforwarded(holder, name, line)))

    def _without_word(self, key: str, other: str) -> None:
        rows = self.tables["worded"]
        known = rows.get(key, ())
        if other in known:
            if left := tuple(each for each in known if each != other):
                rows[key] = left
            else:
                del rows[key]

    def _lines(self) -> list[str]:
        return [LIVE, *(line for line in self.hall.lines.lines() if line != LIVE)]

    def _mark(self, name: str, line: str, time: int, out: Outputs) -> None:
        """What names it is left out from now on, in every task."""
        told = Erased((self.marks.of(name, line),), time)
        self.marks.add(told.marks, time)
        out.broadcast(self.links, None, encode(told))

    def _forget_profiles(self, key: str, time: int) -> None:
        known: Profiled | None = self.tables["profiles"].get(key)
        if known is None:
            return
        sources = {source: said for source, said in known.sources.items() if said[0][0] > time}
        if sources:
            self.tables["profiles"][key] = replace(known, sources=sources)
        else:
            del self.tables["profiles"][key]

    def _tell(self, told: ToNode | Forget, out: Outputs) -> None:
        out.send(self.links, told.key, encode(told))


def _named(state: ContactOwner) -> list[str]:
    """The identifiers that a contact is known by."""
    claim = state.claim
    went_by = () if claim.rank == CUSTOMER or claim.identifier.startswith("contact:") else (claim.identifier,)
    return sorted({*state.known, *state.labels, *went_by})
