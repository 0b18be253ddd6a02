"""A naive count of the simulator's events by the metrics' definitions, as the records a pipeline would publish.

It shares no code with the simulator's truth nor with the pipeline, so the three can be held against each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from streams import rules
from streams.demo.simulator import Emission
from streams.demo.world import rfc3339

RULES = rules.load()
Dimensions = tuple[str, str, str]
Sums = Counter[tuple[str, str, str]]
"""(kpi, variant, numerator|denominator) → amount; whole numbers."""
MINUTE, STEP = 60_000, 10_000
LIVE = ("voice", "chat", "in-person")
ALL = (
    "contacts_offered all|speed_of_answer all_contacts|abandonment of_offered|legs_entered all|abandonment of_left|"
    "flow_out of_left|speed_of_answer answered_legs|service_level all_abandons_count|service_level reached_threshold|"
    "handle_time all|handle_time talk|handle_time hold|csat satisfied|csat mean_score|sentiment mean"
)
KPIS = [tuple(name.split()) for name in ALL.split("|")]


@dataclass
class Contact:
    id: str
    channel: str
    started: int
    ours: bool = False
    customer: str = ""
    tier: str = "none"
    queue: str = "none"
    entered: int | None = None
    human_since: int | None = None
    held_since: int | None = None
    had_human: bool = False
    outcome: str = "open"
    ended: int | None = None
    wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    moods: list[float] = field(default_factory=list)


class Recount:
    """Counts events one by one; ``facts`` is what counts in a KPI, with its time."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.tiers: dict[str, str] = {}
        self.contacts: dict[str, Contact] = {}
        self.facts: list[tuple[int, Dimensions, Sums]] = []
        self.legs: list[tuple[int, int | None, Contact, str]] = []
        self.seen: set[str] = set()

    def take(self, emissions: Iterable[Emission]) -> "Recount":
        for emission in emissions:
            event = emission.event
            if event is None or event["id"] in self.seen:
                continue
            self.seen.add(event["id"])
            if event["type"] == "customer.profile_changed":
                self.tiers[event["data"]["customer_id"]] = event["data"]["tier"]
            elif "contact_id" in event["data"]:
                self._contact(emission.time, event["type"], event["data"])
        return self

    def _contact(self, now: int, kind: str, data: dict[str, Any]) -> None:
        contact = self.contacts.setdefault(data["contact_id"], Contact(data["contact_id"], data["channel"], now))
        if customer := data.get("customer_id"):
            contact.customer, contact.tier = f"customer:{customer}", self.tiers[customer]
        elif not contact.customer:
            named = data.get("identifiers") or [{"kind": "", "value": ""}]
            contact.customer = f"anonymous:{named[0]['kind']}:{named[0]['value']}"
        contact.ours = contact.ours or (data.get("direction") == "outbound" and kind == "contact.initiated")
        if data.get("queue") and contact.queue == "none":
            contact.queue = data["queue"]
        handler = getattr(self, "_" + kind.replace(".", "_"), None)
        if handler:
            handler(contact, now, data)

    def _count(self, contact: Contact, now: int, sums: dict[tuple[str, str], tuple[int, int]]) -> None:
        counted: Sums = Counter()
        for (kpi, variant), (numerator, denominator) in sums.items():
            counted[kpi, variant, "numerator"] += numerator
            counted[kpi, variant, "denominator"] += denominator
        self.facts.append((now, (contact.channel, contact.queue, contact.tier), counted))

    def _contact_queued(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        contact.queue, contact.entered = data["queue"], now
        self.legs.append((now, None, contact, contact.queue))
        self._count(contact, now, {("legs_entered", "all"): (1, 0)})

    def _leave(self, contact: Contact, now: int, outcome: str) -> None:
        if contact.entered is None:
            return
        wait, contact.entered = now - contact.entered, None
        index = max(i for i, leg in enumerate(self.legs) if leg[2] is contact)
        self.legs[index] = (self.legs[index][0], now, contact, contact.queue)
        if contact.outcome == "open":
            contact.wait_ms += wait
        answered, abandoned = outcome == "answered", outcome == "abandoned"
        within = 1 if answered and wait <= 20_000 else 0
        sums: dict[tuple[str, str], tuple[int, int]] = {
            ("abandonment", "of_left"): (abandoned, contact.channel not in ("email", "messaging")),
            ("flow_out", "of_left"): (outcome == "flow_out", 1),
            ("service_level", "all_abandons_count"): (within, answered or abandoned),
            ("service_level", "reached_threshold"): (within, answered or abandoned),
        }
        if answered:
            sums["speed_of_answer", "answered_legs"] = (wait, 1)
        self._count(contact, now, sums)

    def _came_out(self, contact: Contact, now: int, outcome: str) -> None:
        if contact.outcome != "open":
            return
        contact.outcome = outcome
        if contact.ours:
            return  # it asked for nothing
        sums: dict[tuple[str, str], tuple[int, int]] = {
            ("contacts_offered", "all"): (1, 0),
            ("abandonment", "of_offered"): (outcome == "abandoned", contact.channel not in ("email", "messaging")),
        }
        if outcome == "answered":
            sums["speed_of_answer", "all_contacts"] = (contact.wait_ms, 1)
        self._count(contact, now, sums)

    def _contact_connected(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        if data["party"] != "human":
            return
        self._leave(contact, now, "answered")
        self._came_out(contact, now, "answered")
        contact.had_human, contact.human_since = True, now

    def _pause(self, contact: Contact, now: int) -> None:
        if contact.human_since is not None:
            contact.talk_ms += now - contact.human_since
            contact.human_since = None

    def _contact_held(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        self._pause(contact, now)
        contact.held_since = now

    def _contact_resumed(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        contact.hold_ms += now - (contact.held_since or now)
        contact.held_since, contact.human_since = None, now

    def _contact_transferred(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        self._pause(contact, now)

    def _contact_ended(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        queued = any(leg[2] is contact for leg in self.legs)
        self._pause(contact, now)
        contact.ended = now
        reason = data["reason"]
        gone = reason == "abandoned" or (
            data["by"] == "customer" and contact.channel in LIVE and reason != "self-served"
        )
        self._leave(contact, now, "abandoned" if gone else "flow_out")
        if gone:
            self._came_out(contact, now, "abandoned")
        elif queued and reason in ("callback", "voicemail", "transferred", "timeout"):
            self._came_out(contact, now, "flow_out")
        elif contact.outcome == "open":
            contact.outcome = "contained"
        if contact.had_human:
            both = contact.talk_ms + contact.hold_ms
            talk, hold = (contact.talk_ms, 1), (contact.hold_ms, 1)
            names = [("handle_time", "all"), ("handle_time", "talk"), ("handle_time", "hold")]
            self._count(contact, now, dict(zip(names, [(both, 1), talk, hold], strict=True)))

    def _feedback_given(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        if data["metric"] == "csat":
            score = data["score"]
            self._count(
                contact, now, {("csat", "satisfied"): (score >= 4, 1), ("csat", "mean_score"): (score * 1000, 1)}
            )

    def _message_sent(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        if data["author"] == "customer":
            mood = data.get("sentiment", 0.0)
            contact.moods.append(mood)
            self._count(contact, now, {("sentiment", "mean"): (round(mood * 1000), 1)})

    def _post_answered(self, contact: Contact, now: int, data: dict[str, Any]) -> None:
        if data["author"] == "agent":
            self._came_out(contact, now, "answered")

    # -- as output records

    def readings(self, start: int, until: int) -> Iterator[dict[str, Any]]:
        """Minutes that ended by ``until``, and the day so far, in order of time."""
        by_dimensions: dict[Dimensions, list[tuple[int, Sums]]] = defaultdict(list)
        for now, dimensions, sums in self.facts:
            by_dimensions[dimensions].append((now, sums))
        for dimensions, facts in by_dimensions.items():
            for end in range(start + STEP, until + 1, STEP):
                inside = [sums for now, sums in facts if end - MINUTE <= now < end]
                if inside:
                    yield self._record(dimensions, (end - MINUTE, end), inside, until)
            day = start - start % 86_400_000
            yield self._record(
                dimensions, (day, day + 86_400_000), [sums for now, sums in facts if now <= until], until
            )

    def _record(
        self, dimensions: Dimensions, window: tuple[int, int], inside: list[Sums], watermark: int
    ) -> dict[str, Any]:
        total: Sums = Counter()
        for sums in inside:
            total.update(sums)
        channel, queue, tier = dimensions
        return {
            "dimensions": {"channel": channel, "queue": queue, "tier": tier},
            "window": {"start": rfc3339(window[0]), "end": rfc3339(window[1]), "length_ms": window[1] - window[0]},
            "watermark": rfc3339(watermark),
            "status": "final",
            "revision": 1,
            "line": self.line,
            "readings": [
                {
                    "kpi": kpi,
                    "variant": variant,
                    "numerator": int(total[kpi, variant, "numerator"]),
                    "denominator": int(total[kpi, variant, "denominator"]),
                }
                for kpi, variant in KPIS
            ],
        }

    def queue_states(self, start: int, until: int) -> Iterator[dict[str, Any]]:
        """Who waits, every ten seconds."""
        pairs = {(contact.channel, queue) for _, _, contact, queue in self.legs}
        for at in range(start + STEP, until + 1, STEP):
            for channel, queue in sorted(pairs):
                waiting = [
                    entered
                    for entered, left, contact, of in self.legs
                    if (contact.channel, of) == (channel, queue) and entered <= at and (left is None or left > at)
                ]
                yield {
                    "channel": channel,
                    "queue": queue,
                    "at": rfc3339(at),
                    "depth": len(waiting),
                    "longest_wait_ms": at - min(waiting) if waiting else 0,
                    "oldest_entered": rfc3339(min(waiting)) if waiting else None,
                    "line": self.line,
                    "by_tier": {},
                }

    def alerts(self, until: int, limit: int = 120_000) -> Iterator[dict[str, Any]]:
        """Waits of high tiers beyond the limit."""
        for entered, left, contact, queue in self.legs:
            deadline = entered + limit
            if contact.tier in ("gold", "platinum") and contact.channel in LIVE and (left or until) > deadline:
                yield {
                    "alert_id": f"{contact.id}:{entered}",
                    "rule": "high-tier-wait",
                    "kind": "wait",
                    "status": "resolved" if left else "firing",
                    "severity": "warning",
                    "customer": contact.customer,
                    "contact_id": contact.id,
                    "channel": contact.channel,
                    "queue": queue,
                    "tier": contact.tier,
                    "value": limit,
                    "limit": limit,
                    "unit": "ms",
                    "since": rfc3339(deadline),
                    "fired_at": rfc3339(deadline),
                    "resolved_at": rfc3339(left) if left else None,
                    "reason": "answered" if left else None,
                    "line": self.line,
                    "revision": 2 if left else 1,
                }

    def journeys(self) -> Iterator[dict[str, Any]]:
        """All contacts of a customer, the journey that moved last at the end."""
        by_customer: dict[str, list[Contact]] = defaultdict(list)
        for contact in self.contacts.values():
            by_customer[contact.customer].append(contact)
        for customer, contacts in sorted(
            by_customer.items(), key=lambda item: max(c.ended or c.started for c in item[1])
        ):
            yield {
                "journey_id": customer,
                "customer": customer,
                "started": rfc3339(contacts[0].started),
                "updated": rfc3339(contacts[-1].ended or contacts[-1].started),
                "status": "open",
                "line": self.line,
                "tier": contacts[-1].tier,
                "revision": 1,
                "contacts": [
                    {
                        "contact_id": contact.id,
                        "channel": contact.channel,
                        "queue": contact.queue,
                        "ended": contact.ended and rfc3339(contact.ended),
                        "outcome": contact.outcome,
                        "wait_ms": contact.wait_ms,
                    }
                    for contact in contacts
                ],
                "wait_ms": sum(contact.wait_ms for contact in contacts),
                "sentiment": None,
            }

    def records(self, start: int, until: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Everything, topic by topic."""
        yield from (("kpis", record) for record in self.readings(start, until))
        yield from (("queue.state", record) for record in self.queue_states(start, until))
        yield from (("alerts", record) for record in self.alerts(until))
        yield from (("journeys", record) for record in self.journeys())
