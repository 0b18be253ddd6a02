"""`track`: what one customer goes through. Reads ``contact.interactions`` by owner; writes facts, journeys, segments
and alerts.
"""

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from schemas import flow
from streams.base.records import (
    JUDGED,
    LIVE,
    Erase,
    Fact,
    Interaction,
    Line,
    Ruled,
    Unforwarded,
    fact_key,
    facts_together,
)
from streams.customers import customers, erasing
from streams.customers.customers import Customer, Outcome
from streams.customers.follow import CONDITIONS
from streams.customers.outreach import QUIET_TOPIC as QUIET
from streams.customers.outreach import TOPIC as OUTREACH
from streams.customers.recommendations import TOPIC as RECOMMENDATIONS
from streams.customers.rules import CustomerRules
from streams.customers.upgrades import alerts_together, by_capability, journeys_by_name, open_journeys
from streams.engine import Outputs, Record, Rest, Table, TaskInfo
from streams.metrics.groups import key_of
from streams.pipeline.dead_letters import Why, bury
from streams.pipeline.erasing import NOBODY_ERASED, Erasures, Privacy
from streams.pipeline.notes import Notes
from streams.pipeline.ruling import FILE, REJUDGED, RULING, SWEEP, SWITCHED, Ruling, Sweep
from streams.pipeline.stage import BEHIND, NO_DEADLINE, WATERMARKS, Name, Stage, large_table, struct_table

COUNTED = (QUIET, OUTREACH, RECOMMENDATIONS)
"""Topics whose live records are counted."""
AT_ONCE = 64
"""Rows that are taken before it is asked how large they were."""
encode = msgspec.json.Encoder().encode


def _with_due(row: bytes) -> bytes:
    """A row of version 1, due at once: it is looked at, and then says itself when."""
    customer = orjson.loads(row)
    customer.pop("version", None)
    return orjson.dumps({**customer, "due": dict.fromkeys(customer.get("lines", ()), 0)})


def _due(customer: Customer) -> dict[str, int]:
    """A replay without deadlines is due in the end, to be forgotten."""
    return {
        line: min(each.values(), default=NO_DEADLINE) for line, each in customer.due.items() if each or line != LIVE
    }


TABLES = (
    WATERMARKS,
    BEHIND,
    large_table(
        "customers",
        Customer,
        "owner",
        _due,
        _with_due,
        by_capability,
        journeys_by_name,
        open_journeys,
        alerts_together,
        due_since=3,
    ),
    struct_table("erased", int),  # hash of an owner → until when it is erased
    struct_table("past", int),  # replay that is forgotten → its number
    RULING,
    SWITCHED,
    SWEEP,
)


