"""One contact, recounted step by step from all of its events. What each rule rests on stands in README.md."""

from typing import Any

from tests.reference.askings import Askings
from tests.reference.contact import (
    ABOUT,
    AGAIN,
    HUMAN_ACTS,
    IDLE,
    IDLE_ELSE,
    MACHINES,
    MAX_CASES,
    NO_GIVING_UP,
    SKEW,
    SPOKEN,
    TAKEN_AWAY,
    TWICE,
    UNASKED,
    Contact,
    Fact,
    Leg,
)
from tests.reference.events import Event
from tests.reference.talk import Talk


def recount(channel: str, contact: str, events: list[Event], until: int) -> Contact:
    """``events``: of one contact, by time, those of one moment as they came; ``until``: how far time has come, ms."""
    return _Walk(Contact(channel, contact, events, started=min(e.at for e in events)), until).done()


class _Walk:
    """The contact as of the event it has come to."""

    def __init__(self, contact: Contact, until: int) -> None:
        self.c, self.until = contact, until
        self.state = "new"
        self.named = self.first_named(0)
        self.leg: Leg | None = None
        self.asked = self.ours = self.opened = self.callback = False
        self.served = self.human_first = False
        """A menu or a bot had it; a human, or the wish for one, came before that."""
        self.machine: Fact | None = None
        self.away: int | None = None
        """When an agent was last asked to take it out of the queue, or did not."""
        self.answered: Fact | None = None
        self.finished: Fact | None = None
        """The outcome of a contact that nobody answered: the first, but for one that had asked for nobody."""
        self.talk = Talk()
        self.early: int | None = None
        """When a human was connected whom no leg waited for."""
        self.askings = Askings()
        self.answers: dict[str, Fact] = {}
        self.parts: Fact | None = None
        self.last = contact.started

    # What is asked of it

    def done(self) -> Contact:
        for number, event in enumerate(self.c.events):
            told = False
            if self.state != "ended" and event.at - self.last > self.patience:
                told = event.kind in ABOUT
                if not told:
                    self.fact("reopened", event.at)
                elif event.kind == "contact.wrapped_up":
                    self.talk.stop(self.last)
            if self.state == "ended" and (event.kind in AGAIN or self.is_customer(event)):
                self.named = self.named or self.first_named(number)
                self.reopen(event.at)
            if event.data.get("tier") and self.state != "ended" and not told:
                self.c.tiers.append((event.at, event.data["tier"]))
            self.about(event, over=self.state == "ended" or told)
            self.step(event)
            self.last = self.last if told else event.at
        if self.state != "ended" and self.until - self.last > self.patience:
            self.idle()
        self.close()
        return self.c

    def about(self, event: Event, over: bool) -> None:
        """What it says that it is about; a case also when it is over."""
        case = event.data.get("case_id")
        if case and case not in self.c.cases and len(self.c.cases) < MAX_CASES:
            self.c.cases.append(case)
        if not over:
            self.c.topic = event.data.get("topic") or self.c.topic
            self.c.intent = event.data.get("intent") or self.c.intent

    def first_named(self, number: int) -> str | None:
        """The first queue that an event names, from that event to the next end."""
        for event in self.c.events[number:]:
            if event.data.get("queue"):
                return str(event.data["queue"])
            if event.kind == "contact.ended":
                return None
        return None

    def idle(self) -> None:
        """Closed as timed out; what the customer asks is asked still."""
        self.talk.stop(self.last)
        self.end(self.last + self.patience, "system", "timeout")

    @property
    def patience(self) -> int:
        return IDLE.get(self.c.channel, IDLE_ELSE)

    @property
    def queue(self) -> str:
        """The last leg's so far, else the first that the contact names until it ends."""
        return self.c.legs[-1].queue if self.c.legs else self.named or "none"

    def fact(self, name: str, at: int, *amounts: int) -> Fact:
        made = Fact(name, at, self.queue, amounts)
        self.c.facts.append(made)
        return made

    # Events

    def step(self, event: Event) -> None:
        data, kind = event.data, event.kind
        if kind in HUMAN_ACTS and self.state != "ended":
            self.asked = True
        known = getattr(self, "on_" + kind.replace(".", "_"), None)
        if kind == "contact.queued" and self.is_twice(event):
            return
        if known is not None:
            known(event.at, data)

    @staticmethod
    def is_customer(event: Event) -> bool:
        return event.kind == "post.made" or event.data.get("author") == "customer"

    def is_twice(self, event: Event) -> bool:
        """It waits there already, and was at no agent in between, or comes back from one at once."""
        if self.leg is None or self.leg.queue != event.data["queue"]:
            return False
        return self.away is None or event.at - self.away < TWICE

    def reopen(self, at: int) -> None:
        self.state, self.c.ended = "new", None
        self.fact("reopened", at)
        self.askings.drop()
        self.callback = False
        self.opened = True

    def on_contact_initiated(self, at: int, data: dict[str, Any]) -> None:
        if self.state == "new" and not self.opened and self.askings.spoke is None:
            by = data.get("opened_by", "customer")
            self.ours = by != "customer" or data.get("direction") == "outbound"
            self.opened = True

    def on_contact_queued(self, at: int, data: dict[str, Any]) -> None:
        self.asked = True
        if self.leg is not None:
            self.leave(at, "flow_out")
        self.leg, self.away = Leg(data["queue"], at), None
        self.c.legs.append(self.leg)
        self.fact("entered", at)
        if self.early is not None and at - self.early <= SKEW and self.state == "connected":
            self.leave(at, "answered")
            self.answer(at)
        else:
            if not self.talk.staying:
                self.talk.stop(at)
            self.state = "queued"
        self.early = None

    def on_contact_offered(self, at: int, data: dict[str, Any]) -> None:
        self.away = at
        if self.state not in ("connected", "held"):
            self.state = "offered"

    def on_contact_missed(self, at: int, data: dict[str, Any]) -> None:
        self.away = at
        if self.state == "offered":
            self.state = "queued"

    def on_contact_connected(self, at: int, data: dict[str, Any]) -> None:
        party = data.get("party", "human")
        if party != "human":
            self.serve()
            if self.state in ("new", "self-service", "bot", "transferring") and not self.talk.staying:
                self.state = party
            return
        self.asked = True
        busy = self.state in ("connected", "held")
        if self.leg is not None:
            self.leave(at, "answered")
        elif not busy:
            self.early = at
        self.talk.begin(at, data.get("agent_id"))
        self.state = "connected"
        self.answer(at)

    def on_contact_held(self, at: int, data: dict[str, Any]) -> None:
        if self.state == "connected":
            self.talk.hold_on(at)
            self.state = "held"

    def on_contact_resumed(self, at: int, data: dict[str, Any]) -> None:
        if self.state == "held":
            self.talk.resume(at)
            self.state = "connected"

    def on_contact_transferred(self, at: int, data: dict[str, Any]) -> None:
        if self.state == "ended":
            return
        self.asked = True
        self.c.transfers += 1
        if self.leg is not None:
            self.leave(at, "flow_out")
        if data.get("kind") == "warm" and self.state == "connected":
            self.talk.staying = True
        elif not self.talk.staying:
            self.talk.stop(at)
        if self.state != "callback":
            self.state = "transferring"

    def on_contact_handed_off(self, at: int, data: dict[str, Any]) -> None:
        self.asked = True
        self.askings.hand_over(at)
        if self.state in ("new", "self-service", "bot"):
            self.state = "transferring"

    def on_contact_callback_requested(self, at: int, data: dict[str, Any]) -> None:
        self.c.callback = Fact("callback", at, self.queue)
        if self.state in ("connected", "held", "wrapping", "ended"):
            return
        self.asked = self.callback = True
        if self.leg is not None:
            self.leave(at, "flow_out")
        self.state = "callback"

    def on_contact_left_queue(self, at: int, data: dict[str, Any]) -> None:
        if self.leg is not None and self.leg.queue == data["queue"]:
            self.leave(at, "flow_out")
            self.state = "transferring"

    def on_contact_turned_away(self, at: int, data: dict[str, Any]) -> None:
        self.asked = True
        self.c.facts.append(Fact("turned_away", at, data["queue"]))

    def on_contact_wrapped_up(self, at: int, data: dict[str, Any]) -> None:
        if self.answered is None and self.state in ("new", "self-service", "bot", "callback"):
            return
        agent, length = data.get("agent_id"), data.get("duration_ms")
        if self.state in ("connected", "held") and self.talk.is_with(agent):
            self.talk.stop_before(at, length or 0)
            self.state = "wrapping"
        self.talk.work(at, agent, length)
        self.talk.told(data, self.answered is not None)
        if self.c.ended is not None and self.talk.met and self.parts is None:
            self.parts = Fact("handled", self.c.ended, self.queue)

    def on_contact_ended(self, at: int, data: dict[str, Any]) -> None:
        if self.state != "ended":
            if data["by"] == "agent":
                self.asked = True
            self.talk.told(data, self.answered is not None)
            self.end(at, data["by"], data.get("reason", "completed"))
            self.askings.close()

    def on_message_sent(self, at: int, data: dict[str, Any]) -> None:
        self.c.messages += 1
        if data["author"] == "customer":
            self.customer_wrote(at, data)
        elif data["author"] in ("agent", "bot") and self.c.channel not in SPOKEN:
            self.spoken_by_us(at, data["author"])

    def on_post_made(self, at: int, data: dict[str, Any]) -> None:
        self.c.messages += 1
        self.customer_wrote(at, data)

    def on_post_answered(self, at: int, data: dict[str, Any]) -> None:
        """Another customer's answer is none of ours, and asks nothing."""
        self.c.messages += 1
        if data.get("author", "agent") in ("agent", "bot"):
            self.spoken_by_us(at, data.get("author", "agent"))

    def on_feedback_given(self, at: int, data: dict[str, Any]) -> None:
        score = {0: 1, 1: 5}[data["score"]] if data.get("scale") == "good-bad" else data["score"]
        self.answers[data["metric"]] = Fact(data["metric"], at, self.queue, (round(score * 1000),))

    def on_case_solved(self, at: int, data: dict[str, Any]) -> None:
        self.askings.close()

    # What they mean

    def customer_wrote(self, at: int, data: dict[str, Any]) -> None:
        self.askings.customer(at)
        if data.get("sentiment") is not None:
            self.fact("sentiment", at, round(data["sentiment"] * 1000))

    def spoken_by_us(self, at: int, author: str) -> None:
        """A human's first message after the customer's answers the contact, and the leg that it waits in."""
        over = self.state == "ended"
        self.asked = self.asked or (author == "agent" and not over)
        if author == "bot":
            self.serve()
        contained = over and not self.askings.unheard and self.finished is not None and self.finished.name in UNASKED
        for name, ms in self.askings.reply(at, author):
            self.fact(name, at, ms)
        if author == "agent" and not contained and (self.askings.unanswered is not None or self.leg is not None):
            self.askings.unanswered = None
            if self.leg is not None:
                self.leave(at, "answered")
                self.state = "connected"
            self.answer(at)

    def answer(self, at: int) -> None:
        if self.answered is None:
            self.c.wait = sum(leg.wait for leg in self.c.legs)
            self.answered = Fact("answered", at, self.queue, (self.c.wait,))

    def leave(self, at: int, outcome: str) -> None:
        assert self.leg is not None
        self.leg.left, self.leg.outcome = at, outcome
        self.c.facts.append(Fact(f"left.{outcome}", at, self.leg.queue, (self.leg.wait,)))
        self.leg = None

    def end(self, at: int, by: str, reason: str) -> None:
        outcome = self.how(by, reason)
        if self.leg is not None:
            self.leave(at, outcome)
        self.talk.stop(at)
        self.state, self.c.ended = "ended", at
        if self.finished is None or self.finished.name in UNASKED:
            self.finished = Fact(outcome, at, self.queue)
        if self.talk.met:
            self.parts = Fact("handled", at, self.queue)
        if (self.served or self.c.channel in MACHINES) and not self.human_first:
            contained = self.answered is None and self.finished.name == "contained"
            self.machine = Fact("machine", at, self.queue, (int(contained),))

    def serve(self) -> None:
        """A menu or a bot has it."""
        self.human_first = self.human_first or (self.asked and not self.served)
        self.served = True

    def how(self, by: str, reason: str) -> str:
        """The outcome of a leg, and of a contact that nobody answered."""
        can = self.c.channel not in NO_GIVING_UP
        if self.callback:
            return "flow_out"
        if can and reason == "abandoned":
            return "abandoned"
        if not self.asked:
            went = by == "customer" and reason != "self-served" and (not self.served or self.askings.unheard)
            return "left" if went else "contained"
        return "abandoned" if can and by == "customer" and reason not in TAKEN_AWAY else "flow_out"

    def close(self) -> None:
        """Facts of the contact as a whole, once each."""
        outcome = self.answered or self.finished
        if all(event.kind in ABOUT for event in self.c.events):
            self.c.outcome = "open" if outcome is None else "contained"
        elif outcome is not None:
            may_still_ask = outcome.name in UNASKED and self.state != "ended"
            self.c.outcome = "open" if may_still_ask else outcome.name
            if not self.ours:
                self.c.facts.append(outcome)
                self.c.facts += [self.machine] if self.machine else []
        if self.answered is None:
            self.c.wait = sum(leg.wait for leg in self.c.legs)
        held = any(e.kind == "contact.held" for e in self.c.events)
        self.c.talk, self.c.hold, self.c.wrap = self.talk.parts(by_moments=held)
        if self.parts is not None:
            self.parts.amounts = (self.c.talk, self.c.hold, self.c.wrap, self.c.transfers)
            self.c.facts.append(self.parts)
        self.c.facts += self.answers.values()
        self.c.queue, self.c.ours = self.queue, self.ours
