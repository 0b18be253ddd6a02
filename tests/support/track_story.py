"""Events by hand and by chance for the tests of ``track``, and a task that folds them."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import strategies as st

from streams.base.records import CustomerEvent, Event, Fact, Left, Profile
from streams.contacts import lifecycle
from streams.customers import customers
from streams.customers.customers import Customer, Outcome
from streams.customers.follow import Out
from streams.customers.rules import CustomerRules
from streams.rules import load
from tests.support.alerting import told as alerted
from tests.support.deadlines import next_deadlines

RULES = load().customers
S, M, H, D = 1000, 60_000, 3_600_000, 86_400_000
T0 = 1_767_258_000_000  # 2026-01-01T09:00:00Z
OWNER = "customer:C1"
PUBLISHED = ("journeys", "segments", "quality")
"""Capabilities whose deadlines follow from what they publish."""
Record = Event | Profile | CustomerEvent | Left


_OWN = ("queue", "tier", "agent", "owner", "line", "id", "source", "case", "topic", "intent", "identifiers")


def event(type_: str, at: int, /, contact: str = "c1", channel: str = "voice", **more: Any) -> Event:
    """An event ``at`` ms after T0; envelope fields by name, everything else is data."""
    own = {name: more.pop(name) for name in _OWN if name in more}
    own = {"id": f"{contact}-{type_}-{at}", "source": "test", "owner": OWNER} | own
    return Event(type=type_, time=T0 + at, contact=contact, channel=channel, data=more, **own)


def profile(tier: str, at: int, customer: str = "C1", line: str = "") -> Profile:
    return Profile(f"p{at}-{tier}", "crm", customer, T0 + at, line, tier=tier)


def said(at: int, sentiment: float | None = None, author: str = "customer", **more: Any) -> Event:
    direction = "inbound" if author == "customer" else "outbound"
    extra = {} if sentiment is None else {"sentiment": sentiment}
    return event("message.sent", at, author=author, direction=direction, **{"channel": "chat"} | extra | more)


def net(emitted: Iterable[Fact]) -> Counter[Fact]:
    """What is left of emitted facts when signs are taken into account: fact (with sign +1) → how many; never 0."""
    total: Counter[Fact] = Counter()
    for fact in emitted:
        total[msgspec.structs.replace(fact, sign=1)] += fact.sign
    return Counter({fact: count for fact, count in total.items() if count})


def on(outcome: Outcome, topic: str) -> list[dict[str, Any]]:
    """What an outcome publishes on a topic, without what it takes back; of ``alerts`` what is told of their
    conditions.
    """
    if topic == "alerts":
        return [alerted(each) for each in on(outcome, "alert.conditions")]
    return [out.value for out in outcome.out if out.topic == topic and out.value is not None]


def compacted(published: Iterable[Out], topic: str = "journeys") -> dict[str, dict[str, Any]]:
    """What is left of a topic when each key has its newest record alone, by key."""
    newest = {out.key.decode(): out.value for out in published if out.topic == topic}
    return {key: value for key, value in newest.items() if value is not None}


@dataclass
class Task:
    """One owner in ``track``: folds records, advances when a deadline has passed, notes what is emitted."""

    rules: CustomerRules = RULES
    now: int | None = None
    customer: Customer | None = None
    facts: list[Fact] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    journeys: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    """Of journeys."""
    segments: list[dict[str, Any]] = field(default_factory=list)
    illegal: list[lifecycle.Illegal] = field(default_factory=list)
    published: list[Out] = field(default_factory=list)
    """All of it, as it came."""
    late: int = 0
    over: set[str] = field(default_factory=set)
    """Replays that have ended."""

    def stream_time(self, line: str) -> int | None:
        return self.now

    def ended(self, line: str) -> bool:
        return line in self.over

    def take(self, *records: Record) -> "Task":
        """One batch."""
        for record in records:
            self._note(customers.fold(self.customer, record, self, self.rules))
        before = self._deadlines(PUBLISHED)
        self._note(customers.publish(self.customer, self, self.rules))
        if self.customer:
            assert self._deadlines(PUBLISHED) == before, "publishing changes no other deadline"
        return self

    def until(self, at: int) -> "Task":
        """Stream time moves on to ``at`` ms after T0, and what is due happens; then nothing is due any more."""
        self.now = T0 + at
        if any(due < self.now for due in next_deadlines(self.customer, self.rules).values()):
            self._note(customers.advance(self.customer, self, self.rules))
        for _ in range(3):
            if any(due < self.now for due in next_deadlines(self.customer, self.rules).values()):
                self._note(customers.advance(self.customer, self, self.rules))
        assert all(due >= self.now for due in next_deadlines(self.customer, self.rules).values()), "a deadline is stuck"
        return self

    def _deadlines(self, without: Collection[str]) -> dict[tuple[str, str], int]:
        """(line, whose) → when, but for some."""
        if self.customer is None:
            return {}
        return {
            (line, name): due
            for line, dues in customers.scheduled(self.customer, self.rules).due.items()
            for name, due in dues.items()
            if name not in without
        }

    def _note(self, outcome: Outcome) -> None:
        if outcome.customer is not None:
            new = _what_is_new(outcome.customer, self.customer)
            assert msgspec.json.decode(msgspec.json.encode(new), type=Customer) == new, "stored is what is read back"
        self.customer = outcome.customer
        self.facts += outcome.facts
        self.alerts += on(outcome, "alerts")
        self.journeys += on(outcome, "journeys")
        self.steps += on(outcome, "journey.events")
        self.segments += on(outcome, "segments")
        self.published += outcome.out
        self.illegal += outcome.illegal
        self.late += outcome.late

    def newest(self, topic: str, name: str) -> dict[str, dict[str, Any]]:
        """What was published last under each name, having checked that revisions count from 1."""
        seen: dict[str, dict[str, Any]] = {}
        for each in (out.value for out in self.published if out.topic == topic):
            assert each["revision"] == seen.get(each[name], {"revision": 0})["revision"] + 1
            seen[each[name]] = each
        return seen

    @property
    def net(self) -> Counter[Fact]:
        counts = net(self.facts)
        assert all(count == 1 for count in counts.values()), counts
        return counts

    @property
    def of_contacts(self) -> list[Fact]:
        """The facts that hold, but for those of journeys and scores."""
        return [each for each in self.net if not each.fact.startswith(("journey_", "quality"))]

    def of(self, fact: str) -> list[Fact]:
        """The facts of a kind that hold, in time order."""
        return sorted((each for each in self.net if each.fact == fact), key=lambda each: (each.time, each.id))

    @property
    def told(self) -> list[tuple[str, str | None, int]]:
        """What came on ``journeys``: start of the name, status (None = removed) and revision (0 = removed)."""
        found = [(out.key.decode().partition("@")[2], out.value) for out in self.published if out.topic == "journeys"]
        return [(name, value and value["status"], value["revision"] if value else 0) for name, value in found]

    def last_journeys(self) -> dict[str, dict[str, Any]]:
        """Journey by its key, as it stands on the topic, without the revisions."""
        return {name: {**each, "revision": 0} for name, each in compacted(self.published).items()}

    def last_steps(self) -> list[tuple[str, ...]]:
        """(when, what, contact, journey, by which contact it joined) of each step that holds, having checked that none
        was told twice."""
        last: dict[str, dict[str, Any]] = {}
        for each in self.steps:
            assert each["revision"] == last.get(each["event_id"], {"revision": 0})["revision"] + 1, each
            last[each["event_id"]] = each
        held = [each for each in last.values() if each["holds"]]
        names = ("at", "step", "contact_id", "journey_id", "stitched_to")
        return sorted(tuple([each[name] or "" for name in names]) for each in held)

    def episodes(self) -> dict[str, dict[str, Any]]:
        """Alert by id as last published, having checked that each fired once, before it was resolved once."""
        seen: dict[str, dict[str, Any]] = {}
        for alert in self.alerts:
            before = seen.get(alert["alert_id"])
            if alert["status"] == "firing":
                assert before is None and alert["revision"] == 1 and alert["resolved_at"] is None
            else:
                assert before is not None and before["status"] == "firing" and alert["revision"] == 2
            seen[alert["alert_id"]] = alert
        return seen


def _what_is_new(customer: Customer, before: Customer | None) -> Customer:
    """A row without the contacts that are, as they stand, in the row before; of hundreds one has changed."""
    lines = {}
    for line, timeline in customer.lines.items():
        known = before.lines.get(line) if before is not None else None
        new = {
            name: {
                key: each for key, each in getattr(timeline, name).items() if getattr(known, name).get(key) is not each
            }
            for name in (("histories", "rested") if known is not None else ())
        }
        lines[line] = msgspec.structs.replace(timeline, **new)
    return msgspec.structs.replace(customer, lines=lines)


def play(*records: Record, until: int | None = None, rules: CustomerRules = RULES) -> Task:
    """The records in one batch, then stream time."""
    task = Task(rules).take(*records)
    return task if until is None else task.until(until)


# Chance

_DATA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "contact.initiated": st.fixed_dictionaries({"opened_by": st.sampled_from(["customer", "customer", "agent"])}),
    "contact.connected": st.fixed_dictionaries({"party": st.sampled_from(["human", "human", "bot", "self-service"])}),
    "contact.transferred": st.fixed_dictionaries({"kind": st.sampled_from(["warm", "cold"])}),
    "contact.reopened": st.fixed_dictionaries({"by": st.sampled_from(["customer", "agent", "unknown"])}),
    "contact.left_queue": st.fixed_dictionaries({"reason": st.sampled_from(["timeout", "key"])}),
    "contact.turned_away": st.fixed_dictionaries({"reason": st.just("full")}),
    "contact.wrapped_up": st.sampled_from([{}, {"duration_ms": 5000}, {"talk_ms": 60_000, "hold_ms": 5000}]),
    "contact.ended": st.fixed_dictionaries(
        {
            "by": st.sampled_from(["customer", "agent", "system", "bot", "unknown"]),
            "reason": st.sampled_from(["completed", "abandoned", "self-served", "callback", "timeout"]),
        }
    ),
    "message.sent": st.fixed_dictionaries(
        {
            "author": st.sampled_from(["customer", "customer", "agent", "bot"]),
            "direction": st.just("inbound"),
            "sentiment": st.sampled_from([-1.0, -0.9, -0.5, 0.0, 0.6]),
        }
    ),
    "message.changed": st.fixed_dictionaries({"message_id": st.just("m"), "change": st.just("read")}),
    "post.answered": st.fixed_dictionaries({"author": st.sampled_from(["agent", "customer"])}),
    "feedback.given": st.fixed_dictionaries({"metric": st.just("csat"), "score": st.sampled_from([1, 4.5])}),
}
TYPES = sorted({trigger.split(":")[0] for trigger in lifecycle.TRIGGERS})
LIKELY = ["contact.queued", "contact.connected", "contact.ended", "message.sent"] * 3


@st.composite
def contact_events(draw: st.DrawFn) -> list[Event]:
    """Events of one to three contacts of one customer, close together or days apart, in event order; no two of a
    contact at one moment."""
    events = []
    for number in range(draw(st.integers(1, 3))):
        channel = draw(st.sampled_from(["voice", "chat", "email", "messaging"]))
        time = draw(st.sampled_from([0, 40 * M, 5 * H, 30 * H, 80 * H, 100 * H]))
        for index in range(draw(st.integers(1, 8))):
            kind = draw(st.sampled_from(TYPES + LIKELY))
            time += draw(st.sampled_from([1, 2, 20 * S, 121 * S, 10 * M, 50 * M, 3 * H, 25 * H]))
            events.append(
                event(
                    kind,
                    time,
                    f"c{number}",
                    channel,
                    id=f"{number}-{index}",
                    queue=draw(st.sampled_from([None, "cards", "loans"]))
                    or ("cards" if kind in ("contact.queued", "contact.left_queue", "contact.turned_away") else None),
                    tier=draw(st.sampled_from([None, None, "gold", "red"])),
                    agent=draw(st.sampled_from([None, "a1", "a2"])),
                    **draw(st.sampled_from([{}, {}, {"intent": "price"}, {"intent": "quality"}, {"intent": "none"}])),
                    **draw(_DATA.get(kind, st.just({}))),
                )
            )
    return sorted(events, key=lambda each: (each.time, each.id))


@st.composite
def arrivals(draw: st.DrawFn, events: Sequence[Record], delay_ms: int) -> list[tuple[Record, int]]:
    """The events as they arrive, each up to a delay late, with the stream time (absolute) that may be reached before
    each arrival."""
    delays = [draw(st.integers(0, delay_ms)) for _ in events]
    order = sorted(range(len(events)), key=lambda index: events[index].time + delays[index])
    late = [events[index] for index in order]
    return [(record, min(each.time for each in late[place:])) for place, record in enumerate(late)]


def settle(task: Task, last: Iterable[int]) -> Task:
    """Let the end of everything pass."""
    for at in last:
        task.until(at)
    return task


def in_order(records: list[Record], end: int) -> Task:
    """One event a batch, each as soon as it happens, stream time right behind."""
    task = Task()
    for record in sorted(records, key=lambda each: each.time):
        task.until(record.time - T0 - 1).take(record)
    return task.until(end)


def queued(at: int, queue: str = "cards", **more: Any) -> Event:
    return event("contact.queued", at, queue=queue, **more)


def connected(at: int, agent: str = "a1", **more: Any) -> Event:
    return event("contact.connected", at, agent=agent, **{"party": "human"} | more)


def ended(at: int, by: str = "customer", reason: str = "completed", **more: Any) -> Event:
    return event("contact.ended", at, by=by, reason=reason, **more)


def legs(*events: Event) -> list[tuple[str, int, int, str | None]]:
    """(queue, entered, left, outcome) of the closed legs."""
    closed = play(*events).of("leg_closed")
    return [(each.queue, (each.entered or 0) - T0, each.time - T0, each.outcome) for each in closed]


def handled(*events: Event) -> tuple[int, int, int, int]:
    """(talk, hold, wrap, time)."""
    [fact] = play(*events).of("contact_handled")
    return fact.talk_ms, fact.hold_ms, fact.wrap_ms, fact.time - T0


def told(task: Task) -> list[tuple[str, str | None]]:
    """Status and reason of each alert, as they were published."""
    task.episodes()
    return [(each["status"], each["reason"]) for each in task.alerts]