class Track(Stage):
    """Table ``customers``: owner → contacts, journey, segment, conditions, and when it is to be looked at again."""

    before = "identify"

    def __init__(
        self,
        info: TaskInfo,
        tables: Mapping[str, Table[Any]],
        name: Name,
        rules: CustomerRules,
        notes: Notes,
        privacy: Privacy = NOBODY_ERASED,
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Interaction), name("contact.measurements"))
        self.customers, self.rules, self.notes = tables["customers"], rules, notes
        self.ruling, self.rejudging = Ruling(tables, rules.alerts, rules.reader), tables["rejudging"]
        self._go_by()
        self.measurements, self.interactions = name("contact.measurements"), name("contact.interactions")
        self.topics = {topic: name(topic) for topic in flow.outputs("track")}
        self.dead = name("contacts.dead-letters")
        self.groups = [(group, partial(facts_together, group=group)) for group in rules.groups]
        self.timed = (self.customers,)
        self.erasures = Erasures(tables, privacy, self.watermarks, self.topics)
        self.touched: dict[str, None] = {}
        """Whose rows do not say yet when they are due."""
        self.changed: dict[str, None] = {}
        """Of whom something may be to publish."""

    def handle(self, record: Record, out: Outputs) -> None:
        try:
            super().handle(record, out)
        except customers.Refused as why:
            bury(self.dead, record, Why("track", why.reason, str(why), why.path), out)
            self.notes.dead_letter(why.reason)
            if why.limited:
                self.notes.limited("track", why.limited)

    def fold(self, value: Any, out: Outputs) -> None:
        owner = customers.owner_of(value)
        if owner is None:
            raise ValueError("the record does not say whose it is")
        if isinstance(value, Erase | Unforwarded):
            self._let_go(owner, value, out)
            return
        known = self.customers.get(owner)
        value = self.erasures.of(value, known, out)
        if value is None:
            self.notes.left_out("track")
            return
        known = self._judged(owner, known, out)
        outcome = customers.fold(known, value, self.watermarks, self.rules, self.size)
        self.touched[owner] = None
        self._write(owner, known, outcome, out)
        if outcome.late:
            self.notes.late("track")

    def _let_go(self, owner: str, told: Erase | Unforwarded, out: Outputs) -> None:
        """The owner, or to whom contacts of this owner went, is to be forgotten."""
        known = self.customers.get(owner)
        if isinstance(told, Unforwarded):
            self._write(owner, known, Outcome(erasing.unforwarded(known, told)), out)
            self.touched[owner] = None
            return
        erased = self.erasures.erase(known, told, self.rules, out)
        self._write(owner, known, Outcome(erased.customer, erased.facts, erased.out), out)
        self.touched[owner] = None
        out.send(self.topics[CONDITIONS], told.owner.encode(), encode(told))
        if told.id:
            self.erasures.prove(told, out)
            self.notes.erased()

    def ruled(self, value: Ruled, out: Outputs) -> None:
        before = self.ruling.number
        if not self.ruling.take(value, self.times()):
            return
        self._go_by()
        if self.info.partition == 0:  # one task tells all that are behind
            out.broadcast(self.measurements, None, encode(value))
        self.rejudging[FILE] = self.rejudging.get(FILE, Sweep(before)).begun(value.number)
        self._rejudge_some(out)

    def _go_by(self) -> None:
        if self.ruling.is_new():
            self.rules = dataclasses.replace(self.rules, alerts=self.ruling.alerts)

    def _rejudge_some(self, out: Outputs) -> None:
        """Hold rows against other rules, in the order of their keys."""
        sweep = self.rejudging.get(FILE)
        if sweep is None:
            return
        self.prepare()
        after = sweep.last
        keys = self.customers.behind(after, REJUDGED)
        for start in range(0, len(keys), AT_ONCE):
            if self.customers.full:
                break
            some = keys[start : start + AT_ONCE]
            self.each(some, lambda key: self._rejudge(key, sweep, out), self._row, certain=True)
            after = some[-1]
        else:
            if len(keys) < REJUDGED:
                del self.rejudging[FILE]
                return
        self.rejudging[FILE] = sweep.at(after)

    def _judged(self, owner: str, known: Customer | None, out: Outputs) -> Customer | None:
        """The row, held against the rules in force although it is not its turn."""
        sweep = self.rejudging.get(FILE)
        if sweep is None or known is None or not self._rejudge(owner, sweep, out):
            return known
        after: Customer | None = self.customers.get(owner)
        if after is not None:
            after = self.customers[owner] = customers.judged_by(after, self.ruling.number)
        return after

    def _rejudge(self, owner: str, sweep: Sweep, out: Outputs) -> bool:
        """Was it still to be?"""
        known = self.customers.get(owner)
        number = self.ruling.number if known is None else max(known.ruled, sweep.number(owner))
        if known is None or number >= self.ruling.number:
            return False
        self._published(owner, known, customers.rejudged(known, self.watermarks, self.rules, number), out)
        return True

    def finish(self, out: Outputs) -> Rest:
        self._rejudge_some(out)
        rest = super().finish(out)
        return Rest.AT_ONCE if self.rejudging else rest

    def undo(self, record: Record) -> None:
        super().undo(record)
        self._go_by()
        self.erasures.marks.undo()

    def forget(self, line: str) -> None:
        self.erasures.forgotten(line)

    def keep(self) -> None:
        """Rows say when they are due; then what is not published now comes at their next record or deadline."""
        super().keep()
        for owner in self.touched:
            self._schedule(owner)
        self.touched.clear()
        self.changed.clear()

    def prepare(self) -> None:
        self.each(self.touched, self._schedule, self._row, certain=not self.folded)
        self.changed.update(self.touched)
        self.touched.clear()

    def fire(self, table: str, key: str, line: str, now: int, out: Outputs) -> None:
        known = self._judged(key, self.customers.get(key), out)
        self._published(key, known, customers.advance(known, self.watermarks, self.rules, line), out)
        self.changed.pop(key, None)

    def close(self, lines: Mapping[str, Line], out: Outputs) -> None:
        self.changed.update(self.touched)
        # Once what a whole batch changed.
        self.each(self.changed, lambda owner: self._publish(owner, out), self._row, certain=not self.folded)
        self.touched.clear()
        self.changed.clear()

    def _publish(self, owner: str, out: Outputs) -> None:
        known = self.customers.get(owner)
        self._published(owner, known, customers.publish(known, self.watermarks, self.rules), out)

    def _published(self, owner: str, known: Customer | None, outcome: Outcome, out: Outputs) -> None:
        """What was published goes out, and the row says when it is due."""
        if outcome.customer is not None:
            outcome = replace(outcome, customer=customers.scheduled(outcome.customer, self.rules))
        self._write(owner, known, outcome, out)

    def _row(self, owner: str) -> list[tuple[str, str]]:
        return [("customers", owner)]

    def _write(self, owner: str, known: Customer | None, outcome: Outcome, out: Outputs) -> None:
        """``known``: the row as it is."""
        if outcome.customer is not known:
            if outcome.customer is None:
                self.customers.pop(owner, None)
            else:
                is_new = known is None and FILE in self.rejudging  # by the rules in force
                after = outcome.customer
                self.customers[owner] = customers.judged_by(after, self.ruling.number) if is_new else after
        for fact in outcome.facts:
            self._measured(owner, fact, out)
        for each in outcome.out:
            out.send(self.topics[each.topic], each.key, None if each.value is None else orjson.dumps(each.value))
            if each.topic in COUNTED and each.value is not None and each.value.get("line", LIVE) == LIVE:
                self._note(each.topic, each.value)
        for sent in outcome.sent:
            out.send(self.interactions, sent.owner.encode(), encode(sent))
        for what in outcome.limited:
            self.notes.limited("track", what)
        for illegal in outcome.illegal:
            self.notes.illegal(illegal.type)

    def _measured(self, owner: str, fact: Fact, out: Outputs) -> None:
        if fact.fact == JUDGED:  # who is erased is told among them: each has its place
            out.send(self.measurements, fact_key(fact).encode(), encode(replace(fact, owner=owner)))
            return
        told = encode(fact)
        out.gather(self.measurements, fact_key(fact).encode(), told, facts_together)
        for group, join in self.groups:
            out.gather(self.measurements, key_of(fact, group).encode(), told, join)

    def _note(self, topic: str, told: Mapping[str, Any]) -> None:
        if topic == OUTREACH:
            self.notes.outreach(told["rule"], told["reason"] or told["status"])
        elif topic == RECOMMENDATIONS:
            self.notes.recommendation(told["because"], told["status"])
        else:
            self.notes.quiet(told["verdict"], told["status"])

    def _schedule(self, owner: str) -> None:
        """The row says when it is due."""
        customer = self.customers.get(owner)
        if customer is None:
            return
        known = customers.scheduled(customer, self.rules)
        if known is not customer:
            self.customers[owner] = known

    def drop(self, table: str, key: str, line: str, out: Outputs) -> None:
        known = self.customers[key]
        self._write(key, known, customers.without_line(known, line, self.rules), out)
